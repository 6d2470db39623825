"""Claims on a real PostgreSQL: once, with three clocks and a case, by steps with reasons."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from otklik_common.callers import ALL_SCOPES
from otklik_common.events.access import Branch, Role
from otklik_common.ids import contact_subject
from tests.integration.feedback.conftest import PHONE, World
from tests.integration.feedback.promising import HOUR as SECONDS
from tests.integration.feedback.promising import (
    Promising,
    a_calendar,
    a_policy,
    a_target,
    now,
)

pytestmark = pytest.mark.asyncio

HOUR = timedelta(hours=1)
TEXT = "Верните задаток Ивану Секретову"


@pytest_asyncio.fixture
async def promising(world: World) -> Promising:
    return Promising(world)


def a_body(reference: str = "c-1", *, ago: timedelta = HOUR, **said: Any) -> dict[str, Any]:
    return {
        "id": reference,
        "received_at": (now() - ago).isoformat(),
        "text": TEXT,
        "topic": "deposit",
        "severity": "high",
        "wish": "refund",
        "amount": "50000.00",
        "currency": "RUB",
        "customer": {"phone": PHONE},
        "branch": "tyumen",
        "agent": "petrova",
    } | said


def because(reason: str = "called", **said: Any) -> dict[str, Any]:
    return {"reason": reason, "note": "договорились", **said}


async def keep(world: World, body: dict[str, Any]) -> dict[str, Any]:
    answer = await world.call("POST", "/claims", body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def do(world: World, claim: dict[str, Any], what: str, body: Any) -> dict[str, Any]:
    answer = await world.call("POST", f"/claims/{claim['id']}/{what}", body)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def clocks_of(claim: dict[str, Any]) -> dict[str, str]:
    return {clock["target"]: clock["state"] for clock in claim["clocks"]}


async def test_a_claim_comes_once_with_its_clocks_and_its_case(world: World) -> None:
    body = a_body()
    made = await keep(world, body)
    assert (made["text"], made["customer"]["phone"], made["amount"]) == (TEXT, PHONE, "50000.00")
    assert clocks_of(made) == {"claim_answer": "pending", "claim_term": "pending"}
    assert await keep(world, body) == made
    assert [event.data.kind for event in await world.facts()] == [
        "claim",
        "feedback_clock",
        "feedback_clock",
        "case",
    ]
    (case,) = (await world.call("GET", "/cases")).json()["items"]
    assert (case["reason"], case["claim"], case["branch"]) == ("claim", made["id"], "tyumen")
    for claim, found in ((made["id"], 1), (case["id"], 0)):
        listed = await world.call("GET", "/cases", params={"claim": claim})
        assert len(listed.json()["items"]) == found
    other = await world.call("POST", "/claims", body | {"text": "другое"})
    assert (other.status_code, other.json()["code"]) == (409, "claim_differs")


async def test_a_claim_without_words_or_from_the_future_is_refused(world: World) -> None:
    blank = await world.call("POST", "/claims", a_body(text=" \n "))
    assert (blank.status_code, blank.json()["code"]) == (422, "empty_claim")
    for ahead in (timedelta(minutes=11), timedelta(days=365)):
        answer = await world.call("POST", "/claims", a_body(ago=-ahead))
        assert (answer.status_code, answer.json()["code"]) == (422, "time_in_future")
        assert "more than 10 minutes ahead" in answer.json()["detail"]
    await keep(world, a_body(ago=-timedelta(minutes=9)))


async def test_who_cannot_be_known_by_what_they_left_is_nobody(world: World) -> None:
    for number, phone in enumerate(("abc", "anonymous")):
        made = await keep(world, a_body(f"c-{number}", customer={"phone": phone}))
        assert (made["customer"]["phone"], made["identified"]) == (phone, False)
    assert await world.count("cases") == 2
    assert (await keep(world, a_body("c-9")))["identified"] is True


async def test_a_claim_tells_the_case_that_it_opened(world: World) -> None:
    made = await keep(world, a_body())
    (case,) = (await world.call("GET", "/cases")).json()["items"]
    assert made["case"] == case["id"]
    assert (await keep(world, a_body("c-2")))["case"] is None


async def test_a_branch_that_the_directory_does_not_know_yet_is_kept(world: World) -> None:
    assert (await keep(world, a_body(branch="nosuch")))["branch"] == "nosuch"


async def test_a_policy_promises_the_reaction_and_takes_the_place_of_the_norm(
    world: World, promising: Promising
) -> None:
    await promising.hear(
        a_calendar(day=("00:00-24:00",)),
        a_policy(
            a_target("claim_reaction", 2 * SECONDS, business=True),
            a_target("claim_answer", 48 * SECONDS),
        ),
    )
    made = await keep(world, a_body(branch=None))
    found = {clock["target"]: clock for clock in made["clocks"]}
    assert (found["claim_reaction"]["policy"], found["claim_reaction"]["calendar"]) == (
        "care",
        "office",
    )
    assert found["claim_answer"]["target_ms"] == 48 * SECONDS * 1_000
    assert found["claim_term"]["policy"] is None
    assert made["due_at"] == found["claim_reaction"]["due_at"]


async def test_the_term_of_a_branch_ends_where_the_branch_is(
    world: World, promising: Promising
) -> None:
    await promising.hear(Branch(code="far", timezone="Asia/Kamchatka"))
    world.platform.directory("feedback").forget(world.tenant)
    here, there = await keep(world, a_body("1")), await keep(world, a_body("2", branch="far"))
    for claim, hour in ((here, 21), (there, 12)):
        end = datetime.fromisoformat(claim["term_at"])
        assert (end.hour, end.minute, end.second) == (hour, 0, 0)
    letter = await keep(world, a_body("3", claim_kind="letter"))
    days = datetime.fromisoformat(letter["term_at"]) - datetime.fromisoformat(here["term_at"])
    assert days == timedelta(days=20)
    assert (await keep(world, a_body("4", claim_kind="other")))["term_at"] is None


async def test_a_claim_is_reacted_to_worked_off_and_reopened_each_with_reason_and_note(
    world: World, promising: Promising
) -> None:
    await promising.hear(a_policy(a_target("claim_reaction", 2 * SECONDS)))
    made = await keep(world, a_body())
    reacted = await do(world, made, "react", because())
    assert reacted["state"] == "in_work"
    done = await do(world, made, "work-off", because("refunded"))
    assert (done["state"], done["outcome"], done["due_at"]) == ("worked_off", "refunded", None)
    again = await do(world, made, "reopen", because("not_solved"))
    assert (again["state"], again["outcome"], again["reopenings"]) == ("in_work", None, 1)
    shown = (await world.call("GET", f"/claims/{made['id']}")).json()
    assert [(one["step"], one["reason"], one["note"]) for one in shown["history"]] == [
        ("received", None, None),
        ("reacted", "called", "договорились"),
        ("worked_off", "refunded", "договорились"),
        ("reopened", "not_solved", "договорились"),
    ]
    states = sorted((clock["target"], clock["state"]) for clock in shown["clocks"])
    assert states == [
        ("claim_answer", "achieved"),
        ("claim_answer", "pending"),
        ("claim_reaction", "achieved"),
        ("claim_term", "achieved"),
        ("claim_term", "pending"),
    ]
    for body in ({"reason": "x"}, {"note": "x"}, {"reason": "x", "note": "  "}):
        answer = await world.call("POST", f"/claims/{made['id']}/work-off", body)
        assert answer.status_code == 422, answer.text
    facts = await world.facts("claim")
    assert [event.verb for event in facts] == ["received", "reacted", "worked_off", "reopened"]
    assert facts[-1].data.worked_off_at is None


async def test_steps_that_make_no_sense_are_refused_by_name(world: World) -> None:
    made = await keep(world, a_body())
    early = (now() - 3 * HOUR).isoformat()
    ahead = (now() + HOUR).isoformat()
    refused = [
        ("reopen", because(), 409, "claim_open"),
        ("react", because(at=early), 422, "step_before_last"),
        ("react", because(at=ahead), 422, "time_in_future"),
    ]
    for what, body, status, code in refused:
        answer = await world.call("POST", f"/claims/{made['id']}/{what}", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    await do(world, made, "react", because())
    twice = await world.call("POST", f"/claims/{made['id']}/react", because())
    assert (twice.status_code, twice.json()["code"]) == (409, "claim_in_work")
    await do(world, made, "work-off", because("refunded"))
    late = await world.call("POST", f"/claims/{made['id']}/change", because(topic="x"))
    assert (late.status_code, late.json()["code"]) == (409, "claim_worked_off")
    unknown = await world.call("POST", "/claims", a_body("9", claim_kind="court"))
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_claim_kind")
    half = await world.call("POST", "/claims", a_body("9", currency=None))
    assert half.status_code == 422
    stale = await world.call(
        "POST", f"/claims/{made['id']}/reopen", because(), headers={"If-Match": '"1"'}
    )
    assert stale.status_code == 412


async def test_a_claim_that_is_given_to_another_branch_is_judged_there(
    world: World, promising: Promising
) -> None:
    policy = a_policy(a_target("claim_answer", 4 * SECONDS), branches=("perm",), code="perm")
    await promising.hear(policy)
    made = await keep(world, a_body())
    moved = await do(world, made, "change", because(branch="perm", agent="ivanov"))
    assert (moved["branch"], moved["agent"]) == ("perm", "ivanov")
    shown = (await world.call("GET", f"/claims/{made['id']}")).json()
    (answer,) = (clock for clock in shown["clocks"] if clock["target"] == "claim_answer")
    assert (answer["policy"], answer["target_ms"]) == ("perm", 4 * SECONDS * 1_000)


async def test_a_claim_takes_what_it_does_not_say_from_its_contact(world: World) -> None:
    await world.hear("call-1", branch="perm", agent="ivanov", party="buyer", queue="care")
    made = await keep(world, a_body(contact="call-1", branch=None, agent=None, customer=None))
    assert (made["branch"], made["agent"], made["party"]) == ("perm", "ivanov", "buyer")
    source = f"{world.tenant}.default"
    assert made["contact"] == str(contact_subject(world.tenant, source, "call-1"))


async def test_claims_of_one_customer_are_one_case(world: World) -> None:
    await keep(world, a_body("1"))
    await keep(world, a_body("2"))
    await keep(world, a_body("3", customer=None))
    assert await world.count("claims") == 3
    assert await world.count("cases") == 2


async def test_nothing_that_was_written_leaves_with_facts_or_lies_open(world: World) -> None:
    made = await keep(world, a_body())
    await do(world, made, "react", because())
    rows = await world.admin.fetch(
        "SELECT convert_from(payload, 'utf8') FROM feedback.outbox WHERE tenant = $1", world.tenant
    )
    for table in ("claims", "claim_steps", "watched", "clock", "cases"):
        rows += await world.admin.fetch(
            f"SELECT to_jsonb(t)::text FROM feedback.{table} t WHERE tenant = $1",
            world.tenant,
        )
    for row in rows:
        assert not any(word in row[0] for word in ("Секретову", "договорились", "9991234567"))


async def test_terms_are_declared_for_claims_to_come(world: World) -> None:
    before = await keep(world, a_body("1"))
    for code, days in (("consumer", 7), ("court", 5)):
        said = await world.call("PUT", f"/claim-kinds/{code}", {"days": days})
        assert said.status_code == 204, said.text
    listed = (await world.call("GET", "/claim-kinds")).json()["items"]
    assert [(one["code"], one["days"], one["shipped_days"]) for one in listed] == [
        ("consumer", 7, 10),
        ("court", 5, None),
        ("letter", 30, 30),
        ("other", None, None),
    ]
    after = await keep(world, a_body("2"))
    term = {
        name: datetime.fromisoformat(one["term_at"])
        for name, one in (("before", before), ("after", after))
    }
    assert term["before"] - term["after"] == timedelta(days=3)
    shown = (await world.call("GET", f"/claims/{before['id']}")).json()
    assert shown["term_at"] == before["term_at"]
    for days in (0, 367):
        bad = await world.call("PUT", "/claim-kinds/consumer", {"days": days})
        assert bad.status_code == 422
    limited = await world.member(Role.HEAD, "tyumen")
    no = await world.call("PUT", "/claim-kinds/consumer", {"days": 9}, key=limited)
    assert no.status_code == 403


async def test_the_list_shows_the_longest_overdue_first(world: World) -> None:
    for number, hours in enumerate((1, 30, 5)):
        await keep(world, a_body(str(number), ago=hours * HOUR, topic=f"t{number}"))
    done = await keep(world, a_body("done", ago=2 * HOUR))
    await do(world, done, "work-off", because("refunded"))

    async def listed(**query: Any) -> list[str]:
        found: list[str] = []
        asked: dict[str, Any] = {"limit": 2, **query}
        while True:
            answer = await world.call("GET", "/claims", params=asked)
            assert answer.status_code == 200, answer.text
            found += [one["reference"] for one in answer.json()["items"]]
            if answer.json()["next_cursor"] is None:
                return found
            asked["cursor"] = answer.json()["next_cursor"]

    assert await listed() == ["0", "done", "2", "1"]
    assert await listed(order="due") == ["1", "2", "0"]
    assert await listed(overdue="true") == ["1"]
    assert await listed(state="worked_off") == ["done"]
    assert await listed(topic="t2", severity="high", claim_kind="consumer") == ["2"]
    assert await listed(branch="perm") == []


async def test_who_is_limited_to_a_branch_sees_and_writes_its_claims_alone(world: World) -> None:
    made = await keep(world, a_body())
    agent = await world.member(Role.AGENT, "perm")
    path = f"/claims/{made['id']}"
    calls: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        *(
            ("POST", f"{path}/{what}", because())
            for what in ("react", "work-off", "reopen", "change")
        ),
        ("POST", "/claims", a_body(branch="perm")),
    ]
    for method, address, body in calls:
        answer = await world.call(method, address, body, key=agent)
        assert answer.status_code == 404, (method, address, answer.text)
    assert (await world.call("GET", "/claims", key=agent)).json()["items"] == []
    other = await world.call("POST", "/claims", a_body("2"), key=agent)
    assert (other.status_code, other.json()["code"]) == (422, "branch_out_of_reach")
    mine = await world.call("POST", "/claims", a_body("3", branch="perm"), key=agent)
    assert mine.status_code == 200
    away = await world.call(
        "POST", f"/claims/{mine.json()['id']}/change", because(branch="tyumen"), key=agent
    )
    assert (away.status_code, away.json()["code"]) == (422, "branch_out_of_reach")
    reader = await world.new_key(ALL_SCOPES - {"cases:write"})
    assert (await world.call("POST", "/claims", a_body("4"), key=reader)).status_code == 403


async def test_the_same_claim_sent_by_many_at_once_is_one(world: World) -> None:
    body = a_body()
    answers = await asyncio.gather(*(world.call("POST", "/claims", body) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert [await world.count(one) for one in ("claims", "cases", "clock")] == [1, 1, 2]


async def test_one_customer_with_several_claims_at_once_has_one_case(world: World) -> None:
    bodies = [a_body(str(number)) for number in range(6)]
    answers = await asyncio.gather(*(world.call("POST", "/claims", body) for body in bodies))
    assert {answer.status_code for answer in answers} == {200}
    assert [await world.count(one) for one in ("claims", "cases")] == [6, 1]


async def test_nothing_of_a_contact_of_others_is_taken(world: World) -> None:
    key = await world.new_key(ALL_SCOPES, branches=("kazan",))
    await world.hear("theirs", branch="perm", agent="ivanov", party="buyer")
    await world.hear("mine", branch="kazan", agent="petrov")
    said: dict[str, Any] = {"branch": "kazan", "agent": None, "customer": None}
    survey = await world.survey()
    rating = {"branch": "kazan", "customer": None}
    for contact, status in (("theirs", 422), ("mine", 200), ("unheard", 200)):
        claim = await world.call(
            "POST", "/claims", a_body(contact, contact=contact, **said), key=key
        )
        assert claim.status_code == status, claim.text
        answer = await world.put(contact, survey, {"nps": 9}, key, contact=contact, **rating)
        assert answer.status_code == {200: 204}.get(status, status), answer.text
        if status == 422:
            assert {claim.json()["code"], answer.json()["code"]} == {"branch_out_of_reach"}
    await world.hear("mine", 2, branch="perm")
    again = await world.put("mine", survey, {"nps": 9}, key, contact="mine", **rating)
    assert again.status_code == 204


async def test_a_claim_before_anything_that_is_counted_is_refused(world: World) -> None:
    for at in ("1900-01-01T05:00:00+14:00", "1989-12-31T00:00:00Z"):
        answer = await world.call("POST", "/claims", a_body() | {"received_at": at})
        assert (answer.status_code, answer.json()["code"]) == (422, "time_too_old")
