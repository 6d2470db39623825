"""What counters, histograms and the measures of a kind are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counter:
    """
    A column of whole numbers that add up; NULL means 0.

    Attributes:
        name: Name of the column.
        meaning: What one unit of it is.
        big: Values may outgrow 64 bits, so the column is numeric(38, 0).
    """

    name: str
    meaning: str
    big: bool = False


@dataclass(frozen=True, slots=True)
class Histogram:
    """Spans of time in milliseconds, in log buckets; `number` stands in the key of its table."""

    number: int
    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Measures:
    """
    Everything that the rollups of one kind count, in the order of the columns.

    Attributes:
        heads: Counters of facts themselves. A cell whose heads are all 0 holds no fact (any
            more), whatever rows it once had: it must look like a cell that never was.
    """

    counters: tuple[Counter, ...]
    histograms: tuple[Histogram, ...] = ()
    heads: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the counter columns."""
        return tuple(counter.name for counter in self.counters)

    def histogram(self, name: str) -> Histogram:
        """The histogram called `name`. Raises KeyError."""
        for histogram in self.histograms:
            if histogram.name == name:
                return histogram
        raise KeyError(name)
