"""Forms of evaluations over HTTP: versions that stay, edits that do not overwrite one another."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from httpx import AsyncClient, Response

from otklik_common.ids import short_id
from tests.integration.contact_center.conftest import World

pytestmark = pytest.mark.asyncio

BASE = "/contact-center/v1/evaluation-forms"


def a_form(**more: Any) -> dict[str, Any]:
    return {
        "names": {"ru": "Продажи", "en": "Sales"},
        "sections": [
            {
                "code": "greeting",
                "weight": 20,
                "questions": [{"code": "named", "texts": {"ru": "Назвал себя?"}}],
            },
            {
                "code": "need",
                "weight": 80,
                "questions": [
                    {"code": "asked", "kind": "scale", "points": [0, 1, 2, 5]},
                    {"code": "rude", "good": "no", "weight": 0, "fails_at": 0, "not_applicable": False},
                ],
            },
        ],
        **more,
    }  # fmt: skip


async def put(client: AsyncClient, code: str = "sales", **more: Any) -> Response:
    return await client.put(f"{BASE}/{code}", json=a_form(**more))


async def test_an_edit_makes_a_version_and_the_former_stays(client: AsyncClient) -> None:
    made = await put(client)
    assert made.status_code == 200, made.text
    assert (made.json()["version"], made.headers["ETag"]) == (1, '"1"')
    assert made.json()["sections"][1]["questions"][0]["points"] == [0, 1, 2, 5]
    assert (await put(client)).headers["ETag"] == '"1"'
    changed = await put(client, names={"en": "Selling"})
    assert (changed.json()["version"], changed.headers["ETag"]) == (2, '"2"')
    first = (await client.get(f"{BASE}/sales", params={"version": 1})).json()
    assert (first["names"]["en"], first["version"], first["latest"]) == ("Sales", 1, 2)
    assert (await client.get(f"{BASE}/sales")).json()["names"] == {"en": "Selling"}
    for path in (f"{BASE}/none", f"{BASE}/sales?version=3"):
        missing = await client.get(path)
        assert (missing.status_code, missing.json()["code"]) == (404, "unknown_form")


async def test_a_form_that_is_retired_is_listed_no_more_and_still_read(client: AsyncClient) -> None:
    await put(client)
    await put(client, "service")
    listed = (await client.get(BASE)).json()["items"]
    assert [one["code"] for one in listed] == ["sales", "service"]
    assert (await client.delete(f"{BASE}/sales")).status_code == 204
    assert [one["code"] for one in (await client.get(BASE)).json()["items"]] == ["service"]
    assert (await client.get(f"{BASE}/sales")).json()["retired"] is True
    back = await put(client)
    assert (back.json()["version"], back.json()["retired"]) == (1, False)
    assert (await client.delete(f"{BASE}/none")).status_code == 404


async def test_an_edit_that_overwrites_another_s_is_refused(client: AsyncClient) -> None:
    await put(client)
    body = a_form(names={"en": "Other"})
    path = f"{BASE}/sales"
    assert (await client.put(path, json=body, headers={"If-Match": '"1"'})).status_code == 200
    late = await client.put(path, json=a_form(), headers={"If-Match": '"1"'})
    assert (late.status_code, late.headers["ETag"]) == (412, '"2"')


async def test_many_who_make_a_form_at_once_make_as_many_versions(client: AsyncClient) -> None:
    made = await asyncio.gather(*(put(client, names={"en": f"Form {n}"}) for n in range(8)))
    assert [one.status_code for one in made] == [200] * 8
    assert sorted(one.json()["version"] for one in made) == list(range(1, 9))


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"sections": []}, "sections", "too_short"),
        ({"sections": [{"code": "s", "questions": [{"code": "q", "weight": 0}]}]}, "sections", "nothing_weighs"),
        ({"sections": [{"code": "s", "questions": [{"code": "q"}, {"code": "q"}]}]}, "sections.0.questions.1.code", "repeated"),
        ({"sections": [{"code": "s", "questions": [{"code": "q", "kind": "scale"}]}]}, "sections.0.questions.0.points", "not_ascending"),
        ({"sections": [{"code": "s", "questions": [{"code": "q", "fails_at": 1}]}]}, "sections.0.questions.0.fails_at", "always_fails"),
        ({"names": {"fr": "Ventes"}}, "names.fr", None),
    ],
)  # fmt: skip
async def test_a_form_by_which_nothing_could_be_scored_is_refused(
    client: AsyncClient, wrong: dict[str, Any], field: str, code: str | None
) -> None:
    answer = await put(client, **wrong)
    assert answer.status_code == 422, answer.text
    found = {one["field"]: one["code"] for one in answer.json()["errors"]}
    assert any(name.startswith(field) for name in found), found
    if code is not None:
        assert found.get(field) == code
    assert (await client.get(BASE)).json()["items"] == []


async def test_another_company_s_form_is_none(world: World, client: AsyncClient) -> None:
    limited = {"Authorization": f"Bearer {await world.key(branches=('omsk',))}"}
    await put(client)
    rival = replace(world, tenant=short_id())
    await rival.enrol()
    stranger = {"Authorization": f"Bearer {await rival.key('evaluations:read')}"}
    assert (await client.get(f"{BASE}/sales", headers=stranger)).status_code == 404
    refused = await client.put(f"{BASE}/sales", json=a_form(), headers=limited)
    assert refused.status_code == 403


async def test_a_form_that_is_edited_while_it_is_retired_can_be_edited_on(
    client: AsyncClient,
) -> None:
    """Whichever of both comes first, the next edit is the next version."""
    for number in range(12):
        code = f"f{number}"
        await put(client, code)
        edited, retired = await asyncio.gather(
            put(client, code, names={"en": "Other"}), client.delete(f"{BASE}/{code}")
        )
        assert (edited.status_code, retired.status_code) == (200, 204)
        after = await put(client, code, names={"en": "Third"})
        assert (after.status_code, after.json()["version"]) == (200, 3), after.text
