"""What a query answered, as units to be compared; and what of it cannot be."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from otklik_metrics.domain.answer import Row
from otklik_metrics.domain.catalogue import CATALOGUE
from otklik_metrics.domain.company import Company
from otklik_metrics.domain.query import Asked
from otklik_metrics.domain.refusals import GroupsNeedBranches, NotComparable, UnknownGroup
from otklik_metrics.domain.uniformity import Counted


@dataclass(slots=True)
class Comparable:
    """
    Units that can be compared.

    Attributes:
        left_out: How many units cannot be, by reason: `too_few` (withheld), `no_data`,
            `contradictory` (more above the line than below it).
        unassigned: How many things belong to no unit.
    """

    units: list[Counted[str]] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    unassigned: int = 0


def comparable(rows: Iterable[Row]) -> Comparable:
    """The rows of one metric by one dimension, each as a unit."""
    found = Comparable()
    for row in rows:
        (code,), (cell,) = row.key, row.cells
        hits, of = int(cell.numerator or 0), int(cell.denominator or 0)
        if code is None:
            found.unassigned += cell.n or 0
        elif cell.suppressed:
            _leave_out(found, "too_few")
        elif of <= 0:
            _leave_out(found, "no_data")
        elif not 0 <= hits <= of:
            _leave_out(found, "contradictory")
        else:
            found.units.append(Counted(code, hits, of))
    return found


def _leave_out(found: Comparable, reason: str) -> None:
    found.left_out[reason] = found.left_out.get(reason, 0) + 1


def check_comparable(one: Asked) -> None:
    """
    Chance can be told from the spread of a metric.

    Raises:
        NotComparable: It is no share of things that each count or do not.
    """
    metric = one.metric
    if not metric.is_share_of_things(one.params):
        able = [name for name, other in CATALOGUE.items() if other.is_share_of_things({})]
        raise NotComparable(metric.identity(one.params), able)


def check_groups(company: Company, groups: Sequence[str], by: str) -> None:
    """
    These groups of branches can be compared.

    Raises:
        GroupsNeedBranches, UnknownGroup.
    """
    if groups and by != "branch":
        raise GroupsNeedBranches
    known = {group for its in company.groups_of.values() for group in its}
    for group in groups:
        if group not in known:
            raise UnknownGroup(group)
