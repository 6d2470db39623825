"""Whether we can listen, and whether what we started answers."""

import asyncio
import errno
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from http import HTTPStatus
from http.client import HTTPException

from otklik.addresses import THIS_MACHINE
from otklik.family import Family, say
from otklik_common.resting import rest

READY_SECONDS = 300
TOLD_SECONDS = 30
"""Long, for slow machines; what is waited for is said after this time, and each time again."""

PORT_ATTEMPTS = 12

PROBES = (
    "/access/v1/me",
    "/contact-center/v1/sources",
    "/feedback/v1/surveys",
    "/loyalty/v1/programme",
    "/metrics/v1/catalog",
)
"""A key that is known to each of these works everywhere."""


async def until_port_is_free(host: str, port: int, stop: asyncio.Event) -> None:
    """Wait a moment: processes of a killed `otklik up` need one to see that it is gone."""
    for attempt in range(1, PORT_ATTEMPTS + 1):
        try:
            _try_to_listen(host, port)
        except OSError as refused:
            if refused.errno != errno.EADDRINUSE or attempt == PORT_ATTEMPTS:
                raise SystemExit(
                    f"cannot listen on {host} port {port} ({refused.strerror}); "
                    "choose another with --port or --host"
                ) from None
        else:
            return
        await rest(stop, 0.5)


def _try_to_listen(host: str, port: int) -> None:
    """Bind as the server will, everywhere that the host stands for. Raises OSError."""
    kind = socket.SOCK_STREAM
    for family, *_, address in socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE):
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)


def free_port() -> int:
    """A port of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((THIS_MACHINE, 0))
        port: int = probe.getsockname()[1]
        return port


async def until_ready(urls: Sequence[str], key: str | None, family: Family) -> bool:
    """Whether, within a while, both processes are ready and every service knows the key."""
    began = time.monotonic()
    told = 0
    pending = [f"{url}/readyz" for url in urls]
    if key is not None:
        pending += [urls[0] + probe for probe in PROBES]
    while pending and not family.stop.is_set():
        status, failing = await asyncio.to_thread(_ask, pending[0], key)
        if status == HTTPStatus.OK:
            pending.pop(0)
            continue
        if (broken := family.hopeless()) is not None:
            say(f"{broken} fails again and again; its last words stand above")
            return False
        waited = time.monotonic() - began
        if waited > TOLD_SECONDS * (told + 1):
            told += 1
            say(f"not ready after {waited:.0f} s: {pending[0]} answers {status} {failing}")
        if waited > READY_SECONDS:
            return False
        await asyncio.sleep(0.05)
    return not pending


_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Whom we ask we have started: a proxy of the environment is not on the way."""


def _ask(url: str, key: str | None) -> tuple[int, str]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - our own http:// URL
    try:
        with _DIRECTLY.open(request, timeout=5) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read(500).decode(errors="replace")
    except (OSError, HTTPException) as absent:
        # Where nobody listens yet, the system may connect a port of its own choice to itself.
        return 0, f"{type(absent).__name__} {absent}".strip()
