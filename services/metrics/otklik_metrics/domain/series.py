"""What Prometheus reads of a gauge: one number for each group of labels, so many and no more."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from otklik_metrics.domain.catalogue import CATALOGUE
from otklik_metrics.domain.catalogue.words import HIDDEN
from otklik_metrics.domain.frames import Frame, Key, Place
from otklik_metrics.domain.gauge import Gauge
from otklik_metrics.domain.indicators.cells import Cell, Values
from otklik_metrics.domain.query import Asked

OTHER: Final = "other"
NONE: Final = "none"
ESCAPE: Final = "_"
"""Stands before codes that would read as one of these two."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One series: values of its labels in the order of `label_names`, and the number."""

    labels: tuple[str, ...]
    value: float


def label_names(gauge: Gauge) -> tuple[str, ...]:
    """Names of a gauge's labels."""
    return ("company", *(gauge.renamed.get(one, one) for one in gauge.labels), *gauge.fixed)


def samples_of(
    gauge: Gauge, frames: Mapping[str, Frame], largest: Iterable[str], most: int
) -> tuple[list[Sample], int]:
    """
    The series of a gauge, at most `most` of them.

    Args:
        frames: What was read for it, by company.
        largest: Companies with a label of their own.
    Returns:
        The series, and how many groups were put into `other` for want of room.
    """
    own = frozenset(largest)
    asked = Asked(CATALOGUE[gauge.metric], _params(gauge), gauge.metric)
    named = [(_label(c) if c in own else OTHER, frame) for c, frame in frames.items()]
    sized: Counter[tuple[str, Key]] = Counter()
    for name, frame in named:
        for (_, key), values in frame.gather(partial(_shown, gauge)).items():
            sized[name, key] += _cell(asked, values).n or 0
    rooms = max(1, most - len(own) - 1)
    kept = frozenset(sorted(sized, key=lambda one: (-sized[one], one))[:rooms])
    rest = tuple(OTHER for _ in gauge.labels)
    merged: dict[tuple[str, ...], list[Values]] = {}
    for name, frame in named:

        def into(place: Place, name: str = name) -> Iterable[Place]:
            for bucket, key in _shown(gauge, place):
                yield bucket, (key if (name, key) in kept else rest)

        for (_, key), values in frame.gather(into).items():
            merged.setdefault((name, *key), []).append(values)
    samples = []
    for group, parts in sorted(merged.items()):
        cell = _cell(asked, _added(parts))
        hidden = asked.metric.shape in HIDDEN and (cell.n or 0) < asked.metric.minimum_n
        shown = cell.n if gauge.base else cell.value
        if shown is not None and not hidden:
            samples.append(Sample((*group, *gauge.fixed.values()), float(shown)))
    return samples, max(0, len(sized) - len(kept))


def _shown(gauge: Gauge, place: Place) -> Iterable[Place]:
    """The group with its labels instead of its values; nowhere, if it is not to be shown."""
    if not gauge.complete or None not in place[1]:
        yield 0, tuple(NONE if part is None else _label(str(part)) for part in place[1])


def _label(code: str) -> str:
    """A code as a label that is neither the missing value nor the rest; no two become one."""
    return ESCAPE + code if code.lstrip(ESCAPE) in (NONE, OTHER) else code


def _params(gauge: Gauge) -> dict[str, Any]:
    defaults = {one.name: one.default for one in CATALOGUE[gauge.metric].parameters}
    return defaults | dict(gauge.params)


def _cell(asked: Asked, values: Values) -> Cell:
    return asked.metric.work_out(values, asked.params)


def _added(parts: Sequence[Values]) -> Values:
    """Numbers of several companies as one: every gauge is made of sums."""
    numbers: dict[str, int] = {}
    for part in parts:
        for name, number in part.numbers.items():
            numbers[name] = numbers.get(name, 0) + number
    return Values(numbers)
