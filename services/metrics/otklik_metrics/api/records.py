"""The records route: the facts behind one cell."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from otklik_common.callers import Caller
from otklik_common.http import PROBLEMS, Now
from otklik_common.paging import Page, Paging
from otklik_metrics.actions.records import records
from otklik_metrics.api.answering import buckets_of, filters_of
from otklik_metrics.api.context import PREFIX, Db, Lent, MayReadRecords, company_asking
from otklik_metrics.api.query import as_json
from otklik_metrics.api.refusals import counted_refusals
from otklik_metrics.api.schemas import RecordOut, RecordsBody, instant
from otklik_metrics.domain.company import Company
from otklik_metrics.domain.query import (
    Query,
    ask,
    check_dimensions,
    check_past,
    filter_of,
    range_of,
)
from otklik_metrics.domain.refusals import BadRange
from otklik_metrics.domain.zones import Buckets, Granularity
from otklik_metrics.store.query_records import Record

router = APIRouter(prefix=PREFIX, tags=["metrics"])


@router.post(
    "/query/records",
    operation_id="list_records",
    summary="The facts behind one cell",
    response_model=Page[RecordOut],
    responses=PROBLEMS(400, 401, 403, 409, 422, 503),
)
async def list_records(
    body: RecordsBody, request: Request, caller: MayReadRecords, platform: Lent, db: Db, now: Now
) -> Response:
    """
    The contacts, answers, cases, … that a number counts, the newest first.

    Send the metric, time and filters of the query, with the `bucket` and the dimensions of the
    row. `part` "numerator" lists only what stands above the line. Nothing tells who a fact is
    about; `contact` opens the very contact for those who may see it.
    """
    with counted_refusals(platform):
        company = await company_asking(platform, db, caller, body.as_of)
        query = _query(body, company, caller)
        said = body.model_dump(mode="json", by_alias=True, exclude={"limit", "cursor"})
        paging = Paging.of(request, limit=body.limit, cursor=body.cursor, query=said)
        part = paging.part(caller.tenant)
        found = await records(db, query, above=body.part == "numerator", part=part, now=now)
    page = part.page(found, key=lambda one: (one.at, one.subject), item=_record)
    return as_json({"items": page.items, "next_cursor": page.next_cursor})


def _query(body: RecordsBody, company: Company, caller: Caller) -> Query:
    """The query of the very cell. Raises QueryRefused."""
    asked = ask(company, [body.metric.wanted()])
    names = [*body.group, *(one.dimension for one in body.filters)]
    check_dimensions(asked, names)
    check_past(body.as_of, asked, names)
    group = [filter_of(company, name, "eq", [value]) for name, value in body.group.items()]
    return Query(
        company=company,
        asked=asked,
        buckets=_cell(body, company),
        group_by=(),
        filters=(*filters_of(body.filters, company, caller), *group),
        as_of=body.as_of,
    )


def _cell(body: RecordsBody, company: Company) -> Buckets:
    """The part of the range that a row is about."""
    whole = buckets_of(body.time, company)
    if body.bucket is None:
        return range_of(whole.start, whole.end, Granularity.TOTAL, whole.zone.key)
    start = instant(body.bucket)
    if start not in whole.edges:
        raise BadRange(
            f"the range has no bucket that begins at {body.bucket}",
            detail_ru=f"в периоде нет интервала с началом {body.bucket}",
        )
    place = whole.edges.index(start)
    end = whole.edges[place + 1] if place + 1 < len(whole.edges) else whole.end
    return range_of(max(whole.start, start), min(whole.end, end), Granularity.TOTAL, whole.zone.key)


def _record(record: Record) -> dict[str, Any]:
    return {
        "kind": record.kind,
        "subject": str(record.subject),
        "contact": None if record.contact is None else str(record.contact),
        "at": record.at,
        "dimensions": record.dimensions,
        "values": {
            name: str(value) if isinstance(value, UUID) else value
            for name, value in record.values.items()
        },
    }
