"""Batches of answers: good ones are kept where others are refused, and nothing costs too much."""

import asyncio
import json
import tracemalloc
from typing import Any

import httpx
import pytest

from otklik_common.events.access import KeyPurpose
from tests.integration.feedback.conftest import AT, World

pytestmark = pytest.mark.asyncio

BATCH = "/answers:batch"
NDJSON = {"Content-Type": "application/x-ndjson"}


def an_item(reference: str, survey: str, score: Any = 9, **more: Any) -> dict[str, Any]:
    return {"id": reference, "survey": survey, "at": AT, "values": {"nps": score}} | more


async def post(world: World, body: Any, key: str | None = None) -> httpx.Response:
    if isinstance(body, bytes):
        return await world.call("POST", BATCH, key=key, content=body, headers=NDJSON)
    return await world.call("POST", BATCH, body, key=key)


async def test_good_ones_are_kept_where_others_are_refused(world: World, other: World) -> None:
    survey, foreign = await world.survey(), await other.survey()
    items = [
        an_item("a-0", survey),
        an_item("a-1", survey, 11),
        an_item("a-2", foreign),
        an_item("a-3", survey, at="2026-03-02T18:00:00"),
        an_item("a-4", survey, at="2999-03-02T18:00:00Z"),
        an_item("a-5", survey, colour="red"),
        {"survey": survey, "at": AT, "values": {"nps": 9}},
        "nonsense",
        an_item("a-8", survey, 3),
    ]
    done = await post(world, items)
    assert done.status_code == 202
    body = done.json()
    assert (body["accepted"], body["duplicates"]) == (2, 0)
    assert [(one["index"], one["code"]) for one in body["refused"]] == [
        (1, "score_off_scale"),
        (2, "survey_not_found"),
        (3, "time_without_zone"),
        (4, "time_in_future"),
        (5, "unknown_field"),
        (6, "missing"),
        (7, "wrong_type"),
    ]
    assert body["refused"][0]["detail"] == "score 11 is outside the NPS scale 0 to 10"
    assert len(await world.facts("answer")) == 2
    assert len(await world.facts("case")) == 1


async def test_a_batch_sent_twice_is_kept_once(world: World) -> None:
    survey = await world.survey()
    items = [an_item(f"a-{number}", survey, number % 11) for number in range(50)]
    assert (await post(world, items)).json()["accepted"] == 50
    before = len(await world.facts())
    again = (await post(world, items)).json()
    assert again == {"accepted": 0, "duplicates": 50, "refused": []}
    assert len(await world.facts()) == before


async def test_lines_are_read_and_blank_ones_are_no_answers(world: World) -> None:
    survey = await world.survey()
    lines = [
        json.dumps(an_item("a-0", survey)),
        "",
        "  ",
        "{broken",
        json.dumps(an_item("a-1", survey)),
    ]
    body = (await post(world, "\n".join(lines).encode())).json()
    assert body["accepted"] == 2
    assert [(one["index"], one["code"]) for one in body["refused"]] == [(1, "malformed_json")]
    empty = await post(world, b"\n\n")
    assert (empty.status_code, empty.json()["code"]) == (400, "malformed_json")


async def test_one_id_twice_in_a_batch_is_a_duplicate_or_a_revision(world: World) -> None:
    survey = await world.survey()
    items = [
        an_item("a-0", survey, 3),
        an_item("a-0", survey, 3),
        an_item("a-0", survey, 9),
        an_item("a-1", survey, 9),
        an_item("a-1", survey, 12),
    ]
    body = (await post(world, items)).json()
    assert (body["accepted"], body["duplicates"]) == (3, 1)
    assert [one["index"] for one in body["refused"]] == [4]
    facts = [(fact.revision, fact.data.nps) for fact in await world.facts("answer")]
    assert facts == [(1, 3), (2, 9), (1, 9)]
    shown = (await world.call("GET", "/answers/a-0")).json()
    assert (shown["revision"], len(shown["versions"]), len(shown["cases"])) == (2, 2, 1)
    later = (await post(world, [an_item("a-0", survey, 4), an_item("a-0", survey, 5)])).json()
    assert later["accepted"] == 2
    assert (await world.call("GET", "/answers/a-0")).json()["revision"] == 4


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'[{"id":"a-0"', 400, "malformed_json"),
        (b'[{"id":"\xff\xfe"}]', 400, "malformed_json"),
        (b'"text"', 400, "malformed_json"),
        (b"[" * 100_000, 400, "malformed_json"),
        (b"[" + b"{}," * 5000 + b"{}]", 413, "too_many_items"),
        (b"{}\n" * 5001, 413, "too_many_items"),
        (b" " * (6 * 1024 * 1024), 413, "body_too_large"),
    ],
    ids=["truncated", "not-utf8", "text", "deep", "5001", "5001-lines", "6-MiB"],
)
async def test_a_body_that_is_no_batch_keeps_nothing(
    world: World, body: bytes, status: int, code: str
) -> None:
    done = await post(world, body)
    assert (done.status_code, done.json()["code"]) == (status, code)
    assert await world.count("answers") == 0


async def test_a_refused_batch_costs_bounded_memory(world: World) -> None:
    body = b"[" + b",".join([b'{"id":1}'] * 5000) + b"]"
    await post(world, body)
    tracemalloc.start()
    try:
        done = await post(world, body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(done.json()["refused"]) == 5000
    assert peak < 60 * 1024 * 1024


async def test_batches_that_meet_leave_every_answer_once(world: World) -> None:
    survey = await world.survey()
    person = {"phone": "+79990000001"}
    items = [
        an_item(f"a-{number}", survey, 3, customer=person, touchpoint="call")
        for number in range(60)
    ]
    sent = [items, items[::-1], items[20:] + items[:20], items[::2]]
    done = await asyncio.gather(*(post(world, one) for one in sent))
    assert {one.status_code for one in done} == {202}
    assert sum(one.json()["accepted"] for one in done) == 60
    assert [fact.revision for fact in await world.facts("answer")] == [1] * 60
    assert await world.count("cases") == 1
    assert await world.count("case_events") == 60


async def test_a_publishable_key_may_send_batches_of_its_own(world: World) -> None:
    survey = await world.survey()
    await post(world, [an_item("theirs", survey)])
    page = await world.new_key({"answers:write"}, purpose=KeyPurpose.PUBLISHABLE)
    done = await post(world, [an_item("mine", survey), an_item("theirs", survey, 0)], key=page)
    assert done.json()["accepted"] == 1
    assert done.json()["refused"][0]["code"] == "not_found"


async def test_a_publishable_key_cannot_flood_a_survey_by_batches(world: World) -> None:
    survey = await world.survey()
    page = await world.new_key({"answers:write"}, purpose=KeyPurpose.PUBLISHABLE)
    flood = await post(world, [an_item(f"f-{n}", survey) for n in range(61)], key=page)
    assert (flood.status_code, flood.json()["code"]) == (422, "too_many_at_once")
    heavy = await post(world, [an_item("heavy", survey) | {"weight": 100}], key=page)
    assert heavy.json()["refused"][0]["code"] == "weight_not_allowed"
    first = await post(world, [an_item(f"a-{n}", survey) for n in range(40)], key=page)
    assert first.json()["accepted"] == 40
    second = await post(world, [an_item(f"b-{n}", survey) for n in range(40)], key=page)
    assert second.status_code == 429
    assert await world.count("answers") == 40
