"""Anonymous answers: in which cells they may be asked for, and which of these stay hidden."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from otklik_metrics.domain.query import Asked, Query
from otklik_metrics.domain.refusals import ClosedCellsOnly
from otklik_metrics.domain.zones import Granularity, buckets

INSTANT: Final = timedelta(microseconds=1)

CUT: Final = ("branch",)
"""
The dimensions by which anonymous answers can be cut. Any second one would overlap the first: a
team's cell taken from those of its branch tells who else is in the branch.
"""

GRANULARITY: Final = Granularity.MONTH
"""The one length of cells: four weeks taken from their month would leave a few days."""


def is_closed(one: Asked) -> bool:
    """Whether the metric looks at anonymous answers."""
    return (
        one.metric.closed_cells is not None and one.params[one.metric.closed_cells] == "anonymous"
    )


def check_closed_cells(query: Query, now: datetime) -> None:
    """
    Anonymous answers are asked for in their declared cells only.

    A caller's reach is a filter like any other: two callers of different reach could subtract.

    Raises:
        ClosedCellsOnly: Other cells would overlap these, and their difference be a few answers.
    """
    if not any(map(is_closed, query.asked)):
        return
    found = query.buckets
    after = buckets(found.end, found.end + INSTANT, found.granularity, found.zone)
    whole = (
        found.granularity is GRANULARITY
        and found.zone.key == query.company.timezone
        and found.edges[0] == found.start
        and after.edges[0] == found.end <= now
    )
    plain = not (query.filters or query.as_of or query.top or query.compare)
    if not (whole and plain and set(query.group_by) <= set(CUT)):
        raise ClosedCellsOnly


def hidden_with(sizes: Sequence[int], hidden: Collection[int], least: int) -> frozenset[int]:
    """
    Groups to hide, so that the total less what is shown tells nothing of a small one.

    The smallest are hidden with those that are, until at least two are hidden that have `least`
    answers together, or nothing is left.

    Args:
        sizes: Answers of each group.
        hidden: Places of the groups that are hidden for being small.
    Source: complementary cell suppression; L. Willenborg and T. de Waal, Elements of
        Statistical Disclosure Control, 2001.
    """
    found = set(hidden)
    if not found:
        return frozenset()
    others = [at for at, size in enumerate(sizes) if size and at not in found]
    for at in sorted(others, key=lambda at: sizes[at]):
        if len(found) > 1 and sum(sizes[one] for one in found) >= least:
            break
        found.add(at)
    return frozenset(found)
