"""The first page: what a head of client service looks at in the morning."""

import asyncio

from starlette.responses import Response

from otklik.pages import alike, feeds, heat, links, numbers, paces
from otklik.pages.drawing import Page, filled, names_of_people
from otklik.pages.gateway import if_allowed
from otklik.pages.periods import PERIODS, Period


async def first_page(
    page: Page,
    chosen: Period,
    branch: str | None,
    by: str | None,
    *,
    loading: bool,
    instead_of: str | None = None,
) -> Response:
    """
    What a head sees first.

    Args:
        loading: The history of the demo company is not all there.
        instead_of: A branch that was asked for and is none of the company's.
    """
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
        names_of_people(page),
        if_allowed(numbers.cases_to_call(page.visit, chosen, branch)),
        numbers.has_calendar(page.visit),
        asyncio.gather(feeds.silent(page.visit), paces.has_any(page.visit)),
    )
    if branch and branch not in branches and not any(found.branches):
        # Neither a branch of this company nor in its facts.
        return await first_page(page, chosen, None, by, loading=loading, instead_of=branch)

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
        loading=loading,
        instead_of=instead_of,
        link=link,
        most_agents=numbers.MOST_AGENTS,
        served_seconds=numbers.SERVICE["threshold_seconds"],
        short_seconds=numbers.SERVICE["short_abandon_seconds"],
    )
