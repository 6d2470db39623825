"""The pages themselves: ask the APIs, fill a template; no rules here."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from otklik.pages import callbacks, numbers, paces
from otklik.pages.drawing import (
    REFRESH_COOKIE,
    SESSION_COOKIE,
    Draw,
    Page,
    filled,
    html,
    kind_names,
    language_of,
    names_of_people,
    policy_names,
    tokens_of,
    with_cookies,
)
from otklik.pages.first import first_page
from otklik.pages.gateway import Gateway, Problem, SignInNeeded, Tokens, if_allowed
from otklik.pages.number import number_page
from otklik.pages.periods import period
from otklik.pages.texts import Words
from otklik.pages.way_back import SIGN_IN, page_wanted, to_sign_in
from otklik_common.module import Platform


class Pages:
    """All pages; none of them is in the API's description."""

    def __init__(
        self, gateway: Gateway, platform: Platform, *, demo_loads: Callable[[], bool]
    ) -> None:
        """
        Args:
            demo_loads: Whether the history of the demo company is still being loaded.
        """
        self._gateway = gateway
        self._demo_loads = demo_loads
        self._now = platform.now

    def routes(self) -> list[Route]:
        """Address → page."""
        return [
            Route("/", self.first),
            Route("/number/{name}", self.number),
            Route("/pace", self.pace),
            Route("/contact/{contact:uuid}", self.contact),
            Route("/case/{case:uuid}", self.case),
            Route(SIGN_IN, self.sign_in_form),
            Route(SIGN_IN, self.sign_in, methods=["POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
        ]

    async def first(self, request: Request) -> Response:
        """The first page."""

        async def draw(page: Page) -> Response:
            chosen = period(request.query_params.get("period_name"), page.zone, self._now())
            asked = request.query_params
            loading = bool(page.company.get("demo")) and self._demo_loads()
            branch = asked.get("branch") or None
            return await first_page(page, chosen, branch, asked.get("by"), loading=loading)

        return await self._drawn(request, draw)

    async def number(self, request: Request) -> Response:
        """A number's receipt, and the records it is made of."""
        name, asked = request.path_params["name"], request.query_params

        async def draw(page: Page) -> Response:
            if name not in numbers.METRICS:
                raise Problem(404, page.words("not_found"))
            chosen = period(asked.get("period_name"), page.zone, self._now())
            place = {one: asked[one] for one in numbers.PLACE if one in asked}
            return await number_page(page, name, chosen, place, asked.get("cursor"))

        return await self._drawn(request, draw)

    async def contact(self, request: Request) -> Response:
        """One contact with everything that happened to it."""

        async def draw(page: Page) -> Response:
            service, id_ = "/contact-center/v1", request.path_params["contact"]
            path = f"{service}/contacts/{id_}"
            contact, script, clocks, promises, (branches, realtors), *more = await asyncio.gather(
                page.visit.get(path),
                if_allowed(page.visit.get(f"{path}/script")),
                if_allowed(page.visit.get(f"{path}/clocks")),
                if_allowed(page.visit.get(f"{service}/promises", contact=id_, limit=200)),
                names_of_people(page),
                policy_names(page),
                kind_names(page),
            )
            return filled(
                page,
                "contact.html",
                contact=contact,
                clocks=sorted(clocks["items"] if clocks else (), key=lambda one: one["started_at"]),
                promises=promises["items"] if promises else (),
                script=script,
                branches=branches,
                realtors=realtors,
                policies=more[0],
                kinds=more[1],
            )

        return await self._drawn(request, draw)

    async def case(self, request: Request) -> Response:
        """One case with the customer's words."""

        async def draw(page: Page) -> Response:
            path = f"/feedback/v1/cases/{request.path_params['case']}"
            case, (branches, realtors) = await asyncio.gather(
                page.visit.get(path), names_of_people(page)
            )
            opener = await callbacks.opener_of(page.visit, case)
            customer = case["customer"]
            if case["claim"] is not None and opener is not None:
                customer = opener["customer"]
            name, scores = await asyncio.gather(
                callbacks.name_of(page.visit, customer),
                callbacks.scores_of(page.visit, case["answers"], page.words),
            )
            return filled(
                page,
                "case.html",
                case=case,
                opener=opener,
                customer=customer,
                name=name,
                scores=scores,
                branches=branches,
                realtors=realtors,
            )

        return await self._drawn(request, draw)

    async def pace(self, request: Request) -> Response:
        """Whether requests go from step to step in time, and which are behind."""

        async def draw(page: Page) -> Response:
            asked = request.query_params
            chosen = period(asked.get("period_name"), page.zone, self._now())
            code, branch = asked.get("programme") or None, asked.get("branch") or None
            return await paces.drawn(page, chosen, code, branch, asked.get("cursor"))

        return await self._drawn(request, draw)

    async def sign_in_form(self, request: Request) -> Response:
        """Where a session begins."""
        words = Words(language_of(request))
        return html(request, words, "sign_in.html", error=None, login="", status=200)

    async def sign_in(self, request: Request) -> Response:
        """Begin a session, then go to the page that was wanted."""
        words = Words(language_of(request))
        form = await request.form()
        visit = self._gateway.visit(request.scope, Tokens(None, None), words.language)
        login = str(form.get("login", ""))
        try:
            await visit.sign_in(login, str(form.get("password", "")))
        except Problem as no:
            return html(
                request, words, "sign_in.html", error=no.detail, login=login, status=no.status
            )
        return with_cookies(request, RedirectResponse(page_wanted(request), 303), visit.tokens)

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        words = Words(language_of(request))
        visit = self._gateway.visit(request.scope, tokens_of(request), words.language)
        await visit.sign_out()
        answer = RedirectResponse(SIGN_IN, 303)
        answer.delete_cookie(SESSION_COOKIE)
        answer.delete_cookie(REFRESH_COOKIE)
        return answer

    async def missing(self, request: Request, status: int) -> Response:
        """An address that is none of ours, for people: with or without a session."""
        words = Words(language_of(request))
        visit = self._gateway.visit(request.scope, tokens_of(request), words.language)
        company = None
        if request.cookies.get(SESSION_COOKIE) or request.cookies.get(REFRESH_COOKIE):
            with suppress(SignInNeeded, Problem):
                company = await visit.get("/access/v1/companies/current")
        answer = html(request, words, "missing.html", status=status, company=company)
        return with_cookies(request, answer, visit.tokens)

    async def _drawn(self, request: Request, draw: Draw) -> Response:
        words = Words(language_of(request))
        visit = self._gateway.visit(request.scope, tokens_of(request), words.language)
        company = None
        try:
            company = await visit.get("/access/v1/companies/current")
            answer = await draw(Page(request, visit, words, company))
        except SignInNeeded:
            return RedirectResponse(to_sign_in(request), 303)
        except Problem as no:
            answer = html(
                request,
                words,
                "problem.html",
                status=no.status,
                detail=no.detail,
                company=company,
            )
        return with_cookies(request, answer, visit.tokens)
