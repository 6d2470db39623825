"""
By which ways somebody came before a request and during it, and how much of it each way is given.

Models are those of the trade. What they give adds up exactly, in whole parts of whatever is split.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from otklik_contact_center.domain.tracking.ways import Way

LOOKS_BACK: Final = timedelta(days=90)
"""Whoever came longer than this before a request came for something else."""

MOST_TOUCHES: Final = 50
"""Of one request: of more, the first, that of the request itself and the latest are kept."""

MICRO: Final = 1_000_000
"""A request, or a deal, is so many parts."""


class Link(msgspec.Struct, frozen=True, array_like=True):
    """
    How a contact is tied to what brought it.

    Attributes:
        certainty: Of its way.
        visitor: Keyed hash of who came, where one visitor is known.
        sure: Whether it was that visitor for certain.
    """

    certainty: str
    visitor: bytes | None = None
    sure: bool = False


class Arrival(NamedTuple):
    """
    Somebody came: a visit to a site, or a contact.

    Attributes:
        way: By which; it is known.
        certainty: How sure it is: of a visit, that of the contact by which its visitor is known;
            `told` where the sender of a contact says it.
        contact: None of a visit.
    """

    at: datetime
    way: Way
    certainty: str
    contact: UUID | None = None


class Path(NamedTuple):
    """
    The touches before something that was reached, in the order of time.

    Attributes:
        touches: Each by another way than the one before; the first arrival of each.
        opener: Place of the touch to which the contact that opened the request belongs; None where
            nobody knows what brought that contact.
        left_out: How many touches there are besides.
    """

    touches: tuple[Arrival, ...]
    opener: int | None
    left_out: int = 0

    @property
    def splits(self) -> bool:
        """Whether some model gives anything to another touch than that of the request itself."""
        return len(self.touches) > 1 or (bool(self.touches) and self.opener is None)


class Arrivals:
    """All arrivals of a person, from which paths are taken; sorted once, however many are taken."""

    def __init__(self, arrivals: Iterable[Arrival]) -> None:
        self._all = sorted(arrivals, key=_place)
        self._at = [one.at for one in self._all]
        self._run: list[int] = []
        self._begins: list[int] = []
        for place, one in enumerate(self._all):
            if not place or one.way != self._all[place - 1].way:
                self._begins.append(place)
            self._run.append(len(self._begins) - 1)
        self._of_contact = {
            one.contact: place for place, one in enumerate(self._all) if one.contact is not None
        }

    def path(self, opener: UUID, begun: datetime, until: datetime) -> Path:
        """
        The touches of a request until something was reached.

        Args:
            opener: The contact that opened it.
            begun: When it was made: no touch is longer ago than `LOOKS_BACK` before that.
            until: When it was reached; not before `begun`.
        """
        first = bisect_left(self._at, begun - LOOKS_BACK)
        behind = bisect_right(self._at, max(begun, until))
        if first == behind:
            return Path((), None)
        runs = range(self._run[first], self._run[behind - 1] + 1)
        place = self._of_contact.get(opener)
        mine = None if place is None or not first <= place < behind else self._run[place]
        kept = _kept(runs, mine)
        touches = tuple(self._all[max(first, self._begins[run])] for run in kept)
        return Path(touches, None if mine is None else kept.index(mine), len(runs) - len(kept))


def _place(one: Arrival) -> tuple[datetime, bool, str, tuple[str, ...]]:
    """A visit before the contact of the same moment; then nothing that depends on who told it."""
    way = tuple(part or "" for part in one.way)
    return one.at, one.contact is not None, str(one.contact or ""), way


def _kept(runs: range, mine: int | None) -> list[int]:
    if len(runs) <= MOST_TOUCHES:
        return list(runs)
    always = {runs[0]} | (set() if mine is None else {mine})
    latest = runs[-MOST_TOUCHES:]
    room = MOST_TOUCHES - len(always)
    others = [run for run in latest if run not in always][-room:]
    return sorted(always.union(others))


class Model(StrEnum):
    """Which touches a request is given to."""

    FIRST = "first"
    """The first."""
    LEAD = "lead"
    """That of the contact which opened the request."""
    LAST = "last"
    """The last."""
    LAST_NON_DIRECT = "last_non_direct"
    """The last by which somebody did not come of their own accord; if all did, the last."""
    LINEAR = "linear"
    """All, in equal parts."""
    POSITION = "position"
    """40 % to the first, 40 % to the last, 20 % to those between; of two touches each a half."""


def weights(model: Model, path: Path) -> list[int]:
    """
    How much each touch weighs; without any touch, or all 0: the whole is nobody's.

    Whole numbers that mean something only beside each other.
    """
    n = len(path.touches)
    if n == 0:
        return []
    if model is Model.LINEAR or (model is Model.POSITION and n <= 2):
        return [1] * n
    if model is Model.POSITION:
        # 40 : 20 / (n - 2) : 40, without fractions.
        outer = 2 * (n - 2)
        return [outer, *([1] * (n - 2)), outer]
    chosen = _one(model, path)
    return [int(place == chosen) for place in range(n)]


def _one(model: Model, path: Path) -> int | None:
    last = len(path.touches) - 1
    if model is Model.FIRST:
        return 0
    if model is Model.LEAD:
        return path.opener
    if model is Model.LAST:
        return last
    indirect = (n for n in range(last, -1, -1) if not path.touches[n].way.direct)
    return next(indirect, last)


def split(whole: int, parts: Sequence[int]) -> list[int]:
    """
    A whole number in whole parts that add up to it, by the largest remainder.

    Args:
        whole: Not less than 0.
        parts: Weights, none below 0; of equal remainders the earlier one is rounded up.
    Returns:
        Each less than 1 from its exact share; nothing for anybody where all weigh 0.
    """
    total = sum(parts)
    if total == 0:
        return [0] * len(parts)
    found = [whole * part // total for part in parts]
    left = whole - sum(found)
    remainders = sorted(range(len(parts)), key=lambda n: (-(whole * parts[n] % total), n))
    for place in remainders[:left]:
        found[place] += 1
    return found
