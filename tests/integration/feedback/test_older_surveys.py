"""Surveys and answers that a build before has kept: they go on."""

import json

import pytest

from tests.integration.feedback.conftest import World

pytestmark = pytest.mark.asyncio

TITLE = {"ru": "Опрос", "en": "Survey"}


async def before(world: World, survey: str) -> None:
    """Write a survey and its answers back to what a build before kept of them."""
    for table in ("surveys", "survey_versions"):
        column = "id" if table == "surveys" else "survey"
        rows = await world.admin.fetch(
            f'SELECT version, definition::text FROM feedback."{table}" WHERE "{column}" = $1',
            survey,
        )
        for row in rows:
            said = json.loads(row["definition"])
            for name in ("own", "after", "target_micro", "theme"):
                del said[name]
            old = ["id", "text", "scale", "measure", "importance_micro", "not_applicable", "also"]
            said["questions"] = [{name: q[name] for name in old} for q in said["questions"]]
            await world.admin.execute(
                f'UPDATE feedback."{table}" SET definition = $3::text::jsonb'
                f' WHERE "{column}" = $1 AND version = $2',
                survey,
                row["version"],
                json.dumps(said),
            )
    for table in ("answers", "answer_versions"):
        await world.admin.execute(
            f"UPDATE feedback.\"{table}\" SET content = content - 'choices' - 'indices'"
            " - 'not_shown', words = NULL WHERE survey = $1",
            survey,
        )


@pytest.mark.parametrize("template", ["nps", "forces", "lost_deal", "enps", "ces"])
async def test_surveys_and_answers_of_a_build_before_go_on(world: World, template: str) -> None:
    score = {"nps": 9, "forces": 9, "lost_deal": 1, "enps": 9, "ces": 5}[template]
    name = "nps" if template == "forces" else template
    body = {"template": template, "title": TITLE, "id": "old", "anonymous": False}
    survey = (await world.call("POST", "/surveys", body)).json()["id"]
    values = {name: score, "comment": "да"}
    await world.answer("a-1", survey, {name: score})
    await world.answer("a-1", survey, values)
    await before(world, survey)

    shown = (await world.call("GET", f"/surveys/{survey}")).json()
    assert [one["kind"] for one in shown["questions"]][-1] == "text"
    assert shown["own_questions"] is False
    # The same body, sent again after the new build has come, is still the same body.
    await world.answer("a-1", survey, values)
    kept = (await world.call("GET", "/answers/a-1")).json()
    assert (len(kept["versions"]), kept["comment"], kept["texts"]) == (2, "да", {})
    await world.answer("a-2", survey, values, survey_version=1)
    assert (await world.call("POST", "/surveys", body)).status_code == 201
    changed = await world.call(
        "PATCH",
        f"/surveys/{survey}",
        {"title": {"ru": "Новый", "en": "New"}},
        headers={"If-Match": '"1"'},
    )
    assert changed.json()["version"] == 2
    await world.answer("a-3", survey, values)


@pytest.mark.parametrize("template", ["ladder", "attachment"])
async def test_a_template_that_asks_more_now_is_the_same_survey(
    world: World, template: str
) -> None:
    body = {"template": template, "title": TITLE, "id": "old"}
    survey = (await world.call("POST", "/surveys", body)).json()["id"]
    # A build before asked the first and the last question alone.
    for table in ("surveys", "survey_versions"):
        await world.admin.execute(
            f"UPDATE feedback.\"{table}\" SET definition = jsonb_set(definition, '{{questions}}',"
            " jsonb_build_array(definition #> '{questions,0}', definition #> '{questions,-1}'))"
            f" WHERE {'id' if table == 'surveys' else 'survey'} = $1",
            survey,
        )
    await before(world, survey)
    again = await world.call("POST", "/surveys", body)
    assert again.status_code == 201
    assert len(again.json()["questions"]) == 2
