"""Contact records and events of Amazon Connect, as documented, come to exact contacts."""

import base64
import copy
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.providers import amazon_connect
from otklik_contact_center.domain.providers.pushed import (
    Directions,
    Lines,
    Request,
    UnreadableError,
)
from tests.support import providers
from tests.support.providers import NOW

CREDENTIALS = {"access_key": "firehose-secret-1"}
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAMES = ("answered", "transferred", "abandoned", "outgoing", "callback", "chat", "menu", "events")


def payloads(name: str) -> list[Any]:
    return providers.payloads(amazon_connect, name)


def contacts(said: Sequence[Any], directions: Directions | None = None) -> dict[str, Contact]:
    bodies = providers.as_json(said)
    return providers.contacts_of(amazon_connect.PROVIDER, bodies, directions)


def contact(said: Sequence[Any], directions: Directions | None = None) -> Contact:
    (found,) = contacts(said, directions).values()
    return found


def at(minutes: int, seconds: int = 0) -> datetime:
    return NINE + timedelta(minutes=minutes, seconds=seconds)


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def by_firehose(*datas: str) -> bytes:
    records = [{"data": in_base64(data)} for data in datas]
    push = {"requestId": "ed4acda5", "timestamp": 1_772_442_000_000, "records": records}
    return json.dumps(push).encode()


def test_a_call_that_is_answered() -> None:
    found = contact(payloads("answered"))
    about, course = found.about, found.course
    assert (about.channel, about.direction, about.phone) == ("call", "in", "+15551230101")
    assert (about.queue, about.agent, found.outcome) == ("Sales", "petrova", "answered")
    assert (course.started_at, course.offered_at) == (at(0), at(0, 20))
    assert (course.answered_at, course.ended_at) == (at(0, 50), at(4))
    assert (found.waited_ms, course.held_ms, found.talked_ms) == (30_000, 40_000, 150_000)
    assert (course.wrapped_ms, found.handled_ms, course.transfers) == (30_000, 220_000, 0)
    assert found.recorded
    assert found.contradictions == ()


def test_the_latest_version_of_a_record_wins() -> None:
    assert contact(payloads("answered")).about.attributes == {
        "topic": "refund",
        "disconnect_reason": "CUSTOMER_DISCONNECT",
        "recording_id": "connect-example/recordings/2026/03/02/one.wav",
    }
    first = contact(payloads("answered")[:1])
    assert (first.recorded, first.course.wrapped_ms, first.course.ended_at) == (False, None, at(4))


@pytest.mark.parametrize("number", range(8))
def test_the_latest_version_names_queue_and_agent(number: int) -> None:
    earlier, later = payloads("answered")[0], payloads("answered")[2]
    earlier["Queue"]["Name"], earlier["Agent"]["Username"] = f"Old {number}", f"old.{number}"
    later["Queue"]["Name"], later["Agent"]["Username"] = f"New {number}", f"new.{number}"
    for order in ([earlier, later], [later, earlier]):
        about = contact(order).about
        assert (about.queue, about.agent) == (f"New {number}", f"new.{number}")


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_in_any_order_and_again_is_the_same(name: str) -> None:
    bodies = providers.as_json(payloads(name))
    once = contacts(payloads(name))
    for shuffled in providers.in_any_order(bodies):
        assert providers.contacts_of(amazon_connect.PROVIDER, shuffled) == once


def test_a_transfer_is_the_same_contact() -> None:
    found = contact(payloads("transferred"))
    about, course = found.about, found.course
    assert (about.queue, about.agent, course.transfers) == ("Sales", "petrova", 1)
    assert (course.offered_at, course.answered_at) == (at(0, 10), at(0, 30))
    assert (course.first_ended_at, course.ended_at) == (at(6), at(6))
    assert (found.waited_ms, found.handled_ms) == (20_000, 350_000)
    assert found.contradictions == ()


def test_a_first_leg_alone_is_not_over() -> None:
    found = contact(payloads("transferred")[:1])
    assert (found.course.ended_at, found.outcome) == (None, "answered")


def test_who_leaves_a_queue_has_abandoned() -> None:
    found = contact(payloads("abandoned"))
    assert (found.outcome, found.abandoned_at) == ("abandoned", at(11, 15))
    assert (found.waited_ms, found.about.queue, found.about.agent) == (60_000, "Sales", None)
    assert found.about.phone is None


def test_who_leaves_the_menu_has_not_waited_for_anybody() -> None:
    found = contact(payloads("menu"))
    assert (found.outcome, found.abandoned_at, found.course.ended_at) == (
        "unknown",
        None,
        at(15, 40),
    )


def test_an_outgoing_call_is_ours_and_its_customer_answers() -> None:
    reached, missed = contacts(payloads("outgoing")).values()
    assert (reached.about.direction, reached.about.phone) == ("out", "+15551230101")
    assert (reached.about.agent, reached.about.queue) == ("petrova", "Sales")
    assert (reached.attempted_at, reached.connected_at) == (at(20), at(20, 12))
    assert (reached.outcome, reached.handled_ms) == ("answered", 128_000)
    assert (missed.outcome, missed.attempted_at, missed.connected_at) == (
        "not_reached",
        at(25),
        None,
    )


def test_a_call_that_we_make_and_a_machine_answers_is_no_answer() -> None:
    said = [{**payloads("outgoing")[0], "AnsweringMachineDetectionStatus": "VOICEMAIL_BEEP"}]
    assert (contact(said).outcome, contact(said).connected_at) == ("voicemail", None)


def test_a_queued_callback_is_the_contact_of_the_call_that_asked_for_it() -> None:
    found = contact(payloads("callback"))
    course = found.course
    assert (found.about.direction, found.about.agent, found.outcome) == (
        "in",
        "petrova",
        "answered",
    )
    assert (course.offered_at, course.answered_at) == (at(30, 20), at(40, 20))
    assert (course.ended_at, course.transfers, found.contradictions) == (at(43), 0, ())


def test_a_callback_that_reaches_nobody_stays_asked_for() -> None:
    said = payloads("callback")
    said[1] = {**said[1], "ConnectedToSystemTimestamp": None}
    assert contact(said).outcome == "callback_requested"


def test_a_chat_begins_through_the_api_and_is_the_customer_s() -> None:
    found = contact(payloads("chat"))
    assert (found.about.channel, found.about.direction) == ("chat", "in")
    assert (found.waited_ms, found.first_replied_at, found.recorded) == (40_000, at(50, 45), False)


def test_a_task_is_some_other_channel() -> None:
    assert contact([{**payloads("chat")[0], "Channel": "TASK"}]).about.channel == "other"


def test_a_reply_by_letter_belongs_to_the_letter_it_answers() -> None:
    letter = {**payloads("chat")[0], "Channel": "EMAIL", "InitiationMethod": "INBOUND"}
    reply = {
        **payloads("outgoing")[0],
        "Channel": "EMAIL",
        "InitiationMethod": "AGENT_REPLY",
        "InitialContactId": letter["ContactId"],
        "InitiationTimestamp": "2026-03-02T09:55:00Z",
    }
    found = contact([letter, reply])
    assert (found.about.channel, found.about.direction) == ("email", "in")
    assert (found.course.ended_at, found.contradictions) == (at(58), ())


def test_events_say_what_is_going_on_and_end_nothing() -> None:
    found = contact(payloads("events"))
    about, course = found.about, found.course
    assert (about.direction, about.queue, about.agent) == ("in", "sales-0001", "petrova-0001")
    assert (course.offered_at, course.answered_at, course.ended_at) == (at(0, 20), at(0, 50), None)


def test_events_beside_records_change_nothing() -> None:
    both = [*payloads("events"), *payloads("answered")]
    assert contact(both) == contact(payloads("answered"))
    for shuffled in providers.in_any_order(providers.as_json(both), 20):
        found = providers.contact_of(amazon_connect.PROVIDER, shuffled)
        assert found == contact(payloads("answered"))


def test_milliseconds_of_events_are_the_seconds_of_records() -> None:
    events = json.loads(json.dumps(payloads("events")).replace(".000Z", ".987Z"))
    assert contact([*events, *payloads("answered")]) == contact(payloads("answered"))


def test_the_detail_of_an_event_may_come_alone() -> None:
    said = [one["detail"] for one in payloads("events")]
    assert contact(said) == contact(payloads("events"))


def test_firehose_wraps_one_record_or_several() -> None:
    texts = [json.dumps(one) for one in payloads("transferred")]
    kinesis = json.dumps([{"data": in_base64(text), "sequenceNumber": "1"} for text in texts])
    for body in (
        by_firehose(*texts),
        by_firehose("".join(texts)),
        by_firehose("\n".join(texts) + "\n"),
        by_firehose(json.dumps(payloads("transferred"))),
        kinesis.encode(),
        json.dumps(payloads("transferred")).encode(),
        "\n".join(texts).encode(),
    ):
        found = providers.contact_of(amazon_connect.PROVIDER, [body])
        assert found == contact(payloads("transferred"))


def test_what_is_no_contact_makes_none() -> None:
    bodies = providers.as_json(payloads("other"))
    assert providers.events_of(amazon_connect.PROVIDER, bodies) == []


def test_the_company_s_words_stand_for_amazon_s() -> None:
    directions = Directions(
        {"15551230900": Lines("moscow", None)}, {"petrova": "p.petrova"}, {"Sales": "sales"}
    )
    about = contact(payloads("answered"), directions).about
    assert (about.branch, about.agent, about.queue) == ("moscow", "p.petrova", "sales")


def test_unknown_fields_change_nothing() -> None:
    for name in NAMES:
        said = [{**one, "NewIn2030": {"a": [1]}} for one in payloads(name)]
        assert contacts(said) == contacts(payloads(name))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"1",
        b"[1]",
        b"\xff\xfe",
        b"{}",
        b'{"ContactId": ""}',
        b'{"ContactId": "\\ud800"}',
        b'{"detail-type": "Amazon Connect Contact Event", "detail": {"eventType": "QUEUED"}}',
        b'{"records": [{"data": "?"}]}',
        b'{"records": [{"data": ""}]}',
        b"[[[[[[[[]]]]]]]]",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_amazon_would_not_send_is_said(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        amazon_connect.read(body, Directions())


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-firehose-access-key": "firehose-secret-1"},
        {"authorization": "Bearer firehose-secret-1"},
    ],
)
def test_whoever_brings_the_key_is_believed(headers: dict[str, str]) -> None:
    assert amazon_connect.fault(Request(headers, b""), CREDENTIALS, NOW) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-amz-firehose-access-key": ""},
        {"x-amz-firehose-access-key": "firehose-secret-2"},
        {"x-amz-firehose-access-key": "Bearer firehose-secret-1"},
        {"authorization": "firehose-secret-1"},
        {"authorization": "Bearer firehose-secret-"},
        {"authorization": "Bearer \udcff"},
    ],
)
def test_nobody_else_is_believed(headers: dict[str, str]) -> None:
    assert amazon_connect.fault(Request(headers, b""), CREDENTIALS, NOW) is not None


def test_a_key_that_is_empty_opens_nothing() -> None:
    assert amazon_connect.fault(Request({}, b""), {"access_key": ""}, NOW) is not None


@given(st.integers(0, 200), st.integers(0, 6))
def test_a_bit_of_the_key_that_is_changed_is_seen(place: int, bit: int) -> None:
    changed = providers.bit_changed(b"firehose-secret-1", place, bit).decode("latin-1")
    request = Request({"x-amz-firehose-access-key": changed}, b"")
    assert amazon_connect.fault(request, CREDENTIALS, NOW) is not None


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=300)
    | st.just("2026-03-02T09:00:00Z")
    | st.just("0001-01-01T00:00:00+14:00"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
WHOLE = [one for name in (*NAMES, "other") for one in payloads(name)]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else []
    return [*([path] if path else []), *(p for k, v in inner for p in places(v, (*path, k)))]


@settings(max_examples=400)
@given(st.data())
def test_any_value_in_any_place_is_read_or_said_to_be_unreadable(data: st.DataObject) -> None:
    said = copy.deepcopy(data.draw(st.sampled_from(WHOLE)))
    *path, name = data.draw(st.sampled_from(places(said)))
    within = said
    for step in path:
        within = within[step]
    within[name] = data.draw(VALUES)
    try:
        read = amazon_connect.read(json.dumps(said).encode(), Directions())
    except UnreadableError:
        return
    assert all({"id", "contact", "type", "at"} <= event.keys() for event in read)
    if "0001" not in json.dumps(said):
        providers.events_of(amazon_connect.PROVIDER, [json.dumps(said).encode()])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_said_to_be_unreadable(body: bytes) -> None:
    try:
        amazon_connect.read(body, Directions())
    except UnreadableError:
        return


@given(st.lists(VALUES | st.builds(lambda value: {"data": value}, VALUES), max_size=4), st.text())
def test_anything_that_firehose_wraps_is_read_or_said(records: list[Any], text: str) -> None:
    for body in (json.dumps({"records": records}).encode(), by_firehose(text)):
        try:
            amazon_connect.read(body, Directions())
        except UnreadableError:
            continue


def test_firehose_reads_what_it_wants_and_others_our_answer() -> None:
    asked = Request({"x-amz-firehose-request-id": "r-1"}, b"")
    told = amazon_connect.receipt(asked, NOW)
    assert told is not None
    assert json.loads(told) == {"requestId": "r-1", "timestamp": round(NOW.timestamp() * 1000)}
    assert amazon_connect.receipt(Request({}, b""), NOW) is None
