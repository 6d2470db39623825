"""The fields of an event that a mapping can fill, and what each of them takes."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from otklik_contact_center.domain import events

ATTRIBUTES: Final = "attributes."
CUSTOMER: Final = "customer."


class Target(NamedTuple):
    """
    What a field takes.

    Attributes:
        most: Characters of a text; 0: it is none.
        among: The only texts it takes; empty: any.
        kind: text, seconds or time.
    """

    most: int = 0
    among: tuple[str, ...] = ()
    kind: str = "text"


_CODE: Final = Target(events.MAX_CODE)
_ADDRESS: Final = Target(events.MAX_ADDRESS)
_SECONDS: Final = Target(kind="seconds")
_ATTRIBUTE: Final = Target(events.MAX_ATTRIBUTE_LENGTH)

TARGETS: Final[Mapping[str, Target]] = {
    "channel": Target(events.MAX_CODE, events.CHANNELS),
    "direction": Target(events.MAX_CODE, events.DIRECTIONS),
    "party": _CODE,
    "from": _ADDRESS,
    "to": _ADDRESS,
    "customer.phone": _ADDRESS,
    "customer.email": _ADDRESS,
    "customer.external_id": _ADDRESS,
    "queue": _CODE,
    "branch": _CODE,
    "team": _CODE,
    "agent": _CODE,
    "campaign": _CODE,
    "touchpoint": _CODE,
    "stage": _CODE,
    "actor": Target(events.MAX_CODE, events.ACTORS),
    "outcome": Target(events.MAX_CODE, events.ENDINGS),
    "due_at": Target(kind="time"),
    "waited_seconds": _SECONDS,
    "talked_seconds": _SECONDS,
    "text": Target(events.MAX_TEXT),
}


def target_of(name: str) -> Target | None:
    """What the field of that name takes; None if there is none."""
    if name.startswith(ATTRIBUTES):
        attribute = name.removeprefix(ATTRIBUTES)
        return _ATTRIBUTE if 1 <= len(attribute) <= events.MAX_CODE else None
    return TARGETS.get(name)
