"""The rows of an answer: every touched bucket for every group, top groups first, gaps filled."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from otklik_common.clocks.zones import micros, offsets
from otklik_metrics.domain.catalogue.words import HIDDEN
from otklik_metrics.domain.closed_cells import hidden_with, is_closed
from otklik_metrics.domain.dimensions import BRANCH_GROUP, DIMENSIONS
from otklik_metrics.domain.frames import Frame, Key, Place, Places
from otklik_metrics.domain.indicators.cells import Cell, Values, suppress, withhold
from otklik_metrics.domain.limits import MOST_CELLS
from otklik_metrics.domain.query import Asked, Filter, Query
from otklik_metrics.domain.refusals import TooManyCells
from otklik_metrics.domain.zones import SLOT_SECONDS

Seconds = NDArray[np.int64]

OTHER: Final[Key] = ("\0other",)
"""The group of everything that is not among the top ones; no code can be this."""

LONGEST_WALK: Final = timedelta(days=400)
"""Every group of the clock comes within a year."""


@dataclass(frozen=True, slots=True)
class Row:
    """One bucket of one group: a cell, and the cell it is compared with, for each metric."""

    bucket: int
    key: Key
    cells: tuple[Cell, ...]
    previous: tuple[Cell | None, ...]

    @property
    def is_other(self) -> bool:
        """Whether it holds the groups that are not among the top ones."""
        return self.key == OTHER


@dataclass(frozen=True, slots=True)
class Reads:
    """
    What was read for a period.

    Attributes:
        frames: One for each asked metric, in its order.
        partner: Which of these buckets each bucket of the answer is compared with.
    """

    frames: Sequence[Frame]
    partner: Sequence[int | None] = ()


def rows_of(
    query: Query, now: Reads, before: Reads | None, always: Iterable[Key] = ()
) -> list[Row]:
    """
    The rows of an answer.

    Args:
        now, before: What was read for the range, and for the period it is compared with.
        always: Groups that have rows even if nothing was read for them.
    Returns:
        By bucket, then by rank (with `top`) or by group; `other` last.
    Raises:
        TooManyCells: Before any cell is worked out.
    """
    spread = spread_of(query)
    top = _ranked(query, now.frames, spread)
    spread = spread if top is None else _into_top(spread, top, keep_rest=_wants_other(query))
    keys = _keys(query, [*now.frames, *(before.frames if before else ())], spread, top, always)
    check_cells(query, len(keys))
    found = _gathered(now.frames, spread)
    earlier = _gathered(before.frames, spread) if before else []
    rows: list[Row] = []
    for bucket in range(len(query.buckets)):
        partner = before.partner[bucket] if before else None
        made = [
            Row(
                bucket,
                key,
                _cells(query.asked, found, (bucket, key)),
                (None,) * len(query.asked)
                if partner is None
                else _cells(query.asked, earlier, (partner, key)),
            )
            for key in keys
        ]
        rows += _hide_the_next(query, made)
    return rows


def check_cells(query: Query, groups: int) -> None:
    """
    An answer of so many groups can be given.

    Raises:
        TooManyCells.
    """
    if groups * len(query.buckets) * len(query.asked) > MOST_CELLS:
        raise TooManyCells(MOST_CELLS)


def _gathered(frames: Sequence[Frame], spread: Places) -> list[Mapping[Place, Values]]:
    """What stands in each place, for each metric; one frame may be that of several metrics."""
    known: dict[int, Mapping[Place, Values]] = {}
    for frame in frames:
        if id(frame) not in known:
            known[id(frame)] = frame.gather(spread)
    return [known[id(frame)] for frame in frames]


def spread_of(query: Query) -> Places:
    """Where what was read by branch is counted when groups of branches were asked for."""
    if BRANCH_GROUP not in query.group_by:
        return lambda place: (place,)
    at = query.group_by.index(BRANCH_GROUP)
    groups_of = query.company.groups_of

    def spread(place: Place) -> Iterable[Place]:
        bucket, key = place
        # A branch may belong to several groups, and counts in each of them.
        for group in groups_of.get(key[at], ()) or (None,):
            yield bucket, (*key[:at], group, *key[at + 1 :])

    return spread


def _wants_other(query: Query) -> bool:
    return query.top is not None and query.top.other


def _ranked(query: Query, frames: Sequence[Frame], spread: Places) -> list[Key] | None:
    """The top groups over the whole range, the highest first; groups without a value last."""
    if query.top is None:
        return None
    by = next(i for i, one in enumerate(query.asked) if one.name == query.top.by)
    asked = query.asked[by]

    def whole(place: Place) -> Iterable[Place]:
        return {(0, key) for _, key in spread(place)}

    values = {
        key: _cell(asked, found).value for (_, key), found in frames[by].gather(whole).items()
    }
    ranked = sorted(values, key=lambda key: (-_or_least(values[key]), sortable(key)))
    return ranked[: query.top.n]


def _or_least(value: float | None) -> float:
    return float("-inf") if value is None else value


def _into_top(spread: Places, top: Sequence[Key], *, keep_rest: bool) -> Places:
    chosen = frozenset(top)

    def into(place: Place) -> Iterable[Place]:
        rest = False
        for bucket, key in spread(place):
            if key in chosen:
                yield bucket, key
            else:
                rest = True
        if rest and keep_rest:
            yield place[0], OTHER

    return into


def _keys(
    query: Query,
    frames: Iterable[Frame],
    spread: Places,
    top: Sequence[Key] | None,
    always: Iterable[Key],
) -> list[Key]:
    if not query.group_by:
        return [()]
    read = {key for frame in frames for key in frame.keys()}  # noqa: SIM118 - no mapping
    seen = {key for one in read for _, key in spread((0, one))}
    if top is not None:
        return [*top, *([OTHER] if OTHER in seen else [])]
    return sorted(seen | set(always), key=sortable)


def sortable(key: Key) -> tuple[Any, ...]:
    """A key to sort groups by: numbers and codes in their order, missing values last."""
    return tuple((part is None, part if part is not None else "") for part in key)


def _cells(
    asked: Sequence[Asked], found: Sequence[Mapping[Place, Values]], place: Place
) -> tuple[Cell, ...]:
    return tuple(
        _cell(one, values.get(place, _NOTHING)) for one, values in zip(asked, found, strict=True)
    )


_NOTHING = Values()


def _cell(asked: Asked, values: Values) -> Cell:
    cell = asked.metric.work_out(values, asked.params)
    few = 0 < (cell.n or 0) < asked.metric.minimum_n
    return suppress(cell) if few and asked.metric.shape in HIDDEN else cell


def _hide_the_next(query: Query, rows: list[Row]) -> list[Row]:
    """Where an anonymous group of a bucket is hidden, those that would tell of it are hidden too."""
    for at, one in enumerate(query.asked):
        if not is_closed(one):
            continue
        sizes = [row.cells[at].n or 0 for row in rows]
        small = [place for place, row in enumerate(rows) if row.cells[at].suppressed]
        hidden = hidden_with(sizes, small, one.metric.minimum_n)
        rows = [_hidden(row, at) if place in hidden else row for place, row in enumerate(rows)]
    return rows


def _hidden(row: Row, at: int) -> Row:
    cells = (*row.cells[:at], withhold(row.cells[at]), *row.cells[at + 1 :])
    return Row(row.bucket, row.key, cells, row.previous)


def clock_keys(query: Query) -> list[Key]:
    """
    The groups of a heat map: every weekday, hour, … that the range touches has its row.

    Empty unless the whole range is asked by nothing but the clock: then alone is it known which
    groups could have been.
    """
    computed = [DIMENSIONS[name].computed for name in query.group_by]
    if query.buckets.edges or not computed or not all(computed):
        return []
    start, end = query.buckets.start, min(query.buckets.end, query.buckets.start + LONGEST_WALK)
    steps = offsets(query.zone, start, end)
    seconds = np.arange(micros(start) // 1_000_000, -(-micros(end) // 1_000_000), SLOT_SECONDS)
    changes = np.array(steps.changes, dtype=np.int64) // 1_000_000
    local = seconds + np.array(steps.seconds)[np.searchsorted(changes, seconds, side="right")]
    codes = np.zeros(len(local), dtype=np.int64)
    for name in query.group_by:
        codes = codes * 32 + _CLOCK[name](local)
    keys = [_decoded(code, len(query.group_by)) for code in np.unique(codes).tolist()]
    wanted = {one.dimension: one for one in query.filters}
    return [
        key
        for key in keys
        if all(
            _passes(wanted.get(name), part) for name, part in zip(query.group_by, key, strict=True)
        )
    ]


def _decoded(code: int, parts: int) -> Key:
    """Parts below 32, of which the last stands in the lowest digits."""
    return tuple(code >> 5 * place & 31 for place in reversed(range(parts)))


def _passes(wanted: Filter | None, value: Any) -> bool:
    return wanted is None or (value in wanted.values) is not wanted.negated


def _day_of_month(local: Seconds) -> Seconds:
    days = (local // 86_400).astype("datetime64[D]")
    into: Seconds = (days - days.astype("datetime64[M]")).astype(np.int64)
    return into + 1


_CLOCK: Final[Mapping[str, Callable[[Seconds], Seconds]]] = {
    "weekday": lambda local: (local // 86_400 + 3) % 7 + 1,
    "hour_of_day": lambda local: local % 86_400 // 3600,
    "two_hour_slot": lambda local: local % 86_400 // 7200 * 2,
    "day_of_month": _day_of_month,
}


def excluded(rows: Iterable[Row], at: int) -> dict[str, int]:
    """How many facts all rows together left out of the metric number `at`, by reason."""
    found: dict[str, int] = {}
    for row in rows:
        for reason, n in row.cells[at].excluded.items():
            found[reason] = found.get(reason, 0) + n
    return found
