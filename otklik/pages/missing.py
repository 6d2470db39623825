"""Addresses that are none of ours: a page for people, the usual problem for programs."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from otklik.targets import SERVICES
from otklik_common.problems import answer_http_exception

FOR_PROGRAMS: Final = frozenset((*SERVICES, "livez", "readyz", "metrics", "openapi.json"))
"""How the path of an address begins that people do not open."""

Draw = Callable[[Request, int], Awaitable[Response]]


def answer_missing(draw: Draw) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Handler of the framework's exceptions that draws a page where a browser looks for one."""

    async def answer(request: Request, raised: Exception) -> Response:
        assert isinstance(raised, HTTPException)
        if raised.status_code in {404, 405} and _for_people(request):
            return await draw(request, 404)
        return await answer_http_exception(request, raised)

    return answer


def _for_people(request: Request) -> bool:
    return (
        request.method in {"GET", "HEAD"}
        and "text/html" in request.headers.get("accept", "").lower()
        and request.url.path.split("/", 2)[1] not in FOR_PROGRAMS
    )
