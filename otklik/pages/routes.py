"""The pages themselves: ask the APIs, fill a template; no rules here."""

import asyncio
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from otklik.pages import alike, callbacks, feeds, heat, links, numbers, paces, receipts
from otklik.pages.drawing import (
    REFRESH_COOKIE,
    SESSION_COOKIE,
    Draw,
    Page,
    filled,
    html,
    language_of,
    names_of,
    tokens_of,
    with_cookies,
)
from otklik.pages.gateway import Gateway, Problem, SignInNeeded, Tokens, if_allowed
from otklik.pages.periods import PERIODS, Period, period
from otklik.pages.texts import Words
from otklik.pages.way_back import SIGN_IN, page_wanted, to_sign_in
from otklik_common.module import Platform


class Pages:
    """All pages; none of them is in the API's description."""

    def __init__(self, gateway: Gateway, platform: Platform) -> None:
        self._gateway = gateway
        self._now = platform.now

    def routes(self) -> list[Route]:
        """Address → page."""
        return [
            Route("/", self.first),
            Route("/number/{name}", self.number),
            Route("/contact/{contact:uuid}", self.contact),
            Route("/case/{case:uuid}", self.case),
            Route("/pace", self.pace),
            Route(SIGN_IN, self.sign_in_form),
            Route(SIGN_IN, self.sign_in, methods=["POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
        ]

    async def first(self, request: Request) -> Response:
        """The first page."""

        async def draw(page: Page) -> Response:
            chosen = period(request.query_params.get("period_name"), page.zone, self._now())
            asked = request.query_params
            return await _first(page, chosen, asked.get("branch") or None, asked.get("by"))

        return await self._drawn(request, draw)

    async def number(self, request: Request) -> Response:
        """A number's receipt, and the records it is made of."""
        name, asked = request.path_params["name"], request.query_params

        async def draw(page: Page) -> Response:
            if name not in numbers.METRICS:
                raise Problem(404, page.words("not_found"))
            chosen = period(asked.get("period_name"), page.zone, self._now())
            place = {one: asked[one] for one in numbers.PLACE if one in asked}
            return await _number(page, name, chosen, place, asked.get("cursor"))

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
                names_of(page),
                _policies(page),
                _kinds(page),
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
            case, (branches, realtors) = await asyncio.gather(page.visit.get(path), names_of(page))
            name, scores = await asyncio.gather(
                callbacks.name_of(page.visit, case["customer"]),
                callbacks.scores_of(page.visit, case["answers"], page.words),
            )
            return filled(
                page,
                "case.html",
                case=case,
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


async def _first(page: Page, chosen: Period, branch: str | None, by: str | None) -> Response:
    place = {} if branch is None else {"branch": branch}
    (
        found,
        (calls, compared),
        (branches, realtors),
        cases,
        business,
        (silent, paced),
    ) = await asyncio.gather(
        numbers.first_page(page.visit, chosen, branch),
        asyncio.gather(
            heat.heat_map(page.visit, chosen, branch, by),
            alike.compared(page.visit, "sl20", chosen, place),
        ),
        names_of(page),
        if_allowed(numbers.cases_to_call(page.visit, chosen, branch)),
        numbers.has_calendar(page.visit),
        asyncio.gather(feeds.silent(page.visit), paces.has_any(page.visit)),
    )
    if branch and branch not in branches and not any(found.branches):
        return await _first(
            page, chosen, None, by
        )  # neither a branch of this company nor in its facts

    def link(name: str, line: numbers.Line) -> str:
        """Where a number leads: its receipt and records."""
        return links.number_at(name, chosen, line.asked)

    return filled(
        page,
        "first.html",
        numbers=found,
        alike=compared,
        heat=calls,
        slots=heat.SLOTS,
        ways={one: links.first_at(chosen, branch, one) for one in heat.DAYS},
        branches=branches,
        realtors=realtors,
        cases=cases,
        in_business_time=business,
        silent=silent,
        paced=paced,
        period=chosen,
        periods=list(PERIODS),
        branch=branch,
        link=link,
        most_agents=numbers.MOST_AGENTS,
        served_seconds=numbers.SERVICE["threshold_seconds"],
        short_seconds=numbers.SERVICE["short_abandon_seconds"],
    )


async def _policies(page: Page) -> dict[str, str]:
    """Display names of policies, by code."""
    return await numbers.names_of(page.visit, "/access/v1/sla-policies", page.words.language)


async def _kinds(page: Page) -> dict[str, str]:
    """Display names of what agents promise, by code."""
    path = "/contact-center/v1/promise-kinds"
    return await numbers.names_of(page.visit, path, page.words.language)


async def _number(
    page: Page, name: str, chosen: Period, place: dict[str, str], cursor: str | None
) -> Response:
    question = numbers.body([name], chosen, place)
    listed = numbers.records(question, limit=50, cursor=cursor)
    (
        (answer, compared),
        catalogue,
        behind,
        (branches, realtors),
        policies,
        kinds,
    ) = await asyncio.gather(
        asyncio.gather(
            page.visit.post("/metrics/v1/query", question),
            alike.with_ownership(page.visit, name, chosen, place, page.words.language),
        ),
        page.visit.get("/metrics/v1/catalog"),
        if_allowed(page.visit.post("/metrics/v1/query/records", listed)),
        names_of(page),
        _policies(page),
        _kinds(page),
    )
    branch, further = place.get("branch"), behind and behind["next_cursor"]
    if branch and branches and branch not in branches and not answer["rows"][0][name]["n"]:
        raise Problem(404, page.words("no_such_branch"))
    asked = numbers.METRICS[name]
    (metric,) = (one for one in catalogue["metrics"] if one["name"] == asked["name"])
    return filled(
        page,
        "number.html",
        name=name,
        cell=answer["rows"][0][name],
        receipt=answer["receipts"][name],
        parameters=receipts.parameters(metric, asked, page.words),
        freshness=answer.get("freshness") or {},
        records=behind and behind["items"],
        more=further and links.number_at(name, chosen, place, cursor=further),
        branches=branches,
        realtors=realtors,
        policies=policies,
        kinds=kinds,
        alike=compared,
        link=lambda unit: links.number_at(name, chosen, place | {"branch": unit}),
        period=chosen,
        place=place,
    )
