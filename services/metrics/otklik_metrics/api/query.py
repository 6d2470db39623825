"""The query route: any metric, cut in any possible way, with its receipt."""

import asyncio
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from otklik_common.http import PROBLEMS, Language, Now
from otklik_metrics.actions.query import answer
from otklik_metrics.api.answering import answer_out, freshness_out, query_of
from otklik_metrics.api.as_csv import MEDIA_TYPE, as_csv, is_preferred
from otklik_metrics.api.context import PREFIX, Db, Lent, MayRead, company_asking
from otklik_metrics.api.refusals import counted_refusals
from otklik_metrics.api.schemas import FreshnessOut, QueryBody, QueryOut
from otklik_metrics.store import query_state

router = APIRouter(prefix=PREFIX, tags=["metrics"])

EXAMPLE = (
    '"bucket","branch","sl20","sl20.n","sl20.numerator","sl20.denominator","sl20.reason"\r\n'
    '"2026-03-02T00:00:00+03:00","tyumen",0.8,5,4,5,\r\n'
)


@router.post(
    "/query",
    operation_id="query_metrics",
    summary="Ask for numbers",
    response_model=QueryOut,
    responses={
        **PROBLEMS(401, 403, 409, 422, 503),
        200: {
            "description": "JSON; CSV where `Accept` asks for `text/csv`",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": EXAMPLE}},
        },
    },
)
async def query_metrics(
    body: QueryBody,
    request: Request,
    caller: MayRead,
    platform: Lent,
    db: Db,
    now: Now,
    language: Language,
) -> Response:
    """
    One or several metrics over a range of time, in buckets of a zone, by group.

    Every touched bucket is returned: counts are 0 and scores null where nothing happened. A
    caller who is limited to branches sees only theirs, whatever they ask for. Refusals say what
    to do instead: `unknown_metric` (with near names), `impossible_dimension`,
    `unknown_timezone`, `too_many_buckets`, `too_many_cells`, `too_many_rows`, `no_calendar`,
    `no_past_groups`, `no_past_calendar`, and 409 `history_behind` for an `as_of` that is not complete yet.

    With `Accept: text/csv` the same rows are CSV (RFC 4180, UTF-8, without receipts): `bucket`, a
    column for each dimension, `other` where `top` is asked for, and for each metric its value,
    `name.n`, `name.numerator`, `name.denominator`, `name.reason` (why the value is empty) and, if
    compared, `name.previous`. Numbers are written as in JSON. Text stands in quotes, and after a
    `'` where a spreadsheet would take it for a formula. Refusals are JSON in any case.
    """
    with counted_refusals(platform):
        company = await company_asking(platform, db, caller, body.as_of)
        query = query_of(body, company, caller, now)
        found = await answer(db, query, now)

    def written() -> Response:
        out = answer_out(query, found, now, language, explain=body.explain)
        if not is_preferred(",".join(request.headers.getlist("accept"))):
            return as_json(out)
        text = as_csv(out, rest=query.top is not None, compared=query.compare)
        return Response(text.encode(), media_type=f"{MEDIA_TYPE}; header=present")

    answered = await asyncio.to_thread(written)
    answered.headers["vary"] = "Accept"
    return answered


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
