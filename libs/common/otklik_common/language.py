"""Which of our two languages a caller reads."""

from functools import lru_cache
from typing import Annotated, Final, Literal

from fastapi import Depends, Request
from starlette.types import Scope

Lang = Literal["ru", "en"]

FALLBACK: Final[Lang] = "ru"
MOST_CHARACTERS: Final = 500


@lru_cache(1024)
def choose(accept_language: str) -> Lang:
    """The better of "ru" and "en" for an Accept-Language header (RFC 9110 §12.5.4); else "ru"."""
    best: tuple[float, Lang] = (0.0, FALLBACK)
    for part in accept_language[:MOST_CHARACTERS].split(","):
        name, _, parameters = part.partition(";")
        language = name.strip().lower().partition("-")[0]
        weight = _weight(parameters)
        # Of equal weights the first named wins.
        if language == "ru" and weight > best[0]:
            best = (weight, "ru")
        elif language == "en" and weight > best[0]:
            best = (weight, "en")
    return best[1]


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0


def language_of(scope: Scope) -> Lang:
    """The language that a request asks for."""
    for name, value in scope["headers"]:
        if name == b"accept-language":
            return choose(value.decode("latin-1"))
    return FALLBACK


async def _language(request: Request) -> Lang:
    return language_of(request.scope)


Language = Annotated[Lang, Depends(_language)]
"""FastAPI dependency: "ru" or "en"."""
