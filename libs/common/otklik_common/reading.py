"""Records of the log as events: the envelope decoded for many at once, the state on demand."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Final, NamedTuple
from uuid import UUID

import msgspec

from otklik_common.events import (  # noqa: F401 - reading needs every contract to be declared
    access,
    asking,
    claims,
    contact_center,
    feedback,
    feedback_clocks,
    leads,
    loyalty,
    metrics,
    reviews,
    scripts,
    staff,
)
from otklik_common.events.envelope import Fact
from otklik_common.events.registry import Unreadable, contracts, parse_type, read_data
from otklik_common.ids import is_tenant
from otklik_common.log.port import Record

_MOST_TENANTS: Final = 100_000
_REASON_LENGTH: Final = 300

Count = Annotated[int, msgspec.Meta(ge=1)]


class ReadEvent(msgspec.Struct, eq=False, gc=False):
    """
    One event as it was read, with its place in the log.

    Attributes:
        raw: The state of the subject as JSON, of the contract `version` of its `kind`.
        traceparent: W3C trace context of the request that caused it, if it was traced.
    """

    tenant: str
    kind: str
    verb: str
    version: int
    subject: UUID
    epoch: int
    revision: int
    void: bool
    time: datetime
    recorded_at: datetime
    raw: bytes
    topic: str
    partition: int
    offset: int
    traceparent: str | None = None
    fact: Fact | None = None

    def data(self) -> Fact:
        """
        The state of the subject, lifted to the newest version of its contract.

        Raises:
            Unprocessable: The state breaks its contract.
        """
        if self.fact is None:
            try:
                self.fact = read_data(self.kind, self.version, self.raw)
            except Unreadable as broken:
                raise Unprocessable(self, str(broken)) from None
        return self.fact


class Unprocessable(Exception):
    """This event can never be taken in; it goes to the dead letters, the others go on."""

    def __init__(self, event: ReadEvent, reason: str) -> None:
        super().__init__(reason)
        self.event = event
        self.reason = reason


class Unread(NamedTuple):
    """A record that is no event to this build. The reason repeats no value of it."""

    record: Record
    reason: str
    tenant: str | None


class _Envelope(msgspec.Struct, gc=False):
    type: str
    tenant: str
    subject: str
    epoch: Count
    revision: Count
    time: datetime
    recordedtime: datetime
    void: bool
    data: msgspec.Raw
    traceparent: str | None = None


class _Written(msgspec.Struct, gc=False):
    recordedtime: datetime


class _Types(dict[str, tuple[str, str, int, str]]):
    """CloudEvents type → (kind, verb, version, prefix of its subjects); unknown ones raise."""

    def __missing__(self, text: str) -> tuple[str, str, int, str]:
        kind, verb, version = parse_type(text)
        if (kind, version) not in contracts():
            raise Unreadable(f"unknown contract {kind}.v{version}")
        # The verb is free text of a writer: it must not fill the memory.
        if len(self) < _MOST_TENANTS:
            self[text] = (kind, verb, version, f"{kind}/")
        return kind, verb, version, f"{kind}/"


_types = _Types()
_tenants: set[str] = set()
_decode = msgspec.json.Decoder(_Envelope).decode
_decode_moment = msgspec.json.Decoder(_Written).decode
_decode_ids = msgspec.json.Decoder(list[UUID]).decode


def read(records: Sequence[Record]) -> tuple[list[ReadEvent], list[Unread]]:
    """The records as events, in their order, and those that are none."""
    events: list[ReadEvent] = []
    unread: list[Unread] = []
    subjects: list[str] = []
    keep, note = events.append, subjects.append
    for record in records:
        topic, partition, offset, _, value = record
        try:
            head = _decode(value)
            kind, verb, version, prefix = _types[head.type]
        except (msgspec.MsgspecError, Unreadable, ValueError, RecursionError) as broken:
            unread.append(_unread(record, broken))
            continue
        subject = head.subject
        if head.tenant not in _tenants and not _is_known(head.tenant):
            unread.append(Unread(record, "tenant is no company's id", None))
            continue
        if (
            not subject.startswith(prefix)
            or head.time.tzinfo is None
            or (head.recordedtime.tzinfo is None)
        ):
            unread.append(Unread(record, "subject or time does not fit its type", head.tenant))
            continue
        note(subject[len(prefix) :])
        keep(
            ReadEvent(
                head.tenant,
                kind,
                verb,
                version,
                _NO_SUBJECT,
                head.epoch,
                head.revision,
                head.void,
                head.time,
                head.recordedtime,
                bytes(head.data),
                topic,
                partition,
                offset,
                head.traceparent,
            )
        )
    return _with_subjects(events, subjects, records, unread), unread


def recorded_at(value: bytes) -> datetime | None:
    """When a record was written, whatever else is wrong with it; None if it does not say."""
    try:
        found = _decode_moment(value).recordedtime
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return None if found.tzinfo is None else found


def places_of(records: Iterable[Record]) -> dict[tuple[str, int, int], Record]:
    """Records by topic, partition and offset."""
    return {(record.topic, record.partition, record.offset): record for record in records}


_NO_SUBJECT: Final = UUID(int=0)


def _with_subjects(
    events: list[ReadEvent],
    subjects: Sequence[str],
    records: Sequence[Record],
    unread: list[Unread],
) -> list[ReadEvent]:
    """Give events their subjects, decoded in one go; those whose id is none join `unread`."""
    try:
        # Made by joining: a quote in an id only makes the whole list malformed.
        ids = _decode_ids('["' + '","'.join(subjects) + '"]') if subjects else []
        if len(ids) != len(events):
            raise msgspec.ValidationError("one id looks like several")
    except msgspec.MsgspecError:
        return _one_by_one(events, subjects, records, unread)
    for event, subject in zip(events, ids, strict=True):
        event.subject = subject
    return events


def _one_by_one(
    events: list[ReadEvent],
    subjects: Sequence[str],
    records: Sequence[Record],
    unread: list[Unread],
) -> list[ReadEvent]:
    kept = []
    at = places_of(records)
    for event, subject in zip(events, subjects, strict=True):
        try:
            event.subject = UUID(subject)
            kept.append(event)
        except ValueError:
            record = at[event.topic, event.partition, event.offset]
            unread.append(Unread(record, "subject is no id", event.tenant))
    return kept


def _is_known(tenant: str) -> bool:
    if not is_tenant(tenant):
        return False
    if len(_tenants) < _MOST_TENANTS:
        _tenants.add(tenant)
    return True


def _unread(record: Record, broken: Exception) -> Unread:
    match broken:
        case msgspec.MsgspecError() | Unreadable():
            text = str(broken)
        case UnicodeDecodeError():
            text = "not UTF-8"
        case RecursionError():
            text = "nested too deeply"
        case _:
            text = "malformed"
    return Unread(record, text[:_REASON_LENGTH], None)
