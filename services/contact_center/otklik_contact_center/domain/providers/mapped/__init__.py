"""
Any other product: read by a mapping of the company's own, the same that reads files.

Columns are paths into the body. Until there is a mapping bodies are kept unread.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from otklik_contact_center.domain.providers.proofs import proof_of
from otklik_contact_center.domain.providers.pushed import (
    Directions,
    Event,
    Provider,
    Request,
    UnreadableError,
)
from otklik_contact_center.domain.providers.rows import events_of
from otklik_contact_center.domain.signature import Fault

SECRET: Final = "secret"  # noqa: S105 - the name of one


def fault(request: Request, credentials: Mapping[str, str], _now: datetime) -> Fault | None:
    """What is wrong with a push; None if it is proved as the credentials say."""
    return proof_of(credentials).fault(request, credentials[SECRET])


def read(body: bytes, directions: Directions) -> Sequence[Event]:
    """
    The events in a body, by the mapping.

    Raises:
        UnreadableError: There is none yet, or it does not understand the body.
    """
    if directions.mapping is None:
        raise UnreadableError(
            "the source has no mapping yet: try one with bodies:dry-run, then set it in directions",
            "у источника ещё нет описания: проверьте его через bodies:dry-run и задайте"
            " в directions",
        )
    return events_of(directions.mapping, body, directions)


PROVIDER: Final = Provider(
    "mapped",
    ("by", SECRET),
    fault,
    read,
    options=("name", "hash", "encoding", "prefix"),
    check=proof_of,
    mapped=True,
)
