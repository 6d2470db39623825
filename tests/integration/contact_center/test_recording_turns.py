"""Nobody keeps others from hearing recordings: who rests, drips or takes too many is sent away."""

import asyncio
from typing import Any

import pytest

from otklik_common.errors import Refused
from otklik_contact_center.actions import recording_fetch
from otklik_contact_center.actions.recording_fetch import AT_ONCE, EACH, Fetched, Fetcher
from otklik_contact_center.api.recordings import Played
from tests.integration.contact_center.shelves import LOOPBACK, serving

pytestmark = pytest.mark.asyncio

SCOPE = {"type": "http", "asgi": {"spec_version": "2.3"}}


async def never(*_: Any) -> Any:
    await asyncio.Event().wait()


async def rests(fetched: Fetched) -> None:
    """A player that is paused before it has read anything."""
    await Played(fetched)(SCOPE, never, never)


@pytest.mark.parametrize("limit", ["MOST_SECONDS", "STALLED_SECONDS"])
async def test_a_player_that_rests_makes_room_for_others(
    monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(recording_fetch, limit, 0.2)
    async with serving() as shelf:
        fetcher = Fetcher(LOOPBACK, http=True)
        url, hosts = shelf.keep("/a.mp3", b"x" * 5_000_000), [f"127.0.0.1:{shelf.port}"]
        taken = [await fetcher.fetch(url, hosts, tenant=f"t{n}") for n in range(AT_ONCE)]
        with pytest.raises(Refused, match="too many"):
            await fetcher.fetch(url, hosts, tenant="another")
        ended = await asyncio.gather(*map(rests, taken), return_exceptions=True)
        assert all(isinstance(one, TimeoutError) for one in ended)
        again = await fetcher.fetch(url, hosts, tenant="another")
        await again.close()


async def test_one_company_does_not_take_the_turns_of_all() -> None:
    async with serving() as shelf:
        fetcher = Fetcher(LOOPBACK, http=True)
        url, hosts = shelf.keep("/a.mp3", b"x" * 1000), [f"127.0.0.1:{shelf.port}"]
        mine = [await fetcher.fetch(url, hosts, tenant="mine") for _ in range(EACH)]
        with pytest.raises(Refused, match="too many"):
            await fetcher.fetch(url, hosts, tenant="mine")
        other = await fetcher.fetch(url, hosts, tenant="other")
        await mine[0].close()
        more = await fetcher.fetch(url, hosts, tenant="mine")
        for one in (*mine[1:], more, other):
            await one.close()


async def test_a_server_that_drips_its_headers_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recording_fetch, "BEGIN_SECONDS", 0.5)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not writer.is_closing():
            writer.write(b"a")
            await asyncio.sleep(0.05)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    authority = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        with pytest.raises(Refused) as refused:
            await Fetcher(LOOPBACK, http=True).fetch(f"http://{authority}/a", [authority])
    assert refused.value.code == "recording_unavailable"
