"""
The edge of routes that are asked thousands of times a second: one pass, no layers.

For a plain call it does what `Edge` does: request id, problems, metrics, a log line for what was
refused. Calls of browsers, traced and compressed ones go the usual way, to the same route.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from otklik_common.edge import (
    HttpMetrics,
    careful_headers,
    explained,
    given_request_id,
    log_line,
)
from otklik_common.observability import with_request
from otklik_common.problems import REQUEST_ID_KEY, problem_response
from otklik_common.settings import Settings
from otklik_common.tracing import is_traced

Headers = Mapping[bytes, bytes]
"""A request's headers by name in lower case; of several of one name the last."""


class Answer(NamedTuple):
    """What a quick route answers with; content-length is among its headers."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes


QuickRoute = Callable[[Scope, Receive, Headers], Awaitable[Answer]]


class Later(NamedTuple):
    """
    An answer that waits for one thing.

    Attributes:
        done: What it waits for.
        told: Its answer, of what `done` came to; an awaitable where more is to be done.
    """

    done: "asyncio.Future[Any]"
    told: Callable[[Any], Answer | Coroutine[Any, Any, Answer]]


class LaterRoute(Protocol):
    """A quick route that may begin without waiting."""

    def begin(self, headers: Headers, body: bytes) -> Later | None:
        """Begin to answer a call without a query; None if it has to wait for something first."""


_NEEDS_MORE: Final = frozenset({b"origin", b"traceparent", b"content-encoding"})


class Quick:
    """
    Answers `POST` of a few paths before the framework looks at the request.

    The framework's layers cost several times what such a route itself does, and the headers that
    keep browsers careful a tenth of it. A browser sends Origin with every POST, so whoever is
    answered here is none, and a success goes without them (decision 0112).
    """

    def __init__(self, *, settings: Settings, metrics: HttpMetrics) -> None:
        self._metrics = metrics
        self._careful = tuple(careful_headers(settings).items())
        self._routes: dict[str, QuickRoute] = {}
        self._later: dict[str, LaterRoute] = {}
        self._tasks: set[asyncio.Task[Answer]] = set()

    def add(self, path: str, route: QuickRoute) -> None:
        """`POST path` is answered by `route`; the path has no parameters."""
        self._routes[path] = route
        if hasattr(route, "begin"):
            self._later[path] = route

    def may_answer(self, scope: Mapping[str, Any]) -> bool:
        """Whether `answer_later` may do something for a call, as far as its first line tells."""
        return (
            scope["method"] == "POST"
            and scope["path"] in self._later
            and not scope["query_string"]
            and not is_traced()
        )

    def answer_later(
        self, scope: MutableMapping[str, Any], body: bytes, tell: Callable[[Answer], None]
    ) -> bool:
        """
        Begin to answer a call that is whole.

        Returns: Whether `tell` will hear the answer, once. Else nothing has been done about the
        call, and it is to be answered as all others are.
        """
        headers = dict(scope["headers"])
        if not _NEEDS_MORE.isdisjoint(headers):
            return False
        started = time.perf_counter()
        try:
            later = self._later[scope["path"]].begin(headers, body)
        except Exception:  # noqa: BLE001 - the usual way meets it again, and says so
            return False
        if later is None:
            return False
        self._metrics.running += 1
        later.done.add_done_callback(partial(self._heard, later, scope, headers, started, tell))
        return True

    def _heard(
        self,
        later: Later,
        scope: MutableMapping[str, Any],
        headers: Headers,
        started: float,
        tell: Callable[[Answer], None],
        done: "asyncio.Future[Any]",
    ) -> None:
        request_id = _request_id(headers)
        try:
            answer = later.told(done.result()) if done is later.done else done.result()
        except asyncio.CancelledError:
            answer = self._problem(RuntimeError("given up"), scope, request_id)
        except Exception as failed:  # noqa: BLE001 - whatever it is, it has an answer
            answer = self._problem(failed, scope, request_id)
        if not isinstance(answer, Answer):
            task = asyncio.get_running_loop().create_task(answer)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(partial(self._heard, later, scope, headers, started, tell))
            return
        mine = [*answer.headers, (b"x-request-id", request_id.encode())]
        try:
            tell(Answer(answer.status, mine, answer.body))
        finally:
            self._count(scope, answer.status, started, request_id)

    def answering(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None] | None:
        """The answering of a call that needs nothing but its route; None: it is not one."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return None
        route = self._routes.get(scope["path"])
        if route is None or is_traced() or b"%00" in scope["query_string"]:
            return None
        headers = dict(scope["headers"])
        if not _NEEDS_MORE.isdisjoint(headers):
            return None
        return self._answer(route, headers, scope, receive, send)

    async def _answer(
        self, route: QuickRoute, headers: Headers, scope: Scope, receive: Receive, send: Send
    ) -> None:
        request_id = _request_id(headers)
        status = 499  # nobody was answered
        started = time.perf_counter()
        self._metrics.running += 1
        try:
            try:
                answer = await route(scope, receive, headers)
            except Exception as failed:  # noqa: BLE001 - whatever it is, it has an answer
                answer = self._problem(failed, scope, request_id)
            status = answer.status
            mine = [*answer.headers, (b"x-request-id", request_id.encode())]
            await send({"type": "http.response.start", "status": status, "headers": mine})
            await send({"type": "http.response.body", "body": answer.body})
        finally:
            self._count(scope, status, started, request_id)

    def _count(
        self, scope: MutableMapping[str, Any], status: int, started: float, request_id: str
    ) -> None:
        self._metrics.running -= 1
        seconds = time.perf_counter() - started
        path = scope["path"]
        self._metrics.answered("POST", path, status, seconds)
        if status >= 400:
            with with_request(request_id):
                log_line(scope, "POST", path, status=status, seconds=seconds)

    def _problem(
        self, failed: Exception, scope: MutableMapping[str, Any], request_id: str
    ) -> Answer:
        scope[REQUEST_ID_KEY] = request_id
        with with_request(request_id):
            response = problem_response(scope, explained(failed))
        headers = [*response.raw_headers, *self._careful]
        return Answer(response.status_code, headers, bytes(response.body))


def _request_id(headers: Headers) -> str:
    given = headers.get(b"x-request-id")
    return (given_request_id(given) if given else None) or os.urandom(16).hex()


def as_asgi(route: QuickRoute) -> ASGIApp:
    """The route for the calls that come the usual way."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answer = await route(scope, receive, dict(scope["headers"]))
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})

    return app
