"""The pages' way to the APIs: like any client, with the session of whoever looks."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.types import ASGIApp

SECONDS = 20


class SignInNeeded(Exception):
    """There is no session, or it cannot be renewed."""


class Problem(Exception):
    """An API said no; the words are fit for the page."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(slots=True)
class Tokens:
    """What the browser's cookies hold; `renewed` when they must be set anew."""

    token: str | None
    refresh: str | None
    renewed: bool = False


class Gateway:
    """Calls to every service, in this process or over the network."""

    def __init__(self, app: ASGIApp, urls: dict[str, str]) -> None:
        """
        Args:
            app: Answers for services that are in this process.
            urls: Base URL by service name, for those that are not.
        """
        self._here = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://otklik", timeout=SECONDS
        )
        self._there = {
            name: httpx.AsyncClient(base_url=url, timeout=SECONDS) for name, url in urls.items()
        }

    async def close(self) -> None:
        """Give the connections back."""
        for client in (self._here, *self._there.values()):
            await client.aclose()

    def visit(self, tokens: Tokens, language: str) -> "Visit":
        """Calls on behalf of one request for a page."""
        return Visit(self, tokens, language)

    async def send(
        self, method: str, path: str, *, headers: dict[str, str], **arguments: Any
    ) -> httpx.Response:
        """One call, to wherever the service of the path answers."""
        client = self._there.get(path.split("/", 2)[1], self._here)
        try:
            return await client.request(method, path, headers=headers, **arguments)
        except httpx.TransportError as absent:
            raise Problem(503, f"a service does not answer: {type(absent).__name__}") from None


class Visit:
    """The calls that one page makes; its session is renewed at most once."""

    def __init__(self, gateway: Gateway, tokens: Tokens, language: str) -> None:
        self._gateway = gateway
        self._renewing = asyncio.Lock()
        self.tokens = tokens
        self.language = language

    async def get(self, path: str, **parameters: Any) -> Any:
        """The JSON at a path. Raises SignInNeeded, Problem."""
        return await self._call("GET", path, params=parameters)

    async def post(self, path: str, body: Any) -> Any:
        """The JSON answered to a body. Raises SignInNeeded, Problem."""
        return await self._call("POST", path, json=body)

    async def sign_in(self, login: str, password: str) -> None:
        """Begin a session. Raises Problem for a wrong login."""
        answer = await self._gateway.send(
            "POST",
            "/access/v1/sign-in",
            headers=self._headers(None),
            json={"login": login, "password": password},
        )
        self._take(_checked(answer))

    async def sign_out(self) -> None:
        """End the session; one that is over already is no error."""
        if self.tokens.refresh is not None:
            # The refresh token names this session; a bare sign-out would end all of them.
            await self._gateway.send(
                "POST",
                "/access/v1/sign-out",
                headers=self._headers(self.tokens.token),
                json={"refresh_token": self.tokens.refresh},
            )

    async def _call(self, method: str, path: str, **arguments: Any) -> Any:
        used = self.tokens.token
        if used is not None:
            answer = await self._send(method, path, used, arguments)
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                return _checked(answer)
        await self._renew(used)
        answer = await self._send(method, path, self.tokens.token, arguments)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise SignInNeeded
        return _checked(answer)

    async def _send(
        self, method: str, path: str, token: str | None, arguments: dict[str, Any]
    ) -> httpx.Response:
        return await self._gateway.send(method, path, headers=self._headers(token), **arguments)

    async def _renew(self, used: str | None) -> None:
        async with self._renewing:
            if self.tokens.token != used:
                return  # another call of this page has renewed it meanwhile
            if self.tokens.refresh is None:
                raise SignInNeeded
            answer = await self._gateway.send(
                "POST",
                "/access/v1/refresh",
                headers=self._headers(None),
                json={"refresh_token": self.tokens.refresh},
            )
            if answer.is_error:
                raise SignInNeeded
            self._take(answer.json())

    def _take(self, session: dict[str, Any]) -> None:
        self.tokens.token = session["token"]
        self.tokens.refresh = session["refresh_token"]
        self.tokens.renewed = True

    def _headers(self, token: str | None) -> dict[str, str]:
        headers = {"Accept-Language": self.language}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return headers


def _checked(answer: httpx.Response) -> Any:
    if answer.is_error:
        try:
            problem = answer.json()
            raise Problem(answer.status_code, str(problem.get("detail") or problem["title"]))
        except (ValueError, KeyError):
            raise Problem(answer.status_code, answer.reason_phrase) from None
    return answer.json() if answer.content else None
