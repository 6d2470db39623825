"""How many requests kept each step of a programme: by branch, group of branches, or month."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Final

from otklik_contact_center.domain.pace.pacing import State
from otklik_contact_center.domain.pace.programme import Terms


class By(StrEnum):
    """What requests are told apart by."""

    BRANCH = "branch"
    GROUP = "group"
    MONTH = "month"


@dataclass(slots=True)
class Counts:
    """How many requests show what of one step."""

    states: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))

    @property
    def kept(self) -> int:
        """Made on time."""
        return self.states[State.ON_TIME]

    @property
    def late(self) -> int:
        """Made late, or late and not made."""
        return self.states[State.LATE] + self.states[State.RUNNING_LATE]

    @property
    def share(self) -> float | None:
        """Kept of kept and late, 0 to 1; None: there are none of either."""
        both = self.kept + self.late
        return None if both == 0 else self.kept / both


Units = dict[str, list[Counts]]
"""Counts of each step by branch, group or month."""


@dataclass(slots=True)
class OfVersion:
    """
    What came of one version of a programme.

    Attributes:
        all: Of each step, of all requests.
        units: The same apart; requests of no branch, or of a branch in no group, are in none.
    """

    version: int
    terms: Terms
    requests: int = 0
    all: list[Counts] = field(default_factory=list)
    units: Units = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.all = self._blank()

    def _blank(self) -> list[Counts]:
        return [Counts() for _ in self.terms.steps]

    def count(self, states: Iterable[State], units: Iterable[str]) -> None:
        """One more request, with what each step shows and the units that it belongs to."""
        self.requests += 1
        counted = [self.all, *(self.units.setdefault(one, self._blank()) for one in units)]
        for place, state in enumerate(states):
            for counts in counted:
                counts[place].states[state] += 1


def units_of(
    by: By,
    branch: str | None,
    created_at: datetime,
    *,
    groups: Mapping[str, Iterable[str]],
    zone: tzinfo,
) -> tuple[str, ...]:
    """
    Which units a request belongs to.

    Args:
        groups: By branch.
        zone: Whose months count: `2026-03`.
    """
    if by is By.MONTH:
        return (f"{created_at.astimezone(zone):%Y-%m}",)
    if branch is None:
        return ()
    return (branch,) if by is By.BRANCH else tuple(groups.get(branch, ()))


MOST_DAYS: Final = 366
"""Of requests that are looked at."""

MOST_REQUESTS: Final = 200_000
"""That are looked at for one answer."""
