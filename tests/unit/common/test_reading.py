"""Records become events; what is none says why and repeats nothing of it."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common import batch
from otklik_common.events.access import Branch
from otklik_common.events.envelope import Event
from otklik_common.events.registry import decode, encode
from otklik_common.log.port import Record, Slice
from otklik_common.reading import ReadEvent, Unprocessable, read

NOW = datetime(2026, 3, 2, 9, 14, 6, 120001, tzinfo=UTC)
EVENT = Event(
    tenant="probe234",
    subject=uuid4(),
    revision=3,
    verb="changed",
    time=NOW,
    recorded_at=NOW,
    data=Branch(code="tyumen"),
    epoch=2,
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


def a_record(value: bytes, offset: int = 0) -> Record:
    """A record at some place."""
    return Record("otklik.access", 5, offset, EVENT.key, value)


def changed(old: str, new: str) -> bytes:
    """The event with one text in it exchanged."""
    value = encode(EVENT).decode()
    assert old in value
    return value.replace(old, new).encode()


def test_an_event_is_read_as_it_was_written() -> None:
    events, unread = read([a_record(encode(EVENT), offset=7)])
    assert unread == []
    event = events[0]
    known = decode(encode(EVENT))
    assert (event.tenant, event.kind, event.verb, event.version) == (
        "probe234",
        "branch",
        "changed",
        1,
    )
    assert (event.subject, event.epoch, event.revision, event.void) == (
        EVENT.subject,
        2,
        3,
        False,
    )
    assert (event.time, event.recorded_at, event.traceparent) == (NOW, NOW, EVENT.traceparent)
    assert (event.topic, event.partition, event.offset) == ("otklik.access", 5, 7)
    assert event.data() == known.data == EVENT.data
    assert event.data() is event.data()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "truncated"),
        (b"\xff\xfe", "malformed"),
        (b"null", "Expected `object`"),
        (changed('"revision":3', '"revision":0'), "revision"),
        (changed('"epoch":2', '"epoch":true'), "epoch"),
        (changed('"void":false', '"void":null'), "void"),
        (changed("branch.changed.v1", "branch.changed.v7"), "unknown contract branch.v7"),
        (changed("otklik.branch.changed.v1", "otklik.riddle.asked.v1"), "riddle"),
        (changed("otklik.branch.changed.v1", "+79991234567"), "type"),
        (changed("probe234", "+7999123"), "tenant is no company's id"),
        (changed(f"branch/{EVENT.subject}", f"contact/{EVENT.subject}"), "subject"),
        (changed(f"branch/{EVENT.subject}", "branch/tyumen"), "subject is no id"),
        (changed(f"branch/{EVENT.subject}", 'branch/\\",\\"'), "subject is no id"),
        (changed('"time":"2026-03-02T09:14:06.120001Z"', '"time":"2026-03-02T09:14:06"'), "time"),
    ],
)
def test_what_is_no_event_is_told_apart(value: bytes, reason: str) -> None:
    good = encode(EVENT)
    events, unread = read([a_record(good, 1), a_record(value, 2), a_record(good, 3)])
    assert [event.offset for event in events] == [1, 3]
    assert [event.subject for event in events] == [EVENT.subject] * 2
    assert [bad.record.offset for bad in unread] == [2]
    assert reason in unread[0].reason


def test_a_state_that_breaks_its_contract_is_found_when_it_is_asked_for() -> None:
    (event,), _ = read([a_record(changed('"code":"tyumen"', '"code":""'))])
    with pytest.raises(Unprocessable, match=r"branch\.v1") as said:
        event.data()
    assert said.value.event is event


@given(st.lists(st.binary(max_size=80), max_size=10))
def test_nothing_breaks_the_reader(values: list[bytes]) -> None:
    events, unread = read([a_record(value, number) for number, value in enumerate(values)])
    assert len(events) + len(unread) == len(values)


def test_events_are_told_apart_by_what_they_are_not_by_value() -> None:
    first, second = (read([a_record(encode(EVENT))])[0][0] for _ in range(2))
    assert first != second
    assert isinstance(first, ReadEvent)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (changed('"data":{', '"data":{"deep":' + "[" * 20_000 + "]" * 20_000 + ","), "nested"),
        (changed(".v1", ".v" + "9" * 5_000), "type 'otklik"),
    ],
)
def test_what_breaks_a_parser_is_put_aside_like_the_rest(value: bytes, reason: str) -> None:
    events, unread = read([a_record(value), a_record(encode(EVENT), offset=1)])
    assert [event.offset for event in events] == [1]
    assert reason in unread[0].reason


@pytest.mark.asyncio
@pytest.mark.parametrize("piece", [1, 2, 3, 7, 500])
async def test_records_are_read_alike_in_pieces_of_any_size(
    piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "PIECE", piece)
    good, bad = encode(EVENT), b"{"
    records = [a_record(bad if n % 3 == 1 else good, offset=n) for n in range(10)]
    empty = Slice(("otklik.access", 4), 7, 9, [])
    parts = await batch.parts_of([Slice(("otklik.access", 5), 0, 10, records), empty])
    assert [part.place[1] for part in parts] == [5, 4]
    assert parts[0][:4] == (("otklik.access", 5), 0, 10, records)
    assert [event.offset for event in parts[0].events] == [0, 2, 3, 5, 6, 8, 9]
    assert [letter.record.offset for letter in parts[0].dead] == [1, 4, 7]
    assert parts[1] == (*empty, [], [])


def test_slices_are_joined_only_where_nothing_lies_between() -> None:
    place = ("otklik.access", 5)

    def of(start: int, stop: int) -> Slice:
        return Slice(place, start, stop, [a_record(b"", offset=n) for n in range(start, stop)])

    assert of(0, 3).followed_by(of(3, 5)) == of(0, 5)
    for elsewhere in (of(2, 5), of(4, 5), of(0, 1)):
        assert of(0, 3).followed_by(elsewhere) == elsewhere
