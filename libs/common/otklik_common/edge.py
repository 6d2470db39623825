"""
What happens to every request on its way in and out, in one pass of pure ASGI.

Request id, body limit, headers that keep browsers careful, one log line, metrics and a span by
the route's template. Neither path nor query is ever shown: they hold tokens, phones and names.
"""

import re
import secrets
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from opentelemetry.trace import SpanKind
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otklik_common.errors import BadRequest, Refused
from otklik_common.observability import get_logger, set_fields, span, with_request
from otklik_common.origins import origin_of, preflight, shared_headers
from otklik_common.outages import outage
from otklik_common.problems import (
    REQUEST_ID_KEY,
    BodyTooLarge,
    Internal,
    UnsupportedCoding,
    problem_response,
)
from otklik_common.settings import Settings
from otklik_common.tracing import is_traced

log = get_logger(__name__)

MIB: Final = 1024 * 1024
BODY_LIMIT: Final = MIB
"""Bytes of a body, unless the route says otherwise by `edge(body_limit=…)`."""

EXTRA_HEADERS_KEY: Final = "otklik.headers"
"""Where in the scope dependencies leave (name, value) pairs for whatever answer is sent."""

_LIMIT_MARK: Final = "__otklik_body_limit__"
_QUIET_MARK: Final = "__otklik_quiet__"
_QUIET_PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Free forms could carry a phone into the log.
_REQUEST_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_BUCKETS: Final = (0.005, 0.025, 0.1, 0.25, 1.0, 5.0)

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def edge(*, body_limit: int = BODY_LIMIT, quiet: bool = False) -> Callable[[Endpoint], Endpoint]:
    """
    Mark an endpoint, under its route decorator.

    Args:
        body_limit: Bytes that its body may have.
        quiet: Successes are not logged: for routes called thousands of times a second.
    """

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _LIMIT_MARK, body_limit)
        setattr(endpoint, _QUIET_MARK, quiet)
        return endpoint

    return mark


class HttpMetrics(Collector):
    """
    Requests by route template; a path that belongs to no route counts as `none`.

    Plain integers, turned into families when scraped: the client library's own counters take a
    lock for each, five times in a request.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.running = 0
        self._answered: dict[tuple[str, str, int], int] = {}
        self._took: dict[tuple[str, str], list[float]] = {}
        registry.register(self)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        key = (method, route, status // 100)
        self._answered[key] = self._answered.get(key, 0) + 1
        cells = self._took.get((method, route))
        if cells is None:
            # One cell for each bucket, one for what is slower, and the sum.
            cells = self._took[method, route] = [0.0] * (len(_BUCKETS) + 2)
        cells[bisect_left(_BUCKETS, seconds)] += 1
        cells[-1] += seconds

    def collect(self) -> Iterator[Metric]:
        """The families of a scrape."""
        answered = CounterMetricFamily(
            "otklik_http_requests",
            "Requests answered, by route and class of status",
            labels=("method", "route", "status"),
        )
        for (method, route, status), count in sorted(self._answered.items()):
            answered.add_metric((method, route, f"{status}xx"), count)
        took = HistogramMetricFamily(
            "otklik_http_request_seconds",
            "From the first byte of a request to the last of its answer",
            labels=("method", "route"),
        )
        for place, cells in sorted(self._took.items()):
            names = [*(str(bucket) for bucket in _BUCKETS), "+Inf"]
            took.add_metric(place, list(zip(names, accumulate(cells[:-1]), strict=True)), cells[-1])
        yield answered
        yield took
        yield GaugeMetricFamily(
            "otklik_http_requests_running", "Requests being answered now", value=self.running
        )


class Edge:
    """The outermost middleware of ours."""

    def __init__(self, app: ASGIApp, *, settings: Settings, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics
        self._headers = tuple(careful_headers(settings).items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of connection pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, traceparent = _ids(scope)
        scope[REQUEST_ID_KEY] = request_id
        one = _Request(scope, receive, send, self._headers)
        with with_request(request_id):
            if traceparent is None and not is_traced():
                await self._counted(one)
                return
            with span("request", traceparent, kind=SpanKind.SERVER) as step:
                try:
                    await self._counted(one)
                finally:
                    method, route = _method(scope), route_of(scope)
                    if step.is_recording():
                        step.update_name(f"{method} {route}")
                        set_fields(step, method=method, route=route, status=one.status)

    async def _counted(self, one: "_Request") -> None:
        started = time.perf_counter()
        self._metrics.running += 1
        try:
            await self._answer(one)
        finally:
            self._metrics.running -= 1
            seconds = time.perf_counter() - started
            # Nobody was answered: the caller hung up, or the process is ending.
            status = one.status or 499
            method, route = _method(one.scope), route_of(one.scope)
            self._metrics.answered(method, route, status, seconds)
            if status >= 400 or not _is_quiet(one.scope):
                log_line(one.scope, method, route, status=status, seconds=seconds)

    async def _answer(self, one: "_Request") -> None:
        try:
            if "\x00" in one.scope["path"] or b"%00" in one.scope["query_string"]:
                # PostgreSQL cannot store it, and nothing of ours contains it.
                raise BadRequest(
                    "the address holds the character NUL",
                    detail_ru="в адресе есть символ NUL",
                    code="malformed_address",
                )
            _check_coding(one.scope)
            asked = preflight(one.scope) if one.origin is not None else None
            await (asked or self._app)(one.scope, one.receive, one.send)
        except Exception as failed:
            if one.status is not None:
                log.error("answer broken off", exc_info=failed)
                raise
            await problem_response(one.scope, explained(failed))(one.scope, one.receive, one.send)


def explained(failed: Exception) -> Refused:
    """What the caller is told of a failure; what is ours is logged."""
    if isinstance(failed, Refused):
        return failed
    known = outage(failed)
    if known is not None:
        log.warning("not available", code=known.code, exc_info=failed)
        return known
    log.error("request failed", exc_info=failed)
    return Internal()


class _Request:
    """One request under way: counts what comes in, completes what goes out."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, headers: Sequence[tuple[bytes, bytes]]
    ) -> None:
        self.scope = scope
        self.status: int | None = None
        self.origin = origin_of(scope)
        self._receive = receive
        self._send = send
        self._headers = headers
        self._read = 0

    async def receive(self) -> Message:
        """The next part of the body; more than the route takes is refused before it is read."""
        # Here the route is known already: nobody asks for the body earlier.
        limit = getattr(self.scope.get("endpoint"), _LIMIT_MARK, BODY_LIMIT)
        if self._read == 0 and _content_length(self.scope) > limit:
            raise BodyTooLarge(limit)
        message = await self._receive()
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            if self._read > limit:
                raise BodyTooLarge(limit)
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer, its head with our headers where the route set none."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            known = {name for name, _ in headers}  # in lower case, as ASGI wants them
            headers += [pair for pair in self._headers if pair[0] not in known]
            headers.append((b"x-request-id", self.scope[REQUEST_ID_KEY].encode()))
            for name, value in self.scope.get(EXTRA_HEADERS_KEY, ()):
                headers.append((name.lower().encode(), value.encode()))
            if self.origin is not None:
                headers += shared_headers(self.origin)
            message = {**message, "headers": headers}
        await self._send(message)


def route_of(scope: Scope) -> str:
    """The template of the route that answers, like `/feedback/v1/answers/{answer_id}`; else `none`."""
    context = scope.get("fastapi", {}).get("effective_route_context")
    template = getattr(getattr(context, "starlette_route", None), "path_format", None)
    template = template or getattr(context, "path_format", None)
    route = scope.get("route")
    template = template or getattr(route, "path_format", None) or getattr(route, "path", None)
    if template:
        return str(template)
    # Plain Starlette routes leave only their endpoint in the scope.
    endpoint = scope.get("endpoint")
    return "none" if endpoint is None else _template_of(scope, endpoint)


def _template_of(scope: Scope, endpoint: object) -> str:
    app = scope.get("app")
    known: dict[object, str] = app.state.route_templates if app is not None else {}
    template = known.get(endpoint)
    if template is None:
        routes = [one for one in getattr(app, "routes", ()) if _endpoint(one) is endpoint]
        template = known[endpoint] = str(getattr(routes[0], "path", "none")) if routes else "none"
    return template


def _endpoint(route: object) -> object:
    return getattr(route, "endpoint", None)


def _ids(scope: Scope) -> tuple[str, str | None]:
    request_id = traceparent = None
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            request_id = given_request_id(value)
        elif name == b"traceparent":
            traceparent = value.decode("latin-1")
    return request_id or secrets.token_hex(16), traceparent


def given_request_id(value: bytes) -> str | None:
    """The caller's own id of its request, if it is one that can mean nothing else."""
    shown = value.decode("latin-1")
    return shown if _REQUEST_ID.fullmatch(shown) else None


def _content_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 20 else 0
    return 0


def _check_coding(scope: Scope) -> None:
    for name, value in scope["headers"]:
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise UnsupportedCoding(
                "send the body without Content-Encoding",
                detail_ru="тело запроса нужно без Content-Encoding",
                headers={"Accept-Encoding": "identity"},  # RFC 9110 §15.5.16
            )


def log_line(scope: Scope, method: str, route: str, *, status: int, seconds: float) -> None:
    """Log one answered request."""
    fields = {
        "method": method,
        "route": route,
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
    }
    caller = scope.get("state", {}).get("caller")
    if caller is not None:
        fields |= {"tenant": caller.tenant, "principal": caller.principal}
    log.info("request", **fields)


def _is_quiet(scope: Scope) -> bool:
    return scope["path"] in _QUIET_PATHS or getattr(scope.get("endpoint"), _QUIET_MARK, False)


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in _METHODS else "OTHER"


def careful_headers(settings: Settings) -> dict[bytes, bytes]:
    """What keeps browsers careful with an answer."""
    headers = {
        b"x-content-type-options": b"nosniff",
        b"x-frame-options": b"DENY",
        b"referrer-policy": b"no-referrer",
        b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
        b"cross-origin-opener-policy": b"same-origin",
        b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
        b"cache-control": b"no-store",
    }
    if urlsplit(settings.public_url).scheme == "https":
        headers[b"strict-transport-security"] = b"max-age=31536000"
    return headers
