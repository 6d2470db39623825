"""Scripts over HTTP: versions that stay, what is refused, and those to start from."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from httpx import AsyncClient, Response

from otklik_common.ids import short_id
from otklik_contact_center.actions import scripts
from otklik_contact_center.domain.script.script import (
    MOST_HINT,
    MOST_ITEMS,
    MOST_NAME,
    MOST_SCRIPTS,
    MOST_TEXT,
)
from tests.integration.contact_center.conftest import World
from tests.integration.contact_center.ticking import BASE, SCRIPT, put_script

pytestmark = pytest.mark.asyncio

SCRIPTS = f"{BASE}/scripts"


async def put(client: AsyncClient, code: str = "buyers", **more: Any) -> Response:
    return await client.put(f"{SCRIPTS}/{code}", json={**SCRIPT, **more})


async def test_an_edit_makes_a_version_and_the_former_stays(client: AsyncClient) -> None:
    made = await put(client)
    assert made.status_code == 200, made.text
    assert (made.json()["version"], made.headers["ETag"]) == (1, '"1"')
    assert made.json()["meant"] == {
        "party": "buyer", "direction": None, "channel": "call", "queue": None,
    }  # fmt: skip
    assert made.json()["items"][3]["only_if"] == {"item": "objection", "answer": "done"}
    assert (await put(client)).headers["ETag"] == '"1"'
    changed = await put(client, names={"en": "Buying"})
    assert (changed.json()["version"], changed.headers["ETag"]) == (2, '"2"')
    first = (await client.get(f"{SCRIPTS}/buyers", params={"version": 1})).json()
    assert (first["names"]["ru"], first["version"], first["latest"]) == ("Покупатели", 1, 2)
    assert (await client.get(f"{SCRIPTS}/buyers")).json()["names"] == {"en": "Buying"}
    for path in (f"{SCRIPTS}/none", f"{SCRIPTS}/buyers?version=3"):
        missing = await client.get(path)
        assert (missing.status_code, missing.json()["code"]) == (404, "unknown_script")


async def test_one_that_is_retired_is_listed_no_more_and_still_read(client: AsyncClient) -> None:
    await put(client)
    await put(client, "sellers")
    listed = (await client.get(SCRIPTS)).json()["items"]
    assert [one["code"] for one in listed] == ["buyers", "sellers"]
    assert (await client.delete(f"{SCRIPTS}/buyers")).status_code == 204
    assert [one["code"] for one in (await client.get(SCRIPTS)).json()["items"]] == ["sellers"]
    assert (await client.get(f"{SCRIPTS}/buyers")).json()["retired"] is True
    back = await put(client)
    assert (back.json()["version"], back.json()["retired"]) == (1, False)
    assert (await client.delete(f"{SCRIPTS}/none")).status_code == 404


async def test_an_edit_that_overwrites_another_s_is_refused(client: AsyncClient) -> None:
    await put(client)
    body, path = {**SCRIPT, "names": {"en": "Other"}}, f"{SCRIPTS}/buyers"
    assert (await client.put(path, json=body, headers={"If-Match": '"1"'})).status_code == 200
    late = await client.put(path, json=SCRIPT, headers={"If-Match": '"1"'})
    assert (late.status_code, late.headers["ETag"]) == (412, '"2"')


async def test_many_who_make_one_at_once_make_as_many_versions(client: AsyncClient) -> None:
    made = await asyncio.gather(*(put(client, names={"en": f"Script {n}"}) for n in range(8)))
    assert [one.status_code for one in made] == [200] * 8
    assert sorted(one.json()["version"] for one in made) == list(range(1, 9))


async def test_those_to_start_from_may_be_put_as_they_are(client: AsyncClient) -> None:
    presets = (await client.get(f"{BASE}/script-presets")).json()["items"]
    assert [one["code"] for one in presets] == ["first_call_buyer", "first_call_seller"]
    for one in presets:
        assert one["names"].keys() == one["items"][0]["texts"].keys() == {"en", "ru"}
        answer = await client.put(f"{SCRIPTS}/{one['code']}", json=one)
        assert answer.status_code == 200, answer.text
        assert {name: answer.json()[name] for name in one} == one
        other = await client.put(f"{SCRIPTS}/other", json=one)
        assert (other.status_code, other.json()["code"]) == (422, "bad_script")


def items(count: int) -> list[dict[str, Any]]:
    return [{"code": f"i{number}"} for number in range(count)]


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"items": []}, "items", "too_short"),
        ({"items": items(MOST_ITEMS + 1)}, "items", "too_long"),
        ({"items": [{"code": "a", "compulsory": False}]}, "items", "nothing_compulsory"),
        ({"items": [{"code": "a"}, {"code": "a"}]}, "items.1.code", "repeated"),
        ({"items": [{"code": "a", "only_if": {"item": "a", "answer": "done"}}]}, "items.0.only_if.item", "names_itself"),
        ({"items": [{"code": "a", "only_if": {"item": "b", "answer": "done"}}, {"code": "b"}]}, "items.0.only_if.item", "not_earlier"),
        ({"items": [{"code": "a", "only_if": {"item": "b", "answer": "done"}}]}, "items.0.only_if.item", "unknown_item"),
        ({"items": [{"code": "a", "only_if": {"item": "b", "answer": "maybe"}}]}, "items.0.only_if.answer", None),
        ({"items": [{"code": "Имя"}]}, "items.0.code", None),
        ({"items": [{"code": "a" * 65}]}, "items.0.code", None),
        ({"items": [{"code": "a", "texts": {"ru": "я" * (MOST_TEXT + 1)}}]}, "items.0.texts.ru", "too_long"),
        ({"items": [{"code": "a", "hints": {"ru": "я" * (MOST_HINT + 1)}}]}, "items.0.hints.ru", "too_long"),
        ({"names": {"ru": "я" * (MOST_NAME + 1)}}, "names.ru", "too_long"),
        ({"names": {"fr": "Acheteurs"}}, "names.fr", None),
        ({"meant": {"channel": "pigeon"}}, "meant.channel", None),
        ({"meant": {"branch": "tyumen"}}, "meant.branch", None),
    ],
)  # fmt: skip
async def test_one_that_could_not_be_ticked_is_refused(
    client: AsyncClient, wrong: dict[str, Any], field: str, code: str | None
) -> None:
    answer = await put(client, **wrong)
    assert answer.status_code == 422, answer.text
    found = {one["field"]: one["code"] for one in answer.json()["errors"]}
    assert any(name.startswith(field) for name in found), found
    if code is not None:
        assert found.get(field) == code
    assert (await client.get(SCRIPTS)).json()["items"] == []


async def test_the_largest_script_is_kept_and_ten_megabytes_are_refused(
    client: AsyncClient,
) -> None:
    texts, hints = {"ru": "я" * MOST_TEXT, "en": "x" * MOST_TEXT}, {"ru": "я" * MOST_HINT}
    every = [{**one, "texts": texts, "hints": hints} for one in items(MOST_ITEMS)]
    assert (await put(client, items=every)).status_code == 200
    huge = await put(client, names={"ru": "я" * 10_000_000})
    assert (huge.status_code, huge.json()["code"]) == (413, "body_too_large")


async def test_a_company_has_two_hundred_at_most(client: AsyncClient, world: World) -> None:
    await put(client, "s0")
    await world.admin.execute(
        "INSERT INTO contact_center.script (tenant, code, version, retired, revision, changed_at)"
        " SELECT $1, 'x' || n, 1, false, 1, now() FROM generate_series(1, $2) AS n",
        world.tenant,
        MOST_SCRIPTS - 1,
    )
    many = await put(client, "one-more")
    assert (many.status_code, many.json()["code"]) == (422, "too_many_scripts")
    assert (await put(client, "s0", names={"en": "Edited"})).status_code == 200
    assert (await client.delete(f"{SCRIPTS}/s0")).status_code == 204
    assert (await put(client, "one-more")).status_code == 200


async def test_many_who_make_scripts_at_once_do_not_pass_the_limit(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts, "MOST_SCRIPTS", 3)
    await put(client, "s0")
    made = await asyncio.gather(*(put(client, f"s{number}") for number in range(8)))
    assert sorted(one.status_code for one in made) == [200] * 3 + [422] * 5
    codes = {one.json()["code"] for one in made if one.status_code == 422}
    assert codes == {"too_many_scripts"}
    assert len((await client.get(SCRIPTS)).json()["items"]) == 3


async def test_another_company_s_script_is_none_and_heads_of_a_branch_change_none(
    world: World, client: AsyncClient
) -> None:
    limited = {"Authorization": f"Bearer {await world.key(branches=('omsk',))}"}
    poor = {"Authorization": f"Bearer {await world.key('checklists:write')}"}
    await put_script(client)
    rival = replace(world, tenant=short_id())
    await rival.enrol()
    stranger = {"Authorization": f"Bearer {await rival.key('contacts:read')}"}
    assert (await client.get(f"{SCRIPTS}/buyers", headers=stranger)).status_code == 404
    assert (await client.get(SCRIPTS, headers=stranger)).json()["items"] == []
    assert (await client.get(f"{SCRIPTS}/buyers", headers=limited)).status_code == 200
    refused = await client.put(f"{SCRIPTS}/buyers", json=SCRIPT, headers=limited)
    assert refused.status_code == 403
    assert (await client.put(f"{SCRIPTS}/buyers", json=SCRIPT, headers=poor)).status_code == 403
