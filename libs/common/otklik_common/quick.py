"""
The edge of routes that are asked thousands of times a second: one pass, no layers.

For a plain call it does what `Edge` does: request id, problems, metrics, a log line for what was
refused. Calls of browsers, traced and compressed ones go the usual way, to the same route.
"""

import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple

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

    def add(self, path: str, route: QuickRoute) -> None:
        """`POST path` is answered by `route`; the path has no parameters."""
        self._routes[path] = route

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
        given = headers.get(b"x-request-id")
        request_id = (given_request_id(given) if given else None) or os.urandom(16).hex()
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
            self._metrics.running -= 1
            seconds = time.perf_counter() - started
            path = scope["path"]
            self._metrics.answered("POST", path, status, seconds)
            if status >= 400:
                with with_request(request_id):
                    log_line(scope, "POST", path, status=status, seconds=seconds)

    def _problem(self, failed: Exception, scope: Scope, request_id: str) -> Answer:
        scope[REQUEST_ID_KEY] = request_id
        with with_request(request_id):
            response = problem_response(scope, explained(failed))
        headers = [*response.raw_headers, *self._careful]
        return Answer(response.status_code, headers, bytes(response.body))


def as_asgi(route: QuickRoute) -> ASGIApp:
    """The route for the calls that come the usual way."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answer = await route(scope, receive, dict(scope["headers"]))
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})

    return app
