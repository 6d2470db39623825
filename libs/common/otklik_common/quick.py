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

Tell = Callable[[Answer | Coroutine[Any, Any, Answer] | Exception], None]
"""Hears once what a call came to: its answer, what that waits for, or why there is none."""

Begin = Callable[[bytes, Tell], bool]
"""
Begins to answer a call with this body, and says whether it did: not if it has to wait for
something before, or if the call is not simply taken. Then, or if it raises, nothing was done.
"""


class LaterRoute(Protocol):
    """A quick route that may begin without waiting."""

    def opener(self, headers: Headers) -> Begin:
        """What begins calls with this head and no query; it keeps no credential in the clear."""


class Head:
    """
    The head of calls of a quick route, as far as it matters to them.

    Attributes:
        begin: What begins them.
        request_id: Named by whoever calls.
        scope: What a refusal and its log line need to know, and no more.
    """

    __slots__ = ("begin", "request_id", "scope")

    def __init__(self, begin: Begin, request_id: str | None, scope: Scope) -> None:
        self.begin = begin
        self.request_id = request_id
        self.scope = scope


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
        if hasattr(route, "opener"):
            self._later[path] = route

    def head(self, scope: Scope) -> Head | None:
        """The head of a call for which `answer_later` may do something; None of all others."""
        route = self._later.get(scope["path"])
        if route is None or scope["method"] != "POST" or scope["query_string"] or is_traced():
            return None
        headers = dict(scope["headers"])
        if not _NEEDS_MORE.isdisjoint(headers):
            return None
        language = [pair for pair in scope["headers"] if pair[0] == b"accept-language"]
        kept = {"type": "http", "method": "POST", "path": scope["path"], "headers": language}
        return Head(route.opener(headers), _given_request_id(headers), kept)

    def answer_later(self, head: Head, body: bytes, tell: Callable[[Answer, str], None]) -> bool:
        """
        Begin to answer a call that is whole.

        Returns: Whether `tell` will hear the answer and the request's id, once. Else nothing has
        been done about the call, and it is to be answered as all others are.
        """
        try:
            begun = head.begin(body, partial(self._heard, head, time.perf_counter(), tell))
        except Exception:  # noqa: BLE001 - the usual way meets it again, and says so
            return False
        if begun:
            self._metrics.running += 1
        return begun

    def _heard(
        self,
        head: Head,
        started: float,
        tell: Callable[[Answer, str], None],
        heard: Answer | Coroutine[Any, Any, Answer] | Exception,
    ) -> None:
        if isinstance(heard, Coroutine):
            task = asyncio.get_running_loop().create_task(heard)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda done: self._heard(head, started, tell, _outcome(done)))
            return
        request_id = head.request_id or _new_request_id()
        status = 499  # nobody was answered
        try:
            if isinstance(heard, Exception):
                heard = self._problem(heard, dict(head.scope), request_id)
            status = heard.status
            tell(heard, request_id)
        finally:
            self._count(head.scope, status, started, request_id)

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
        request_id = _given_request_id(headers) or _new_request_id()
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


def _outcome(done: asyncio.Task[Answer]) -> Answer | Exception:
    failed = RuntimeError("given up") if done.cancelled() else done.exception()
    if failed is None:
        return done.result()
    return failed if isinstance(failed, Exception) else RuntimeError("given up")


def _given_request_id(headers: Headers) -> str | None:
    given = headers.get(b"x-request-id")
    return given_request_id(given) if given else None


def _new_request_id() -> str:
    return os.urandom(16).hex()


def as_asgi(route: QuickRoute) -> ASGIApp:
    """The route for the calls that come the usual way."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answer = await route(scope, receive, dict(scope["headers"]))
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})

    return app
