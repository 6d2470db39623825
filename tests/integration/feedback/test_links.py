"""Links: spent by a complete answer and by nothing else, and one answer for all that are no good."""

import asyncio
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from otklik_common.events.access import KeyPurpose
from otklik_common.links import link_digest
from tests.integration.feedback.asking import Asking
from tests.integration.feedback.conftest import AT, PHONE, World

pytestmark = pytest.mark.asyncio


@pytest.fixture
def asking(world: World) -> Asking:
    """Asking of a new company."""
    return Asking(world)


async def a_link(world: World, name: str = "poster", **said: Any) -> dict[str, Any]:
    """A link that was made by hand; for one answer of one person."""
    if "survey" not in said:
        said["survey"] = await world.survey()
    made = await world.call("PUT", f"/links/{name}", {"kind": "single"} | said)
    assert made.status_code == 200, made.text
    found: dict[str, Any] = made.json()
    return found


async def invited(asking: Asking, **said: Any) -> str:
    """Token of somebody who was invited."""
    await asking.programme(**said)
    await asking.ends("c-1", agent="anna")
    await asking.look()
    return asking.token((await asking.invited())["id"])


def no_good(answer: Any) -> bool:
    """Whether a link was answered as one that is no good."""
    return bool(answer.status_code == 404 and answer.json()["code"] == "link_not_valid")


async def test_fifty_submits_of_one_single_use_link_are_one_answer(asking: Asking) -> None:
    token = await invited(asking)
    # Two devices: each has its own words.
    sent = await asyncio.gather(
        *(asking.answer(token, {"nps": 8 + n % 2, "comment": f"device {n}"}) for n in range(50))
    )
    codes = Counter(one.status_code for one in sent)
    assert codes == {200: 1, 404: 49}
    assert all(map(no_good, (one for one in sent if one.status_code == 404)))
    for table in ("answers", "link_uses"):
        assert await asking.world.count(table) == 1
    assert await asking.world.count("answer_versions") == 0
    facts = await asking.world.facts("answer")
    assert [fact.revision for fact in facts] == [1]
    assert (await asking.invited())["state"] == "done"


async def test_the_same_submit_fifty_times_is_answered_alike(asking: Asking) -> None:
    token = await invited(asking)
    sent = await asyncio.gather(*(asking.answer(token) for _ in range(50)))
    assert {one.status_code for one in sent} == {200}
    assert len({one.json()["answer"] for one in sent}) == 1
    assert await asking.world.count("answers") == 1
    assert len(await asking.world.facts("answer")) == 1


async def test_a_quota_of_a_hundred_under_three_hundred_submits_is_a_hundred(
    asking: Asking,
) -> None:
    world = asking.world
    await asking.programme(quotas=[{"counted": "answers", "most": 100}])
    await asking.happen([asking.contact(f"c-{n}", asking.person(n)) for n in range(300)])
    await asking.look()
    tokens = [asking.token(one["id"]) for one in await asking.invitations()]
    assert len(tokens) == 300

    async def submit(token: str) -> Any:
        while True:
            answer = await asking.answer(token)
            if answer.status_code != 503:  # no connection was free in time: come again
                return answer

    sent = await asyncio.gather(*map(submit, tokens))
    codes = Counter(one.status_code for one in sent)
    assert codes == {200: 100, 409: 200}
    assert {one.json()["code"] for one in sent if one.status_code == 409} == {"quota_full"}
    for table in ("answers", "link_uses"):
        assert await world.count(table) == 100
    used = await world.admin.fetchval(
        "SELECT used FROM feedback.quotas WHERE tenant = $1", world.tenant
    )
    assert used == 100
    # Nobody else is asked either.
    await asking.ends("late", asking.person(999))
    await asking.look()
    assert [one["rule"] for one in await asking.invitations(state="stopped")] == ["quota"]


async def test_an_anonymous_link_brings_as_many_answers_as_it_allows(world: World) -> None:
    asking = Asking(world)
    made = await a_link(world, kind="anonymous", most=20, branch="tyumen", touchpoint="desk")
    sent = await asyncio.gather(
        *(asking.answer(made["link"], id=f"visitor-{n}") for n in range(60))
    )
    assert Counter(one.status_code for one in sent) == {200: 20, 404: 40}
    assert await world.count("answers") == 20
    [one] = (await world.call("GET", "/links")).json()["items"]
    assert (one["used"], "link" in one) == (20, False)
    fact = (await world.facts("answer"))[0].data
    assert (fact.branch, fact.touchpoint, fact.identifiers) == ("tyumen", "desk", ())


async def test_an_anonymous_answer_names_itself(world: World) -> None:
    asking = Asking(world)
    token = (await a_link(world, kind="anonymous"))["link"]
    nameless = await asking.answer(token)
    assert (nameless.status_code, nameless.json()["code"]) == (422, "answer_id_missing")
    first = await asking.answer(token, id="v-1")
    again = await asking.answer(token, id="v-1")
    assert first.json() == again.json()
    assert no_good(await asking.answer(token, {"nps": 1}, id="v-1"))
    assert await world.count("answers") == 1


async def test_a_personal_link_is_one_answer_that_may_be_given_anew(world: World) -> None:
    asking = Asking(world)
    made = await a_link(world, kind="personal", customer={"phone": PHONE})
    for nps in (9, 3, 8):
        assert (await asking.answer(made["link"], {"nps": nps})).status_code == 200
    assert await world.count("answers") == await world.count("link_uses") == 1
    facts = await world.facts("answer")
    assert [(fact.revision, fact.data.nps) for fact in facts] == [(1, 9), (2, 3), (3, 8)]
    known = world.platform.pseudonyms.phone(world.tenant, PHONE)
    assert facts[0].data.identifiers == (known,)


async def test_only_a_complete_answer_spends_a_link(asking: Asking) -> None:
    token = await invited(asking)
    partial = await asking.answer(token, {"nps": 3}, complete=False)
    assert partial.json()["state"] == "partial"
    # Without the survey's own question it is not complete, whatever is said.
    assert (await asking.answer(token, {"comment": "well"})).json()["state"] == "partial"
    assert (await asking.invited())["state"] == "partial"
    assert await asking.world.count("link_uses") == 0
    done = await asking.answer(token, {"nps": 9})
    assert done.json()["state"] == "done"
    assert no_good(await asking.answer(token, {"nps": 1}))
    shown = await asking.invited()
    assert (shown["state"], shown["answer"]) == ("done", done.json()["answer"])
    assert await asking.world.count("answers") == 1


async def test_looking_spends_nothing_and_says_nothing(asking: Asking) -> None:
    token = await invited(asking)
    for _ in range(20):
        looked = await asking.world.call("GET", f"/asked/{token}")
        assert [each["id"] for each in looked.json()["questions"]] == ["nps", "comment"]
    assert (await asking.invited())["state"] == "invited"
    for step in ("opened", "started"):
        told = await asking.world.call("POST", f"/asked/{token}:{step}")
        assert told.status_code == 204
        assert (await asking.invited())["state"] == step
    assert (await asking.answer(token)).json()["state"] == "done"
    assert no_good(await asking.world.call("GET", f"/asked/{token}"))


async def test_wrong_ended_used_and_withdrawn_links_are_answered_alike(world: World) -> None:
    asking = Asking(world)
    survey = await world.survey()
    wrong = "A" * 28
    used = (await a_link(world, "used", survey=survey))["link"]
    assert (await asking.answer(used)).status_code == 200
    soon = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    ended = (await a_link(world, "ended", survey=survey, expires_at=soon))["link"]
    gone = (await a_link(world, "gone", survey=survey))["link"]
    assert (await world.call("DELETE", "/links/gone")).status_code == 204
    bodies = []
    for token in (wrong, used, ended, gone):
        for answer in (
            await asking.answer(token, {"nps": 2}),
            await world.call("GET", f"/asked/{token}"),
        ):
            assert answer.status_code == 404
            body = answer.json()
            bodies.append({name: body[name] for name in ("type", "title", "code", "detail")})
    assert all(body == bodies[0] for body in bodies)
    assert await world.count("answers") == 1


async def test_a_link_to_a_survey_that_is_closed_or_gone_is_no_good(world: World) -> None:
    asking = Asking(world)
    survey = await world.survey(id="demo-nps")
    token = (await a_link(world, survey=survey))["link"]
    await world.call("PATCH", f"/surveys/{survey}", {"active": False}, headers={"If-Match": "*"})
    assert no_good(await asking.answer(token))
    assert no_good(await world.call("GET", f"/asked/{token}"))
    assert (await world.call("DELETE", "/demo")).is_success
    assert no_good(await asking.answer(token))
    assert no_good(await world.call("GET", f"/asked/{token}"))
    assert await world.count("answers") == 0


async def test_a_link_of_an_invitation_ends_with_its_day(asking: Asking) -> None:
    token = await invited(asking, expires_days=0)
    shown = await asking.invited()
    ends = datetime.fromisoformat(shown["expires_at"])
    assert timedelta() < ends - datetime.now(UTC) <= timedelta(hours=24)
    await asking.earlier(timedelta(hours=25))
    assert no_good(await asking.answer(token))


async def test_a_link_that_is_put_again_keeps_its_token(world: World) -> None:
    survey = await world.survey()
    first = await a_link(world, survey=survey)
    assert re.fullmatch(r"[A-Za-z0-9_-]{28}", first["link"])
    await world.call("DELETE", "/links/poster")
    assert (await a_link(world, survey=survey))["link"] == first["link"]
    other = await world.call("PUT", "/links/poster", {"kind": "personal", "survey": survey})
    assert (other.status_code, other.json()["code"]) == (409, "link_exists")
    stored = await world.admin.fetchval(
        "SELECT digest FROM feedback.links WHERE tenant = $1", world.tenant
    )
    assert stored == link_digest(first["link"])


async def test_what_makes_no_link_is_refused(world: World) -> None:
    survey = await world.survey()
    for wrong in (
        {"kind": "anonymous", "customer": {"phone": PHONE}},
        {"kind": "single", "most": 3},
    ):
        answer = await world.call("PUT", "/links/x", {"survey": survey, **wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_link")
    missing = await world.call("DELETE", "/links/x")
    assert missing.json()["code"] == "link_not_found"


async def test_an_answer_by_an_invitation_is_about_its_contact_and_person(asking: Asking) -> None:
    token = await invited(asking)
    # From a public page, whose key may see no branch of its own.
    key = await asking.world.new_key(["answers:write"], purpose=KeyPurpose.PUBLISHABLE)
    body = {"link": token, "at": AT, "values": {"nps": 2, "comment": "rude"}}
    assert (await asking.world.call("POST", "/answers", body, key=key)).status_code == 200
    [fact] = await asking.world.facts("answer")
    assert fact.data.identifiers == (asking.person(1),)
    assert (fact.data.branch, fact.data.agent) == ("tyumen", "anna")
    assert fact.data.contact == asking.world.contact_id("c-1")
    assert len(await asking.world.facts("case")) == 1


async def test_an_answer_in_confidence_cannot_be_traced_to_its_invitation(asking: Asking) -> None:
    world = asking.world
    token = await invited(asking, survey=await world.survey("enps"))
    assert (await asking.answer(token, {"enps": 3})).json()["state"] == "done"
    shown = await asking.invited()
    [answer] = await world.facts("answer")
    assert (shown["state"], shown["answer"]) == ("done", None)
    assert answer.data.identifiers == ()
    told = [fact for fact in await world.facts("invitation") if fact.verb == "done"]
    assert [fact.data.answer for fact in told] == [None]
    rows = await world.admin.fetch(
        "SELECT row_to_json(a)::text AS text FROM feedback.answers a WHERE tenant = $1"
        " UNION ALL SELECT row_to_json(v)::text FROM feedback.answer_versions v WHERE tenant = $1",
        world.tenant,
    )
    assert not any(shown["id"] in row["text"] for row in rows)
    uses = await world.admin.fetch(
        "SELECT answer FROM feedback.link_uses WHERE tenant = $1", world.tenant
    )
    assert [str(row["answer"]) for row in uses] == [shown["id"]]
    # A retry is still known by its body; another device is not let in.
    assert (await asking.answer(token, {"enps": 3})).status_code == 200
    assert no_good(await asking.answer(token, {"enps": 9}))


async def test_the_database_itself_lets_no_link_of_one_person_be_used_twice(world: World) -> None:
    token = (await a_link(world))["link"]
    assert (await Asking(world).answer(token)).status_code == 200
    with pytest.raises(asyncpg.CheckViolationError):
        await world.admin.execute(
            "UPDATE feedback.links SET used = used + 1 WHERE tenant = $1", world.tenant
        )
    with pytest.raises(asyncpg.UniqueViolationError):
        await world.admin.execute(
            "INSERT INTO feedback.link_uses SELECT tenant, link, place, gen_random_uuid(), at"
            " FROM feedback.link_uses WHERE tenant = $1",
            world.tenant,
        )
