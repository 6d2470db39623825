"""A number's own page: its receipt, and the records it is made of."""

import asyncio

from starlette.responses import Response

from otklik.pages import alike, links, numbers, receipts
from otklik.pages.drawing import Page, filled, kind_names, names_of_people, policy_names
from otklik.pages.gateway import Problem, if_allowed
from otklik.pages.periods import Period


async def number_page(
    page: Page, name: str, chosen: Period, place: dict[str, str], cursor: str | None
) -> Response:
    """A number of the company, or of a place in it, with a page of its records."""
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
        names_of_people(page),
        policy_names(page),
        kind_names(page),
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
