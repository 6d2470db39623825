"""The pages' way to the APIs: like any client, with the session of whoever looks."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import httpx
from starlette.types import ASGIApp, Scope

from otklik.addresses import on_this_machine
from otklik.pages.renewals import Renewals, Session
from otklik_common.limits import client_ip, forwarded
from otklik_common.settings import Settings

SECONDS: Final = 20


class SignInNeeded(Exception):
    """There is no session, or it cannot be renewed."""


class Problem(Exception):
    """An API said no; the words are fit for the page."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


Answer = TypeVar("Answer")


async def if_allowed(call: Awaitable[Answer]) -> Answer | None:
    """What a call answers; None where the role of whoever looks does not allow it."""
    try:
        return await call
    except Problem as no:
        if no.status != httpx.codes.FORBIDDEN:
            raise
        return None


@dataclass(slots=True)
class Tokens:
    """What the browser's cookies hold; `renewed` when they must be set anew."""

    token: str | None
    refresh: str | None
    renewed: bool = False


@dataclass(frozen=True, slots=True)
class Looker:
    """
    Whoever looks at a page.

    Attributes:
        address: By which the limits of this process count.
        forwarded: The same for APIs elsewhere, which trust it as far as they are told to.
    """

    address: str
    forwarded: str
    language: str


class Gateway:
    """Calls to every service, in this process or over the network."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """
        Args:
            app: Answers for services that are in this process; `api_urls` says where others do.
        """
        self.renewals = Renewals()
        self._proxies = settings.trusted_proxies
        self._here = httpx.AsyncClient(
            transport=_Here(app), base_url="http://otklik", timeout=SECONDS
        )
        self._there = {
            name: httpx.AsyncClient(
                base_url=url, timeout=SECONDS, trust_env=not on_this_machine(url)
            )
            for name, url in settings.api_urls.items()
        }

    async def close(self) -> None:
        """Give the connections back."""
        for client in (self._here, *self._there.values()):
            await client.aclose()

    def visit(self, scope: Scope, tokens: Tokens, language: str) -> "Visit":
        """Calls on behalf of one request for a page."""
        looker = Looker(client_ip(scope, self._proxies), forwarded(scope, self._proxies), language)
        return Visit(self, tokens, looker)

    async def send(
        self, method: str, path: str, *, looker: Looker, token: str | None, **arguments: Any
    ) -> httpx.Response:
        """One call, to wherever the service of the path answers."""
        client = self._there.get(path.split("/", 2)[1], self._here)
        headers = {"Accept-Language": looker.language, "X-Forwarded-For": looker.forwarded}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        from_ = {_ADDRESS: looker.address}
        try:
            return await client.request(
                method, path, headers=headers, extensions=from_, **arguments
            )
        except httpx.TransportError as absent:
            raise Problem(503, f"a service does not answer: {type(absent).__name__}") from None


_ADDRESS: Final = "otklik.address"


class _Here(httpx.AsyncBaseTransport):
    """
    Calls within this process, from the address of whoever looks.

    From our own, wrong logins of one would use up the sign-ins of all.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        client = (request.extensions[_ADDRESS], 0)
        transport = httpx.ASGITransport(app=self._app, client=client)
        return await transport.handle_async_request(request)


class Visit:
    """The calls that one page makes; its session is renewed at most once."""

    def __init__(self, gateway: Gateway, tokens: Tokens, looker: Looker) -> None:
        self._gateway = gateway
        self._looker = looker
        self._renewing = asyncio.Lock()
        self.tokens = tokens

    async def get(self, path: str, **parameters: Any) -> Any:
        """The JSON at a path. Raises SignInNeeded, Problem."""
        return await self._call("GET", path, params=parameters)

    async def post(self, path: str, body: Any) -> Any:
        """The JSON answered to a body. Raises SignInNeeded, Problem."""
        return await self._call("POST", path, json=body)

    async def sign_in(self, login: str, password: str) -> None:
        """Begin a session. Raises Problem for a wrong login."""
        credentials = {"login": login, "password": password}
        answer = await self._send("POST", "/access/v1/sign-in", None, json=credentials)
        self._take(_session(answer))

    async def sign_out(self) -> None:
        """End the session; one that is over already is no error."""
        if self.tokens.refresh is not None:
            # The refresh token names this session; a bare sign-out would end all of them.
            session = {"refresh_token": self.tokens.refresh}
            await self._send("POST", "/access/v1/sign-out", self.tokens.token, json=session)

    async def _call(self, method: str, path: str, **arguments: Any) -> Any:
        used = self.tokens.token
        if used is not None:
            answer = await self._send(method, path, used, **arguments)
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                return _checked(answer)
        await self._renew(used)
        answer = await self._send(method, path, self.tokens.token, **arguments)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise SignInNeeded
        return _checked(answer)

    async def _send(
        self, method: str, path: str, token: str | None, **arguments: Any
    ) -> httpx.Response:
        return await self._gateway.send(method, path, looker=self._looker, token=token, **arguments)

    async def _renew(self, used: str | None) -> None:
        async with self._renewing:
            if self.tokens.token != used:
                return  # another call of this page has renewed it meanwhile
            if self.tokens.refresh is None:
                raise SignInNeeded
            exchange = partial(self._exchange, self.tokens.refresh)
            self._take(await self._gateway.renewals.once(self.tokens.refresh, exchange))

    async def _exchange(self, refresh: str) -> Session:
        answer = await self._send(
            "POST", "/access/v1/refresh", None, json={"refresh_token": refresh}
        )
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise SignInNeeded
        return _session(answer)

    def _take(self, session: Session) -> None:
        self.tokens.token = session.token
        self.tokens.refresh = session.refresh
        self.tokens.renewed = True


def _session(answer: httpx.Response) -> Session:
    told = _checked(answer)
    return Session(told["token"], told["refresh_token"])


def _checked(answer: httpx.Response) -> Any:
    if answer.is_error:
        try:
            problem = answer.json()
            raise Problem(answer.status_code, str(problem.get("detail") or problem["title"]))
        except (ValueError, KeyError):
            raise Problem(answer.status_code, answer.reason_phrase) from None
    return answer.json() if answer.content else None
