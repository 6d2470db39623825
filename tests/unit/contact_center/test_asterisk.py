"""What forwarders of Asterisk push, as its documentation has it, comes to exact contacts."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.providers import asterisk
from otklik_contact_center.domain.providers.pushed import (
    Directions,
    Lines,
    Request,
    UnreadableError,
)
from tests.support import providers
from tests.support.providers import NOW

TOKEN = "2b7e151628aed2a6abf7158809cf4f3c"
CREDENTIALS = {"token": TOKEN}
CONTACTS = (
    "queue_log_answered",
    "queue_log_abandoned",
    "queue_log_timeout",
    "queue_log_key",
    "queue_log_transferred",
    "ami_answered",
    "ami_abandoned",
    "ami_timeout",
    "ami_transferred",
    "ari_answered",
)


def bodies(name: str) -> list[bytes]:
    """Queue logs are texts; what AMI and ARI say is JSON."""
    said = providers.payloads(asterisk, name)
    return [
        one.encode() if isinstance(one, str) else json.dumps(one, ensure_ascii=False).encode()
        for one in said
    ]


def contact(pushed: Sequence[bytes], directions: Directions | None = None) -> Contact:
    return providers.contact_of(asterisk.PROVIDER, pushed, directions)


def at(seconds: float) -> datetime:
    return datetime(2026, 3, 2, 12, tzinfo=UTC) + timedelta(seconds=seconds)


def bearing(authorization: str) -> Request:
    return Request({"authorization": authorization}, bodies("queue_log_answered")[0])


def test_a_call_in_the_queue_log_is_one_contact() -> None:
    found = contact(bodies("queue_log_answered"))
    about, course = found.about, found.course
    assert (about.channel, about.direction, about.phone) == ("call", "in", "79161230002")
    assert (about.queue, about.agent, found.outcome) == ("sales", "PJSIP/102", "answered")
    assert (course.offered_at, course.assigned_at) == (at(0), at(1))
    assert (course.answered_at, course.ended_at) == (at(20), at(140))
    assert (found.waited_ms, course.held_ms, found.talked_ms) == (20_000, 15_000, 105_000)
    assert about.attributes == {"ended_by": "caller", "bridged_channel": "1772452815.44"}
    assert found.contradictions == ()


def test_whoever_hangs_up_in_the_queue_has_abandoned() -> None:
    found = contact(bodies("queue_log_abandoned"))
    assert (found.outcome, found.abandoned_at, found.waited_ms) == ("abandoned", at(9), 9_000)
    assert (found.about.phone, found.about.agent) == (None, "PJSIP/101")
    assert found.course.assigned_at == at(5)


def test_a_call_that_nobody_took_in_time_has_overflowed() -> None:
    found = contact(bodies("queue_log_timeout"))
    assert (found.outcome, found.abandoned_at, found.waited_ms) == ("overflowed", None, 60_000)
    assert found.about.agent is None  # a telephone that could not be reached did not ring


def test_whoever_leaves_by_a_key_is_transferred() -> None:
    found = contact(bodies("queue_log_key"))
    assert (found.outcome, found.waited_ms) == ("transferred", 7_000)


def test_a_call_that_is_handed_on_is_over_for_the_queue_log() -> None:
    found = contact(bodies("queue_log_transferred"))
    assert (found.outcome, found.course.transfers, found.handled_ms) == ("answered", 1, 40_000)
    assert found.contradictions == ()


def test_a_second_queue_takes_over_from_the_first() -> None:
    call = "1772452799.41"
    second = (
        f"1772452861|{call}|support|NONE|ENTERQUEUE||79161230002|1\n"
        f"1772452871|{call}|support|PJSIP/201|CONNECT|10|1772452865.9|6\n"
        f"1772452931|{call}|support|PJSIP/201|COMPLETEAGENT|10|60|1\n"
    )
    found = contact([*bodies("queue_log_timeout"), second.encode()])
    assert (found.outcome, found.about.queue, found.about.agent) == (
        "answered",
        "support",
        "PJSIP/201",
    )
    assert (found.waited_ms, found.handled_ms) == (71_000, 60_000)
    assert found.course.ended_at == at(131)
    assert "event_after_end" in found.contradictions


def test_a_call_of_ami_is_one_contact() -> None:
    found = contact(bodies("ami_answered"))
    about, course = found.about, found.course
    assert (about.channel, about.direction, about.phone) == ("call", "in", "79161230002")
    assert (about.queue, about.agent, found.outcome) == ("sales", "PJSIP/102", "answered")
    assert (course.offered_at, course.assigned_at) == (at(0.25), at(0.5))
    assert (course.answered_at, course.ended_at) == (at(20.25), at(140.25))
    assert (found.waited_ms, course.held_ms, found.talked_ms) == (20_000, 15_500, 104_500)
    assert about.attributes == {"ended_by": "caller", "hangup_cause": "Normal Clearing"}
    assert found.contradictions == ()


def test_ami_knows_an_abandoned_call_from_one_that_overflowed() -> None:
    abandoned, overflowed = contact(bodies("ami_abandoned")), contact(bodies("ami_timeout"))
    assert (abandoned.outcome, abandoned.abandoned_at) == ("abandoned", at(9.75))
    assert (overflowed.outcome, overflowed.course.ended_at) == ("overflowed", at(65.25))


def test_a_call_of_ami_that_is_handed_on_goes_on() -> None:
    found = contact(bodies("ami_transferred"))
    assert (found.course.transfers, found.handled_ms) == (1, 100_000)
    assert found.contradictions == ()


def test_only_the_hangup_of_the_caller_s_channel_ends_a_call() -> None:
    until = [one for one in bodies("ami_answered") if b"2940.25" not in one]
    assert contact(until).course.ended_at is None


def test_the_caller_s_own_hold_is_none_of_ours() -> None:
    own = {"Event": "Hold", "Uniqueid": "1.1", "Linkedid": "1.1", "Timestamp": "1772452800.5"}
    assert asterisk.read(json.dumps(own).encode(), Directions()) == []


def test_a_call_of_ari_is_one_contact() -> None:
    found = contact(bodies("ari_answered"))
    about, course = found.about, found.course
    assert (about.phone, about.agent, about.direction) == ("+79161230002", "PJSIP/101", "in")
    assert (course.offered_at, course.answered_at, course.ended_at) == (at(0.1), at(9.1), at(49.6))
    assert found.contradictions == ()


def test_agents_who_ring_at_once_are_not_taken_for_one() -> None:
    called = providers.payloads(asterisk, "ami_abandoned")[1]
    both = [called, {**called, "MemberName": "PJSIP/102"}]
    lines = [f"1772452812|1.1|sales|PJSIP/{name}|RINGNOANSWER|9000".encode() for name in (1, 2)]
    for pushed in (providers.as_json(both), lines):
        events = providers.events_of(asterisk.PROVIDER, pushed)
        assert len({event.id for event in events}) == 2


@pytest.mark.parametrize("name", CONTACTS)
def test_what_comes_in_any_order_and_again_is_the_same_contact(name: str) -> None:
    pushed = bodies(name)
    pieces = [one + b"\n" for body in pushed for one in body.splitlines() if body[:1] not in b"[{"]
    for several in (pushed, pieces or pushed):
        once = contact(several)
        assert once == contact(pushed)
        for shuffled in providers.in_any_order(several):
            assert contact(shuffled) == once


@pytest.mark.parametrize("name", ["queue_log_other", "ami_other"])
def test_what_is_no_contact_makes_none(name: str) -> None:
    assert providers.events_of(asterisk.PROVIDER, bodies(name)) == []


def test_one_body_may_hold_many_of_any_kind() -> None:
    log, ami = bodies("queue_log_answered"), providers.payloads(asterisk, "ami_abandoned")
    lines = b"".join(log)
    objects = "\n".join(map(json.dumps, ami)).encode()
    array = json.dumps([*ami, *lines.decode().splitlines()]).encode()
    for body in (lines + objects, array, b"\xef\xbb\xbf" + lines.replace(b"\n", b"\r\n") + objects):
        found = providers.contacts_of(asterisk.PROVIDER, [body])
        assert found == {
            "1772452799.41": contact(log),
            "1772452799.88": contact(bodies("ami_abandoned")),
        }


def test_an_object_may_be_printed_over_several_lines() -> None:
    printed = [
        json.dumps(one, indent=2).encode() for one in providers.payloads(asterisk, "ami_timeout")
    ]
    assert contact(printed) == contact(bodies("ami_timeout"))


def test_names_of_ami_may_be_in_lower_case_and_times_numbers() -> None:
    lower = [
        {
            name.lower(): float(value) if name == "Timestamp" else value
            for name, value in one.items()
        }
        for one in providers.payloads(asterisk, "ami_timeout")
    ]
    assert contact(providers.as_json(lower)) == contact(bodies("ami_timeout"))


def test_the_company_s_words_stand_for_asterisk_s() -> None:
    directions = Directions(
        {"74951230001": Lines("moscow", "other")}, {"PJSIP/102": "petrova"}, {"sales": "prodazhi"}
    )
    about = contact(bodies("queue_log_answered"), directions).about
    assert (about.branch, about.agent, about.queue) == ("moscow", "petrova", "prodazhi")


def test_unknown_fields_change_nothing() -> None:
    for name in ("ami_abandoned", "ami_timeout", "ari_answered"):
        said = [{**one, "NewIn2030": {"a": [1]}} for one in providers.payloads(asterisk, name)]
        assert contact(providers.as_json(said)) == contact(bodies(name))
    longer = [
        b"".join(line + b"|new|2030\n" for line in body.splitlines())
        for body in bodies("queue_log_timeout")
    ]
    assert contact(longer) == contact(bodies("queue_log_timeout"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n ",
        b"{",
        b"[",
        b"[1]",
        b"{}",
        b'{"a":1}',
        b"hello",
        b"1772452800|1.1|sales|NONE",
        b"noon|1.1|sales|NONE|ENTERQUEUE||1|1",
        b'{"Event":"Hangup","Timestamp":"1772452800.1"}',
        b'{"Event":"Hangup","Uniqueid":"1.1","Linkedid":"1.1"}',
        b'{"type":"StasisStart","timestamp":"2026-03-02T12:00:00.100+0000"}',
        b'{"type":"StasisEnd","channel":{"id":"1.1"},"timestamp":"noon"}',
        b'{"type":"StasisEnd","channel":{"id":"1.1"},"timestamp":"2026-03-02T12:00:00.100"}',
        b'"\\ud800"',
    ],
)
def test_what_a_forwarder_would_not_send_is_said(body: bytes) -> None:
    with pytest.raises(UnreadableError) as no:
        asterisk.read(body, Directions())
    assert str(no.value)
    assert no.value.ru


def test_a_broken_line_is_said_by_its_number() -> None:
    with pytest.raises(UnreadableError, match="piece 2"):
        asterisk.read(bodies("queue_log_key")[0].replace(b"\n", b"\nbroken\n", 1), Directions())


def test_whoever_bears_the_token_is_the_forwarder_and_nobody_else() -> None:
    for right in (f"Bearer {TOKEN}", f"bearer  {TOKEN} "):
        assert asterisk.fault(bearing(right), CREDENTIALS, NOW) is None
    wrong = ("", TOKEN, "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \udcff")
    for one in wrong:
        assert asterisk.fault(bearing(one), CREDENTIALS, NOW) is not None
    assert asterisk.fault(Request({}, b""), CREDENTIALS, NOW) is not None


@given(st.integers(0, 1_000), st.integers(0, 6))
def test_a_bit_of_the_token_that_is_changed_is_seen(place: int, bit: int) -> None:
    changed = providers.bit_changed(TOKEN.encode(), place, bit).decode()
    assert asterisk.fault(bearing(f"Bearer {changed}"), CREDENTIALS, NOW) is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
OBJECTS = [
    one
    for name in ("ami_abandoned", "ami_transferred", "ari_answered")
    for one in providers.payloads(asterisk, name)
]


@given(st.sampled_from(OBJECTS), st.data(), JSON)
def test_any_value_in_the_place_of_any_field_breaks_nothing(
    said: dict[str, Any], data: st.DataObject, value: Any
) -> None:
    name = data.draw(st.sampled_from(sorted(said)))
    inner = said[name]
    changed: Any = value
    if isinstance(inner, dict) and data.draw(st.booleans()):
        changed = {**inner, data.draw(st.sampled_from(sorted(inner))): value}
    _read_or_said(json.dumps({**said, name: changed}).encode())


@given(st.sampled_from(bodies("queue_log_answered")), st.integers(0, 9), st.text())
def test_any_text_in_the_place_of_any_field_of_a_line_breaks_nothing(
    body: bytes, place: int, text: str
) -> None:
    fields = body.decode().splitlines()[0].split("|")
    fields[place % len(fields)] = text
    _read_or_said("|".join(fields).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("span", ["", "--9", "-1", "²", "9" * 40])
def test_a_span_that_is_none_leaves_the_line_its_time(span: str) -> None:
    line = f"1772452800|1.1|sales|PJSIP/101|CONNECT|1|1.2|{span}"
    (answered,) = (
        event for event in asterisk.read(line.encode(), Directions()) if event["type"] == "answered"
    )
    assert answered["at"] == at(0).isoformat()


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_breaks_nothing(body: bytes) -> None:
    _read_or_said(body)


def _read_or_said(body: bytes) -> None:
    with suppress(UnreadableError):
        asterisk.read(body, Directions())
