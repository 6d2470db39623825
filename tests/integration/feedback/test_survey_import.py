"""Surveys of SurveyJS over HTTP: made once, with a word on what was not taken over."""

from typing import Any

import pytest

from tests.integration.feedback.conftest import World

pytestmark = pytest.mark.asyncio

WHOLE = {
    "locale": "ru",
    "title": {"ru": "После сделки", "en": "After the deal"},
    "pages": [
        {
            "elements": [
                {
                    "type": "rating",
                    "name": "nps",
                    "title": {"ru": "Порекомендуете?", "en": "Would you recommend us?"},
                    "rateMin": 0,
                    "rateMax": 10,
                },
                {
                    "type": "checkbox",
                    "name": "why",
                    "title": {"ru": "Почему {nps}?", "en": "Why {nps}?"},
                    "choices": [{"value": "price", "text": {"ru": "Цена", "en": "Price"}}],
                    "visibleIf": "{nps} <= 6 and {nps} notempty",
                },
            ]
        }
    ],
}
LOSSY = {"elements": [*WHOLE["pages"][0]["elements"], {"type": "file", "name": "photo"}]}  # type: ignore[index]


async def take(world: World, survey: Any, **more: Any) -> Any:
    """The reply to an import."""
    return await world.call("POST", "/surveys:import", {"survey": survey} | more)


async def test_a_survey_is_taken_over_and_answered(world: World) -> None:
    made = await take(world, WHOLE, id="deal")
    assert made.status_code == 201
    body = made.json()
    assert (body["left_out"], body["not_taken"], body["names"]) == ([], [], {})
    survey = body["survey"]
    assert survey["title"] == {"ru": "После сделки", "en": "After the deal"}
    assert made.headers["location"] == f"/feedback/v1/surveys/{survey['id']}"
    await world.answer("a-1", "deal", {"nps": 3, "why": ["price"]})
    await world.answer("a-2", "deal", {"nps": 9, "why": ["price"]})
    first, second = [(await world.call("GET", f"/answers/a-{n}")).json() for n in (1, 2)]
    assert (first["choices"], first["not_shown"]) == ({"why": ["price"]}, [])
    assert (second["choices"], second["not_shown"]) == ({}, ["why"])
    again = await take(world, WHOLE, id="deal")
    assert (again.status_code, again.json()["survey"]["id"]) == (201, survey["id"])
    assert await world.count("surveys") == 1


async def test_losses_are_refused_until_they_are_accepted(world: World) -> None:
    refused = await take(world, LOSSY)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (422, "questions_left_out")
    assert [each["field"] for each in problem["errors"]] == ["elements.2"]
    assert await world.count("surveys") == 0
    made = await take(world, LOSSY, accept_losses=True)
    assert made.status_code == 201
    assert [each["field"] for each in made.json()["left_out"]] == ["elements.2"]
    assert len(made.json()["survey"]["questions"]) == 2


async def test_a_dry_run_tells_and_makes_nothing(world: World) -> None:
    told = await take(world, LOSSY | {"triggers": []}, dry_run=True)
    assert (told.status_code, told.json()["survey"]) == (200, None)
    assert len(told.json()["questions"]) == 2
    assert [each["field"] for each in told.json()["left_out"]] == ["elements.2"]
    assert [each["field"] for each in told.json()["not_taken"]] == ["triggers"]
    assert await world.count("surveys") == 0


async def test_a_survey_of_nothing_is_refused(world: World) -> None:
    refused = await take(world, {"elements": [{"type": "html", "name": "x"}]}, accept_losses=True)
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_survey")
