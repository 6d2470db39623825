"""The whole product behind a real server: a thread of its own, so that clients may be anything."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import uvloop
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from otklik_common.runtime import serve_app
from tests.support.app import forget_limits, running_app
from tests.support.postgres import PostgresServer
from tests.support.routes_world import World, build

START_SECONDS = 120

T = TypeVar("T")


@dataclass(frozen=True)
class Served:
    """
    A running server, and the two companies that it knows.

    Attributes:
        url: Where it listens, like `http://127.0.0.1:54321`.
        world: Whose keys, tokens and things there are; its client belongs to the server's thread.
    """

    url: str
    port: int
    world: World
    loop: asyncio.AbstractEventLoop

    def run(self, asked: Coroutine[Any, Any, T]) -> T:
        """What a coroutine comes to, in the server's thread."""
        return asyncio.run_coroutine_threadsafe(asked, self.loop).result(START_SECONDS)

    @property
    def app(self) -> FastAPI:
        """The application."""
        return self.world.running.app


@contextmanager
def serving(postgres: PostgresServer, name: str) -> Iterator[Served]:
    """Every service and the pages on a free port, over a new database with two companies in it."""
    made: Future[tuple[Served, asyncio.Event]] = Future()
    # A daemon: a loop that never ends fails one test, and does not hold up all others.
    thread = threading.Thread(target=lambda: uvloop.run(_serve(postgres, name, made)), daemon=True)
    thread.start()
    try:
        served, stop = made.result(START_SECONDS)
        try:
            yield served
        finally:
            served.loop.call_soon_threadsafe(stop.set)
    finally:
        thread.join(START_SECONDS)
    assert not thread.is_alive(), "the server's event loop does not end"


async def _serve(
    postgres: PostgresServer,
    name: str,
    made: "Future[tuple[Served, asyncio.Event]]",
) -> None:
    try:
        async with running_app(postgres, name) as running:
            async with running.at_work():
                world = await build(running)
            stop, port = asyncio.Event(), _free_port()
            loop = asyncio.get_running_loop()
            served = Served(f"http://127.0.0.1:{port}", port, world, loop)

            def listening() -> None:
                made.set_result((served, stop))

            await serve_app(
                Unlimited(running.app),  # type: ignore[arg-type]  # uvicorn takes any ASGI
                host="127.0.0.1",
                port=port,
                stop=stop,
                listening=listening,
            )
    except BaseException as failed:
        if not made.done():
            made.set_exception(failed)
            return
        raise


class Unlimited:
    """The application for a client that asks thousands of times: every request is the first."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    @property
    def quick(self) -> object:
        """What answers quick routes before the application does: they have no such limits."""
        return getattr(self._app, "quick", None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        forget_limits()
        await self._app(scope, receive, send)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
