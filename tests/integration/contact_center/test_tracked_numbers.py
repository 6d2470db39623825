"""Tracked numbers over HTTP: sites, leases that nobody shares, and whose call it was."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Response

from otklik_common.ids import short_id
from tests.integration.contact_center.conftest import World

pytestmark = pytest.mark.asyncio

BASE = "/contact-center/v1"
SITE = "https://agency.example/flats"
SEARCH = "https://yandex.ru/"


def numbers(count: int, first: int = 1) -> list[str]:
    return [f"+7495123{number:04d}" for number in range(first, first + count)]


def a_site(**more: Any) -> dict[str, Any]:
    return {
        "rules": [
            {"code": "leaflet", "parameters": {"utm_source": ["leaflet"]}, "number": "+7 812 555-00-01"},
            {"code": "search", "mediums": ["organic", "cpc"], "pool": "search"},
            {"code": "rest"},
        ],
        "pools": {"search": numbers(3)},
        "fallback": "+74959990000",
        **more,
    }  # fmt: skip


async def put(client: AsyncClient, code: str = "site", **more: Any) -> Response:
    return await client.put(f"{BASE}/number-trackers/{code}", json=a_site(**more))


async def show(
    client: AsyncClient, visitor: str, url: str = SITE, referrer: str | None = SEARCH
) -> dict[str, Any]:
    body = {"tracker": "site", "visitor": f"visitor-{visitor}", "url": url, "referrer": referrer}
    answer = await client.post(f"{BASE}/number-leases", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def whose(client: AsyncClient, number: str, ago: float = 0) -> dict[str, Any]:
    at = datetime.now(UTC) - timedelta(seconds=ago)
    answer = await client.get(
        f"{BASE}/number-attribution", params={"number": number, "at": at.isoformat()}
    )
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_the_first_rule_that_fits_says_what_is_shown(client: AsyncClient) -> None:
    made = await put(client)
    assert made.status_code == 200, made.text
    assert made.json()["rules"][0]["number"] == "+78125550001"
    leaflet = await show(client, "ann", f"{SITE}?utm_source=leaflet")
    assert (leaflet["number"], leaflet["lease"], leaflet["rule"]) == (
        "+78125550001",
        None,
        "leaflet",
    )
    direct = await show(client, "ann", referrer=None)
    assert (direct["number"], direct["rule"]) == (None, "rest")
    leased = await show(client, "ann")
    assert leased["number"] in numbers(3)
    assert (leased["shared"], leased["heartbeat_seconds"]) == (False, 60)
    explained = await client.get(
        f"{BASE}/number-trackers/site/explanation", params={"url": SITE, "referrer": SEARCH}
    )
    told = explained.json()
    assert (told["rule"], told["pool"], told["touch"]["medium"]) == ("search", "search", "organic")
    assert told["verdicts"] == [
        {"rule": "leaflet", "failed": "parameters.utm_source"},
        {"rule": "search", "failed": None},
    ]
    static = await whose(client, "+78125550001")
    assert (static["certainty"], static["rule"], static["tracker"]) == ("static", "leaflet", "site")


async def test_a_visitor_keeps_the_number_and_nobody_else_has_it(client: AsyncClient) -> None:
    await put(client)
    shown = {visitor: await show(client, visitor) for visitor in "abc"}
    assert len({one["number"] for one in shown.values()}) == 3
    again = await show(client, "a", f"{SITE}/second-page")
    assert (again["number"], again["lease"]) == (shown["a"]["number"], shown["a"]["lease"])
    overflow = [await show(client, visitor) for visitor in ("d", "e")]
    assert {(one["number"], one["shared"]) for one in overflow} == {("+74959990000", True)}
    told = await whose(client, shown["b"]["number"])
    (candidate,) = told["candidates"]
    assert (told["certainty"], candidate["lease"]) == ("certain", shown["b"]["lease"])
    assert candidate["touch"]["source"] == "yandex"
    unsure = await whose(client, "+74959990000")
    assert unsure["certainty"] == "ambiguous"
    assert [one["probability"] for one in unsure["candidates"]] == [0.5, 0.5]
    assert {one["lease"] for one in unsure["candidates"]} == {one["lease"] for one in overflow}


async def test_what_is_given_back_rests_and_is_still_called(client: AsyncClient) -> None:
    await put(client, pools={"search": numbers(1)}, grace_seconds=0, fallback=None)
    first = await show(client, "ann")
    assert (await show(client, "bob"))["number"] is None
    path = f"{BASE}/number-leases/{first['lease']}"
    mine = {"tracker": "site", "visitor": "visitor-ann"}
    theirs = {**mine, "visitor": "visitor-bob"}
    assert (await client.post(f"{path}:heartbeat", json=mine)).status_code == 204
    for verb in ("heartbeat", "release"):
        stolen = await client.post(f"{path}:{verb}", json=theirs)
        assert (stolen.status_code, stolen.json()["code"]) == (404, "unknown_lease")
    assert (await client.post(f"{path}:release", json=mine)).status_code == 204
    assert (await client.post(f"{path}:heartbeat", json=mine)).status_code == 404
    second = await show(client, "bob")
    assert (second["number"], second["lease"] != first["lease"]) == (first["number"], True)
    told = await whose(client, first["number"])
    assert told["certainty"] == "ambiguous"
    assert [one["lease"] for one in told["candidates"]] == [second["lease"], first["lease"]]
    assert (await whose(client, first["number"], ago=3_600))["certainty"] == "unattributed"


async def test_a_number_rests_before_somebody_else_gets_it(
    world: World, client: AsyncClient
) -> None:
    await put(client, pools={"search": numbers(1)}, grace_seconds=600, fallback=None)
    first = await show(client, "ann")
    body = {"tracker": "site", "visitor": "visitor-ann"}
    await client.post(f"{BASE}/number-leases/{first['lease']}:release", json=body)
    assert (await show(client, "bob"))["number"] is None
    # Whoever had it may have it again at once.
    back = await show(client, "ann")
    assert back["number"] == first["number"]
    assert back["lease"] != first["lease"]


async def test_many_at_once_never_share_a_number(world: World, client: AsyncClient) -> None:
    await put(client, pools={"search": numbers(400)})
    tickets = asyncio.Semaphore(40)

    async def one(visitor: str) -> dict[str, Any]:
        async with tickets:
            return await show(client, visitor)

    # A thousand requests of 500 visitors, two tabs each.
    shown = await asyncio.gather(*(one(f"v{number % 500}") for number in range(1_000)))
    leased = {(each["number"], each["lease"]) for each in shown if not each["shared"]}
    held = Counter(number for number, _ in leased)
    assert len(held) == 400
    assert set(held.values()) == {1}
    overflow = [each for each in shown if each["shared"]]
    assert {each["number"] for each in overflow} == {"+74959990000"}
    active = await world.admin.fetchval(
        "SELECT count(*) FROM contact_center.number_lease"
        " WHERE tenant = $1 AND ended_at IS NULL AND NOT shared",
        world.tenant,
    )
    assert active == 400


async def test_a_visitor_who_comes_back_while_the_page_beats_waits_for_nobody(
    client: AsyncClient,
) -> None:
    await put(client, pools={"search": numbers(20)})
    shown = {visitor: await show(client, visitor) for visitor in map(str, range(10))}

    async def beat(visitor: str) -> None:
        path = f"{BASE}/number-leases/{shown[visitor]['lease']}:heartbeat"
        body = {"tracker": "site", "visitor": f"visitor-{visitor}"}
        assert (await client.post(path, json=body)).status_code == 204

    for _ in range(10):
        await asyncio.gather(
            *(beat(visitor) for visitor in shown), *(show(client, visitor) for visitor in shown)
        )


async def test_numbers_that_a_site_gives_up_are_leased_no_more(client: AsyncClient) -> None:
    await put(client)
    first = await show(client, "ann")
    left = [number for number in numbers(3) if number != first["number"]]
    assert (await put(client, pools={"search": left})).status_code == 200
    second = await show(client, "ann")
    assert second["number"] in left
    (candidate,) = (await whose(client, first["number"]))["candidates"]
    assert candidate["lease"] == first["lease"]
    assert (await client.delete(f"{BASE}/number-trackers/site")).status_code == 204
    gone = await client.post(
        f"{BASE}/number-leases",
        json={"tracker": "site", "visitor": "visitor-ann", "url": SITE},
    )
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_tracker")


async def test_a_site_that_was_taken_out_and_made_again_is_read_again(client: AsyncClient) -> None:
    await put(client)
    assert (await show(client, "ann"))["number"] in numbers(3)
    assert (await client.delete(f"{BASE}/number-trackers/site")).status_code == 204
    await put(client, pools={"search": numbers(1, 70)}, fallback="+74959990001")
    assert (await show(client, "ann"))["number"] == numbers(1, 70)[0]
    assert (await show(client, "bob"))["number"] == "+74959990001"


async def test_a_number_belongs_to_one_site(client: AsyncClient) -> None:
    await put(client)
    other = await put(client, "other", pools={"search": numbers(1)})
    assert (other.status_code, other.json()["code"]) == (409, "number_taken")
    assert (await put(client, "other", pools={"search": numbers(1, 50)})).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"pools": {"search": [*numbers(1), *numbers(1)]}}, "pools.search.1"),
        ({"pools": {"search": numbers(1), "b": numbers(1)}}, "pools.b.0"),
        ({"fallback": numbers(1)[0]}, "fallback"),
        ({"rules": [{"code": "a", "pool": "none"}]}, "rules.0.pool"),
        ({"rules": [{"code": "a", "pool": "search", "number": "+74950009999"}]}, "rules.0.pool"),
        ({"rules": [{"code": "a"}, {"code": "a"}]}, "rules.1.code"),
        ({"rules": [{"code": "a", "number": numbers(1)[0]}]}, "rules.0.number"),
        ({"heartbeat_seconds": 100, "ttl_seconds": 100}, "heartbeat_seconds"),
        ({"fallback": "anonymous"}, "fallback"),
        ({"ttl_seconds": 1}, "ttl_seconds"),
    ],
)
async def test_what_nobody_could_be_shown_by_is_refused(
    client: AsyncClient, wrong: dict[str, Any], field: str
) -> None:
    answer = await put(client, **wrong)
    assert answer.status_code == 422, answer.text
    assert field in [one["field"] for one in answer.json()["errors"]]
    assert (await client.get(f"{BASE}/number-trackers")).json()["items"] == []


async def test_another_company_s_site_is_none(world: World, client: AsyncClient) -> None:
    await put(client)
    shown = await show(client, "ann")
    body = {"tracker": "site", "visitor": "visitor-ann", "url": SITE, "referrer": SEARCH}
    rival = replace(world, tenant=short_id())
    await rival.enrol()
    stranger = {"Authorization": f"Bearer {await rival.key('events:push')}"}
    foreign = await client.post(f"{BASE}/number-leases", json=body, headers=stranger)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "unknown_tracker")
    seen = {"tracker": "site", "visitor": "visitor-ann"}
    path = f"{BASE}/number-leases/{shown['lease']}:release"
    assert (await client.post(path, json=seen, headers=stranger)).status_code == 404


async def test_an_address_that_is_none_is_refused(client: AsyncClient) -> None:
    await put(client)
    body = {"tracker": "site", "visitor": "visitor-ann", "url": "javascript:alert(1)"}
    answer = await client.post(f"{BASE}/number-leases", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_url")


async def test_an_edit_that_overwrites_another_s_is_refused(client: AsyncClient) -> None:
    made = await put(client)
    path = f"{BASE}/number-trackers/site"
    assert (await client.get(path)).headers["ETag"] == made.headers["ETag"] == '"1"'
    assert (await put(client)).headers["ETag"] == '"1"'
    changed = await client.put(path, json=a_site(grace_seconds=5), headers={"If-Match": '"1"'})
    assert changed.headers["ETag"] == '"2"'
    late = await client.put(path, json=a_site(grace_seconds=9), headers={"If-Match": '"1"'})
    assert late.status_code == 412


@pytest.mark.parametrize("fallback", [None, "+74959990000"])
async def test_whoever_finds_no_number_is_lost_once_however_many_pages_are_read(
    client: AsyncClient, fallback: str | None
) -> None:
    await put(client, pools={"search": numbers(1)}, fallback=fallback)
    await show(client, "ann")
    pages = [await show(client, "bob") for _ in range(4)]
    assert all(page["shared"] and page["number"] == fallback for page in pages)
    assert len({page["lease"] for page in pages}) == 1
    await show(client, "cid")
    (search,) = (await client.get(f"{BASE}/number-trackers/site/health")).json()["pools"]
    assert (search["visitors"], search["lost"], search["busiest_hour"]) == (3, 2, 3)


async def test_a_pool_says_how_it_does_and_how_many_numbers_it_needs(client: AsyncClient) -> None:
    await put(client, pools={"search": numbers(4), "idle": numbers(2, 90)}, fallback=None)
    shown = [await show(client, visitor) for visitor in "abcde"]
    assert [one["number"] is None for one in shown] == [False, False, False, False, True]
    body = {"tracker": "site", "visitor": "visitor-a"}
    await client.post(f"{BASE}/number-leases/{shown[0]['lease']}:release", json=body)
    found = (await client.get(f"{BASE}/number-trackers/site/health")).json()["pools"]
    idle, search = found
    assert (idle["pool"], idle["free"], idle["advised"], idle["crowded"]) == (
        "idle",
        2,
        None,
        False,
    )
    assert {name: search[name] for name in ("numbers", "held", "resting", "free", "crowded")} == {
        "numbers": 4,
        "held": 3,
        "resting": 1,
        "free": 0,
        "crowded": True,
    }
    assert (search["visitors"], search["lost"], search["busiest_hour"]) == (5, 1, 5)
    # Three stay for half an hour, one has gone at once; each number rests for 20 minutes.
    assert search["stay_seconds"] == pytest.approx(1_350, abs=10)
    assert search["erlangs"] == pytest.approx(5 * (1_350 + 1_200) / 3_600, abs=0.05)
    assert search["advised"] == 9
    assert search["expected_lost"] == pytest.approx(0.2646, abs=0.005)
