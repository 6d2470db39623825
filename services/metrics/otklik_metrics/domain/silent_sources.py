"""How many sources of events are silent, for Prometheus: never by name, which may be a person's."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.series import OTHER, Sample

NAME: Final = "otklik_source_silent"
LABELS: Final = ("company", "product")
HELP: Final = Text(
    "sources that by their own past should not be silent for so long, by product",
    "источники, которые молчат дольше, чем можно объяснить случаем, по продуктам",
)

MOST_PRODUCTS: Final = 20
"""The most common ones; contact_center knows fewer, but a fact may hold any code."""


class Sources(NamedTuple):
    """Of one company and product: how many there are, and how many of them are silent."""

    company: str
    product: str
    all: int
    silent: int


def samples(found: Sequence[Sources], largest: Iterable[str]) -> list[Sample]:
    """
    A series for each company and product with any source, 0 where all are heard.

    Args:
        largest: Companies with a label of their own.
    """
    own = frozenset(largest)
    common: Counter[str] = Counter()
    for one in found:
        common[one.product] += one.all
    kept = frozenset(sorted(common, key=lambda name: (-common[name], name))[:MOST_PRODUCTS])
    silent: Counter[tuple[str, str]] = Counter()
    for one in found:
        company = one.company if one.company in own else OTHER
        product = one.product if one.product in kept else OTHER
        silent[company, product] += one.silent
    return [Sample(labels, float(number)) for labels, number in sorted(silent.items())]
