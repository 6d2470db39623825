"""Calls to a running Otklik from the command line: one client, errors a person can act on."""

import os
import sys
from collections.abc import Mapping
from typing import Any, NoReturn, Self

import httpx

from otklik.addresses import on_this_machine

SECONDS = 60


class Client:
    """The HTTP API under one key."""

    def __init__(self, url: str, key: str) -> None:
        if not key:
            fail("no key: set OTKLIK_KEY or pass --key (the first start of `otklik up` prints one)")
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}", "Accept-Language": language(os.environ)},
            timeout=SECONDS,
            trust_env=not on_this_machine(url),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(
        self, method: str, path: str, *, also: frozenset[int] = frozenset(), **arguments: Any
    ) -> httpx.Response:
        """
        One request; a problem ends the command with its words and exit code 1.

        Args:
            also: Statuses that are answers too, whatever they say.
        """
        try:
            answer = self._http.request(method, path, **arguments)
        except httpx.TransportError as absent:
            fail(f"nobody answers at {self._http.base_url}: {absent}; is `otklik up` running?")
        if answer.is_error and answer.status_code not in also:
            fail(explain(answer))
        return answer

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON at a path."""
        return self.call("GET", path, params=parameters).json()

    def post(self, path: str, body: Any) -> Any:
        """The JSON answered to a JSON body; None for an empty answer."""
        answer = self.call("POST", path, json=body)
        return answer.json() if answer.content else None

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()


def language(environment: Mapping[str, str]) -> str:
    """What a person reads, as POSIX tells it: `ru` or `en`, as the commands' own words are."""
    told = (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "ru" if next(filter(None, told), "").startswith("ru") else "en"


def explain(answer: httpx.Response) -> str:
    """A problem document as one line."""
    try:
        problem = answer.json()
        lines = [f"{problem['status']} {problem['code']}: {problem['detail']}"]
        lines += [f"  {error['field']}: {error['detail']}" for error in problem.get("errors", ())]
        return "\n".join(lines)
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason_phrase} from {answer.request.url}"


def fail(message: str) -> NoReturn:
    """Say what is wrong and end with 1."""
    print(message, file=sys.stderr)
    raise SystemExit(1)
