"""Answers over HTTP: once, with their history, by those who may, and never off the scale."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from otklik_common.events.access import KeyPurpose, Role
from otklik_common.http import RateLimit
from otklik_common.ids import subject_id
from otklik_feedback.api import context
from tests.integration.feedback.conftest import PHONE, World

pytestmark = pytest.mark.asyncio


async def test_an_answer_becomes_a_fact_with_nothing_personal(world: World) -> None:
    survey = await world.survey("forces")
    values = {"nps": 9, "clarity": 6, "overall": 7, "comment": "быстро и честно"}
    await world.answer("a-1", survey, values, contact="pbx-1", party="buyer", weight=1.5)
    [event] = await world.facts("answer")
    fact = event.data
    assert event.subject == subject_id(world.tenant, "answer", "a-1")
    assert (event.revision, event.verb, event.void) == (1, "kept", False)
    assert (str(fact.survey), fact.template, fact.nps) == (survey, "forces", 9)
    assert fact.scores == {"clarity": 6, "overall": 7}
    assert fact.answered_at == datetime(2026, 3, 2, 15, tzinfo=UTC)
    assert (fact.branch, fact.party, fact.touchpoint) == ("tyumen", "buyer", "viewing")
    assert fact.contact == world.contact_id("pbx-1")
    assert fact.source == subject_id(world.tenant, "source", f"{world.tenant}.default")
    assert fact.identifiers == (world.platform.pseudonyms.phone(world.tenant, PHONE),)
    assert (fact.weight_micro, fact.has_text) == (1_500_000, True)
    assert "быстро" not in fact.model_dump_json()


async def test_the_same_body_again_is_the_same_answer(world: World) -> None:
    survey = await world.survey()
    await world.answer("a-1", survey, {"nps": 9})
    await world.answer("a-1", survey, {"nps": 9, "comment": None})
    await world.answer("a-1", survey, {"nps": 9}, customer={"phone": "8 (999) 123-45-67"})
    assert len(await world.facts("answer")) == 1
    assert await world.count("answer_versions") == 0


async def test_a_second_rating_is_a_revision_and_both_are_shown(world: World) -> None:
    survey = await world.survey()
    await world.answer("a-1", survey, {"nps": 3, "comment": "долго"}, contact="pbx-1")
    await world.answer("a-1", survey, {"nps": 9, "comment": "перезвонили"}, contact="pbx-1")
    first, second = await world.facts("answer")
    assert (first.revision, second.revision) == (1, 2)
    assert first.recorded_at < second.recorded_at
    assert (first.data.nps, second.data.nps) == (3, 9)
    shown = await world.call("GET", "/answers/a-1")
    body = shown.json()
    assert shown.headers["etag"] == '"2"'
    assert (body["scores"], body["comment"]) == ({"nps": 9}, "перезвонили")
    assert [(one["scores"]["nps"], one["comment"]) for one in body["versions"]] == [
        (3, "долго"),
        (9, "перезвонили"),
    ]
    assert [one["revision"] for one in body["versions"]] == [1, 2]
    assert len(body["cases"]) == 1


@pytest.mark.parametrize(
    ("template", "values", "code", "detail"),
    [
        ("nps", {"nps": 11}, "score_off_scale", "score 11 is outside the NPS scale 0 to 10"),
        (
            "nps",
            {"nps": 8.5},
            "score_off_scale",
            "score 8.5 is no whole number on the NPS scale 0 to 10",
        ),
        ("nps", {"nps": True}, "wrong_type", "a whole number on the NPS scale 0 to 10 is expected"),
        ("csat", {"csat": 0}, "score_off_scale", "score 0 is outside the CSAT scale 1 to 5"),
        ("nps", {"ces": 5}, "unknown_question", "the survey has no question 'ces'"),
    ],
)
async def test_what_the_survey_does_not_offer_is_refused(
    world: World, template: str, values: dict[str, Any], code: str, detail: str
) -> None:
    refused = await world.put("a-1", await world.survey(template), values)
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["detail"]) == (422, code, detail)
    assert await world.facts("answer") == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"at": "2026-03-02T18:00:00"}, "time_without_zone"),
        ({"at": 1772463600}, "malformed"),
        ({"colour": "red"}, "unknown_field"),
        ({"weight": 0}, "out_of_range"),
        ({"weight": -1}, "out_of_range"),
        ({"weight": "1"}, "wrong_type"),
        ({"branch": 7}, "wrong_type"),
        ({"branch": ""}, "too_short"),
        ({"channel": "pigeon"}, "not_one_of"),
        ({"customer": {"telephone": "+7"}}, "unknown_field"),
        ({"values": [9]}, "wrong_type"),
    ],
)
async def test_a_body_of_another_form_is_refused_field_by_field(
    world: World, said: dict[str, Any], code: str
) -> None:
    said = {"values": {"nps": 9}} | said
    refused = await world.put("a-1", await world.survey(), **said)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert code in {error["code"] for error in refused.json()["errors"]}


async def test_times_are_welcome_from_1990_to_tomorrow(world: World) -> None:
    survey, now = await world.survey(), datetime.now(UTC)
    for name, at, code in (
        ("late", datetime(1990, 1, 1, tzinfo=UTC), None),
        ("old", datetime(1989, 12, 31, tzinfo=UTC), "time_too_old"),
        ("soon", now + timedelta(hours=23), None),
        ("far", now + timedelta(hours=25), "time_in_future"),
    ):
        done = await world.put(name, survey, {"nps": 9}, at=at.isoformat())
        assert done.status_code == (422 if code else 204), name
        if code:
            assert done.json()["code"] == code


async def test_a_source_of_another_company_is_unknown(world: World, other: World) -> None:
    survey = await world.survey()
    named = {"contact": "pbx-1", "source": f"{other.tenant}.default"}
    refused = await world.put("a-1", survey, {"nps": 9}, **named)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_source")
    await world.answer("a-2", survey, {"nps": 9}, contact="1", source=f"{world.tenant}.pbx")
    [fact] = await world.facts("answer")
    assert fact.data.contact == world.contact_id("1", f"{world.tenant}.pbx")


async def test_address_and_body_name_one_id(world: World) -> None:
    survey = await world.survey()
    await world.answer("a-1", survey, {"nps": 9}, id="a-1")
    refused = await world.put("a-1", survey, {"nps": 9}, id="a-2")
    assert (refused.status_code, refused.json()["code"]) == (422, "id_differs")


async def test_many_writers_of_one_answer_leave_one_line_of_revisions(world: World) -> None:
    survey = await world.survey()
    bodies = [{"nps": number % 11, "comment": str(number)} for number in range(30)]
    done = await asyncio.gather(*(world.put("a-1", survey, values) for values in bodies))
    assert {one.status_code for one in done} == {204}
    facts = await world.facts("answer")
    assert [fact.revision for fact in facts] == list(range(1, 31))
    recorded = [fact.recorded_at for fact in facts]
    assert recorded == sorted(set(recorded))
    assert await world.count("answer_versions") == 29


async def test_a_customer_answers_only_as_themselves(world: World) -> None:
    survey, anna = await world.survey(), await world.customer("c-1")
    boris = await world.customer("c-2")

    async def put(reference: str, customer: Any, key: str) -> int:
        done = await world.put(reference, survey, {"nps": 9}, key=key, customer=customer)
        return done.status_code

    assert await put("a-1", {"external_id": "c-1"}, anna) == 204
    assert await put("a-2", None, anna) == 204
    assert await put("a-3", {"external_id": "c-2"}, anna) == 403
    assert await put("a-3", {"external_id": "c-1", "phone": PHONE}, anna) == 403
    assert await put("a-3", {"phone": PHONE}, anna) == 403
    assert await put("a-1", {"external_id": "c-2"}, boris) == 404
    assert len(await world.facts("answer")) == 2
    for path in ("/answers", "/answers/a-1", "/cases", "/surveys"):
        assert (await world.call("GET", path, key=anna)).status_code == 403
    batch = await world.call("POST", "/answers:batch", [], key=anna)
    assert batch.status_code == 403


async def test_a_publishable_key_answers_and_reads_nothing(world: World) -> None:
    survey = await world.survey()
    await world.answer("theirs", survey, {"nps": 9})
    scopes = {"answers:write", "answers:read", "surveys:read"}
    page = await world.new_key(scopes, purpose=KeyPurpose.PUBLISHABLE)
    assert (await world.put("mine", survey, {"nps": 8}, key=page)).status_code == 204
    assert (await world.put("mine", survey, {"nps": 9}, key=page)).status_code == 204
    taken = await world.put("theirs", survey, {"nps": 0}, key=page)
    assert (taken.status_code, taken.json()["code"]) == (404, "not_found")
    for path in ("/answers", "/answers/mine", "/surveys"):
        assert (await world.call("GET", path, key=page)).status_code == 403
    assert (await world.call("GET", "/answers/theirs")).json()["scores"] == {"nps": 9}


async def test_one_visitor_cannot_flood_a_survey(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = RateLimit("answers", per_second=0.001, burst=2)
    monkeypatch.setattr(context, "FROM_ONE_PLACE", limit)
    survey = await world.survey()
    page = await world.new_key({"answers:write"}, purpose=KeyPurpose.PUBLISHABLE)
    done = [await world.put(f"a-{n}", survey, {"nps": 9}, key=page) for n in range(3)]
    assert [one.status_code for one in done] == [204, 204, 429]
    assert int(done[2].headers["retry-after"]) > 0
    assert (await world.put("a-9", survey, {"nps": 9})).status_code == 204


async def test_a_key_of_one_branch_writes_and_reads_there_alone(world: World) -> None:
    survey = await world.survey()
    await world.answer("a-perm", survey, {"nps": 9}, branch="perm")
    await world.answer("a-none", survey, {"nps": 9}, branch=None)
    key = await world.new_key({"answers:write", "answers:read"}, branches=("tyumen",))
    assert (await world.put("a-1", survey, {"nps": 9}, key=key)).status_code == 204
    for branch in ("perm", None):
        refused = await world.put("a-2", survey, {"nps": 9}, key=key, branch=branch)
        assert (refused.status_code, refused.json()["code"]) == (422, "branch_out_of_reach")
    assert (await world.put("a-perm", survey, {"nps": 1}, key=key)).status_code == 404
    for reference, status in (("a-1", 200), ("a-perm", 404), ("a-none", 404), ("no", 404)):
        assert (await world.call("GET", f"/answers/{reference}", key=key)).status_code == status
    listed = (await world.call("GET", "/answers", key=key)).json()["items"]
    assert [one["id"] for one in listed] == ["a-1"]
    agent = await world.member(Role.AGENT, "perm")
    listed = (await world.call("GET", "/answers", key=agent)).json()["items"]
    assert [one["id"] for one in listed] == ["a-perm"]
    assert (await world.put("a-3", survey, {"nps": 9}, key=agent)).status_code == 403


async def test_a_foreign_answer_is_a_missing_one(world: World, other: World) -> None:
    await world.answer("a-1", await world.survey(), {"nps": 9})
    foreign = await other.call("GET", "/answers/a-1")
    missing = await world.call("GET", "/answers/a-2")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.json()["code"] == missing.json()["code"]
    await other.answer("a-1", await other.survey(), {"nps": 5})
    assert (await world.call("GET", "/answers/a-1")).json()["scores"] == {"nps": 9}


async def test_lists_are_filtered_and_come_page_by_page(world: World) -> None:
    survey, csat = await world.survey(), await world.survey("csat")
    for number in range(4):
        at = f"2026-03-0{number + 1}T12:00:00Z"
        await world.answer(f"a-{number}", survey, {"nps": 9}, at=at, agent=f"agent-{number % 2}")
    await world.answer("b-0", csat, {"csat": 5}, contact="pbx-1", at="2026-02-01T00:00:00Z")

    async def ids(query: str) -> list[str]:
        return [one["id"] for one in (await world.call("GET", f"/answers?{query}")).json()["items"]]

    assert await ids("") == ["a-3", "a-2", "a-1", "a-0", "b-0"]
    assert await ids(f"survey={csat}") == ["b-0"]
    assert await ids("agent=agent-1") == ["a-3", "a-1"]
    assert await ids("branch=perm") == []
    assert await ids(f"contact={world.contact_id('pbx-1')}") == ["b-0"]
    assert await ids("from=2026-03-02T12:00:00Z&to=2026-03-04T12:00:00Z") == ["a-2", "a-1"]
    page = (await world.call("GET", "/answers?limit=2")).json()
    rest = (await world.call("GET", f"/answers?limit=2&cursor={page['next_cursor']}")).json()
    assert [one["id"] for one in rest["items"]] == ["a-1", "a-0"]
    wrong = await world.call("GET", f"/answers?branch=perm&cursor={page['next_cursor']}")
    assert wrong.json()["code"] == "cursor_of_another_query"
    assert (await world.call("GET", "/answers?brunch=perm")).status_code == 422
    assert (await world.call("GET", "/answers?from=2026-03-02T12:00:00")).status_code == 422


async def test_whoever_answers_in_confidence_is_read_by_nobody(world: World) -> None:
    await world.answer("e-1", await world.survey("enps"), {"nps": 2}, agent="petrova", contact="1")
    [event] = await world.facts("answer")
    fact = event.data
    assert (fact.anonymous, fact.enps, fact.nps) == (True, 2, None)
    assert (fact.identifiers, fact.agent, fact.contact, fact.branch) == ((), None, None, "tyumen")
    assert (await world.call("GET", "/answers/e-1")).status_code == 404
    assert (await world.call("GET", "/answers")).json()["items"] == []
    row = await world.admin.fetchrow(
        "SELECT phone, own_identifiers::text, contact FROM feedback.answers WHERE tenant = $1",
        world.tenant,
    )
    assert row is not None
    assert tuple(row) == (None, "[]", None)
    assert await world.facts("case") == []


async def test_without_a_credential_nothing_is_answered(world: World) -> None:
    for key in ("nonsense", f"otk_{world.tenant}_aaaaaaaaaa_x"):
        refused = await world.call("GET", "/answers", key=key)
        assert refused.status_code == 401


async def test_what_became_of_a_deal_that_was_not_ours_is_told(world: World) -> None:
    survey = await world.survey("lost_deal")
    await world.answer("a-1", survey, {"lost_deal": 2, "attention": 2, "comment": "Этажи"})
    [event] = await world.facts("answer")
    assert (event.data.template, event.data.lost_deal) == ("lost_deal", 2)
    assert event.data.scores == {"attention": 2}
