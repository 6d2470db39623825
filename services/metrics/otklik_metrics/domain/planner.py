"""Where a query's numbers are read: the smallest rollup that answers exactly, else the facts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from otklik_common.clocks.zones import Offsets, offsets
from otklik_metrics.domain.bucket import day_of, quarter_of, start_of
from otklik_metrics.domain.dimensions import DIMENSIONS, Text
from otklik_metrics.domain.query import Query
from otklik_metrics.domain.readings import Histories, Reading, Tally, columns
from otklik_metrics.domain.sets import Grain, RollupSet, sets_of
from otklik_metrics.domain.zones import SECONDS, SLOT_SECONDS

SLOT = timedelta(minutes=15)
FIRST = datetime(1990, 1, 1, tzinfo=UTC)
"""No fact is older: pushes refuse what is."""
AHEAD = timedelta(hours=25)
"""No fact lies further ahead: pushes refuse what does."""
FURTHER = {"promise": timedelta(days=367)}
"""But those of some kinds, which are counted by a time that is still to come."""


@dataclass(frozen=True, slots=True)
class Version:
    """
    The live rollups of a kind.

    Attributes:
        timezone: The zone of its days; day sets answer only for queries in it.
        thresholds: Thresholds of the company's own, in seconds.
        current: Whether it was folded as this build folds, by the zone's rules that it knows.
    """

    number: int
    timezone: str
    thresholds: tuple[int, ...] = ()
    current: bool = True


@dataclass(frozen=True, slots=True)
class Piece:
    """
    A part of the range and what answers it.

    Attributes:
        start, end: Instants; of a day set, local midnights of its zone.
        rollup: The set; None reads the facts.
    """

    start: datetime
    end: datetime
    rollup: RollupSet | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """
    How one reading is done.

    Attributes:
        pieces: In the order of time; together the range. Empty if the kind was never heard of.
        because: Why rollups cannot answer it all; None if they can.
    """

    reading: Reading
    pieces: tuple[Piece, ...]
    because: Text | None = None

    @property
    def only_facts(self) -> bool:
        """Whether no rollup is read."""
        return all(piece.rollup is None for piece in self.pieces)


class _FactsOnly(Exception):
    def __init__(self, en: str, ru: str) -> None:
        super().__init__(en)
        self.text = Text(en, ru)


def data_range(query: Query, now: datetime, kind: str) -> tuple[datetime, datetime]:
    """The part of the query's range in which facts of a kind can lie; it may be empty (start = end)."""
    start = max(query.buckets.start, FIRST)
    ahead = FURTHER.get(kind, AHEAD)
    last = start_of(day_of(now + ahead, query.zone) + timedelta(days=1), query.zone)
    return start, max(start, min(query.buckets.end, last))


def plan(query: Query, reading: Reading, version: Version | None, now: datetime) -> Plan:
    """
    How `reading` is done for `query`.

    Args:
        version: The live rollups of the reading's kind; None if nothing of it was ever heard.
    """
    start, end = data_range(query, now, reading.kind)
    facts = (Piece(start, end),) if start < end else ()
    try:
        tally = _tally(query, reading)
        if version is None:
            return Plan(reading, ())
        steps = offsets(query.zone, start, end) if start < end else Offsets("", (), (0,))
        sets = _sets(query, tally, version, steps)
    except _FactsOnly as no:
        return Plan(reading, facts, no.text)
    pieces = tuple(_cover(start, end, sets, query.zone))
    edges = any(piece.rollup is None for piece in pieces)
    because = Text("the ends of the range lie inside cells", "края периода лежат внутри ячеек")
    return Plan(reading, pieces, because if edges else None)


def _tally(query: Query, reading: Reading) -> Tally:
    if query.as_of is not None:
        raise _FactsOnly("the past is read from history", "прошлое читается из истории")
    if isinstance(reading, Histories):
        raise _FactsOnly("it looks at people one by one", "смотрит на каждого человека отдельно")
    if reading.business is not None:
        raise _FactsOnly("it is counted by a calendar", "считается по календарю")
    if reading.anonymous:
        raise _FactsOnly("rollups hold no anonymous answers", "в сводках нет анонимных ответов")
    return reading


def _sets(query: Query, tally: Tally, version: Version, steps: Offsets) -> list[RollupSet]:
    """The sets to cover the range with, the coarsest first; at least one."""
    if not version.current:
        raise _FactsOnly("the rollups are being rebuilt", "сводки перестраиваются")
    for wanted in tally.sums.values():
        if columns(tally.kind, wanted, version.thresholds) is None:
            raise _FactsOnly(
                f"rollups do not count {wanted.measure}", f"сводки не считают {wanted.measure}"
            )
    if not steps.fit(SLOT_SECONDS) or not steps.days_in_order:
        raise _FactsOnly(
            "the zone's clock cuts quarters of an hour", "часы зоны режут четверти часа"
        )
    needed = dimensions_needed(query, tally)
    fitting = [s for s in sets_of(tally.kind) if needed <= frozenset(s.dimensions)]
    if tally.histogram is not None:
        fitting = [s for s in fitting if s.histograms]
    chosen = [
        min(found, key=lambda s: (s.cells_a_day, s.number))
        for grain in (Grain.DAY, Grain.QUARTER)
        if (found := [s for s in fitting if s.grain is grain])
        and (grain is Grain.QUARTER or _by_day(query, version))
    ]
    if not chosen:
        shown = ", ".join(sorted(needed)) or "—"
        raise _FactsOnly(
            f"no rollup is kept by {shown} at this granularity in this zone",
            f"нет сводки по {shown} с такой granularity в этой зоне",
        )
    return chosen


def dimensions_needed(query: Query, reading: Reading) -> frozenset[str]:
    """Columns that must stand in a cell: those asked for, filtered by, and looked at."""
    asked = (*query.read_by, *(one.dimension for one in query.filters))
    return frozenset(n for n in asked if not DIMENSIONS[n].computed) | reading.dimensions


def _by_day(query: Query, version: Version) -> bool:
    """Whether cells of whole days can tell: same zone, and nothing finer than a day is asked."""
    asked = (*query.group_by, *(one.dimension for one in query.filters))
    finer = query.buckets.granularity in SECONDS or any(DIMENSIONS[n].of_day for n in asked)
    return not finer and query.zone.key == version.timezone


def _cover(
    start: datetime, end: datetime, sets: list[RollupSet], zone: ZoneInfo
) -> Iterator[Piece]:
    if start >= end:
        return
    if not sets:
        yield Piece(start, end)
        return
    first, rest = sets[0], sets[1:]
    inner = _whole_days(start, end, zone) if first.grain is Grain.DAY else _whole_slots(start, end)
    if inner is None:
        yield from _cover(start, end, rest, zone)
        return
    yield from _cover(start, inner[0], rest, zone)
    yield Piece(*inner, first)
    yield from _cover(inner[1], end, rest, zone)


def _whole_slots(start: datetime, end: datetime) -> tuple[datetime, datetime] | None:
    first, last = quarter_of(start), quarter_of(end)
    first = first if first == start else first + SLOT
    return (first, last) if first < last else None


def _whole_days(start: datetime, end: datetime, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    first, last = day_of(start, zone), day_of(end, zone)
    begin = start_of(first, zone)
    begin = begin if begin == start else start_of(first + timedelta(days=1), zone)
    stop = start_of(last, zone)
    return (begin, stop) if begin < stop else None


def days(piece: Piece, zone: ZoneInfo) -> tuple[date, date]:
    """First day of a piece of a day set, and the day after its last."""
    return day_of(piece.start, zone), day_of(piece.end, zone)
