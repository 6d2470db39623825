"""Pushes of Twilio, as its documentation describes them, come to exact contacts."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.providers import twilio
from otklik_contact_center.domain.providers.pushed import Directions, Lines
from tests.support import providers
from tests.unit.contact_center.twilio_bodies import NAMES, body, payloads

BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)
CUSTOMER = "+15551230101"


def contact(said: Sequence[Any], directions: Directions | None = None) -> Contact:
    return providers.contact_of(twilio.PROVIDER, [body(one) for one in said], directions)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def test_a_call_forwarded_to_a_person_is_one_contact() -> None:
    found = contact(payloads("forwarded"))
    about, course = found.about, found.course
    assert (about.channel, about.direction, about.phone) == ("call", "in", CUSTOMER)
    assert (about.agent, found.outcome, found.recorded) == ("petrova", "answered", True)
    assert (course.offered_at, course.answered_at, course.ended_at) == (at(0), at(19), at(161))
    assert (found.waited_ms, found.handled_ms) == (19_000, 142_000)
    assert about.attributes == {"recording_id": payloads("forwarded")[-1]["RecordingSid"]}
    assert found.contradictions == ()


def test_the_ends_of_legs_alone_tell_the_whole_call() -> None:
    ends = [one for one in payloads("forwarded") if one.get("CallStatus") == "completed"]
    found = contact(ends)
    assert (found.course.offered_at, found.course.answered_at) == (at(0), at(19))
    assert (found.about.agent, found.outcome, found.waited_ms) == ("petrova", "answered", 19_000)


def test_the_end_of_a_dialled_leg_does_not_end_the_call() -> None:
    found = contact([one for one in payloads("forwarded") if "ParentCallSid" in one])
    assert (found.outcome, found.course.ended_at) == ("answered", None)


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_in_any_order_and_again_is_the_same_contact(name: str) -> None:
    bodies = [body(one) for one in payloads(name)]
    once = providers.contact_of(twilio.PROVIDER, bodies)
    for shuffled in providers.in_any_order(bodies):
        assert providers.contact_of(twilio.PROVIDER, shuffled) == once


def test_a_missed_call_is_abandoned_and_a_hidden_number_is_nobody() -> None:
    found = contact(payloads("missed"))
    assert (found.outcome, found.abandoned_at, found.waited_ms) == ("abandoned", at(30), 30_000)
    assert (found.about.phone, found.about.agent) == (None, "petrova")


def test_a_softphone_that_dials_out_is_our_call() -> None:
    found = contact(payloads("outgoing"))
    about = found.about
    assert (about.direction, about.phone, about.agent) == ("out", CUSTOMER, "petrova")
    assert (found.attempted_at, found.connected_at) == (at(0), at(12))
    assert (found.outcome, found.course.ended_at) == ("answered", at(90))


def test_a_programme_that_calls_is_no_person() -> None:
    found = contact(payloads("programme"))
    assert (found.about.direction, found.about.phone) == ("out", CUSTOMER)
    assert (found.attempted_at, found.connected_at, found.outcome) == (None, None, "not_reached")
    assert (found.course.started_at, found.course.ended_at) == (at(0), at(48))
    assert found.about.attributes["answered_by"] == "human"
    assert found.recorded


def test_who_is_called_first_and_dials_then_is_named_by_the_directions() -> None:
    first = [one | {"To": "+15551230300"} for one in payloads("programme")]
    dialled = [one for one in payloads("outgoing") if "ParentCallSid" in one]
    found = contact([*first, *dialled], Directions(agents={"15551230300": "petrova"}))
    assert (found.about.direction, found.about.phone) == ("out", CUSTOMER)
    assert (found.about.agent, found.connected_at) == ("petrova", at(12))


def test_an_answering_machine_is_no_answer() -> None:
    said = [
        one | {"AnsweredBy": "machine_end_beep"} if "ParentCallSid" in one else one
        for one in payloads("forwarded")
    ]
    found = contact(said)
    assert (found.outcome, found.course.answered_at) == ("abandoned", None)


def test_a_number_that_nobody_is_named_by_is_no_agent() -> None:
    said = [
        one | {"To": "+15551230300"} if "ParentCallSid" in one else one
        for one in payloads("forwarded")
    ]
    assert contact(said).about.agent is None
    named = Directions(agents={"+15551230300": "petrova"})
    assert contact(said, named).about.agent == "petrova"


def test_a_task_tells_queue_and_worker() -> None:
    found = contact(payloads("routed"))
    assert (found.about.queue, found.about.agent) == ("sales", "petrova")
    assert (found.course.offered_at, found.course.answered_at) == (at(10), at(25))
    assert (found.waited_ms, found.outcome, found.contradictions) == (15_000, "answered", ())


def test_whoever_hangs_up_in_a_queue_has_waited_there() -> None:
    found = contact(payloads("queued"))
    (events,) = payloads("queued")
    queue = events[0]["data"]["request"]["parameters"]["QueueSid"]
    assert (found.about.queue, found.outcome) == (queue, "abandoned")
    assert (found.course.offered_at, found.waited_ms) == (at(105), 56_000)


def test_a_bridge_out_of_a_queue_is_an_answer_after_the_wait_it_says() -> None:
    found = contact(payloads("bridged"))
    assert (found.outcome, found.waited_ms) == ("answered", 45_000)


def test_who_is_taken_out_of_a_queue_is_answered_then() -> None:
    events, end = payloads("bridged")
    (event,) = events
    taken = json.loads(json.dumps(event))
    taken["data"]["timestamp"] = at(60).isoformat()
    parameters = taken["data"]["request"]["parameters"]
    del parameters["QueueResult"]
    parameters["DequeingCallSid"] = "CA" + "7" * 32
    found = contact([[taken], events, end])
    assert (found.course.offered_at, found.course.answered_at) == (at(15), at(60))
    assert (found.waited_ms, found.handled_ms, found.contradictions) == (45_000, 101_000, ())


def test_messages_between_two_addresses_are_one_contact_without_end() -> None:
    found = contact(payloads("messages"))
    about = found.about
    assert (about.channel, about.direction, about.phone) == ("messenger", "in", CUSTOMER)
    assert (found.first_asked_at, found.first_response_ms) == (at(0.25), 120_000)
    assert (found.outcome, found.course.ended_at) == ("answered", None)
    names = {one.text for one in events("messages")}
    assert names == {"Is it open on Sunday?", "Yes, from ten."}


def test_a_conversation_ends_when_it_is_closed_and_no_automat_answers() -> None:
    found = contact(payloads("conversation"))
    assert (found.about.channel, found.about.phone) == ("messenger", CUSTOMER)
    assert (found.about.agent, found.first_response_ms) == ("petrova", 70_000)
    assert (found.outcome, found.course.ended_at) == ("answered", at(600))


def events(name: str) -> list[Any]:
    return providers.events_of(twilio.PROVIDER, [body(one) for one in payloads(name)])


def test_what_is_no_contact_makes_none() -> None:
    assert events("other") == []


def test_a_status_callback_says_the_same_through_event_streams() -> None:
    (streamed,) = payloads("queued")
    (form,) = (one["data"]["request"]["parameters"] for one in streamed[1:])
    through = providers.events_of(twilio.PROVIDER, [body(streamed[1:])])
    assert through == providers.events_of(twilio.PROVIDER, [body(form)])


@pytest.mark.parametrize("name", NAMES)
def test_no_event_is_told_twice_in_other_words(name: str) -> None:
    told: dict[str, Any] = {}
    for event in [*events(name), *events(name)]:
        assert told.setdefault(event.id, event) == event


def test_the_company_s_words_stand_for_twilio_s() -> None:
    directions = Directions({"15551230200": Lines("moscow", "sales")}, {"petrova": "agent-7"}, {})
    about = contact(payloads("forwarded"), directions).about
    assert (about.branch, about.queue, about.agent) == ("moscow", "sales", "agent-7")


@pytest.mark.parametrize("name", ["forwarded", "missed", "outgoing", "routed", "conversation"])
def test_unknown_fields_change_nothing(name: str) -> None:
    said = [{**one, "NewIn2030": "x"} for one in payloads(name)]
    assert contact(said) == contact(payloads(name))


def test_a_time_that_says_no_zone_is_utc() -> None:
    said = [
        {**one, "Timestamp": one["Timestamp"].replace("+0000", "-0000")}
        for one in payloads("missed")
    ]
    assert contact(said) == contact(payloads("missed"))
