"""What numbers of reviews and claims mean, said once more without haste."""

from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction
from typing import Any

from tests.support.metrics_known import Cell, Facts, Known, share_of


def rating(_: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
    """The mean of stars of what stands."""
    stars = [f.stars for _, f in facts if f.removed_at is None and f.stars is not None]
    return (Fraction(sum(stars), len(stars)), len(stars)) if stars else (None, 0)


def replied_to(_: Known, facts: Facts, __: Mapping[str, Any]) -> Cell:
    """Those with a reply, of what stands."""
    standing = [f for _, f in facts if f.removed_at is None]
    return share_of(sum(f.replied_at is not None for f in standing), len(standing))


def worked_off_in_a_day(known: Known, facts: Facts, _: Mapping[str, Any]) -> Cell:
    """Of claims that are worked off or a day old: those worked off within a day."""
    day = timedelta(hours=24)
    judged = [f for _, f in facts if f.worked_off_at is not None or known.now - f.received_at > day]
    kept = sum(
        f.worked_off_at is not None and f.worked_off_at - f.received_at <= day for f in judged
    )
    return share_of(kept, len(judged))
