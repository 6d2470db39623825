"""Which facts to publish: what is new, changed or gone since what was published before."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from otklik_common.events.envelope import MAX_FACT_BYTES, Fact

HASH_BYTES: Final = 12


class FactTooLargeError(Exception):
    """A fact above 16 KiB, which nobody would read: whoever folds it is parked."""


class Emitted(msgspec.Struct, frozen=True, array_like=True):
    """
    What was last published of a subject.

    Attributes:
        hash: Of the state, to see whether anything changed.
        data: The state itself, where the fold may forget it: a void fact repeats it.
    """

    revision: int
    hash: bytes
    void: bool = False
    data: bytes = b""


class Step(NamedTuple):
    """One revision to publish."""

    subject: UUID
    emitted: Emitted
    data: bytes


def state_of(data: bytes) -> bytes:
    """Hash of a fact's rendered state."""
    return hashlib.blake2b(data, digest_size=HASH_BYTES).digest()


def next_step(subject: UUID, known: Emitted | None, data: bytes | None) -> Step | None:
    """
    What to publish of one subject.

    Args:
        data: Its state as rendered now; None if it is no more.
    Returns:
        None if what was published last still holds.
    """
    if data is None:
        if known is None or known.void:
            return None
        gone = Emitted(known.revision + 1, known.hash, void=True, data=known.data)
        return Step(subject, gone, known.data)
    state = state_of(data)
    if known is not None and not known.void and known.hash == state:
        return None
    revision = 1 if known is None else known.revision + 1
    return Step(subject, Emitted(revision, state, data=data), data)


def steps(known: Mapping[UUID, Emitted], now: Mapping[UUID, bytes]) -> list[Step]:
    """What to publish of a family of subjects: new, changed, and void what vanished."""
    subjects: Iterable[UUID] = [*now, *(subject for subject in known if subject not in now)]
    found = (next_step(subject, known.get(subject), now.get(subject)) for subject in subjects)
    return [step for step in found if step is not None]


class Announcement(NamedTuple):
    """A fact on its way to the outbox: the key and the payload of its message."""

    tenant: str
    key: str
    payload: bytes


def announcement(
    step: Step,
    kind: type[Fact],
    *,
    tenant: str,
    verb: str,
    time: datetime,
    recorded_at: datetime,
    traceparent: str | None,
) -> Announcement:
    """
    A step as it travels: what `registry.encode` makes, in a tenth of the time.

    Args:
        traceparent: Well-formed, or None.
    Raises:
        FactTooLargeError: It is above `MAX_FACT_BYTES`.
    """
    emitted = step.emitted
    key = f"{kind.kind}/{step.subject}"
    trace = "" if traceparent is None else f'"traceparent":"{traceparent}",'
    head = (
        f'{{"specversion":"1.0","id":"{step.subject}-1-{emitted.revision}",'
        f'"source":"/{kind.owner}","type":"otklik.{kind.kind}.{verb}.v{kind.version}",'
        f'"datacontenttype":"application/json","tenant":"{tenant}","subject":"{key}",'
        f'"epoch":1,"revision":{emitted.revision},"time":"{_rfc3339(time)}",'
        f'"recordedtime":"{_rfc3339(recorded_at)}",'
        f'"void":{"true" if emitted.void else "false"},{trace}"data":'
    )
    payload = head.encode() + step.data + b"}"
    if len(payload) > MAX_FACT_BYTES:
        raise FactTooLargeError(f"fact {key} has {len(payload)} bytes")
    return Announcement(tenant, key, payload)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()[:-6] + "Z"
