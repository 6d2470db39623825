"""Webhooks of Chatwoot, as it documents and sends them, come to exact contacts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.providers import chatwoot
from otklik_contact_center.domain.providers.chatwoot.conversation import moment
from otklik_contact_center.domain.providers.pushed import Directions
from tests.support import providers
from tests.unit.contact_center.chatwoot_bodies import CONTACTS, payloads

BEGAN = datetime(2026, 2, 23, 9, tzinfo=UTC)


def contact(said: Sequence[Any], directions: Directions | None = None) -> Contact:
    return providers.contact_of(chatwoot.PROVIDER, providers.as_json(said), directions)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def test_a_conversation_waits_from_the_customer_s_words_to_a_person_s() -> None:
    found = contact(payloads("answered"))
    about, course = found.about, found.course
    assert (about.channel, about.direction, about.queue, about.agent) == ("chat", "in", "3", "5")
    assert (about.phone, about.email) == ("+74951230001", "olga@example.com")
    assert about.external_id == "chatwoot:14"
    assert (course.offered_at, course.assigned_at) == (at(0.25), at(30.5))
    assert (course.answered_at, course.ended_at) == (at(95.5), at(230.25))
    assert (found.outcome, found.about.ending) == ("answered", "resolved")
    assert (found.waited_ms, found.first_response_ms) == (95_250, 95_250)
    assert about.attributes == {"labels": "доставка, заказ"}
    assert found.contradictions == ()


def test_a_note_is_no_answer() -> None:
    said = [one for one in payloads("answered") if one.get("id") != 121]
    found = contact(said)
    assert (found.outcome, found.said.agent_messages) == ("resolved", 0)
    note = next(event for event in events("answered") if event.id == "10:message:120")
    assert not note.public


def test_thanks_before_the_end_wait_for_nothing() -> None:
    said = contact(payloads("answered")).said
    assert [gap.replied_at for gap in said.gaps] == [at(95.5)]
    assert [gap.asked_at for gap in said.dropped] == [at(200)]


def test_whom_the_bot_has_answered_asks_anew_on_coming_back() -> None:
    found = contact(payloads("bot_then_customer"))
    assert found.first_response_ms == 600_000
    assert (found.said.bot_messages, found.about.agent) == (1, "5")
    assert found.contradictions == ()


def test_a_hand_over_starts_the_clock_without_a_new_message() -> None:
    found = contact(payloads("handed_over"))
    assert (found.course.offered_at, found.waited_ms) == (at(60), 120_000)
    assert (found.first_asked_at, found.first_response_ms) == (at(60), 120_000)
    assert (found.about.team, found.about.agent) == ("sales", "5")
    assert (found.course.transfers, found.contradictions) == (0, ())


def test_what_is_reopened_goes_on_where_the_customer_wrote() -> None:
    found = contact(payloads("reopened"))
    course = found.course
    assert (found.about.channel, found.about.queue, found.about.agent) == ("messenger", "6", "5")
    assert (course.reopenings, course.transfers) == (1, 1)
    assert (course.open_since, course.ended_at) == (at(3599.999), at(7300))
    assert found.waited_ms == 59_750
    assert [(gap.asked_at, gap.replied_at) for gap in found.said.gaps] == [
        (at(0.25), at(60)),
        (at(3600.75), at(3700)),
    ]
    assert found.contradictions == ()


def test_what_is_reopened_by_hand_is_so_from_then_on() -> None:
    said = payloads("reopened")
    opened = said[6]
    opened["updated_at"] += 60
    assert contact([*said[:5], opened]).course.open_since == at(3660.875)


def test_what_is_snoozed_is_paused() -> None:
    kinds = [event.type for event in sorted(events("reopened"), key=lambda event: event.at)]
    assert kinds == [
        "message",
        "assigned",
        "message",
        "ended",
        "reopened",
        "message",
        "transferred",
        "message",
        "paused",
        "unpaused",
        "ended",
    ]


def test_who_is_given_it_by_another_has_it_by_transfer() -> None:
    (passed,) = (event for event in events("reopened") if event.type == "transferred")
    assert (passed.agent, passed.team, passed.at) == ("7", "returns", at(3650))


def test_what_an_agent_begins_is_ours() -> None:
    found = contact(payloads("outgoing"))
    assert (found.about.channel, found.about.direction) == ("email", "out")
    assert (found.about.phone, found.about.email) == ("+74951230001", "olga@example.com")
    assert (found.attempted_at, found.connected_at) == (at(0.25), at(900))
    assert found.first_response_ms is None


def test_rules_campaigns_and_bots_are_no_answer_and_an_echo_is() -> None:
    found = contact(payloads("automatic"))
    assert (found.course.answered_at, found.waited_ms) == (at(120), 119_750)
    said = found.said
    assert (said.customer_messages, said.bot_messages, said.agent_messages) == (1, 1, 1)


@pytest.mark.parametrize(
    "mark",
    [
        {"message_type": "template"},
        {"message_type": 3},
        {"content_type": "input_csat"},
        {"content_attributes": {"automation_rule_id": 9}},
        {"additional_attributes": {"campaign_id": 4}},
        {"sender": {"id": 2, "name": "Helper", "type": "agent_bot"}},
        {"sender": None},
        {"private": True},
    ],
    ids=str,
)
def test_what_no_person_says_to_the_customer_is_no_answer(mark: dict[str, Any]) -> None:
    said = [{**one, **mark} if one.get("id") == 121 else one for one in payloads("answered")]
    found = contact(said)
    assert (found.outcome, found.course.answer, found.first_replied_at) == ("resolved", None, None)


def test_a_bot_that_takes_a_reopened_conversation_hands_it_over_anew() -> None:
    found = contact(payloads("reopened_to_bot"))
    later = timedelta(days=1).total_seconds()
    assert (found.course.reopenings, found.waited_ms) == (1, 120_000)
    assert [gap.replied_at for gap in found.said.gaps] == [at(180), at(later + 90)]
    assert found.contradictions == ()


def test_older_versions_tell_only_the_second_of_the_last_activity() -> None:
    found = contact(payloads("older"))
    assert (found.course.answered_at, found.waited_ms) == (at(60.75), 60_750)
    assert (found.course.reopenings, found.course.open_since) == (1, at(3599.999))
    assert found.contradictions == ()
    assert contact(payloads("older")[:3]).course.ended_at == at(60.999)


@pytest.mark.parametrize("name", CONTACTS)
def test_what_comes_in_any_order_and_again_is_the_same_contact(name: str) -> None:
    once = contact(payloads(name))
    for shuffled in providers.in_any_order(providers.as_json(payloads(name))):
        assert providers.contact_of(chatwoot.PROVIDER, shuffled) == once


@pytest.mark.parametrize("name", CONTACTS)
def test_an_id_never_has_two_wordings(name: str) -> None:
    seen: dict[str, Any] = {}
    for event in events(name):
        assert seen.setdefault(event.id, event) == event


def events(name: str) -> Sequence[Any]:
    return providers.events_of(chatwoot.PROVIDER, providers.as_json(payloads(name)))


@pytest.mark.parametrize("said", payloads("other"), ids=lambda said: said["event"])
def test_what_is_no_contact_makes_none(said: Any) -> None:
    assert providers.events_of(chatwoot.PROVIDER, providers.as_json([said])) == []


def test_the_company_s_words_stand_for_chatwoot_s() -> None:
    found = contact(payloads("answered"), Directions({}, {"5": "petrova"}, {"3": "site"}))
    assert (found.about.agent, found.about.queue) == ("petrova", "site")


def test_the_company_s_own_id_of_a_customer_is_the_better_one() -> None:
    said = payloads("automatic")
    for one in said:
        one["conversation"]["meta"]["sender"]["identifier"] = "crm-77"
    assert contact(said).about.external_id == "crm-77"


def test_a_customer_is_known_by_the_message_where_the_conversation_tells_none() -> None:
    said = payloads("automatic")
    for one in said:
        del one["conversation"]["meta"]
    assert contact(said).about.email == "olga@example.com"


@pytest.mark.parametrize("name", CONTACTS)
def test_unknown_fields_change_nothing(name: str) -> None:
    def more(value: Any) -> Any:
        if isinstance(value, list):
            return [more(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {**{part: more(inner) for part, inner in value.items()}, "new_in_2030": {"a": [1]}}

    assert contact(more(payloads(name))) == contact(payloads(name))


@pytest.mark.parametrize("name", CONTACTS)
def test_numbers_may_be_texts(name: str) -> None:
    def as_texts(value: Any) -> Any:
        if isinstance(value, list):
            return [as_texts(one) for one in value]
        if isinstance(value, dict):
            return {part: as_texts(inner) for part, inner in value.items()}
        return str(value) if type(value) in {int, float} else value

    assert contact(as_texts(payloads(name))) == contact(payloads(name))


@pytest.mark.parametrize("name", ["answered", "reopened"])
def test_changes_may_be_one_object_and_statuses_numbers(name: str) -> None:
    numbers = {"open": 0, "resolved": 1, "pending": 2, "snoozed": 3}
    said = payloads(name)
    for one in said:
        changes = one.get("changed_attributes") or []
        for change in changes:
            if "status" in change:
                change["status"] = [numbers[word] for word in change["status"].values()]
        if changes:
            one["changed_attributes"] = {k: v for part in changes for k, v in part.items()}
    assert contact(said) == contact(payloads(name))


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("2026-02-23T09:00:00.250Z", at(0.25)),
        ("2026-02-23 09:00:00 UTC", at(0)),
        ("2026-02-23T12:00:00+03:00", at(0)),
        ("2026-02-23T09:00:00", at(0)),
        (1_771_837_200, at(0)),
        (1_771_837_200.25, at(0.25)),
        ("1771837200.25", at(0.25)),
        (0, None),
        (-5, None),
        ("", None),
        ("soon", None),
        ("0001-01-01T00:00:00+14:00", None),
        (1e300, None),
        (True, None),
        (None, None),
        ([], None),
    ],
)
def test_times_are_read_as_chatwoot_writes_them(told: object, meant: datetime | None) -> None:
    assert moment(told) == meant
