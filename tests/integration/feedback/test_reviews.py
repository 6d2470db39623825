"""Reviews on a real PostgreSQL: once, with clocks and cases, and what is done about them."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from otklik_common.callers import ALL_SCOPES
from otklik_common.events.access import Role
from tests.integration.feedback.conftest import World
from tests.integration.feedback.promising import DAY, Promising, a_policy, a_target, now

pytestmark = pytest.mark.asyncio

HOUR = timedelta(hours=1)
TEXT = "Риелтор опоздал на показ и не извинился"
AUTHOR = "Иван Секретов"


@pytest_asyncio.fixture
async def promising(world: World) -> Promising:
    made = Promising(world)
    await made.hear(a_policy(a_target("review_reply", DAY)))
    await made.redo()
    return made


def a_body(reference: str = "r-1", *, ago: timedelta = HOUR, **said: Any) -> dict[str, Any]:
    return {
        "source": "yandex_maps",
        "id": reference,
        "written_at": (now() - ago).isoformat(),
        "stars": 2,
        "text": TEXT,
        "author": AUTHOR,
        "branch": "tyumen",
        "agent": "petrova",
        "url": "https://maps.example/r-1",
    } | said


async def keep(world: World, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await world.call("POST", "/reviews", body, **more)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def do(world: World, review: dict[str, Any], what: str, body: Any, **more: Any) -> Any:
    answer = await world.call("POST", f"/reviews/{review['id']}/{what}", body, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_review_comes_once_with_its_clock_and_its_case(
    world: World, promising: Promising
) -> None:
    body = a_body()
    made = await keep(world, body)
    assert (made["text"], made["author"], made["url"]) == (TEXT, AUTHOR, body["url"])
    assert (made["state"], made["overdue"]) == ("open", False)
    due_at = datetime.fromisoformat(body["written_at"]) + timedelta(days=1)
    assert datetime.fromisoformat(made["due_at"]) == due_at
    assert await keep(world, body) == made
    told = await world.facts()
    assert [event.data.kind for event in told] == ["review", "feedback_clock", "case"]
    assert (told[2].data.reason, told[2].data.branch) == ("review", "tyumen")
    cases = (await world.call("GET", "/cases")).json()["items"]
    assert [(case["reason"], case["review"], case["answer"]) for case in cases] == [
        ("review", made["id"], None)
    ]
    detail = await world.call("GET", f"/cases/{cases[0]['id']}")
    assert detail.json()["history"][0]["step"] == "opened"


async def test_nothing_that_was_written_leaves_with_facts_or_lies_open(
    world: World, promising: Promising
) -> None:
    made = await keep(world, a_body())
    await do(world, made, "replies", {"text": "Просим прощения, Иван", "published": True})
    await keep(world, a_body(text=TEXT + " вовсе"))
    rows = await world.admin.fetch(
        "SELECT convert_from(payload, 'utf8') FROM feedback.outbox WHERE tenant = $1", world.tenant
    )
    for table in ("reviews", "review_versions", "review_replies", "review_steps", "watched"):
        rows += await world.admin.fetch(
            f"SELECT to_jsonb(t)::text FROM feedback.{table} t WHERE tenant = $1",
            world.tenant,
        )
    for row in rows:
        assert not any(
            word in row[0] for word in ("опоздал", "Секретов", "прощения", "maps.example")
        )


async def test_an_edit_at_the_source_is_a_revision_and_opens_a_case_when_it_turns_bad(
    world: World, promising: Promising
) -> None:
    made = await keep(world, a_body(stars=5, text="Всё было хорошо, спасибо большое"))
    assert await world.count("cases") == 0
    await keep(world, a_body(stars=1))
    await keep(world, a_body(stars=2))
    shown = (await world.call("GET", f"/reviews/{made['id']}")).json()
    assert [one["stars"] for one in shown["versions"]] == [5, 1]
    assert shown["versions"][0]["text"] == "Всё было хорошо, спасибо большое"
    assert shown["stars"] == 2
    assert await world.count("cases") == 1
    assert [event.data.stars for event in await world.facts("review")] == [5, 1, 2]


async def test_one_case_is_open_for_each_review(world: World, promising: Promising) -> None:
    await keep(world, a_body("r-1"))
    await keep(world, a_body("r-2"))
    await keep(world, a_body("r-1", source="2gis"))
    assert await world.count("cases") == 3
    await keep(world, a_body("r-1", stars=4))
    await keep(world, a_body("r-1", stars=1))
    assert await world.count("cases") == 3
    steps = await world.admin.fetch(
        "SELECT step FROM feedback.case_events WHERE tenant = $1 ORDER BY recorded_at, number",
        world.tenant,
    )
    assert [row["step"] for row in steps] == ["opened"] * 3 + ["joined"]


async def test_a_draft_keeps_nobody_from_waiting_and_a_published_reply_does(
    world: World, promising: Promising
) -> None:
    made = await keep(world, a_body())
    drafted = await do(world, made, "replies", {"text": "Просим прощения"})
    assert (drafted["state"], drafted["replies"]) == ("open", 1)
    assert drafted["due_at"] is not None
    published = await do(world, made, "replies/1/publish", {})
    assert (published["state"], published["due_at"]) == ("replied", None)
    again = await world.call("POST", f"/reviews/{made['id']}/replies/1/publish", {})
    assert (again.status_code, again.json()["code"]) == (409, "reply_published")
    none = await world.call("POST", f"/reviews/{made['id']}/replies/2/publish", {})
    assert (none.status_code, none.json()["code"]) == (422, "unknown_reply")
    shown = (await world.call("GET", f"/reviews/{made['id']}")).json()
    (answer,) = shown["answers"]
    assert (answer["text"], answer["published_by"]) == ("Просим прощения", answer["drafted_by"])
    assert [step["step"] for step in shown["history"]] == ["drafted", "replied"]
    assert [state for _, _, state in await promising.told()] == ["pending", "achieved"]


async def test_a_reply_that_was_published_elsewhere_counts_at_its_own_time(
    world: World, promising: Promising
) -> None:
    made = await keep(world, a_body(ago=20 * HOUR))
    at = (now() - 2 * HOUR).isoformat()
    done = await do(world, made, "replies", {"elsewhere": True, "at": at})
    assert datetime.fromisoformat(done["replied_at"]) == datetime.fromisoformat(at)
    (fact,) = (await promising.shown()).values()
    assert (fact.state.value, (fact.used_ms or 0) // 3_600_000) == ("achieved", 18)


async def test_a_reply_given_before_we_heard_of_a_late_review_keeps_no_promise(
    world: World, promising: Promising
) -> None:
    made = await keep(world, a_body(ago=timedelta(days=20)))
    at = (now() - timedelta(days=5)).isoformat()
    await do(world, made, "replies", {"elsewhere": True, "at": at})
    assert [state for _, _, state in await promising.told()] == ["pending", "cancelled"]


async def test_a_review_tells_its_case_and_whether_its_reply_was_in_time(
    world: World, promising: Promising
) -> None:
    made = await keep(world, a_body())
    (case,) = (await world.call("GET", "/cases")).json()["items"]
    assert made["case"] == case["id"]
    assert [clock["state"] for clock in made["clocks"]] == ["pending"]
    await do(world, made, "replies", {"text": "Просим прощения", "published": True})
    (clock,) = (await world.call("GET", f"/reviews/{made['id']}")).json()["clocks"]
    assert (clock["target"], clock["policy"], clock["state"]) == (
        "review_reply",
        "care",
        "achieved",
    )
    happy = await keep(world, a_body("r-2", stars=5, ago=timedelta(days=31)))
    assert (happy["case"], happy["clocks"]) == (None, [])


async def test_a_review_from_the_future_is_refused_with_the_true_limit(world: World) -> None:
    for ahead in (timedelta(minutes=11), timedelta(days=365)):
        answer = await world.call("POST", "/reviews", a_body(ago=-ahead))
        assert (answer.status_code, answer.json()["code"]) == (422, "time_in_future")
        assert "more than 10 minutes ahead" in answer.json()["detail"]
    assert (await world.call("POST", "/reviews", a_body(ago=HOUR * -0.15))).status_code == 200


async def test_a_removed_review_is_waited_for_by_nobody_and_is_kept(
    world: World, promising: Promising
) -> None:
    made = await keep(world, a_body())
    done = await do(world, made, "removed", {"reason": "fake", "note": "площадка удалила"})
    assert done["state"] == "removed"
    assert [state for _, _, state in await promising.told()] == ["pending", "cancelled"]
    late = await world.call("POST", f"/reviews/{made['id']}/replies", {"text": "поздно"})
    assert (late.status_code, late.json()["code"]) == (409, "review_removed")
    shown = (await world.call("GET", f"/reviews/{made['id']}")).json()
    assert shown["history"][0]["note"] == "площадка удалила"


async def test_what_comes_late_is_judged_from_then_on_and_an_archive_not_at_all(
    world: World, promising: Promising
) -> None:
    late = await keep(world, a_body("late", ago=timedelta(days=3)))
    old = await keep(world, a_body("old", ago=timedelta(days=31)))
    begins = datetime.fromisoformat(late["received_at"])
    assert datetime.fromisoformat(late["due_at"]) == begins + timedelta(days=1)
    assert old["due_at"] is None
    (case,) = (await world.call("GET", "/cases")).json()["items"]
    assert (case["review"], datetime.fromisoformat(case["opened_at"])) == (late["id"], begins)


async def test_reviews_in_the_same_words_are_pointed_out_and_never_merged(
    world: World, promising: Promising
) -> None:
    here = await keep(world, a_body("1"))
    there = await keep(world, a_body("77", source="2gis", text=TEXT.upper() + "!"))
    later = await keep(world, a_body("2", ago=timedelta(days=2)))
    assert there["alike"] == [here["id"]]
    assert (await world.call("GET", f"/reviews/{here['id']}")).json()["alike"] == [there["id"]]
    assert later["alike"] == []
    assert await world.count("reviews") == 3


async def test_the_list_is_paged_filtered_and_shows_the_longest_overdue_first(
    world: World, promising: Promising
) -> None:
    for number, hours in enumerate((1, 30, 5, 40)):
        await keep(world, a_body(f"r-{number}", ago=hours * HOUR, stars=number + 1))
    await keep(world, a_body("other", source="2gis", branch="perm", stars=None, ago=HOUR / 2))
    done = await keep(world, a_body("done", ago=2 * HOUR))
    await do(world, done, "replies", {"text": "Спасибо", "published": True})

    async def listed(**query: Any) -> list[str]:
        found: list[str] = []
        asked: dict[str, Any] = {"limit": 2, **query}
        while True:
            answer = await world.call("GET", "/reviews", params=asked)
            assert answer.status_code == 200, answer.text
            found += [one["reference"] for one in answer.json()["items"]]
            if answer.json()["next_cursor"] is None:
                return found
            asked["cursor"] = answer.json()["next_cursor"]

    assert await listed() == ["other", "r-0", "done", "r-2", "r-1", "r-3"]
    # Those of 30 and 40 hours ago came late: their day begins when we heard of them.
    assert await listed(order="due") == ["r-2", "r-0", "other", "r-1", "r-3"]
    assert await listed(branch="perm") == await listed(source="2gis") == ["other"]
    assert await listed(stars=3) == ["r-2"]
    assert await listed(state="replied") == ["done"]
    assert await listed(overdue="true") == []
    await promising.hear(a_policy(a_target("review_reply", 3 * 3_600)))
    await promising.redo()
    assert await listed(overdue="true", order="due") == ["r-2"]
    assert await listed(order="due") == ["r-2", "r-0", "other", "r-1", "r-3"]


async def test_whose_work_a_review_is_can_be_said_and_asked_for(
    world: World, promising: Promising
) -> None:
    made = await keep(world, a_body())
    path = f"/reviews/{made['id']}/assignee"
    said = await world.call("PUT", path, {"assignee": "petrova"})
    assert said.json()["assignee"] == "petrova"
    found = await world.call("GET", "/reviews", params={"assignee": "petrova"})
    assert [one["id"] for one in found.json()["items"]] == [made["id"]]
    assert (await world.call("PUT", path, {"assignee": None})).json()["assignee"] is None


async def test_who_is_limited_to_a_branch_sees_and_writes_its_reviews_alone(
    world: World, promising: Promising
) -> None:
    made = await keep(world, a_body())
    agent = await world.member(Role.AGENT, "perm")
    path = f"/reviews/{made['id']}"
    calls: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        ("POST", f"{path}/replies", {"text": "ой"}),
        ("PUT", f"{path}/assignee", {"assignee": "x"}),
        ("POST", f"{path}/removed", {"reason": "fake", "note": "нет"}),
        ("POST", "/reviews", a_body(stars=5)),
    ]
    for method, address, body in calls:
        answer = await world.call(method, address, body, key=agent)
        assert answer.status_code == 404, (method, address, answer.text)
    assert (await world.call("GET", "/reviews", key=agent)).json()["items"] == []
    other = await world.call("POST", "/reviews", a_body("r-9"), key=agent)
    assert (other.status_code, other.json()["code"]) == (422, "branch_out_of_reach")
    reader = await world.new_key(ALL_SCOPES - {"cases:write"})
    assert (await world.call("POST", "/reviews", a_body(), key=reader)).status_code == 403


async def test_a_batch_keeps_the_good_and_names_the_others(
    world: World, promising: Promising
) -> None:
    bodies = [
        a_body("1"),
        a_body("1"),
        a_body("2", written_at=(now() + HOUR).isoformat()),
        a_body("3", stars=6),
        a_body("4", stars=None, text=None),
        a_body("1", stars=5),
        a_body("5", stars=None, text="=1+1"),
        a_body("6", url="javascript:alert(1)"),
        a_body("7", source="Yandex Maps"),
    ]
    bodies[1]["written_at"] = bodies[0]["written_at"]
    answer = await world.call("POST", "/reviews:batch", bodies)
    assert answer.status_code == 202, answer.text
    said = answer.json()
    assert (said["accepted"], said["duplicates"]) == (3, 1)
    assert [(one["index"], one["code"]) for one in said["refused"]] == [
        (2, "time_in_future"),
        (3, "out_of_range"),
        (4, "empty_review"),
        (7, said["refused"][3]["code"]),
        (8, said["refused"][4]["code"]),
    ]
    assert await world.count("reviews") == 2
    assert await world.count("review_versions") == 1
    many = await world.call("POST", "/reviews:batch", [a_body(str(n)) for n in range(1_001)])
    assert (many.status_code, many.json()["code"]) == (413, "too_many_items")


async def test_a_file_of_reviews_is_taken_in_with_formulas_and_html_as_text(
    world: World, promising: Promising
) -> None:
    at = (now() - HOUR).isoformat()
    lines = [
        "source;id;written_at;stars;text;branch",
        f"2gis;1;{at};1;=cmd|' /C calc'!A0;tyumen",
        f"2gis;2;{at};;<script>alert(1)</script>;tyumen",
        "2gis;3;вчера;5;;tyumen",
        f"2gis;1;{at};1;=cmd|' /C calc'!A0;tyumen",
    ]
    sent = {"Content-Type": "text/csv"}
    answer = await world.call(
        "POST", "/reviews:import", content="\r\n".join(lines).encode(), headers=sent
    )
    assert answer.status_code == 202, answer.text
    said = answer.json()
    assert (said["accepted"], said["duplicates"]) == (2, 1)
    assert [one["index"] for one in said["refused"]] == [2]
    found = (await world.call("GET", "/reviews", params={"stars": 1})).json()["items"]
    shown = (await world.call("GET", f"/reviews/{found[0]['id']}")).json()
    assert shown["text"] == "=cmd|' /C calc'!A0"
    bad = await world.call("POST", "/reviews:import", content=b"x", headers=sent)
    assert (bad.status_code, bad.json()["code"]) == (422, "bad_file")


async def test_the_same_review_sent_by_many_at_once_is_one(
    world: World, promising: Promising
) -> None:
    body = a_body()
    answers = await asyncio.gather(*(world.call("POST", "/reviews", body) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert [await world.count(one) for one in ("reviews", "cases", "clock")] == [1, 1, 1]
    assert [event.revision for event in await world.facts("review")] == [1]


async def test_a_step_is_done_once_and_only_on_what_was_seen(
    world: World, promising: Promising
) -> None:
    made = await keep(world, a_body())
    path = f"/reviews/{made['id']}/replies"

    async def reply(**headers: str) -> httpx.Response:
        return await world.call("POST", path, {"text": "Спасибо"}, headers=headers)

    first = await reply(**{"Idempotency-Key": "k-1"})
    assert first.json() == (await reply(**{"Idempotency-Key": "k-1"})).json()
    assert await world.count("review_replies") == 1
    stale = await reply(**{"If-Match": f'"{made["revision"]}"'})
    assert stale.status_code == 412
    early = (now() - 3 * HOUR).isoformat()
    before = await world.call("POST", path, {"elsewhere": True, "at": early})
    assert (before.status_code, before.json()["code"]) == (422, "reply_before_review")
    ahead = await world.call("POST", path, {"elsewhere": True, "at": (now() + HOUR).isoformat()})
    assert (ahead.status_code, ahead.json()["code"]) == (422, "time_in_future")
