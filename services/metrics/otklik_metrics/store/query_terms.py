"""The parts of a select that every source shares: buckets, groups, the local clock, filters."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal,
    not_,
    or_,
)

from otklik_metrics.domain.dimensions import DIMENSIONS, Type
from otklik_metrics.domain.query import Filter, Query
from otklik_metrics.domain.zones import EPOCH, Granularity, Offsets

Column = ColumnElement[Any]
Of = Callable[[str], Column]
"""The column of a dimension, as text."""


def array(values: Sequence[Any], element: Any) -> Column:
    """A list as one bound value, so that statements differ by shape alone."""
    return bindparam(None, list(values), type_=ARRAY(element), unique=True)


def bucket_by_instant(query: Query, moment: Column) -> Column:
    """Number of the bucket that holds an instant of the range."""
    if query.buckets.granularity is Granularity.TOTAL:
        return literal(0, Integer)
    edges = array(query.buckets.edges, DateTime(timezone=True))
    return func.greatest(func.width_bucket(moment, edges) - 1, 0)


def bucket_by_day(query: Query, day: Column) -> Column:
    """Number of the bucket that holds a local day of the range."""
    if query.buckets.granularity is Granularity.TOTAL:
        return literal(0, Integer)
    edges = [edge.astimezone(query.zone).date() for edge in query.buckets.edges]
    return func.greatest(func.width_bucket(day, array(edges, Date)) - 1, 0)


def wall_clock(moment: Column, steps: Offsets) -> Column:
    """
    What the wall clock shows at an instant, as a timestamp without a zone.

    The offsets come from our own time zone data: the server's may be of another year.
    """
    utc = func.timezone("UTC", moment)
    if not steps.changes:
        return utc + timedelta(seconds=steps.seconds[0])
    ladder = [
        (moment < EPOCH + timedelta(microseconds=change), literal(timedelta(seconds=second)))
        for change, second in zip(steps.changes, steps.seconds, strict=False)
    ]
    return utc + case(*ladder, else_=literal(timedelta(seconds=steps.seconds[-1])))


def by_clock(name: str, wall: Column) -> Column:
    """A dimension that is read off a wall clock, or off a local day where that is enough."""
    part = {"weekday": "isodow", "day_of_month": "day"}.get(name, "hour")
    found = cast(func.date_part(part, wall), Integer)
    return found - found % 2 if name == "two_hour_slot" else found


def conditions(filters: Iterable[Filter], of: Of, *, missing: str | None = None) -> list[Column]:
    """
    The filters as conditions.

    Args:
        missing: How a missing value is written; None where it is NULL.
    """
    return [_condition(one, of(one.dimension), missing) for one in filters]


def _condition(wanted: Filter, column: Column, missing: str | None) -> Column:
    values = sorted(value for value in wanted.values if value is not None)
    if None in wanted.values and missing is not None:
        values.append(missing)
    number = DIMENSIONS[wanted.dimension].type is Type.NUMBER
    inside: Column = column == func.any(array(values, Integer if number else Text))
    if missing is not None or number:
        return not_(inside) if wanted.negated else inside
    if None in wanted.values:
        inside = or_(inside, column.is_(None))
    # A missing value equals nothing, and so is outside of every list that does not name it.
    return not_(func.coalesce(inside, False)) if wanted.negated else inside


def micros_of(moment: Column) -> Column:
    """An instant as microseconds since 1970."""
    return cast(func.extract("epoch", moment) * 1_000_000, BigInteger)


def instant_of(microseconds: int) -> datetime:
    """The instant of so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=microseconds)


def midnight(day: date) -> datetime:
    """A day's beginning in UTC, for columns that hold instants."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
