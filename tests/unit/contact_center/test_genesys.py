"""Detail events and conversation records of Genesys Cloud, as documented, come to contacts."""

import copy
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.providers import genesys
from otklik_contact_center.domain.providers.pushed import Directions, Lines
from tests.support import providers
from tests.unit.contact_center.genesys_bodies import NAMES, payloads

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
SALES = "9a000000-0000-4000-8000-000000000001"
PETROVA = "50000000-0000-4000-8000-000000000001"


def contacts(said: Sequence[Any], directions: Directions | None = None) -> dict[str, Contact]:
    return providers.contacts_of(genesys.PROVIDER, providers.as_json(said), directions)


def contact(said: Sequence[Any], directions: Directions | None = None) -> Contact:
    (found,) = contacts(said, directions).values()
    return found


def at(minutes: int, seconds: float = 0) -> datetime:
    return NINE + timedelta(minutes=minutes, seconds=seconds)


def test_a_call_through_menu_and_queue_is_one_contact() -> None:
    found = contact(payloads("answered"))
    about, course = found.about, found.course
    assert (about.channel, about.direction, about.phone) == ("call", "in", "+15551230101")
    assert (about.queue, about.agent, found.outcome) == (SALES, PETROVA, "answered")
    assert (course.started_at, course.offered_at) == (at(0), at(0, 20))
    assert (course.answered_at, course.ended_at) == (at(0, 50.502), at(4))
    assert (found.waited_ms, course.held_ms, course.transfers) == (30_502, 40_000, 0)
    assert (found.talked_ms, course.wrapped_ms) == (149_498, 30_000)
    assert found.recorded
    assert about.attributes == {
        "wrap_up_code": "3d000000-0000-4000-8000-000000000001",
        "disconnect_type": "client",
    }
    assert found.contradictions == ()


def test_a_record_grows_and_its_last_state_is_the_contact() -> None:
    waiting, talking, over = payloads("answered")
    assert contact([waiting]).outcome == "open"
    assert contact([waiting]).course.offered_at == at(0, 20)
    assert contact([talking]).course.answered_at == at(0, 50.502)
    assert contact([talking]).course.ended_at is None
    assert contact([over]) == contact([waiting, talking, over])
    assert contact([over]) == contact([over, talking, waiting])


def as_of(record: Any, moment: str) -> Any:
    """A record as it was at a moment: what began later is not there, what went on has no end."""
    if isinstance(record, list):
        begun = [one for one in record if first_start(one) <= moment]
        return [as_of(one, moment) for one in begun]
    if not isinstance(record, dict):
        return record
    unknown = {"metrics", "recording"}
    for end in ("segmentEnd", "conversationEnd"):
        if record.get(end, "") > moment:
            unknown |= {end, "disconnectType", "wrapUpCode", "wrapUpNote"}
    return {name: as_of(value, moment) for name, value in record.items() if name not in unknown}


def first_start(one: Any) -> str:
    starts = [one[n] for n in ("segmentStart",) if n in one] if isinstance(one, dict) else []
    inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    starts += [first_start(value) for value in inner if isinstance(value, dict | list)]
    return min((one for one in starts if one), default="")


def moments(record: Any) -> set[str]:
    inner = record.values() if isinstance(record, dict) else record
    found = {one for one in inner if isinstance(one, str) and one.startswith("2026-")}
    return found.union(*(moments(one) for one in inner if isinstance(one, dict | list)))


@pytest.mark.parametrize(
    "name", ["answered", "transferred", "abandoned", "outgoing", "callback", "chat", "menu"]
)
def test_whatever_a_record_was_before_its_last_state_wins(name: str) -> None:
    for record in payloads(name)[-2:] if name == "outgoing" else payloads(name)[-1:]:
        earlier = [as_of(record, moment) for moment in sorted(moments(record))]
        bodies = providers.as_json([*earlier, record])
        for shuffled in (bodies, bodies[::-1], *providers.in_any_order(bodies, 5)):
            found = providers.contact_of(genesys.PROVIDER, shuffled)
            assert found == contact([record])


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_in_any_order_and_again_is_the_same(name: str) -> None:
    bodies = providers.as_json(payloads(name))
    once = contacts(payloads(name))
    for shuffled in providers.in_any_order(bodies):
        assert providers.contacts_of(genesys.PROVIDER, shuffled) == once


def test_a_transfer_to_another_queue_is_the_same_contact() -> None:
    found = contact(payloads("transferred"))
    about, course = found.about, found.course
    assert (about.queue, about.agent, course.transfers) == (SALES, PETROVA, 1)
    assert (course.offered_at, course.answered_at) == (at(10, 0.01), at(10, 20))
    assert (course.first_ended_at, course.ended_at) == (at(16), at(16))
    assert found.contradictions == ()


def test_who_leaves_a_queue_has_abandoned_though_an_agent_was_rung() -> None:
    found = contact(payloads("abandoned"))
    assert (found.outcome, found.abandoned_at, found.waited_ms) == ("abandoned", at(21), 45_000)
    assert (found.about.queue, found.about.agent, found.about.phone) == (SALES, PETROVA, None)
    assert found.course.transfers == 0


def test_who_flows_out_of_a_queue_has_not_abandoned() -> None:
    said = payloads("abandoned")
    said[0]["participants"][1]["sessions"][0]["metrics"][1]["name"] = "tFlowOut"
    assert contact(said).outcome == "overflowed"


def test_a_voicemail_is_one() -> None:
    said = payloads("abandoned")
    said[0]["participants"][2]["purpose"] = "voicemail"
    assert contact(said).outcome == "voicemail"


def test_who_leaves_the_menu_has_not_waited_for_anybody() -> None:
    found = contact(payloads("menu"))
    assert (found.outcome, found.course.answered_at) == ("unknown", None)


def test_an_outgoing_call_is_ours_and_its_customer_answers() -> None:
    reached, missed = contacts(payloads("outgoing")).values()
    assert (reached.about.direction, reached.about.phone) == ("out", "+15551230101")
    assert (reached.attempted_at, reached.connected_at) == (at(30), at(30, 12))
    assert (reached.about.agent, reached.handled_ms) == (PETROVA, 108_000)
    assert (missed.attempted_at, missed.connected_at) == (at(35), None)
    assert (missed.outcome, missed.about.agent) == ("not_reached", PETROVA)


def test_a_dialer_is_no_person() -> None:
    said = payloads("outgoing")[:1]
    said[0]["participants"][1]["sessions"][0]["outboundCampaignId"] = "spring"
    found = contact(said)
    assert (found.about.campaign, found.attempted_at, found.connected_at) == (
        "spring",
        None,
        at(30, 12),
    )


def test_a_callback_is_answered_when_the_customer_is_called() -> None:
    found = contact(payloads("callback"))
    course = found.course
    assert (found.about.direction, found.about.agent, found.outcome) == ("in", PETROVA, "answered")
    assert (course.offered_at, course.answered_at) == (at(40, 20), at(48, 10))
    assert (course.ended_at, course.transfers, found.contradictions) == (at(50), 0, ())


def test_a_callback_that_nobody_makes_stays_asked_for() -> None:
    said = payloads("callback")
    del said[0]["participants"][3]
    del said[0]["participants"][0]["sessions"][2]
    assert contact(said).outcome == "callback_requested"


def test_a_bot_does_not_answer_a_chat() -> None:
    found = contact(payloads("chat"))
    assert (found.about.channel, found.about.external_id) == ("chat", "guest-0001")
    assert (found.course.offered_at, found.first_replied_at) == (at(52, 30), at(53))
    assert (found.waited_ms, found.course.held_ms) == (30_000, 0)


def test_who_only_listens_is_no_agent() -> None:
    said = payloads("answered")[2:]
    listening = copy.deepcopy(said[0]["participants"][3])
    listening["userId"] = "chief"
    session = listening["sessions"][0]
    session.update(sessionId="listening", monitoredParticipantId="7a000000")
    session["segments"] = [{**session["segments"][1], "segmentStart": "2026-03-02T09:00:30Z"}]
    said[0]["participants"].append(listening)
    assert contact(said) == contact(payloads("answered"))


def test_detail_events_tell_a_whole_call() -> None:
    found = contact(payloads("events"))
    about, course = found.about, found.course
    assert (about.channel, about.direction, about.phone) == ("call", "in", "+15551230101")
    assert (about.queue, about.agent, found.outcome) == (SALES, PETROVA, "answered")
    assert (course.offered_at, course.answered_at) == (at(0, 20), at(0, 50.5))
    assert (course.ended_at, course.wrapped_ms, found.contradictions) == (at(4), 30_000, ())


def test_detail_events_tell_of_an_outgoing_call_when_the_customer_answered() -> None:
    found = contact(payloads("outgoing_events"))
    assert (found.about.direction, found.about.phone) == ("out", "+15551230101")
    assert (found.connected_at, found.about.agent) == (at(30, 12), PETROVA)
    assert (found.course.ended_at, found.contradictions) == (at(32), ())


def test_detail_events_beside_records_contradict_nothing() -> None:
    both = [*payloads("events"), *payloads("answered")]
    once = contact(both)
    assert (once.course.offered_at, once.course.ended_at) == (at(0, 20), at(4))
    assert (once.course.held_ms, once.contradictions) == (40_000, ())
    for shuffled in providers.in_any_order(providers.as_json(both), 20):
        assert providers.contact_of(genesys.PROVIDER, shuffled) == once


def test_an_agent_who_hands_on_is_told_once() -> None:
    end = copy.deepcopy(payloads("events")[5]["detail"])
    body = end["eventBody"]
    body.update(
        conversationId=payloads("transferred")[0]["conversationId"],
        sessionId="5e000000-0000-4000-8000-000000000013",
        eventTime=int(at(13).timestamp() * 1000),
        disconnectType="TRANSFER",
        interactingDurationMs=0,
    )
    assert contact([end, *payloads("transferred")]).course.transfers == 1


def test_what_routing_takes_from_an_agent_is_no_transfer() -> None:
    events = payloads("events")
    events[5]["detail"]["eventBody"]["disconnectType"] = "NO_ANSWER_TRANSFER"
    assert contact(events).course.transfers == 0


def test_who_leaves_a_queue_is_abandoned_in_events_too() -> None:
    start, queued, rung, left, end = payloads("events")[:5]
    left["detail"]["eventBody"].update(acdOutcome="ABANDON", answeredUserId=None)
    found = contact([start, queued, rung, left, end])
    assert (found.outcome, found.abandoned_at, found.waited_ms) == ("abandoned", at(4), 220_000)


def test_a_number_may_be_told_later_than_the_call() -> None:
    earlier, later = payloads("answered")[0], payloads("answered")[2]
    del earlier["participants"][0]["sessions"][0]["ani"]
    for order in ([earlier, later], [later, earlier]):
        assert contact(order) == contact([later])


def test_several_records_come_as_the_api_answers_them() -> None:
    several = payloads("outgoing")
    for body in (several, {"conversations": several, "totalHits": 2}):
        found = providers.contacts_of(genesys.PROVIDER, providers.as_json([body]))
        assert found == contacts(several)


@pytest.mark.parametrize("number", range(5))
def test_what_is_no_contact_makes_none(number: int) -> None:
    bodies = providers.as_json([payloads("other")[number]])
    assert providers.events_of(genesys.PROVIDER, bodies) == []


def test_the_company_s_words_stand_for_ids() -> None:
    directions = Directions(
        {"15551230900": Lines("moscow", None)}, {PETROVA: "petrova"}, {SALES: "sales"}
    )
    for name in ("answered", "events"):
        about = contact(payloads(name), directions).about
        assert (about.branch, about.agent, about.queue) == ("moscow", "petrova", "sales")


def with_more(value: Any) -> Any:
    if isinstance(value, dict):
        return {**{k: with_more(v) for k, v in value.items()}, "newIn2030": {"a": [1]}}
    return [with_more(one) for one in value] if isinstance(value, list) else value


def test_unknown_fields_change_nothing() -> None:
    for name in NAMES:
        assert contacts(with_more(payloads(name))) == contacts(payloads(name))
