"""
How often somebody may ask: token buckets in the process, told to callers as they empty.

Each process counts for itself: with two replicas behind a fair balancer everybody gets twice the
rate. That bounds abuse and load, which is what the limits are for; nothing is sold by them.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from math import ceil
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from starlette.types import Scope

from otklik_common.edge import EXTRA_HEADERS_KEY
from otklik_common.errors import TooMany
from otklik_common.settings import Settings

MOST_BUCKETS: Final = 50_000
"""Buckets of one limit in a process; the one that rested longest makes room."""


class RateLimit:
    """
    So many requests a second on average, and so many at once.

    Args:
        name: For the RateLimit fields; a token such as `sign-in`.
        per_second: Tokens that come back each second.
        burst: Tokens of a full bucket.
    """

    def __init__(
        self,
        name: str,
        *,
        per_second: float,
        burst: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.per_second = per_second
        self.burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def policy(self) -> str:
        """Value of RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10)."""
        return f'"{self.name}";q={self.burst};w={ceil(self.burst / self.per_second)}'

    def take(self, key: str, cost: float = 1) -> float:
        """
        Take tokens out of somebody's bucket; returns how many are left.

        Args:
            cost: More than 1 for dear requests. Above `burst` it can never be met.
        Raises:
            TooMany: There are not enough; Retry-After says when there will be.
        """
        now = self._clock()
        tokens, since = self._buckets.pop(key, (float(self.burst), now))
        tokens = min(float(self.burst), tokens + (now - since) * self.per_second)
        enough = tokens >= cost
        left = tokens - cost if enough else tokens
        self._buckets[key] = (left, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        if enough:
            return left
        wait = (cost - tokens) / self.per_second
        raise TooMany(
            f"at most {self.burst} requests at once and {self.per_second:g} a second",
            detail_ru=f"не больше {self.burst} запросов сразу и {self.per_second:g} в секунду",
            retry_after=wait,
            headers={
                "RateLimit-Policy": self.policy,
                "RateLimit": f'"{self.name}";r=0;t={ceil(wait)}',
            },
        )

    def give_back(self, key: str) -> None:
        """
        Undo a `take` of one token, for what should not have cost anything.

        Taking first and giving back lets no more through at once than the bucket holds; asking
        whether there is a token and taking it later would.
        """
        found = self._buckets.get(key)
        if found is not None:
            tokens, since = found
            self._buckets[key] = (min(float(self.burst), tokens + 1), since)

    def tell(self, scope: Scope, left: float) -> None:
        """Put the RateLimit fields on whatever answer this request gets."""
        wait = ceil((self.burst - left) / self.per_second)
        scope.setdefault(EXTRA_HEADERS_KEY, []).extend(
            [
                ("RateLimit-Policy", self.policy),
                ("RateLimit", f'"{self.name}";r={int(left)};t={wait}'),
            ]
        )


# --- Who asks -----------------------------------------------------------------------------------


def client_ip(scope: Scope, trusted_proxies: int) -> str:
    """
    Address of the client: a neighbourhood (/64) of IPv6, since one caller owns it all.

    Args:
        trusted_proxies: Proxies of ours, each of which appends to X-Forwarded-For whom it saw:
            the client is the last but so many from the right. What stands further left the
            caller has written itself.
    """
    return _neighbourhood(_passed(scope, trusted_proxies)[0])


def forwarded(scope: Scope, trusted_proxies: int) -> str:
    """
    X-Forwarded-For of a call that we make on behalf of this client.

    The client, then whom the proxies between us passed it on to, and nothing the client has
    written itself. The other side finds the client with the same `trusted_proxies`, or with 1
    where none stands before us: we are its proxy then.
    """
    return ", ".join(map(_neighbourhood, _passed(scope, trusted_proxies)))


def _passed(scope: Scope, trusted_proxies: int) -> list[str]:
    """Whom proxies of ours saw, the client first; whoever is connected where they saw nobody."""
    if trusted_proxies > 0:
        seen = [
            entry.strip()
            for name, value in scope["headers"]
            if name == b"x-forwarded-for"
            for entry in value.decode("latin-1").split(",")
        ]
        if len(seen) >= trusted_proxies:
            return seen[-trusted_proxies:]
    client = scope.get("client")
    return [client[0] if client else ""]


def _neighbourhood(address: str) -> str:
    if address.count(":") == 1:  # some proxies append the port
        address = address.partition(":")[0]
    elif address.startswith("["):
        address = address[1:].partition("]")[0]
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)


def per_ip(limit: RateLimit) -> Callable[[Request], Awaitable[None]]:
    """FastAPI dependency: one bucket for each client address."""

    async def limited(request: Request) -> None:
        settings: Settings = request.app.state.http_settings
        key = client_ip(request.scope, settings.trusted_proxies)
        limit.tell(request.scope, limit.take(key))

    return limited


def per_caller(
    limit: RateLimit, identify: Callable[[Request], Awaitable[Any]]
) -> Callable[..., Awaitable[None]]:
    """
    FastAPI dependency: one bucket for each key, member of staff or customer.

    Args:
        identify: The dependency that gives the route its Caller; it runs once for both.
    """

    async def limited(request: Request, caller: Annotated[Any, Depends(identify)]) -> None:
        limit.tell(request.scope, limit.take(f"{caller.tenant}/{caller.principal}"))

    return limited


def per_tenant(
    limit: RateLimit, identify: Callable[[Request], Awaitable[Any]]
) -> Callable[..., Awaitable[None]]:
    """FastAPI dependency: one bucket for each company."""

    async def limited(request: Request, caller: Annotated[Any, Depends(identify)]) -> None:
        limit.tell(request.scope, limit.take(caller.tenant))

    return limited
