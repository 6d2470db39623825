"""
Fetches a recording from where a sender said it lies, without being led elsewhere.

The host is looked up once, its address checked, and that very address connected to: a name that is
answered otherwise the next moment leads nowhere. Redirects are followed only after the same checks.
No proxy, no cookie, no header but a range goes out; only audio comes back.
"""

import asyncio
import re
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import ClassVar, Final
from urllib.parse import urljoin

import httpx

from otklik_common.errors import Refused, Title, Unavailable
from otklik_common.settings import Settings
from otklik_contact_center.domain.recording.address import (
    Address,
    Network,
    Place,
    address_of,
    check_allowed,
    checked,
    place_of,
)

MOST_BYTES: Final = 512 * 1024 * 1024
MOST_SECONDS: Final = 900
MOST_REDIRECTS: Final = 3
AT_ONCE: Final = 32
"""Recordings that a process fetches at a time."""
EACH: Final = 8
"""Of these, for one company."""
BEGIN_SECONDS: Final = 30
"""For a recording to begin, all redirects together, however its server drips."""
STALLED_SECONDS: Final = 60
"""A listener who takes nothing for so long asks again for the part that is missing."""

_TIMEOUTS: Final = httpx.Timeout(10, connect=5)
_LOOKUP_SECONDS: Final = 5
_AUDIO: Final = re.compile(r"(audio/[a-z0-9][a-z0-9.+-]{0,60}|application/ogg)\s*(;.*)?")
_RANGE: Final = re.compile(r"bytes=([0-9]{1,15}-[0-9]{0,15}|-[0-9]{1,15})")
_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,15}-[0-9]{1,15}|\*)/([0-9]{1,15}|\*)")
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))

Resolve = Callable[[str, int], Awaitable[Collection[Address]]]
"""The addresses of a host; none if it has none."""


class RecordingUnavailable(Refused):
    """Whoever keeps the recording does not give it out, or not in time."""

    status: ClassVar[int] = 502
    code = "recording_unavailable"
    title: ClassVar[Title] = Title("The recording cannot be had", "Запись получить не удалось")


class NoSuchPart(Refused):
    """The recording is shorter."""

    status: ClassVar[int] = 416
    code = "no_such_part"
    title: ClassVar[Title] = Title("There is no such part", "Такой части нет")


@dataclass(frozen=True, slots=True)
class Fetched:
    """
    A recording on its way; `close` must be called.

    Attributes:
        status: 200, or 206 for a part.
        headers: What is passed on.
    """

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]
    close: Callable[[], Awaitable[None]] = field(repr=False)


async def look_up(host: str, port: int) -> Collection[Address]:
    """The addresses of a host, by the system's resolver."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_LOOKUP_SECONDS):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return ()
    # A link-local address comes with its interface: fe80::1%eth0.
    addresses = (address_of(str(one[4][0]).partition("%")[0]) for one in found)
    return frozenset(one for one in addresses if one is not None)


class Fetcher:
    """Fetches recordings, some at a time."""

    def __init__(
        self,
        networks: Collection[Network] = (),
        *,
        http: bool = False,
        resolve: Resolve = look_up,
        tls: ssl.SSLContext | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """
        Args:
            networks: What may be reached although it is not public.
            http: Whether TLS may be left out.
            resolve, tls, most_bytes: For tests.
        """
        self._networks = tuple(networks)
        self._http = http
        self._resolve = resolve
        self._tls = tls
        self._most_bytes = most_bytes
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._of: Counter[str] = Counter()

    @classmethod
    def of(cls, settings: Settings) -> "Fetcher":
        """By what the operator allows."""
        return cls(settings.recording_networks, http=settings.recording_http)

    async def check(self, text: str, hosts: Collection[str]) -> tuple[Place, Address]:
        """
        Where a recording is fetched from.

        Raises:
            RecordingRefused: It is not fetched from there.
        """
        place = place_of(text, http=self._http)
        written = address_of(place.host)
        if written is not None:
            address = checked(place.host, [written], self._networks)
            check_allowed(place, hosts)
            return place, address
        # A name is looked up only if the company names it: looking up tells its owner of us.
        check_allowed(place, hosts)
        addresses = await self._resolve(place.host, place.port)
        return place, checked(place.host, addresses, self._networks)

    async def fetch(
        self,
        text: str,
        hosts: Collection[str],
        part: str | None = None,
        *,
        tenant: str | None = None,
    ) -> Fetched:
        """
        Begin to fetch a recording.

        Args:
            hosts: Those that the company allows.
            part: The header Range of whoever listens; one that is not a single range of bytes is
                as good as none.
            tenant: Whose recording it is: no company takes the turns of all.
        Raises:
            RecordingRefused: It is not fetched from there.
            RecordingUnavailable, NoSuchPart: It was not given out.
            Unavailable: Too many are being fetched.
        """
        if self._turn.locked() or (tenant is not None and self._of[tenant] >= EACH):
            raise Unavailable(
                "too many recordings are being played",
                detail_ru="сейчас воспроизводится слишком много записей",
                retry_after=5,
            )
        await self._turn.acquire()
        stack = AsyncExitStack()
        stack.callback(self._turn.release)
        if tenant is not None:
            self._of[tenant] += 1
            stack.callback(self._leave, tenant)
        try:
            async with asyncio.timeout(BEGIN_SECONDS):
                answer = await self._answered(stack, text, hosts, part)
            headers = self._passed_on(answer)
        except (httpx.HTTPError, TimeoutError):
            await stack.aclose()
            raise _unavailable("its server does not answer", "сервер не отвечает") from None
        except BaseException:
            await stack.aclose()
            raise
        return Fetched(answer.status_code, headers, self._body(answer), stack.aclose)

    def _leave(self, tenant: str) -> None:
        self._of[tenant] -= 1
        if not self._of[tenant]:
            del self._of[tenant]

    async def _answered(
        self, stack: AsyncExitStack, text: str, hosts: Collection[str], part: str | None
    ) -> httpx.Response:
        for _ in range(MOST_REDIRECTS + 1):
            place, address = await self.check(text, hosts)
            # A client for each: a connection made for one host is never used for another.
            client = await stack.enter_async_context(
                httpx.AsyncClient(
                    verify=self._context(),
                    trust_env=False,
                    timeout=_TIMEOUTS,
                    follow_redirects=False,
                )
            )
            answer = await client.send(_request(client, place, address, part), stream=True)
            stack.push_async_callback(answer.aclose)
            if answer.status_code not in _REDIRECTS:
                return answer
            text = _next(text, answer.headers.get("location", ""))
        raise _unavailable("its server sends us from one place to another", "слишком много переадресаций")  # fmt: skip

    def _passed_on(self, answer: httpx.Response) -> Mapping[str, str]:
        if answer.status_code == 416:
            raise NoSuchPart(
                "the recording is shorter than the part that is asked for",
                detail_ru="запись короче запрошенной части",
            )
        if answer.status_code not in (200, 206):
            code = answer.status_code
            raise _unavailable(f"its server answers {code}", f"сервер отвечает {code}")
        kind = _AUDIO.fullmatch(answer.headers.get("content-type", "").strip().lower())
        if kind is None or answer.headers.get("content-encoding", "identity") != "identity":
            raise _unavailable("it is no audio", "это не звук", code="recording_not_audio")
        length = answer.headers.get("content-length", "")
        known = length.isdigit() and len(length) < 16
        if known and int(length) > self._most_bytes:
            megabytes = self._most_bytes // (1024 * 1024)
            raise _unavailable(
                f"it has more than {megabytes} MiB",
                f"она больше {megabytes} МиБ",
                code="recording_too_large",
            )
        headers = {
            "Content-Type": kind[1],
            "Content-Disposition": "inline",
            "Cache-Control": "private, no-store",
            "Accept-Ranges": "bytes" if answer.headers.get("accept-ranges") == "bytes" else "none",
        }
        if known:
            headers["Content-Length"] = length
        if answer.status_code == 206:
            said = answer.headers.get("content-range", "")
            if _CONTENT_RANGE.fullmatch(said) is None:
                raise _unavailable("its server answers with no part", "сервер ответил не частью")
            headers |= {"Content-Range": said, "Accept-Ranges": "bytes"}
        return headers

    async def _body(self, answer: httpx.Response) -> AsyncIterator[bytes]:
        left, clock = self._most_bytes, asyncio.get_running_loop().time
        until = clock() + MOST_SECONDS
        try:
            async for piece in answer.aiter_raw():
                left -= len(piece)
                if left < 0 or clock() > until:
                    raise _unavailable("it has no end", "у неё нет конца", "recording_too_large")
                yield piece
        except httpx.HTTPError:
            raise _unavailable("its server has broken off", "сервер оборвал передачу") from None

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = httpx.create_ssl_context(trust_env=False)
        return self._tls


def _request(
    client: httpx.AsyncClient, place: Place, address: Address, part: str | None
) -> httpx.Request:
    """A request to the address that was checked; host and certificate are those of the name."""
    at = f"[{address}]" if address.version == 6 else str(address)
    headers = {"Host": place.authority, "Accept": "audio/*"}
    headers |= {"Accept-Encoding": "identity", "User-Agent": "otklik"}
    if part is not None and _RANGE.fullmatch(part):
        headers["Range"] = part
    return client.build_request(
        "GET",
        f"{place.scheme}://{at}:{place.port}{place.target}",
        headers=headers,
        extensions={"sni_hostname": place.host},
    )


def _next(text: str, location: str) -> str:
    """Where a redirect leads. Raises RecordingUnavailable."""
    try:
        return urljoin(text, location)
    except ValueError:
        raise _unavailable("its server sends us nowhere", "переадресация в никуда") from None


def _unavailable(why: str, ru: str, code: str = "recording_unavailable") -> RecordingUnavailable:
    return RecordingUnavailable(
        f"the recording cannot be had: {why}",
        code=code,
        detail_ru=f"запись получить не удалось: {ru}",
    )
