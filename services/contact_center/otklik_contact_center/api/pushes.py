"""
The hot routes: pushes of events, answered below FastAPI's machinery.

FastAPI knows them only by their documents: what a route would do with 100 µs, they do in ten
(decision 0020). One corpus of bodies holds both descriptions of an event to each other.
"""

from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import Body
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope

from otklik_common.callers import Caller, Callers, mark_of
from otklik_common.errors import BadRequest, FieldError, Forbidden, TooLarge, Unprocessable
from otklik_common.http import PROBLEMS, PUBLIC, edge
from otklik_common.module import Platform
from otklik_common.quick import Answer, Begin, Headers, QuickRoute, Tell, as_asgi
from otklik_common.tracing import current_traceparent, is_traced
from otklik_contact_center.actions.confined import (
    is_confined,
    named_source,
    push_confined,
)
from otklik_contact_center.actions.hooks import Hooks as ProviderHooks
from otklik_contact_center.actions.push import BadSignature, Door, Pushed, check_signature
from otklik_contact_center.actions.sources import SourceBook, UnknownSource
from otklik_contact_center.api.push_answers import answer_of, told
from otklik_contact_center.api.schemas import PushAnswer, PushedEvent
from otklik_contact_center.domain.admission import MAX_BYTES
from otklik_contact_center.domain.providers.pushed import Request
from otklik_contact_center.domain.signature import HEADERS
from otklik_contact_center.domain.source import Source, tenant_of

PREFIX: Final = "/contact-center/v1"
SCOPE: Final = "events:push"

_SIGNED: Final = frozenset(name.encode() for name in HEADERS)


class Pushes:
    """`POST /contact-center/v1/events`."""

    def __init__(self, platform: Platform, callers: Callers, book: SourceBook, door: Door) -> None:
        self._now = platform.now
        self._callers = callers
        self._book = book
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, headers: Headers) -> Answer:
        """The answer to one push."""
        now = self._now()
        shown = _text(headers.get(b"authorization")), _text(headers.get(b"origin"))
        caller = self._callers.remembered(*shown) or await self._callers.identify(*shown, now)
        if SCOPE not in caller.scopes:
            raise Forbidden(f"this needs the scope {SCOPE}", detail_ru=f"нужно право {SCOPE}")
        query = scope["query_string"]
        named = _source_id(query) if query else None
        if named is None and is_confined(caller):
            return answer_of(await self._push_confined(caller, await _body(receive), now, headers))
        source = self._book.remembered(caller.tenant) if named is None else None
        source = source or await named_source(self._book, caller, named, now)
        body = await _body(receive)
        _check_signed(source, headers, body, now)
        pushed = await self._door.push(
            source, body, now=now, lines=_are_lines(headers), traceparent=_traceparent(headers)
        )
        return answer_of(pushed)

    def opener(self, headers: Headers) -> Begin:
        """What needs to wait for nothing but its commit: everybody was seen a moment ago."""
        shown = mark_of(_text(headers.get(b"authorization")))
        return partial(self._begin, shown, _are_lines(headers))

    def _begin(self, shown: bytes, lines: bool, body: bytes, tell: Tell) -> bool:
        caller = self._callers.proved(shown)
        if caller is None or SCOPE not in caller.scopes or is_confined(caller):
            return False
        source = self._book.remembered(caller.tenant)
        if source is None or source.require_signature:
            return False
        concluded = partial(_answer_with, tell)
        return self._door.begin(source, body, concluded, now=self._now(), lines=lines)

    async def _push_confined(
        self, caller: Caller, body: bytes, now: datetime, headers: Headers
    ) -> Pushed:
        return await push_confined(
            self._door,
            self._book,
            caller,
            body,
            now=now,
            proof=lambda source: _check_signed(source, headers, body, now),
            lines=_are_lines(headers),
            traceparent=_traceparent(headers),
        )


class Hooks:
    """`POST /contact-center/v1/sources/{source_id}/hook`: signed, without a key."""

    def __init__(
        self, platform: Platform, book: SourceBook, door: Door, providers: ProviderHooks
    ) -> None:
        self._now = platform.now
        self._known = platform.directory("contact_center").company
        self._book = book
        self._door = door
        self._providers = providers

    async def __call__(self, scope: Scope, receive: Receive, headers: Headers) -> Answer:
        """The answer to one push."""
        now = self._now()
        source = await self._source(scope["path_params"]["source_id"], now)
        if source is not None and source.provider is not None:
            rest = scope["path_params"].get("rest", "")
            return await self._of_provider(source, receive, headers, now, rest)
        body = await _body(receive)
        # Whether a source exists is nobody's business who cannot sign for it.
        check_signature(source, _signature_headers(headers), body, now)
        assert source is not None, "nobody signs for a source that is not there"
        if scope["query_string"]:
            raise _unknown_parameters([])
        pushed = await self._door.push(
            source, body, now=now, lines=_are_lines(headers), traceparent=_traceparent(headers)
        )
        return answer_of(pushed)

    async def _of_provider(
        self, source: Source, receive: Receive, headers: Headers, now: datetime, rest: str
    ) -> Answer:
        body = await _body(receive)
        texts = {_text(name) or "": _text(value) or "" for name, value in headers.items()}
        request = Request(texts, body, rest)
        try:
            pushed = await self._providers.push(
                source, request, now=now, traceparent=_traceparent(headers)
            )
        except BadSignature:
            # In the words that whoever asks for a source that is not there hears.
            check_signature(None, _signature_headers(headers), body, now)
            raise
        wanted = source.provider and source.provider.receipt
        receipt = wanted(request, now) if wanted else None
        return answer_of(pushed) if receipt is None else told(receipt, 200)

    async def _source(self, source_id: str, now: datetime) -> Source | None:
        """The source, if there is one in an active company."""
        tenant = tenant_of(source_id)
        company = None if tenant is None else await self._known(tenant)
        if tenant is None or company is None or not company.active:
            return None
        try:
            return await self._book.get(tenant, source_id, now)
        except UnknownSource:
            return None


async def _body(receive: Receive) -> bytes:
    """The whole body; more than `MAX_BYTES` are not read."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest(
                "the body broke off", detail_ru="тело запроса оборвалось", code="body_broken_off"
            )
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > MAX_BYTES:
            raise TooLarge(
                f"the body is larger than {MAX_BYTES} bytes",
                detail_ru=f"тело запроса больше {MAX_BYTES} байт",
            )
        if not message.get("more_body", False):
            return b"".join((*parts, part)) if parts else part
        parts.append(part)


def _source_id(query: bytes) -> str | None:
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    unknown = [name for name, _ in pairs if name != "source"]
    if unknown or len(pairs) > 1:
        raise _unknown_parameters(unknown or ["source"])
    return pairs[0][1] if pairs else None


def _unknown_parameters(names: list[str]) -> Unprocessable:
    return Unprocessable(
        "unknown query parameters",
        detail_ru="неизвестные параметры",
        errors=[
            FieldError(
                f"query.{name[:100]}",
                "unknown_parameter",
                "is not a known parameter",
                "неизвестный параметр",
            )
            for name in names[:50]
        ],
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _are_lines(headers: Headers) -> bool:
    return b"ndjson" in headers.get(b"content-type", b"")


def _traceparent(headers: Headers) -> str | None:
    """The trace of the request; nothing else is traced where this process traces nothing."""
    return current_traceparent() if is_traced() or b"traceparent" in headers else None


def _check_signed(source: Source, headers: Headers, body: bytes, now: datetime) -> None:
    if source.require_signature:
        check_signature(source, _signature_headers(headers), body, now)


def _signature_headers(headers: Headers) -> dict[str, str]:
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in headers.items()
        if name in _SIGNED
    }


def _answer_with(tell: Tell, pushed: Pushed | Coroutine[Any, Any, Pushed] | Exception) -> None:
    answer: Answer | Coroutine[Any, Any, Answer] | Exception
    try:
        if isinstance(pushed, Pushed):
            answer = answer_of(pushed)
        else:
            answer = pushed if isinstance(pushed, Exception) else _answered(pushed)
    except Exception as failed:  # noqa: BLE001 - whoever waits hears of it
        answer = failed
    tell(answer)


async def _answered(pushing: Coroutine[Any, Any, Pushed]) -> Answer:
    return answer_of(await pushing)


# --- Their documents ----------------------------------------------------------------------------


async def push_events(
    events: PushedEvent | list[PushedEvent] = Body(),
    source: str | None = None,
) -> None:
    """
    Push what happened: one event, an array, or NDJSON; up to 5,000 events and 5 MiB.

    Answered once the events are durable. Sending the same events again is safe: they are counted
    as duplicates. Order does not matter, nor does lateness. Bad events are refused one by one and
    kept for replay; good ones among them are taken. Without `source` they belong to the company's
    default source.

    A key that is limited to branches pushes through the sources of these branches, made on the
    way: each event is of the branch that it names, which may be left out where there is one. It
    reaches no contact of any other source.

    A publishable key pushes through the source of the company's pages, `<company>.web` (or its
    branches', if it is limited to some), and tells only what the customer does: `started`,
    `queued` and `message`. Whoever answers there pushes with a secret key and names that source.
    """


async def push_to_hook(
    source_id: str,
    events: PushedEvent | list[PushedEvent] = Body(),
) -> None:
    """
    Push what happened, signed by the source's secret instead of a key.

    Signed by Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`. A source
    that does not exist and a wrong signature are answered alike.

    A source of another product (`mango`, …) takes here what that product pushes, proved in its own
    way, up to 1 MiB; what stands in the address behind `/hook/` is ignored, or proves the push.
    """


class HotRoute(APIRoute):
    """
    A route that may be answered before FastAPI looks at the request at all.

    Attributes:
        hot: What answers it; None where the path has parameters.
    """

    hot: QuickRoute | None = None


_LINES: Final = {
    "requestBody": {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}
}
_SIGNED_LINES: Final = {
    **_LINES,
    **PUBLIC,
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
        for name in HEADERS
    ],
}


_FORM: Final = {
    **PUBLIC,
    "requestBody": {
        "content": {
            "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
            "application/json": {"schema": {"type": "object"}},
        },
        "required": True,
    },
}


def _hot(
    path: str,
    answer: QuickRoute,
    document: Callable[..., Awaitable[None]],
    name: str,
    described: dict[str, Any],
) -> APIRoute:
    """A route with FastAPI's document, completed, and an answer of our own."""
    route = HotRoute(
        PREFIX + path,
        endpoint=document,
        methods=["POST"],
        status_code=202,
        response_model=PushAnswer,
        operation_id=name,
        tags=["pushes"],
        summary=(document.__doc__ or "").strip().partition("\n")[0],
        responses=PROBLEMS(400, 401, 403, 404, 410, 413, 422, 429, 503),
        openapi_extra=described,
    )
    edge(body_limit=MAX_BYTES, quiet=True)(document)
    route.app = as_asgi(answer)
    if "{" not in path:
        route.hot = answer
    return route


async def push_to_hook_of_product(source_id: str, rest: str, pushed: str = Body()) -> None:
    """
    What another product pushes, which adds to the address what it is about, or what proves it.

    `rest` is a secret where the page of the product says so (`calltouch`; `mapped` by `address`),
    else it is ignored: the body says what it is. A product proves itself in its own way; a source
    that does not exist and a wrong proof are answered alike. Up to 1 MiB.
    """


def routes(
    platform: Platform, book: SourceBook, door: Door, providers: ProviderHooks
) -> list[APIRoute]:
    """The hot routes."""
    hooks = Hooks(platform, book, door, providers)
    pushes = Pushes(platform, platform.callers("contact_center"), book, door)
    return [
        _hot("/events", pushes, push_events, "push_events", _LINES),
        _hot(
            "/sources/{source_id}/hook",
            hooks,
            push_to_hook,
            "push_to_hook",
            _SIGNED_LINES,
        ),
        _hot(
            "/sources/{source_id}/hook/{rest:path}",
            hooks,
            push_to_hook_of_product,
            "push_to_hook_of_product",
            _FORM,
        ),
    ]
