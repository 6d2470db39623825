"""Recordings over HTTP: links, a proxy that is not led elsewhere, and who heard what."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from otklik_common.errors import Refused
from otklik_common.events.access import Role
from otklik_common.http import now as now_of_requests
from otklik_common.runtime import create_app, make_platform
from otklik_common.settings import Settings
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.actions.recording_fetch import Fetcher
from otklik_contact_center.actions.recordings import Recordings
from otklik_contact_center.module import MODULE
from tests.integration.contact_center.conftest import MASTER, Pusher, World
from tests.integration.contact_center.evaluating import BASE, Calls, member
from tests.integration.contact_center.shelves import LOOPBACK, SOUND, Shelf, serving

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def shelf() -> AsyncIterator[Shelf]:
    async with serving() as made:
        yield made


@pytest_asyncio.fixture(scope="session")
async def recordings_app(contact_center_settings: Settings) -> AsyncIterator[FastAPI]:
    """The API of an operator whose exchange stands on this very machine, without TLS."""
    allowed = {"recording_networks": tuple(LOOPBACK), "recording_http": True}
    platform = make_platform(contact_center_settings.model_copy(update=allowed))
    app = create_app([MODULE], platform)
    async with app.router.lifespan_context(app):
        yield app


@pytest_asyncio.fixture
async def player(world: World, recordings_app: FastAPI) -> AsyncIterator[AsyncClient]:
    await world.enrol()
    headers = {"Authorization": f"Bearer {await world.key()}", "Accept-Language": "en"}
    transport = ASGITransport(app=recordings_app)
    async with AsyncClient(transport=transport, base_url="http://test", headers=headers) as made:
        yield made


@pytest.fixture
def calls(world: World, door: Pusher, folder: Folder) -> Calls:
    return Calls(world, door, folder)


async def allow(client: AsyncClient, *hosts: str) -> None:
    answer = await client.put(f"{BASE}/recording-hosts", json={"hosts": list(hosts)})
    assert answer.status_code == 200, answer.text


async def recorded(calls: Calls, url: str, name: str = "c1") -> UUID:
    return await calls.call(name, attributes={"recording_url": url})


async def link(client: AsyncClient, contact: UUID, **body: Any) -> Response:
    return await client.post(f"{BASE}/contacts/{contact}/recording-links", json=body)


async def hear(client: AsyncClient, contact: UUID, **headers: str) -> Response:
    """By a fresh link, without any credential."""
    made = await link(client, contact)
    assert made.status_code == 201, made.text
    bare = AsyncClient(transport=client._transport, base_url="http://test")
    async with bare:
        return await bare.get(made.json()["url"], headers=headers)


async def test_a_recording_is_heard_by_a_link_of_ours_and_that_is_written_down(
    player: AsyncClient, calls: Calls, shelf: Shelf
) -> None:
    contact = await recorded(calls, shelf.keep("/a.mp3?sig=1", Server="pbx", Set_Cookie="a=b"))
    await allow(player, f"127.0.0.1:{shelf.port}")
    made = await link(player, contact)
    assert made.status_code == 201, made.text
    assert made.json()["recording"] == "c1-r"
    assert made.json()["url"].startswith(f"{BASE}/recordings/{calls.world.tenant}.1.")
    assert "a.mp3" not in made.text
    heard = await hear(player, contact)
    assert (heard.status_code, heard.content) == (200, SOUND)
    assert heard.headers["content-type"] == "audio/mpeg"
    assert heard.headers["cache-control"] == "private, no-store"
    assert "set-cookie" not in heard.headers
    (asked,) = shelf.asked
    assert asked.path == "/a.mp3?sig=1"
    assert asked.headers["host"] == f"127.0.0.1:{shelf.port}"
    assert {"authorization", "cookie"}.isdisjoint(asked.headers)
    (play,) = (await player.get(f"{BASE}/recording-plays")).json()["items"]
    assert (play["outcome"], play["contact"], play["agent"]) == ("played", str(contact), "petrova")
    assert play["made_by"].startswith("key:")


async def test_a_part_is_asked_for_and_given(
    player: AsyncClient, calls: Calls, shelf: Shelf
) -> None:
    contact = await recorded(calls, shelf.keep("/a.mp3"))
    await allow(player, f"127.0.0.1:{shelf.port}")
    part = await hear(player, contact, Range="bytes=4-7")
    assert (part.status_code, part.content) == (206, SOUND[4:8])
    assert part.headers["content-range"] == f"bytes 4-7/{len(SOUND)}"
    odd = await hear(player, contact, Range="bytes=0-1,3-4")
    assert (odd.status_code, len(odd.content)) == (200, len(SOUND))
    assert "range" not in shelf.asked[-1].headers


PRIVATE = (
    "https://127.0.0.1/a.mp3",
    "https://10.0.0.5/a.mp3",
    "https://192.168.1.1/a.mp3",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/a.mp3",
    "https://[::1]/a.mp3",
    "https://[fd00::1]/a.mp3",
    "https://[::ffff:127.0.0.1]/a.mp3",
)


@pytest.mark.parametrize("url", PRIVATE)
async def test_a_recording_at_a_private_address_is_refused(
    client: AsyncClient, calls: Calls, url: str
) -> None:
    contact = await recorded(calls, url)
    for hosts in ((), (url.split("/")[2],)):
        await allow(client, *hosts)
        answer = await link(client, contact)
        assert answer.status_code == 409, answer.text
        assert answer.json()["code"] == "recording_address_not_public"
        assert "private or reserved" in answer.json()["detail"]
    listed = (await client.get(f"{BASE}/recording-plays")).json()["items"]
    assert listed == []


async def test_a_name_of_a_private_address_is_refused(client: AsyncClient, calls: Calls) -> None:
    contact = await recorded(calls, "https://localhost/a.mp3")
    await allow(client, "localhost")
    answer = await link(client, contact)
    assert (answer.status_code, answer.json()["code"]) == (409, "recording_address_not_public")


async def test_a_host_that_the_company_does_not_name_is_refused(
    client: AsyncClient, calls: Calls
) -> None:
    contact = await recorded(calls, "https://records.example.com/a.mp3")
    answer = await link(client, contact)
    assert (answer.status_code, answer.json()["code"]) == (409, "recording_host_not_allowed")
    assert "recording-hosts" in answer.json()["detail"]


@pytest.mark.parametrize("url", ["http://records.example.com/a.mp3", "ftp://a.example/x"])
async def test_what_goes_without_tls_is_refused(
    client: AsyncClient, calls: Calls, url: str
) -> None:
    contact = await recorded(calls, url)
    await allow(client, "records.example.com", "a.example")
    answer = await link(client, contact)
    assert (answer.status_code, answer.json()["code"]) == (409, "recording_address_malformed")


async def test_a_redirect_is_followed_only_where_the_first_step_might_lead(
    player: AsyncClient, calls: Calls, shelf: Shelf
) -> None:
    shelf.keep("/real.mp3")
    contact = await recorded(calls, shelf.keep("/a", b"", 302, Location="/real.mp3"))
    await allow(player, f"127.0.0.1:{shelf.port}")
    assert (await hear(player, contact)).content == SOUND
    for number, place in enumerate(
        ("http://10.0.0.1/x", "http://127.0.0.2:1/x", "file:///etc/passwd")
    ):
        shelf.keep("/b", b"", 302, Location=place)
        other = await recorded(calls, shelf.url("/b"), f"b{number}")
        refused = await hear(player, other)
        assert refused.status_code == 409, refused.text
        assert refused.json()["code"].startswith("recording_")
    shelf.keep("/loop", b"", 302, Location="/loop")
    endless = await hear(player, await recorded(calls, shelf.url("/loop"), "loop"))
    assert (endless.status_code, endless.json()["code"]) == (502, "recording_unavailable")
    plays = (await player.get(f"{BASE}/recording-plays")).json()["items"]
    assert [one["outcome"] for one in plays] == [
        "recording_unavailable",
        "recording_address_malformed",
        "recording_host_not_allowed",
        "recording_address_not_public",
        "played",
    ]


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        ((200, {"Content-Type": "text/html"}, b"<script>"), 502, "recording_not_audio"),
        ((200, {"Content-Type": ""}, SOUND), 502, "recording_not_audio"),
        ((200, {"Content-Type": "audio/mpeg", "Content-Encoding": "gzip"}, SOUND), 502, "recording_not_audio"),
        ((200, {"Content-Type": "audio/mpeg", "Content-Length": "999999999999"}, b""), 502, "recording_too_large"),
        ((403, {"Content-Type": "audio/mpeg"}, b""), 502, "recording_unavailable"),
        ((500, {"Content-Type": "audio/mpeg"}, b""), 502, "recording_unavailable"),
        ((206, {"Content-Type": "audio/mpeg"}, SOUND), 502, "recording_unavailable"),
        ((416, {"Content-Type": "audio/mpeg"}, b""), 416, "no_such_part"),
    ],
)  # fmt: skip
async def test_what_is_no_recording_is_not_passed_on(
    player: AsyncClient,
    calls: Calls,
    shelf: Shelf,
    answer: tuple[int, dict[str, str], bytes],
    status: int,
    code: str,
) -> None:
    shelf.answers["/a"] = answer
    contact = await recorded(calls, shelf.url("/a"))
    await allow(player, f"127.0.0.1:{shelf.port}")
    refused = await hear(player, contact)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert b"script" not in refused.content


async def test_a_server_that_is_away_is_said_to_be(player: AsyncClient, calls: Calls) -> None:
    async with serving() as gone:
        url = gone.url("/a")
    contact = await recorded(calls, url)
    await allow(player, f"127.0.0.1:{gone.port}")
    refused = await hear(player, contact)
    assert (refused.status_code, refused.json()["code"]) == (502, "recording_unavailable")


async def test_a_link_opens_for_its_time_and_for_nobody_who_changed_it(
    world: World, player: AsyncClient, calls: Calls, shelf: Shelf, recordings_app: FastAPI
) -> None:
    contact = await recorded(calls, shelf.keep("/a.mp3"))
    await allow(player, f"127.0.0.1:{shelf.port}")
    made = (await link(player, contact)).json()
    expires = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=4, seconds=50) < expires <= timedelta(minutes=5)
    tail = made["url"][-1]
    for url in (made["url"][:-1] + ("0" if tail != "0" else "1"), f"{BASE}/recordings/x"):
        unknown = await player.get(url)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_recording_link")
    later = datetime.now(UTC) + timedelta(minutes=5, seconds=1)

    async def at() -> datetime:
        return later

    recordings_app.dependency_overrides[now_of_requests] = at
    try:
        over = await player.get(made["url"])
    finally:
        recordings_app.dependency_overrides.clear()
    assert (over.status_code, over.json()["code"]) == (410, "recording_link_expired")
    for seconds in (0, 301):
        assert (await link(player, contact, seconds=seconds)).status_code == 422
    assert shelf.asked == []
    # Hosts that are allowed no longer are asked no more, by links of before either.
    await allow(player)
    refused = await player.get(made["url"])
    assert (refused.status_code, refused.json()["code"]) == (409, "recording_host_not_allowed")


async def test_a_contact_without_a_recording_has_none(client: AsyncClient, calls: Calls) -> None:
    contact = await calls.call("c1", attributes={"recording_id": "rec-5"})
    for asked in ({}, {"recording": "nothing"}):
        answer = await link(client, contact, **asked)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_recording")
    missing = await link(client, uuid4())
    assert (missing.status_code, missing.json()["code"]) == (404, "contact_not_found")


async def test_an_agent_hears_contacts_of_their_own(
    world: World, client: AsyncClient, calls: Calls, shelf: Shelf
) -> None:
    contact = await recorded(calls, shelf.keep("/a.mp3"))
    await allow(client, f"127.0.0.1:{shelf.port}")
    fetcher = Fetcher(LOOPBACK, http=True)
    recordings = Recordings(world.api, world.sealer, MASTER, fetcher)
    when, span = datetime.now(UTC), timedelta(minutes=5)

    async def may(role: Role, agent: str, branch: str = "tyumen") -> bool:
        caller = member(world, role, agent, (branch,))
        try:
            await recordings.make_link(caller, contact, None, span, when)
        except Refused as refused:
            return refused.status != 404
        return True

    assert await may(Role.AGENT, "petrova")
    assert not await may(Role.AGENT, "sidorov")
    assert await may(Role.MANAGER, "orlova")
    assert not await may(Role.MANAGER, "orlova", "omsk")


@pytest.mark.parametrize("wrong", ["*.com", "https://a.example", "127.1", "a b"])
async def test_what_is_no_host_is_not_allowed(client: AsyncClient, wrong: str) -> None:
    body = {"hosts": ["records.example.com", wrong]}
    answer = await client.put(f"{BASE}/recording-hosts", json=body)
    assert answer.status_code == 422
    assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [
        ("hosts.1", "bad_host")
    ]
    assert (await client.get(f"{BASE}/recording-hosts")).json() == {"hosts": []}


async def test_two_who_change_the_hosts_at_once_come_one_after_the_other(
    player: AsyncClient,
) -> None:
    path = f"{BASE}/recording-hosts"
    for _ in range(10):
        lists = [["x.example.com", "a.example.com"], ["y.example.com", "a.example.com"]]
        said = await asyncio.gather(*(player.put(path, json={"hosts": one}) for one in lists))
        assert [one.status_code for one in said] == [200, 200]
        kept = (await player.get(path)).json()["hosts"]
        assert sorted(kept) in [sorted(one) for one in lists]


async def test_an_agent_without_a_code_hears_nothing_that_is_nobodys(
    world: World, player: AsyncClient, calls: Calls, shelf: Shelf
) -> None:
    url = shelf.keep("/a.mp3")
    contact = await calls.call("c1", agent=None, attributes={"recording_url": url})
    await allow(player, f"127.0.0.1:{shelf.port}")
    heard = Recordings(world.api, world.sealer, MASTER, Fetcher(LOOPBACK, http=True))
    for code in (None, "petrova"):
        who = replace(member(world, Role.AGENT, "petrova"), agent=code)
        with pytest.raises(Refused) as refused:
            await heard.make_link(who, contact, None, timedelta(seconds=60), datetime.now(UTC))
        assert refused.value.code == "contact_not_found"


async def test_an_address_with_an_interface_is_none(player: AsyncClient, calls: Calls) -> None:
    """Not even where its end looks like a host that is allowed."""
    url = "https://[2606:4700:4700::1111%.example.com]/a.mp3"
    contact = await recorded(calls, url)
    await allow(player, "*.example.com")
    made = await link(player, contact)
    assert (made.status_code, made.json()["code"]) == (409, "recording_address_malformed")
