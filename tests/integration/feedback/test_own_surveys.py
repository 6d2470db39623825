"""Surveys with questions of a company's own: versions, what is shown, answers of every kind."""

from typing import Any

import pytest

from tests.integration.feedback.conftest import AT, World

pytestmark = pytest.mark.asyncio

TITLE = {"ru": "Опрос", "en": "Survey"}


def words(text: str) -> dict[str, str]:
    """A text in both languages."""
    return {"ru": f"{text} (по-русски)", "en": text}


def options(*names: str) -> list[dict[str, Any]]:
    """Options named by their ids."""
    return [{"id": name, "text": words(name)} for name in names]


QUESTIONS: list[dict[str, Any]] = [
    {"id": "nps", "text": words("Would you recommend {contact.agent_name|us}?")},
    {
        "id": "why",
        "kind": "multiple",
        "text": words("You gave {answer.nps|no score}. Why?"),
        "options": options("price", "rude"),
        "visible_if": {"question": "nps", "op": "le", "value": 6},
    },
    {"id": "forces", "kind": "forces", "text": words("How was it?")},
    {
        "id": "lines",
        "kind": "matrix",
        "text": words("And these?"),
        "rows": [
            {"id": "speed", "text": words("Speed"), "importance": 3},
            {"id": "care", "text": words("Care"), "importance": 1},
        ],
    },
    {"id": "when", "kind": "date", "text": words("When was it?")},
    {"id": "story", "kind": "text", "text": words("Tell us")},
]


async def own(world: World, questions: Any = None, **more: Any) -> str:
    """Id of a survey with questions of its own."""
    return await world.survey("own", questions=questions or QUESTIONS, **more)


async def edited(world: World, survey: str, body: Any, revision: int = 1) -> Any:
    """The reply to an edit."""
    match = {"If-Match": f'"{revision}"'}
    return await world.call("PATCH", f"/surveys/{survey}", body, headers=match)


async def test_what_is_shown_of_a_survey_can_be_sent_back(world: World) -> None:
    survey = await own(world)
    shown = (await world.call("GET", f"/surveys/{survey}")).json()
    assert (shown["own_questions"], shown["template"]) == (True, "own")
    again = await edited(world, survey, {"questions": shown["questions"]})
    assert (again.status_code, again.json()["version"]) == (200, 1)
    for template in ("ladder", "attachment", "mystery_shopper", "maturity", "preference"):
        made = await world.survey(template)
        asked = (await world.call("GET", f"/surveys/{made}")).json()["questions"]
        kept = (await edited(world, made, {"questions": asked})).json()
        assert kept["questions"] == asked, template


async def test_an_answer_of_every_kind_is_kept_and_told(world: World) -> None:
    survey = await own(world)
    values = {
        "nps": 3,
        "why": ["rude"],
        "forces": {"clarity": 6, "status": "na"},
        "lines": {"speed": 4, "care": 2},
        "when": "2026-02-28",
        "story": "<b>Анна</b> 😀 =1+1",
    }
    await world.answer("a-1", survey, values)
    found = (await world.call("GET", "/answers/a-1")).json()
    assert found["scores"] == {"nps": 3, "clarity": 6, "speed": 4, "care": 2}
    assert found["choices"] == {"why": ["rude"]}
    assert found["not_applicable"] == ["status"]
    assert found["texts"] == {"when": "2026-02-28", "story": "<b>Анна</b> 😀 =1+1"}
    assert (found["comment"], found["has_text"], len(found["cases"])) == (None, True, 1)
    [fact] = [event.data for event in await world.facts("answer")]
    assert (fact.nps, fact.csi_score_micro, fact.has_text) == (3, 14_000_000, True)
    assert fact.scores == {"clarity": 6, "speed": 4, "care": 2}


async def test_words_are_sealed_and_are_not_told(world: World) -> None:
    survey = await own(world)
    for text in ("первые слова", "вторые слова"):
        await world.answer("a-1", survey, {"story": text, "when": "1980-05-17"})
    kept = await world.admin.fetch(
        "SELECT row_to_json(a)::text AS a FROM feedback.answers a WHERE tenant = $1"
        " UNION ALL SELECT row_to_json(v)::text FROM feedback.answer_versions v WHERE tenant = $1"
        " UNION ALL SELECT payload::text FROM feedback.outbox WHERE tenant = $1",
        world.tenant,
    )
    assert not any("слова" in row["a"] or "1980" in row["a"] for row in kept)
    versions = (await world.call("GET", "/answers/a-1")).json()["versions"]
    assert [one["texts"]["story"] for one in versions] == ["первые слова", "вторые слова"]


async def test_function_and_emotion_are_told_as_indices(world: World) -> None:
    survey = await world.survey("attachment")
    await world.answer("a-1", survey, {"solved": 7, "trust": 4})
    [fact] = [event.data for event in await world.facts("answer")]
    assert fact.scores == {"solved": 7, "trust": 4, "function_index": 100, "emotion_index": 50}


async def test_what_was_not_asked_is_dropped_and_named(world: World) -> None:
    survey = await own(world)
    await world.answer("a-1", survey, {"nps": 9, "why": ["rude"]})
    found = (await world.call("GET", "/answers/a-1")).json()
    assert (found["choices"], found["not_shown"]) == ({}, ["why"])
    assert found["versions"][0]["not_shown"] == ["why"]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"nps": 11}, "score_off_scale"),
        ({"nps": 9.0}, "score_off_scale"),
        ({"why": ["other"]}, "unknown_option"),
        ({"forces": {"speed": 4}}, "unknown_option"),
        ({"lines": [4, 2]}, "wrong_type"),
        ({"when": "yesterday"}, "bad_date"),
        ({"clarity": 4}, "unknown_question"),
        ({"csat": 4}, "unknown_question"),
    ],
)
async def test_what_does_not_fit_is_refused(world: World, values: Any, code: str) -> None:
    refused = await world.put("a-1", await own(world), values)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert await world.count("answers") == 0


async def test_an_answer_belongs_to_the_version_it_was_begun_with(world: World) -> None:
    survey = await own(world)
    fewer = [each for each in QUESTIONS if each["id"] not in {"why", "story"}]
    fewer[2] = fewer[2] | {"rows": [{"id": "speed", "text": words("Speed"), "importance": 10}]}
    assert (await edited(world, survey, {"questions": fewer})).json()["version"] == 2

    begun = {"nps": 3, "why": ["price"], "lines": {"speed": 4, "care": 2}}
    late = await world.put("a-1", survey, begun)
    assert (late.status_code, late.json()["code"]) == (422, "unknown_question")
    assert "survey_version" in late.json()["detail"]
    await world.answer("a-1", survey, begun, survey_version=1)
    await world.answer("a-2", survey, {"lines": {"speed": 4}})
    await world.answer("a-3", survey, {"lines": {"speed": 4}}, survey_version=2)
    shown = [(await world.call("GET", f"/answers/a-{n}")).json() for n in (1, 2, 3)]
    assert [one["survey_version"] for one in shown] == [1, 2, 2]
    facts = [event.data for event in await world.facts("answer")]
    assert [one.csi_importance_micro for one in facts] == [4_000_000, 10_000_000, 10_000_000]
    assert shown[0]["choices"] == {"why": ["price"]}


@pytest.mark.parametrize("version", [3, 10**15])
async def test_a_version_that_is_not_there_is_refused(world: World, version: int) -> None:
    survey = await own(world)
    await edited(world, survey, {"title": words("Other")})
    refused = await world.put("a-1", survey, {"nps": 9}, survey_version=version)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_survey_version")
    assert "it has 1 to 2" in refused.json()["detail"]


async def test_versions_of_a_batch_are_each_their_own(world: World) -> None:
    survey = await own(world)
    await edited(world, survey, {"questions": QUESTIONS[:1]})
    items = [
        {"id": f"b-{n}", "survey": survey, "at": AT, "values": values} | more
        for n, (values, more) in enumerate(
            [
                ({"why": ["price"], "nps": 1}, {"survey_version": 1}),
                ({"why": ["price"], "nps": 1}, {}),
                ({"nps": 1}, {"survey_version": 2}),
                ({"nps": 1}, {"survey_version": 9}),
            ]
        )
    ]
    done = (await world.call("POST", "/answers:batch", items)).json()
    assert (done["accepted"], [one["index"] for one in done["refused"]]) == (2, [1, 3])


async def test_the_same_body_of_another_version_is_another_body(world: World) -> None:
    survey = await own(world)
    await world.answer("a-1", survey, {"nps": 9})
    await edited(world, survey, {"title": words("Other")})
    for _ in range(2):
        await world.answer("a-1", survey, {"nps": 9}, survey_version=2)
    assert len((await world.call("GET", "/answers/a-1")).json()["versions"]) == 2


async def test_a_survey_that_takes_no_answers_takes_none_of_older_versions(world: World) -> None:
    survey = await own(world)
    await edited(world, survey, {"active": False})
    refused = await world.put("a-1", survey, {"nps": 9}, survey_version=1)
    assert (refused.status_code, refused.json()["code"]) == (409, "survey_inactive")


async def test_every_version_can_be_read(world: World) -> None:
    survey = await own(world)
    await edited(world, survey, {"questions": QUESTIONS[:1], "title": words("Second")})
    listed = (await world.call("GET", f"/surveys/{survey}/versions")).json()["items"]
    assert [(one["version"], len(one["survey"]["questions"])) for one in listed] == [(2, 1), (1, 6)]
    assert all(one["sender"].startswith("key:") and one["recorded_at"] for one in listed)
    for one in listed:
        alone = await world.call("GET", f"/surveys/{survey}/versions/{one['version']}")
        assert alone.json() == one["survey"]
    missing = await world.call("GET", f"/surveys/{survey}/versions/3")
    assert (missing.status_code, missing.json()["code"]) == (404, "survey_version_not_found")
    for path in ("versions", "versions/1"):
        missing = await world.call("GET", f"/surveys/nobody/{path}")
        assert (missing.status_code, missing.json()["code"]) == (404, "survey_not_found")


async def test_versions_of_others_are_not_there(world: World, other: World) -> None:
    survey = await own(world)
    for path in ("versions", "versions/1"):
        assert (await other.call("GET", f"/surveys/{survey}/{path}")).status_code == 404
    assert (await other.call("POST", f"/surveys/{survey}/shown", {})).status_code == 404


async def test_what_is_shown_next_depends_on_what_was_said(world: World) -> None:
    survey = await own(world)

    async def shown(**body: Any) -> Any:
        reply = await world.call("POST", f"/surveys/{survey}/shown", body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    first = await shown()
    assert [one["id"] for one in first["questions"]] == [
        "nps",
        "forces",
        "lines",
        "when",
        "story",
    ]
    assert first["questions"][0]["text"]["en"] == "Would you recommend us?"
    after = await shown(values={"nps": 3}, contact={"agent_name": "Anna"})
    assert [one["text"]["en"] for one in after["questions"][:2]] == [
        "Would you recommend Anna?",
        "You gave 3. Why?",
    ]
    await edited(world, survey, {"questions": QUESTIONS[:1]})
    assert len((await shown(survey_version=1))["questions"]) == 5
    assert len((await shown())["questions"]) == 1
    odd = await world.call("POST", f"/surveys/{survey}/shown", {"contact": {"phone": "1"}})
    assert odd.status_code == 422


async def test_an_id_keeps_its_scale_through_all_versions(world: World) -> None:
    survey = await own(world)
    await edited(world, survey, {"questions": QUESTIONS[:1]})
    lines = {"id": "speed", "kind": "stars", "text": words("Speed"), "scale": {"min": 1, "max": 7}}
    refused = await edited(world, survey, {"questions": [lines]}, 2)
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_survey")
    assert "'speed' had the scale 1 to 5" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"template": "own"}, "questions of your own"),
        ({"template": "own", "questions": []}, ""),
        ({"template": "csi", "after": "contact"}, "asked after"),
        ({"template": "own", "questions": QUESTIONS[:1], "after": "deal"}, "take no attributes"),
        ({"template": "nps", "questions": QUESTIONS[5:]}, "of template nps asks 'nps'"),
        ({"template": "nps", "theme": {"accent": "#eeeeee"}}, "contrast"),
        (
            {"template": "own", "questions": [QUESTIONS[1] | {"text": TITLE}]},
            "visible_if looks at 'nps'",
        ),
        (
            {"template": "own", "questions": [QUESTIONS[0] | {"visible_if": {"script": "1"}}]},
            "write {question",
        ),
        (
            {"template": "own", "questions": [{"id": "f", "kind": "file", "text": TITLE}]},
            "files cannot be sent",
        ),
    ],
)
async def test_what_makes_no_survey_is_refused(world: World, body: Any, said: str) -> None:
    refused = await world.call("POST", "/surveys", {"title": TITLE} | body)
    assert refused.status_code == 422
    assert said in refused.json()["detail"]
    assert await world.count("surveys") == 0


async def test_a_template_keeps_the_question_that_it_is_named_after(world: World) -> None:
    survey = await world.survey("csat")
    refused = await edited(world, survey, {"questions": QUESTIONS[:1]})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_survey")
    asked = [{"id": "csat", "text": TITLE, "scale": {"min": 1, "max": 5}}]
    assert (await edited(world, survey, {"questions": asked})).status_code == 200


async def test_a_survey_after_a_deal_has_its_target_and_its_look(world: World) -> None:
    survey = await world.survey("csi", after="deal", theme={"accent": "#0A5C36"})
    shown = (await world.call("GET", f"/surveys/{survey}")).json()
    assert (shown["target"], shown["after"]) == (4.4, "deal")
    assert shown["theme"] == {"accent": "#0a5c36", "background": "#ffffff"}
    assert shown["questions"][0]["importance"] == 1
    changed = await edited(world, survey, {"target": 4.6, "theme": {"accent": "#000000"}})
    assert (changed.json()["target"], changed.json()["theme"]["accent"]) == (4.6, "#000000")


async def test_the_same_draft_again_is_the_same_survey(world: World) -> None:
    for body in (
        {"template": "own", "questions": QUESTIONS},
        {"template": "tnps", "after": "deal"},
        {"template": "csi", "after": "deal", "target": 4.5},
    ):
        draft = body | {"id": f"d-{body['template']}", "title": TITLE}
        made = [await world.call("POST", "/surveys", draft) for _ in range(2)]
        assert [one.status_code for one in made] == [201, 201]
        other = draft | {"title": words("Other")}
        assert (await world.call("POST", "/surveys", other)).status_code == 409
    fewer = {"template": "own", "questions": QUESTIONS[:1], "id": "d-own", "title": TITLE}
    assert (await world.call("POST", "/surveys", fewer)).status_code == 409
