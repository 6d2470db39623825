"""What FreeSWITCH pushes, as its documentation and sources have it, comes to exact contacts."""

import base64
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.providers import freeswitch
from otklik_contact_center.domain.providers.pushed import (
    Directions,
    Lines,
    Request,
    UnreadableError,
)
from tests.support import providers
from tests.support.providers import NOW

CREDENTIALS = {"user": "freeswitch", "password": "correct horse"}
CONTACTS = (
    "record_answered",
    "record_abandoned",
    "record_timeout",
    "record_direct",
    "record_outgoing",
    "event_answered",
    "event_abandoned",
    "event_timeout",
)


def payloads(name: str) -> list[Any]:
    return providers.payloads(freeswitch, name)


def bodies(*names: str) -> list[bytes]:
    return [body for name in names for body in providers.as_json(payloads(name))]


def contact(pushed: Sequence[bytes], directions: Directions | None = None) -> Contact:
    return providers.contact_of(freeswitch.PROVIDER, pushed, directions)


def at(seconds: float) -> datetime:
    return datetime(2026, 3, 2, 12, tzinfo=UTC) + timedelta(seconds=seconds)


def basic(pair: str, scheme: str = "Basic") -> Request:
    encoded = base64.b64encode(pair.encode("utf-8", "surrogateescape")).decode()
    return Request({"authorization": f"{scheme} {encoded}"}, b"{}")


def test_a_record_of_a_call_through_a_queue_is_one_contact() -> None:
    found = contact(bodies("record_answered"))
    about, course = found.about, found.course
    assert (about.channel, about.direction, about.phone) == ("call", "in", "+79161230002")
    assert (about.queue, about.agent, found.outcome) == (
        "sales@default",
        "101@default",
        "answered",
    )
    assert (course.started_at, course.offered_at) == (at(0.5), at(5))
    assert (course.answered_at, course.ended_at) == (at(20), at(140.25))
    assert (found.waited_ms, course.held_ms, found.talked_ms) == (15_000, 15_500, 104_750)
    assert about.attributes == {
        "hangup_cause": "NORMAL_CLEARING",
        "ended_by": "caller",
        "recording_id": "/var/rec/6f1c9d52.wav",
    }
    assert found.recorded
    assert found.contradictions == ()


@pytest.mark.parametrize("told", ["record", "event"])
def test_whoever_hangs_up_in_the_queue_has_abandoned(told: str) -> None:
    found = contact(bodies(f"{told}_abandoned"))
    assert (found.outcome, found.abandoned_at) == ("abandoned", at(14.75))
    assert found.waited_ms == {"record": 9_750, "event": 9_500}[told]


@pytest.mark.parametrize("told", ["record", "event"])
def test_a_call_that_nobody_took_in_time_has_overflowed(told: str) -> None:
    found = contact(bodies(f"{told}_timeout"))
    assert (found.outcome, found.course.ended_at) == ("overflowed", at(70.75))
    assert found.abandoned_at is None


def test_whoever_leaves_by_a_key_is_transferred() -> None:
    (record,) = payloads("record_abandoned")
    record["variables"]["cc_exit_key"] = "1"
    assert contact(providers.as_json([record])).outcome == "transferred"


def test_a_call_that_is_bridged_without_a_queue_is_answered_by_whom_it_came_to() -> None:
    found = contact(bodies("record_direct"))
    assert (found.about.direction, found.about.agent) == ("in", "102")
    assert (found.course.offered_at, found.course.answered_at) == (at(0.5), at(9.25))
    assert found.course.transfers == 1  # what the dialplan did before the answer is none
    assert found.contradictions == ()


def test_the_machine_s_own_answer_is_no_answer() -> None:
    (record,) = payloads("record_direct")
    for name in ("bridge_epoch", "bridge_uepoch"):
        record["variables"][name] = "0"
    assert contact(providers.as_json([record])).outcome == "abandoned"
    record["variables"]["last_app"] = "voicemail"
    assert contact(providers.as_json([record])).outcome == "voicemail"


def test_an_outgoing_call_is_ours() -> None:
    found = contact(bodies("record_outgoing"))
    assert (found.about.direction, found.about.phone) == ("out", "79161230002")
    assert (found.attempted_at, found.connected_at) == (at(0.5), at(12.5))
    assert (found.about.agent, found.course.held_ms) == ("101", 10_000)
    assert found.about.attributes["ended_by"] == "agent"


def test_what_fusionpbx_says_of_the_direction_counts() -> None:
    (record,) = payloads("record_direct")
    record["variables"]["call_direction"] = "outbound"
    assert contact(providers.as_json([record])).about.direction == "out"
    record["variables"]["call_direction"] = "local"
    assert providers.events_of(freeswitch.PROVIDER, providers.as_json([record])) == []


def test_a_call_in_events_is_one_contact() -> None:
    found = contact(bodies("event_answered"))
    about, course = found.about, found.course
    assert (about.direction, about.phone, about.queue) == ("in", "+79161230002", "sales@default")
    assert (about.agent, found.outcome) == ("101@default", "answered")
    assert (course.offered_at, course.assigned_at) == (at(5.25), at(5.5))
    assert (course.answered_at, course.ended_at) == (at(20.25), at(140.25))
    assert (found.waited_ms, found.handled_ms) == (15_000, 120_000)
    assert found.contradictions == ()


def test_only_a_hangup_ends_a_call() -> None:
    until = [one for one in bodies("event_answered") if b"CHANNEL_HANGUP_COMPLETE" not in one]
    assert contact(until).course.ended_at is None


@pytest.mark.parametrize("how", ["answered", "abandoned", "timeout"])
def test_records_and_events_of_one_call_agree(how: str) -> None:
    both = bodies(f"record_{how}", f"event_{how}")
    found, recorded = contact(both), contact(bodies(f"record_{how}"))
    assert (found.outcome, found.waited_ms) == (recorded.outcome, recorded.waited_ms)
    assert (found.handled_ms, found.course.ended_at) == (
        recorded.handled_ms,
        recorded.course.ended_at,
    )
    assert found.contradictions == ()
    for shuffled in providers.in_any_order(both):
        assert contact(shuffled) == found


def test_the_end_is_told_in_the_same_words_by_records_and_events() -> None:
    ends = {
        json.dumps(event, sort_keys=True)
        for body in bodies("record_answered", "event_answered")
        for event in freeswitch.read(body, Directions())
        if event["type"] == "ended"
    }
    assert len(ends) == 1


def test_agents_who_ring_at_once_are_not_taken_for_one() -> None:
    offered = payloads("event_abandoned")[1]
    both = [offered, {**offered, "CC-Agent": "101@default"}]
    events = providers.events_of(freeswitch.PROVIDER, providers.as_json(both))
    assert len({event.id for event in events}) == 2


@pytest.mark.parametrize("name", CONTACTS)
def test_what_comes_in_any_order_and_again_is_the_same_contact(name: str) -> None:
    once = contact(bodies(name))
    for shuffled in providers.in_any_order(bodies(name)):
        assert contact(shuffled) == once


@pytest.mark.parametrize("name", ["record_other", "event_other"])
def test_what_is_no_contact_makes_none(name: str) -> None:
    assert providers.events_of(freeswitch.PROVIDER, bodies(name)) == []


def test_a_record_may_come_as_a_form() -> None:
    once = contact(bodies("record_answered"))
    for encode in (lambda one: quote(one).encode(), base64.b64encode):
        forms = [b"cdr=" + encode(body) for body in bodies("record_answered")]
        assert contact(forms) == once


def test_values_may_be_plain_and_numbers() -> None:
    record = payloads("record_abandoned")[0]
    record["variables"] = {
        name: int(value) if value.isdecimal() else value.replace("%40", "@")
        for name, value in record["variables"].items()
    }
    assert contact(providers.as_json([record])) == contact(bodies("record_abandoned"))


def test_without_microseconds_seconds_count() -> None:
    (record,) = payloads("record_abandoned")
    record["variables"] = {
        name: value for name, value in record["variables"].items() if "uepoch" not in name
    }
    found = contact(providers.as_json([record]))
    assert (found.course.started_at, found.course.ended_at) == (at(0), at(14))


def test_one_body_may_hold_many() -> None:
    said = payloads("event_answered")
    lines = b"\n".join(providers.as_json(said))
    for body in (json.dumps(said).encode(), lines):
        assert contact([body]) == contact(bodies("event_answered"))


def test_the_company_s_words_stand_for_freeswitch_s() -> None:
    directions = Directions(
        {"74951230001": Lines("moscow", None)},
        {"101@default": "petrova"},
        {"sales@default": "prodazhi"},
    )
    about = contact(bodies("record_answered"), directions).about
    assert (about.branch, about.agent, about.queue) == ("moscow", "petrova", "prodazhi")


def test_unknown_fields_change_nothing() -> None:
    for name in CONTACTS:
        said = [{**one, "new_in_2030": {"a": [1]}} for one in payloads(name)]
        for one in said:
            if "variables" in one:
                one["variables"]["new_in_2030"] = "1"
        assert contact(providers.as_json(said)) == contact(bodies(name))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[",
        b"[1]",
        b"1",
        b"{}",
        b'{"variables":{}}',
        b'{"variables":[]}',
        b"cdr=",
        b"cdr=%7B",
        b"cdr=hello",
        b'{"CC-Action":"member-queue-start","Event-Date-Timestamp":"1772452805250000"}',
        b'{"CC-Action":"member-queue-start","CC-Member-Session-UUID":"a"}',
        b'{"Event-Name":"CHANNEL_HANGUP_COMPLETE","variable_cc_side":"member"}',
        b'"\\ud800"',
        b"\xff\xfe",
    ],
)
def test_what_freeswitch_would_not_send_is_said(body: bytes) -> None:
    with pytest.raises(UnreadableError) as no:
        freeswitch.read(body, Directions())
    assert str(no.value)
    assert no.value.ru


def test_whoever_knows_user_and_password_is_freeswitch_and_nobody_else() -> None:
    pair = "freeswitch:correct horse"
    for scheme in ("Basic", "basic"):
        assert freeswitch.fault(basic(pair, scheme), CREDENTIALS, NOW) is None
    for wrong in (
        basic("freeswitch:wrong"),
        basic("another:correct horse"),
        basic(pair, "Bearer"),
        basic("\udcff:"),
        Request({}, b""),
        Request({"authorization": pair}, b""),
        Request({"authorization": f"Basic {pair}"}, b""),
        Request({"authorization": "Basic \udcff"}, b""),
    ):
        assert freeswitch.fault(wrong, CREDENTIALS, NOW) is not None


@given(st.integers(0, 1_000), st.integers(0, 7))
def test_a_bit_of_the_password_that_is_changed_is_seen(place: int, bit: int) -> None:
    pair = providers.bit_changed(b"freeswitch:correct horse", place, bit)
    request = basic(pair.decode("utf-8", "surrogateescape"))
    assert freeswitch.fault(request, CREDENTIALS, NOW) is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
OBJECTS = [one for name in CONTACTS for one in payloads(name)]


@given(st.sampled_from(OBJECTS), st.data(), JSON)
def test_any_value_in_the_place_of_any_field_breaks_nothing(
    said: dict[str, Any], data: st.DataObject, value: Any
) -> None:
    name = data.draw(st.sampled_from(sorted(said)))
    inner = said[name]
    changed: Any = value
    if isinstance(inner, dict) and data.draw(st.integers(0, 9)):
        changed = {**inner, data.draw(st.sampled_from(sorted(inner))): value}
    elif isinstance(inner, list) and data.draw(st.booleans()):
        changed = [*inner, data.draw(st.sampled_from([value, {"caller_profile": value}]))]
    _read_or_said(json.dumps({**said, name: changed}).encode())


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_breaks_nothing(body: bytes) -> None:
    _read_or_said(body)
    _read_or_said(b"cdr=" + body)


def _read_or_said(body: bytes) -> None:
    with suppress(UnreadableError):
        freeswitch.read(body, Directions())
