"""The facts behind one cell: the very contacts, answers, … that a number counts."""

from collections.abc import Sequence
from datetime import datetime

from otklik_common.db import Database
from otklik_common.paging import Part
from otklik_metrics.actions.bounds import bounded
from otklik_metrics.actions.past import check_history
from otklik_metrics.actions.reading import ONE_BY_ONE, Desk
from otklik_metrics.domain.budget import Budget
from otklik_metrics.domain.closed_cells import is_closed
from otklik_metrics.domain.planner import Piece, data_range
from otklik_metrics.domain.query import Query
from otklik_metrics.domain.readings import Histories, Question
from otklik_metrics.domain.refusals import ClosedCellsOnly, QueryRefused
from otklik_metrics.store import query_records, query_state
from otklik_metrics.store.query_histories import TooManyFactsError
from otklik_metrics.store.query_records import Record


class NoRecords(QueryRefused):
    """The number, or what stands above its line, is no number of things that could be listed."""

    code = "no_records"


async def records(
    db: Database, query: Query, *, above: bool, part: Part, now: datetime
) -> Sequence[Record]:
    """
    The facts behind a query of one metric without groups, the newest first.

    Args:
        above: Only those above the line of a ratio.
    Raises:
        NoRecords, ClosedCellsOnly, HistoryBehind, TooManyRows.
        Unavailable: It took too long, its turn included.
    """
    (asked,) = query.asked
    metric, params = asked.metric, asked.params
    reading = metric.read(params)
    if is_closed(asked):
        raise ClosedCellsOnly
    question = reading.question if isinstance(reading, Histories) else None
    if question is Question.OCCUPIED:
        raise NoRecords(
            f"{metric.name} measures time: there are no facts to list",
            detail_ru=f"{metric.name} измеряет время: перечислять нечего",
        )
    if metric.shared:
        raise NoRecords(
            f"{metric.name} shares facts out: none of them stands behind one cell alone",
            detail_ru=f"{metric.name} делит факты между ячейками: за одной ячейкой их нет",
        )
    unlisted = metric.unlisted(params) if above else None
    if unlisted is not None:
        raise NoRecords(
            f"no facts are the numerator of {metric.name}: {unlisted.en}",
            detail_ru=f"числитель {metric.name} не перечислить: {unlisted.ru}",
        )
    piece = Piece(*data_range(query, now, reading.kind))
    async with bounded(query), db.snapshot(query.company.tenant) as tx:
        await check_history(tx, query.as_of)
        versions = await query_state.live_versions(tx, query.company.tenant, [reading.kind])
        desk = Desk(tx, query.company, versions, query.as_of or now)
        source = desk.source(query, reading.kind, reading.time_column, piece)
        if isinstance(reading, Histories):
            try:
                asker = await desk.asker(query, reading, piece, Budget(query), reading.days)
                subjects = await asker.singled_out(reading, piece, above=above)
            except TooManyFactsError as no:
                raise desk.too_many(query, asked, no.most, ONE_BY_ONE) from None
            only = query_records.among(source, subjects)
        else:
            pick = metric.above if above and metric.above else metric.base
            assert pick is not None, metric.name
            only = query_records.picked(source, pick(params), desk.moment(query, piece))
        return await query_records.read(
            tx,
            source,
            query,
            time_column=reading.time_column,
            piece=piece,
            only=only,
            part=part,
        )
