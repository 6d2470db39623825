"""Programmes: what happened is planned, what is due is decided on, and every "no" names its rule."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from otklik_common.events.access import Calendar, CalendarRules
from otklik_feedback.store import asked as asked_people
from otklik_feedback.store.asked import Pseudonym
from tests.integration.feedback.asking import Asking
from tests.integration.feedback.conftest import World

pytestmark = pytest.mark.asyncio

DAY = timedelta(days=1)


@pytest.fixture
def asking(world: World) -> Asking:
    """Asking of a new company."""
    return Asking(world)


async def test_who_called_is_asked_and_the_fact_names_them_by_pseudonyms_alone(
    asking: Asking,
) -> None:
    await asking.programme(channels=["email", "sms"], language="en")
    await asking.ends("c-1", asking.person(1), asking.person(2, "em"), agent="anna", party="buyer")
    await asking.look()
    shown = await asking.invited()
    assert (shown["state"], shown["channel"], shown["channels"]) == (
        "invited",
        "email",
        ["email", "sms"],
    )
    [event] = await asking.world.facts("invitation")
    fact = event.data
    assert str(event.subject) == shown["id"]
    assert (fact.programme, fact.template, fact.trigger) == ("after-call", "nps", "contact_ended")
    assert (fact.ask_channel, fact.ask_channels) == ("email", ("email", "sms"))
    assert fact.identifiers == (asking.person(1), asking.person(2, "em"))
    assert fact.contact == asking.world.contact_id("c-1")
    assert (fact.branch, fact.agent, fact.party) == ("tyumen", "anna", "buyer")
    assert (fact.channel, fact.language) == ("call", "en")
    # The end of a local day of the company, in Moscow.
    assert (fact.expires_at + timedelta(hours=3)).time().isoformat() == "00:00:00"


async def test_no_token_is_in_a_fact_or_in_a_table(asking: Asking) -> None:
    await asking.programme()
    await asking.ends("c-1")
    await asking.look()
    token = asking.token((await asking.invited())["id"])
    rows = await asking.world.admin.fetch(
        "SELECT convert_from(payload, 'UTF8') AS text FROM feedback.outbox WHERE tenant = $1"
        " UNION ALL SELECT row_to_json(l)::text FROM feedback.links l WHERE tenant = $1"
        " UNION ALL SELECT row_to_json(i)::text FROM feedback.invitations i WHERE tenant = $1",
        asking.tenant,
    )
    assert len(rows) >= 3
    assert not any(token in row["text"] for row in rows)


async def test_deals_requests_and_cases_are_occasions_as_well(asking: Asking) -> None:
    survey = await asking.world.survey("csat")
    for trigger in ("deal_closed", "request_closed", "case_closed"):
        await asking.programme(trigger, trigger=trigger, survey=survey)
    await asking.world.call("PUT", "/quarantine", {})
    await asking.happens(asking.deal(), uuid4())
    await asking.happens(asking.lead(), uuid4())
    await asking.happens(asking.lead(dealt_at=datetime.now(UTC)), uuid4())
    await asking.happens(asking.case(), uuid4())
    await asking.happens(asking.case(closed_at=None), uuid4())
    await asking.look()
    for trigger in ("deal_closed", "request_closed", "case_closed"):
        assert [one["state"] for one in await asking.invitations(trigger)] == ["invited"]


async def test_filters_choose_occasions(asking: Asking) -> None:
    await asking.programme(filters={"branch": ["tyumen"], "party": ["buyer", "seller"]})
    await asking.ends("fits", party="seller")
    await asking.ends("elsewhere", party="seller", branch="omsk")
    await asking.ends("neither")
    assert [one["contact"] for one in await asking.invitations()] == [
        str(asking.world.contact_id("fits"))
    ]


async def test_an_occasion_heard_of_again_is_one_plan_that_follows_it(asking: Asking) -> None:
    await asking.programme(delay_seconds=3_600)
    ended = datetime.now(UTC) - timedelta(minutes=30)
    await asking.ends("c-1", ended_at=ended)
    await asking.ends("c-1", ended_at=ended + timedelta(minutes=5), revision=2)
    [one] = await asking.invitations()
    assert datetime.fromisoformat(one["due_at"]) == ended + timedelta(minutes=65)
    # It goes on after all: nobody is asked about it.
    await asking.ends("c-1", ended_at=None, revision=3)
    assert await asking.invitations() == []
    await asking.ends("c-1", ended_at=ended, revision=4)
    fact, subject = asking.contact("c-1")
    await asking.happens(fact, subject, revision=5, void=True)
    assert await asking.invitations() == []


async def test_what_happened_before_the_programme_or_long_ago_is_no_occasion(
    asking: Asking,
) -> None:
    survey = await asking.world.survey()
    body = {"trigger": "contact_ended", "channels": ["sms"], "survey": survey}
    await asking.world.call("PUT", "/programmes/new", body)
    await asking.ends("before")
    assert await asking.invitations("new") == []
    await asking.programme(late_hours=24)
    await asking.ends("long-ago", ended_at=datetime.now(UTC) - 2 * DAY)
    assert await asking.invitations() == []


async def test_a_delay_in_business_time_counts_opening_hours(asking: Asking) -> None:
    day = ("09:00-18:00",)
    rules = CalendarRules(timezone="Europe/Moscow", week=(day, day, day, day, day, (), ()))
    calendar = Calendar(code="main", rules=(rules,), default=True)
    await asking.world.access_says("calendar", uuid4(), "main", calendar)
    await asking.programme(delay_seconds=7_200, delay_in="business")
    friday = datetime(2027, 3, 5, 14, tzinfo=UTC)  # 17:00 in Moscow
    await asking.ends("c-1", ended_at=friday)
    [one] = await asking.invitations()
    assert datetime.fromisoformat(one["due_at"]) == datetime(2027, 3, 8, 7, tzinfo=UTC)


async def test_every_stopped_invitation_names_its_rule(asking: Asking) -> None:
    world = asking.world
    await world.call("PUT", "/quarantine", {"person_days": 5, "channel_days": {"sms": 30}})
    survey = await world.survey()
    await asking.programme(survey=survey, channels=["sms", "email"])
    await asking.ends("asked", asking.person(1))
    await asking.look()
    first = (await asking.invited())["id"]

    await asking.ends("again", asking.person(1))
    await asking.ends("no address", asking.person(3, "x"))
    await asking.look()
    stopped = {one["contact"]: one for one in await asking.invitations(state="stopped")}
    assert stopped[str(world.contact_id("again"))]["rule"] == "quarantine_person"
    assert stopped[str(world.contact_id("again"))]["because"] == first
    assert stopped[str(world.contact_id("no address"))]["rule"] == "no_address"

    await asking.earlier(6 * DAY)
    await asking.ends("by text", asking.person(1))
    await asking.ends("by mail", asking.person(1), asking.person(1, "em"))
    await asking.look()
    found = {one["contact"]: one for one in await asking.invitations()}
    assert found[str(world.contact_id("by text"))]["rule"] == "quarantine_channel"
    assert found[str(world.contact_id("by mail"))]["channels"] == ["email"]

    await world.call("PUT", "/quarantine", {"metric_days": {"nps": 90}})
    await asking.ends("nps", asking.person(1))
    await asking.look()
    [one] = await asking.invitations(rule="quarantine_metric")
    assert one["contact"] == str(world.contact_id("nps"))

    await world.call("PUT", "/quarantine", {})
    opted = await world.call("POST", f"/invitations/{first}:opted-out", {})
    assert opted.json()["state"] == "opted_out"
    await asking.ends("never more", asking.person(1), asking.person(9, "em"))
    await asking.ends("late", asking.person(5))
    await world.admin.execute(
        "UPDATE feedback.invitations SET next_at = next_at - interval '31 days'"
        " WHERE tenant = $1 AND state = 'planned' AND person = $2",
        world.tenant,
        asking.person(5),
    )
    await asking.look()
    [one] = await asking.invitations(rule="opted_out")
    assert one["contact"] == str(world.contact_id("never more"))
    [one] = await asking.invitations(rule="too_late")

    await asking.ends("off", asking.person(6))
    await world.call("PATCH", f"/surveys/{survey}", {"active": False}, headers={"If-Match": "*"})
    await asking.look()
    assert len(await asking.invitations(rule="survey_off")) == 1
    await asking.ends("switched off", asking.person(7))
    await asking.programme(survey=survey, active=False)
    await asking.look()
    assert len(await asking.invitations(rule="survey_off")) == 2


async def test_a_sample_is_always_the_same_people(asking: Asking) -> None:
    await asking.world.call("PUT", "/quarantine", {})
    await asking.programme(sample=0.3)
    for turn in range(2):
        await asking.happen([asking.contact(f"c-{turn}-{n}", asking.person(n)) for n in range(200)])
    await asking.look()
    found = await asking.invitations()
    rules = Counter(one["rule"] for one in found)
    assert rules.keys() == {None, "sampled_out"}
    assert 80 <= rules[None] <= 160
    rows = await asking.world.admin.fetch(
        "SELECT person FROM feedback.invitations WHERE tenant = $1"
        " GROUP BY person HAVING count(DISTINCT state) > 1",
        asking.tenant,
    )
    assert rows == []


async def test_the_more_important_programme_is_not_starved(asking: Asking) -> None:
    world = asking.world
    await world.call("PUT", "/quarantine", {"person_days": 14})
    await asking.programme("micro", survey=await world.survey("csat"), priority=10)
    await asking.programme(
        "nps", survey=await world.survey(), priority=90, delay_seconds=86_400, wait_days=30
    )
    # One is planned for tomorrow: the micro-survey of today would take its place.
    await asking.ends("c-1")
    await asking.look()
    [micro] = await asking.invitations("micro")
    [nps] = await asking.invitations("nps")
    assert (micro["rule"], micro["because"]) == ("reserved", nps["id"])
    assert nps["state"] == "planned"
    await asking.earlier(2 * DAY)
    await asking.look()
    assert [one["state"] for one in await asking.invitations("nps")] == ["invited"]


async def test_it_waits_for_a_quarantine_to_end(asking: Asking) -> None:
    world = asking.world
    await world.call("PUT", "/quarantine", {"person_days": 14})
    await asking.programme("micro", survey=await world.survey("csat"), priority=10)
    await asking.ends("c-1")
    await asking.look()
    await asking.programme("nps", survey=await world.survey(), priority=90, wait_days=30)
    await asking.ends("c-2")
    await asking.look()
    [one] = await asking.invitations("nps")
    [asked] = [each for each in await asking.invitations("micro") if each["invited_at"]]
    assert (one["state"], one["because"]) == ("planned", asked["id"])
    wait = datetime.fromisoformat(one["next_at"]) - datetime.fromisoformat(asked["invited_at"])
    assert wait == 14 * DAY
    await asking.earlier(15 * DAY)
    await asking.ends("c-3")
    await asking.look()
    assert "invited" in {each["state"] for each in await asking.invitations("nps")}
    assert len([each for each in await asking.invitations("micro") if each["invited_at"]]) == 1


async def test_who_waits_goes_on_waiting_whatever_more_is_heard_of_the_occasion(
    asking: Asking,
) -> None:
    world = asking.world
    await world.call("PUT", "/quarantine", {"person_days": 14})
    await asking.programme("micro", survey=await world.survey("csat"), priority=10)
    await asking.ends("c-1")
    await asking.look()
    await asking.programme(
        "nps", survey=await world.survey(), priority=90, wait_days=30, late_hours=72
    )
    await asking.ends("c-2")
    await asking.look()
    assert [one["state"] for one in await asking.invitations("nps")] == ["planned"]
    await asking.earlier(5 * DAY)
    await asking.ends("c-2", revision=2, ended_at=datetime.now(UTC) - 5 * DAY, agent="anna")
    await asking.look()
    assert [one["state"] for one in await asking.invitations("nps")] == ["planned"]


async def test_many_workers_ask_each_person_once(asking: Asking) -> None:
    world = asking.world
    await world.call("PUT", "/quarantine", {"person_days": 14})
    for code in ("one", "two", "three"):
        await asking.programme(code, survey=await world.survey("csat"))
    people = 400
    for turn in range(2):
        await asking.happen(
            [
                asking.contact(f"c-{turn}-{n}", asking.person(n), asking.person(n % 100, "em"))
                for n in range(people)
            ]
        )
    # Their rows are there already, as those of whom was asked before.
    async with world.worker.begin_as_worker() as tx:
        who = [(asking.person(n), asking.person(n % 100, "em")) for n in range(people)]
        await asked_people.locked(
            tx, {Pseudonym(world.tenant, name) for names in who for name in names}
        )
    await asking.happen(
        [
            asking.contact(f"more-{turn}-{n}", asking.person(n))
            for turn in range(3)
            for n in range(people)
        ]
    )
    workers = [asking.inviting() for _ in range(6)]

    async def run(worker: Any) -> None:
        while await worker.step():
            pass

    await asyncio.gather(*(run(worker) for worker in workers))
    await asking.look()
    facts = await world.facts("invitation")
    assert len({fact.subject for fact in facts}) == len(facts)
    asked = Counter(name for fact in facts for name in fact.data.identifiers)
    assert set(asked.values()) == {1}
    states = [one for code in ("one", "two", "three") for one in await asking.invitations(code)]
    sent = {one["id"] for one in states if one["invited_at"]}
    assert sent == {str(fact.subject) for fact in facts}
    assert len(states) >= 1_000
    assert not any(one["state"] == "planned" for one in states)
    assert all(one["rule"] for one in states if one["state"] == "stopped")


async def test_a_quota_of_invitations_holds_over_parallel_workers(asking: Asking) -> None:
    await asking.programme(
        quotas=[
            {"counted": "invitations", "most": 100, "monthly": True},
            {"counted": "invitations", "most": 70, "by_branch": True},
        ]
    )
    for branch in ("tyumen", "omsk"):
        await asking.happen(
            [
                asking.contact(
                    f"{branch}-{n}", asking.person(n + 1_000 * (branch == "omsk")), branch=branch
                )
                for n in range(600)
            ]
        )
    workers = [asking.inviting() for _ in range(4)]

    async def run(worker: Any) -> None:
        while await worker.step():
            pass

    await asyncio.gather(*(run(worker) for worker in workers))
    await asking.look()
    facts = await asking.world.facts("invitation")
    assert len(facts) == 100
    assert max(Counter(fact.data.branch for fact in facts).values()) <= 70
    rules = Counter(one["rule"] for one in await asking.invitations(state="stopped"))
    assert rules.keys() == {"quota"}


async def test_what_makes_no_programme_is_refused_with_a_reason(asking: Asking) -> None:
    world = asking.world
    survey = await world.survey()
    good = {"trigger": "contact_ended", "channels": ["sms"], "survey": survey}
    for wrong, code in (
        ({"channels": ["sms", "sms"]}, "bad_programme"),
        ({"reminder_hours": [48, 24]}, "bad_programme"),
        ({"reminder_hours": [400]}, "bad_programme"),
        ({"survey": "nothing"}, "survey_not_found"),
        ({"quotas": 2 * [{"counted": "answers", "most": 5}]}, "bad_programme"),
    ):
        answer = await world.call("PUT", "/programmes/p", good | wrong)
        assert answer.json()["code"] == code, answer.text
    made = await world.call("PUT", "/programmes/p", good)
    again = await world.call("PUT", "/programmes/p", good, headers={"If-Match": '"1"'})
    assert made.json() == again.json()
    changed = await world.call(
        "PUT", "/programmes/p", good | {"priority": 1}, headers={"If-Match": '"7"'}
    )
    assert changed.status_code == 412
    read = await world.call("GET", "/programmes/p")
    assert read.json() == made.json()
    shown = {key: value for key, value in read.json().items() if key not in ("code", "since")}
    assert (await world.call("PUT", "/programmes/copy", shown)).status_code == 200


async def test_a_company_has_at_most_a_hundred_programmes(asking: Asking) -> None:
    survey = await asking.world.survey()
    good = {"trigger": "contact_ended", "channels": ["sms"], "survey": survey}
    for number in range(100):
        made = await asking.world.call("PUT", f"/programmes/p{number}", good)
        assert made.status_code == 200
    one_more = await asking.world.call("PUT", "/programmes/more", good)
    assert one_more.json()["code"] == "too_many_programmes"
