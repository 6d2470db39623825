"""The parts of a select that every source shares: buckets, groups, the local clock, filters."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Integer,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    not_,
    or_,
    type_coerce,
)

from otklik_common.clocks.zones import EPOCH, Offsets
from otklik_metrics.domain.dimensions import DIMENSIONS, Type
from otklik_metrics.domain.query import Filter, Query
from otklik_metrics.domain.zones import Granularity

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


def clock_by_instant(name: str, moment: Column, steps: Offsets) -> Column:
    """A computed dimension of an instant, on the wall clock of the zone."""
    hours = _local_hours(moment, steps)
    if name == "hour_of_day":
        return hours % _DAY
    if name == "two_hour_slot":
        return hours % _DAY // literal_column("2", Integer) * literal_column("2", Integer)
    days = hours // _DAY
    if name == "weekday":
        return _weekday(days)
    first = literal_column("date '1970-01-01'", Date)
    return cast(func.date_part("day", type_coerce(first + days, Date)), Integer)


def _local_hours(moment: Column, steps: Offsets) -> Column:
    """
    Whole hours on the wall clock since the first one of 1970.

    The offsets come from our own time zone data: the server's may be of another year.
    """
    shift: Column = literal(steps.seconds[-1], Integer)
    if steps.changes:
        ladder = [
            (moment < EPOCH + timedelta(microseconds=change), literal(second, Integer))
            for change, second in zip(steps.changes, steps.seconds, strict=False)
        ]
        shift = case(*ladder, else_=shift)
    # Whole numbers: dates and intervals would cost ten times as much a row.
    seconds = func.date_part(_EPOCH, moment, type_=Double) + shift
    return cast(func.floor(seconds / _HOUR), Integer)


WEEK: Final = ("weekday", "hour_of_day", "two_hour_slot")
"""Computed dimensions that an hour of the week tells."""


def hour_of_week(moment: Column, steps: Offsets, *, slots: bool) -> Column:
    """
    One whole number that tells all of `WEEK`, by `of_the_week`; with `slots`, even hours alone.

    Each of them by itself would work out the wall clock again, which costs more than all else.
    """
    hours = _local_hours(moment, steps) % literal_column("168", Integer)
    return hours // literal_column("2", Integer) * literal_column("2", Integer) if slots else hours


def of_the_week(name: str, hour: int) -> int:
    """A dimension of `WEEK` at an hour of the week, as `clock_by_instant` gives it."""
    if name == "weekday":
        return (hour // 24 + 3) % 7 + 1
    return hour % 24 if name == "hour_of_day" else hour % 24 // 2 * 2


_EPOCH = literal_column("'epoch'", Text)
_HOUR = literal_column("3600.0::float8", Double)
_DAY = literal_column("24", Integer)
"""Written out: a plan that is used again must not work out constants for every row."""


def _weekday(days: Column) -> Column:
    """1 is Monday; day 0 of 1970 was a Thursday."""
    found: Column = (days + literal_column("3", Integer)) % literal_column("7", Integer)
    return found + literal_column("1", Integer)


def clock_by_day(name: str, day: Column) -> Column:
    """A computed dimension of a local day."""
    if name == "weekday":
        return _weekday(type_coerce(day - literal_column("date '1970-01-01'", Date), Integer))
    return cast(func.date_part("day", day), Integer)


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
