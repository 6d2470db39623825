"""
Which web pages may call the API: any, since nothing a browser sends by itself proves anything.

Callers are known by the Authorization header alone, never by a cookie, and whose key or token may
be used from which origin is checked with the key (callers.py). So the API lets every origin read
its answers (the Fetch standard's CORS), without credentials; pages and operations routes do not.
"""

import re
from typing import Final

from starlette.responses import Response
from starlette.types import Scope

_API: Final = re.compile(r"/[a-z-]+/v[0-9]+/")
_METHODS: Final = "GET, POST, PUT, PATCH, DELETE"
_HEADERS: Final = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, Accept-Language, X-Request-Id, "
    "traceparent"
)
_SHOWN: Final = (
    "ETag, Location, Retry-After, RateLimit, RateLimit-Policy, Idempotent-Replayed, X-Request-Id"
)


def origin_of(scope: Scope) -> bytes | None:
    """The origin of the page that calls the API; None outside of browsers and of the API."""
    for name, value in scope["headers"]:
        if name == b"origin" and _API.match(scope["path"]):
            return bytes(value)
    return None


def shared_headers(origin: bytes) -> list[tuple[bytes, bytes]]:
    """What lets that page read the answer."""
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _SHOWN.encode()),
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"vary", b"Origin"),
    ]


def preflight(scope: Scope) -> Response | None:
    """The answer to a browser that asks whether it may call; None if this is a call itself."""
    asked = any(name == b"access-control-request-method" for name, _ in scope["headers"])
    if scope["method"] != "OPTIONS" or not asked:
        return None
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": _HEADERS,
            "Access-Control-Max-Age": "600",
        },
    )
