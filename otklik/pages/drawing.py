"""How a page is drawn: who looks, in which language, with which cookies; templates filled."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from otklik.pages import numbers
from otklik.pages.gateway import Tokens, Visit
from otklik.pages.texts import LANGUAGES, Words

FOLDER: Final = Path(__file__).parent
SESSION_COOKIE: Final = "otklik_session"
REFRESH_COOKIE: Final = "otklik_refresh"
LANGUAGE_COOKIE: Final = "otklik_language"
REFRESH_SECONDS: Final = 12 * 3600

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
}

TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(slots=True)
class Page:
    """One request for a page: who looks, in which language, at which company."""

    request: Request
    visit: Visit
    words: Words
    company: dict[str, Any]

    @property
    def zone(self) -> str:
        """The company's zone."""
        return str(self.company.get("timezone") or "Europe/Moscow")

    def local(self, text: str | None) -> str:
        """A moment of an API in the company's zone, for people."""
        if text is None:
            return ""
        return self.words.moment(datetime.fromisoformat(text).astimezone(ZoneInfo(self.zone)))


Draw = Callable[[Page], Awaitable[Response]]


async def names_of(page: Page) -> tuple[dict[str, str], dict[str, str]]:
    """Display names of branches and of staff, by code."""
    language = page.words.language
    branches, staff = await asyncio.gather(
        numbers.names_of(page.visit, "/access/v1/branches", language),
        numbers.names_of(page.visit, "/access/v1/staff", language),
    )
    return branches, staff


def filled(page: Page, template: str, **values: Any) -> HTMLResponse:
    """A template as an answer, with what all pages need."""
    return html(
        page.request,
        page.words,
        template,
        status=200,
        company=page.company,
        local=page.local,
        **values,
    )


def html(
    request: Request, words: Words, template: str, *, status: int, **values: Any
) -> HTMLResponse:
    """A template as an answer of any status, with or without a company."""
    values.setdefault("company", None)
    text = TEMPLATES.get_template(template).render(
        w=words, path=_here(request, words.language), **values
    )
    answer = HTMLResponse(text, status_code=status, headers=HEADERS)
    if request.query_params.get("lang") in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, words.language, max_age=31536000, samesite="lax")
    return answer


def _here(request: Request, language: str) -> str:
    """This address in the other language."""
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    query = {**request.query_params, "lang": other}
    return f"{request.url.path}?{urlencode(query)}"


def language_of(request: Request) -> str:
    """What the reader chose, else what the browser prefers, else Russian."""
    for chosen in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if chosen in LANGUAGES:
            return str(chosen)
    preferred = request.headers.get("accept-language", "")
    first = [part.split(";")[0].strip()[:2].lower() for part in preferred.split(",")]
    return next((language for language in first if language in LANGUAGES), "ru")


def tokens_of(request: Request) -> Tokens:
    """The session of whoever looks, out of the cookies."""
    return Tokens(request.cookies.get(SESSION_COOKIE), request.cookies.get(REFRESH_COOKIE))


def with_cookies(request: Request, answer: Response, tokens: Tokens) -> Response:
    """The answer, with the session's cookies set anew where it was renewed."""
    if tokens.renewed and tokens.token and tokens.refresh:
        secure = request.url.scheme == "https"
        for name, value in ((SESSION_COOKIE, tokens.token), (REFRESH_COOKIE, tokens.refresh)):
            answer.set_cookie(
                name,
                value,
                max_age=REFRESH_SECONDS,
                httponly=True,
                secure=secure,
                samesite="lax",
            )
    return answer
