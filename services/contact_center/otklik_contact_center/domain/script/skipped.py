"""Which items of a script are skipped most."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from otklik_contact_center.domain.script.script import Item

MOST_DAYS: Final = 100


class Counts(NamedTuple):
    """How often an item came to what."""

    done: int = 0
    missed: int = 0
    not_applicable: int = 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """
    An item of a version, and how often it came to what.

    Attributes:
        share: Missed of those in which it was asked and applied, 0 to 1; None: it never did.
    """

    item: Item
    counts: Counts

    @property
    def share(self) -> float | None:
        """See the attributes."""
        asked = self.counts.done + self.counts.missed
        return None if asked == 0 else self.counts.missed / asked


def ranked(items: Iterable[Item], found: dict[str, Counts]) -> list[Skipped]:
    """
    Items by how large a share of times they are missed: what is compulsory first, in the order of
    the script among equals, and what was never asked behind.
    """
    every = [Skipped(item, found.get(item.code, Counts())) for item in items]

    def rank(one: Skipped) -> tuple[bool, float]:
        return not one.item.compulsory, -1.0 if one.share is None else one.share

    return sorted(every, key=lambda one: (rank(one)[0], -rank(one)[1]))
