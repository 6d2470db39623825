"""How a start and its commands reach what they have started: directly, whatever answers there."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from starlette.applications import Starlette

from otklik.addresses import url_of
from otklik.client import Client
from otklik.family import Family
from otklik.pages.gateway import Gateway, Looker
from otklik.readiness import until_ready
from otklik_common.settings import Settings

DEAD = "http://127.0.0.1:9"


class Answering(BaseHTTPRequestHandler):
    """Says yes to everything."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"path": self.path}).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of this machine, and a proxy that is dead."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, DEAD)
        monkeypatch.setenv(name.upper(), DEAD)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield url_of("127.0.0.1", server.server_port)
        server.shutdown()
        thread.join()


def test_the_command_line_reaches_it(url: str) -> None:
    with Client(url, "otk_key") as client:
        assert client.get("/access/v1/me") == {"path": "/access/v1/me"}


def test_the_pages_reach_a_service_beside_them(url: str) -> None:
    async def ask() -> int:
        settings = Settings(database_url="postgresql:///x", api_urls={"access": url})
        gateway = Gateway(Starlette(), settings)
        looker = Looker("127.0.0.1", "127.0.0.1", "en")
        answer = await gateway.send("GET", "/access/v1/me", looker=looker, token=None)
        await gateway.close()
        return answer.status_code

    assert asyncio.run(ask()) == 200


def test_a_start_sees_that_it_is_ready(url: str) -> None:
    async def ready() -> bool:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(10, stop.set)
        return await until_ready([url], "otk_key", Family({}, 0, stop))

    assert asyncio.run(ready())


def test_a_start_waits_where_it_hears_its_own_voice() -> None:
    """A port that nobody listens on may be connected to itself, as the system chooses ports."""

    def echo(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                wire, _ = listening.accept()
                with wire:
                    wire.sendall(wire.recv(65_536))

    async def ready(url: str) -> bool:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.5, stop.set)
        return await until_ready([url], "otk_key", Family({}, 0, stop))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=echo, args=(listening,), daemon=True).start()
        assert not asyncio.run(ready(url_of("127.0.0.1", listening.getsockname()[1])))
