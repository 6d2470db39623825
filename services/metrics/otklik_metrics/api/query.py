"""The query route: any metric, cut in any possible way, with its receipt."""

import asyncio
from typing import Any

import orjson
from fastapi import APIRouter, Response

from otklik_common.http import PROBLEMS, Language, Now
from otklik_metrics.actions.query import answer
from otklik_metrics.api.answering import answer_out, freshness_out, query_of
from otklik_metrics.api.context import PREFIX, Db, Lent, MayRead, company_asking
from otklik_metrics.api.refusals import counted_refusals
from otklik_metrics.api.schemas import FreshnessOut, QueryBody, QueryOut
from otklik_metrics.store import query_state

router = APIRouter(prefix=PREFIX, tags=["metrics"])


@router.post(
    "/query",
    operation_id="query_metrics",
    summary="Ask for numbers",
    response_model=QueryOut,
    responses=PROBLEMS(401, 403, 409, 422, 503),
)
async def query_metrics(
    body: QueryBody, caller: MayRead, platform: Lent, db: Db, now: Now, language: Language
) -> Response:
    """
    One or several metrics over a range of time, in buckets of a zone, by group.

    Every touched bucket is returned: counts are 0 and scores null where nothing happened. A
    caller who is limited to branches sees only theirs, whatever they ask for. Refusals say what
    to do instead: `unknown_metric` (with near names), `impossible_dimension`,
    `unknown_timezone`, `too_many_buckets`, `too_many_cells`, `too_many_rows`, `no_calendar`,
    `no_past_groups`, `no_past_calendar`, and 409 `history_behind` for an `as_of` that is not complete yet.
    """
    with counted_refusals(platform):
        company = await company_asking(platform, db, caller, body.as_of)
        query = query_of(body, company, caller, now)
        found = await answer(db, query, now)
    return await asyncio.to_thread(
        lambda: as_json(answer_out(query, found, now, language, explain=body.explain))
    )


@router.get(
    "/freshness",
    operation_id="get_freshness",
    summary="How far the numbers reach",
    response_model=FreshnessOut,
    responses=PROBLEMS(401, 403),
)
async def get_freshness(caller: MayRead, db: Db, now: Now) -> Response:
    """Everything recorded before `log` is counted."""
    async with db.begin(caller.tenant) as tx:
        fresh = await query_state.fresh(tx)
    return as_json(freshness_out(fresh, now))


def as_json(out: Any) -> Response:
    """What we made ourselves, written as it is: checking it again would cost more than making it."""
    return Response(orjson.dumps(out), media_type="application/json")
