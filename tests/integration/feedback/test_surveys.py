"""Surveys over HTTP: templates, versions, and once however often one asks."""

import pytest

from otklik_common.callers import ALL_SCOPES
from otklik_common.events.access import Role
from tests.integration.feedback.conftest import World

pytestmark = pytest.mark.asyncio

TITLE = {"ru": "Опрос", "en": "Survey"}
ATTRIBUTES = [
    {"id": "speed", "title": {"ru": "Скорость", "en": "Speed"}, "importance": 3},
    {"id": "result", "title": {"ru": "Итог", "en": "Result"}, "importance": 0.5, "max": 10},
]


@pytest.mark.parametrize(
    "template", ["nps", "tnps", "csat", "ces", "enps", "forces", "ladder", "attachment"]
)
async def test_every_template_makes_a_survey(world: World, template: str) -> None:
    id_ = await world.survey(template)
    shown = await world.call("GET", f"/surveys/{id_}")
    assert shown.headers["etag"] == '"1"'
    body = shown.json()
    assert (body["template"], body["version"], body["active"]) == (template, 1, True)
    assert body["anonymous"] == (template == "enps")
    assert body["questions"][-1]["id"] == "comment"
    [fact] = await world.facts("survey")
    assert (str(fact.subject), fact.revision, fact.data.template) == (id_, 1, template)


async def test_a_csi_survey_shows_its_weighted_attributes(world: World) -> None:
    id_ = await world.survey("csi", attributes=ATTRIBUTES)
    questions = (await world.call("GET", f"/surveys/{id_}")).json()["questions"]
    assert [(one["id"], one["importance"]) for one in questions[:2]] == [
        ("speed", 3.0),
        ("result", 0.5),
    ]
    assert questions[1]["scale"] == {
        "min": 1,
        "max": 10,
        "step": 1,
        "direction": "higher_is_better",
    }


async def test_an_edit_is_a_new_version_and_needs_the_last_one(world: World) -> None:
    id_ = await world.survey("csi", attributes=ATTRIBUTES)
    path, edit = f"/surveys/{id_}", {"attributes": ATTRIBUTES[:1], "active": False}
    assert (await world.call("PATCH", path, edit)).status_code == 428
    stale = {"If-Match": '"7"'}
    assert (await world.call("PATCH", path, edit, headers=stale)).status_code == 412
    changed = await world.call("PATCH", path, edit, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert changed.json()["version"] == 2
    same = await world.call("PATCH", path, edit, headers={"If-Match": '"2"'})
    assert same.json()["version"] == 2
    assert await world.count("survey_versions") == 2
    assert [fact.revision for fact in await world.facts("survey")] == [1, 2]
    refused = await world.put("a-1", id_, {"speed": 5})
    assert (refused.status_code, refused.json()["code"]) == (409, "survey_inactive")


async def test_under_an_id_of_its_own_a_survey_is_made_once(world: World) -> None:
    body = {"id": "after-call", "template": "nps", "title": TITLE}
    first = await world.call("POST", "/surveys", body)
    again = await world.call("POST", "/surveys", body)
    assert first.json()["id"] == again.json()["id"]
    other = await world.call("POST", "/surveys", body | {"template": "csat"})
    assert (other.status_code, other.json()["code"]) == (409, "survey_exists")
    assert await world.count("surveys") == 1
    await world.answer("a-1", "after-call", {"nps": 9})
    assert (await world.call("GET", "/surveys/after-call")).json() == first.json()


async def test_with_a_key_a_repeated_request_makes_one_survey(world: World) -> None:
    body, headers = {"template": "nps", "title": TITLE}, {"Idempotency-Key": "k-1"}
    first = await world.call("POST", "/surveys", body, headers=headers)
    again = await world.call("POST", "/surveys", body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    reused = await world.call("POST", "/surveys", body | {"template": "ces"}, headers=headers)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    assert await world.count("surveys") == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"template": "nps"}, "invalid"),
        ({"template": "sms", "title": TITLE}, "invalid"),
        ({"template": "nps", "title": {"ru": "Опрос"}}, "invalid"),
        ({"template": "nps", "title": TITLE, "colour": "red"}, "invalid"),
        ({"template": "nps", "title": TITLE, "attributes": ATTRIBUTES}, "bad_survey"),
        ({"template": "csi", "title": TITLE}, "bad_survey"),
        ({"template": "csat", "title": TITLE, "scale": "1-10"}, "bad_survey"),
        (
            {
                "template": "csi",
                "title": TITLE,
                "attributes": [{**ATTRIBUTES[0], "importance": 0}],
            },
            "invalid",
        ),
    ],
)
async def test_what_makes_no_survey_is_refused(
    world: World, body: dict[str, object], code: str
) -> None:
    refused = await world.call("POST", "/surveys", body)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert await world.count("surveys") == 0


async def test_surveys_come_page_by_page(world: World, other: World) -> None:
    made = [await world.survey() for _ in range(3)]
    await other.survey()
    first = (await world.call("GET", "/surveys?limit=2")).json()
    cursor = first["next_cursor"]
    rest = (await world.call("GET", f"/surveys?limit=2&cursor={cursor}")).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == made
    assert rest["next_cursor"] is None
    foreign = await other.call("GET", f"/surveys?limit=2&cursor={cursor}")
    assert (foreign.status_code, foreign.json()["code"]) == (400, "cursor_of_another_query")


async def test_a_foreign_survey_is_a_missing_one(world: World, other: World) -> None:
    id_ = await world.survey()
    missing = await other.call("GET", "/surveys/00000000-0000-5000-8000-000000000000")
    foreign = await other.call("GET", f"/surveys/{id_}")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.json()["code"] == missing.json()["code"] == "survey_not_found"
    edit = await other.call("PATCH", f"/surveys/{id_}", {}, headers={"If-Match": '"1"'})
    assert edit.status_code == 404
    answer = await other.put("a-1", id_, {"nps": 9})
    assert (answer.status_code, answer.json()["code"]) == (404, "survey_not_found")


async def test_who_is_limited_to_branches_reads_surveys_and_changes_none(world: World) -> None:
    id_ = await world.survey()
    limited = [
        await world.member(Role.HEAD, "tyumen"),
        await world.member(Role.HEAD, groups=("ural",)),
        await world.new_key(ALL_SCOPES, branches=("tyumen",)),
    ]
    body, any_version = {"template": "nps", "title": TITLE}, {"If-Match": "*"}
    for key in limited:
        assert (await world.call("GET", f"/surveys/{id_}", key=key)).status_code == 200
        made = await world.call("POST", "/surveys", body, key=key)
        edit = {"active": False}
        edited = await world.call("PATCH", f"/surveys/{id_}", edit, key=key, headers=any_version)
        for no in (made, edited):
            assert (no.status_code, no.json()["code"]) == (403, "forbidden")
            assert no.json()["detail"] == "this needs reach over the whole company"
    assert [fact.revision for fact in await world.facts("survey")] == [1]
    head = await world.member(Role.HEAD)
    assert (await world.call("POST", "/surveys", body, key=head)).status_code == 201
    edit = {"active": False}
    edited = await world.call("PATCH", f"/surveys/{id_}", edit, key=head, headers=any_version)
    assert edited.status_code == 200


async def test_agents_neither_read_nor_make_surveys_and_managers_only_read(world: World) -> None:
    agent, manager = await world.member(Role.AGENT), await world.member(Role.MANAGER)
    body = {"template": "nps", "title": TITLE}
    assert (await world.call("GET", "/surveys", key=agent)).status_code == 403
    assert (await world.call("GET", "/surveys", key=manager)).status_code == 200
    assert (await world.call("POST", "/surveys", body, key=manager)).status_code == 403
