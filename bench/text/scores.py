"""Figures of readings beside labels: accuracy, F1, confusion."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.text.labelled import FEELINGS


@dataclass(frozen=True, slots=True)
class Feelings:
    """Pairs of (labelled, read), counted."""

    pairs: Counter[tuple[str, str]]

    @property
    def accuracy(self) -> float:
        """Share of those read as labelled."""
        return sum(self.pairs[one, one] for one in FEELINGS) / self.pairs.total()

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the three feelings."""
        return sum(self._f1(one) for one in FEELINGS) / len(FEELINGS)

    def _f1(self, one: str) -> float:
        right = self.pairs[one, one]
        labelled = sum(self.pairs[one, other] for other in FEELINGS)
        read = sum(self.pairs[other, one] for other in FEELINGS)
        return 2 * right / (labelled + read) if right else 0.0


@dataclass(frozen=True, slots=True)
class Topics:
    """
    Topics read beside topics labelled, over all texts.

    Attributes:
        macro_f1: Mean F1 of the topics that are labelled at least once.
    """

    precision: float
    recall: float
    f1: float
    macro_f1: float


def feelings(pairs: Iterable[tuple[str, str]]) -> Feelings:
    """Counted."""
    return Feelings(Counter(pairs))


def topics(pairs: Sequence[tuple[frozenset[str], frozenset[str]]]) -> Topics:
    """Of (labelled, read)."""
    right = Counter(code for labelled, read in pairs for code in labelled & read)
    wanted = Counter(code for labelled, _ in pairs for code in labelled)
    given = Counter(code for _, read in pairs for code in read)
    hits = right.total()
    each = [2 * right[code] / (wanted[code] + given[code]) for code in wanted]
    return Topics(
        precision=hits / max(1, given.total()),
        recall=hits / max(1, wanted.total()),
        f1=2 * hits / max(1, wanted.total() + given.total()),
        macro_f1=sum(each) / max(1, len(each)),
    )
