"""
Whose call it was: by who was shown the number that was called, when the call began.

A pure function of the call's beginning and of the leases of its number, so that a call that is
heard of a day late is attributed like one that is heard of at once.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

WINDOW: Final = timedelta(minutes=60)
"""So long after a lease whoever wrote the number down still calls it."""

TOLERANCE: Final = timedelta(seconds=2)
"""Between the clocks of a site and of an exchange."""

HALF_LIFE: Final = timedelta(minutes=10)
"""After so long it is half as likely that somebody who saw a number still calls it."""


class Certainty(StrEnum):
    """How sure it is whose call it was."""

    CERTAIN = "certain"
    """One visitor had the number, and nobody else has had it since."""
    LIKELY = "likely"
    """The lease had ended before the call, within the window; nobody else has had the number."""
    AMBIGUOUS = "ambiguous"
    """Several may have called: see the candidates."""
    UNATTRIBUTED = "unattributed"
    """Nobody had the number who could have called."""


class Lease(NamedTuple):
    """
    A number that was shown to a visitor.

    Attributes:
        ends: When the visitor was last seen with it, or gave it back; None while shown.
        shared: A number of last resort, which several are shown at a time.
    """

    id: UUID
    visitor: str
    begins: datetime
    ends: datetime | None
    shared: bool = False


class Candidate(NamedTuple):
    """A visitor who may have called, and how probably; of all candidates the sum is 1."""

    lease: Lease
    probability: float


class Attribution(NamedTuple):
    """Whose call it was; candidates with the likeliest first, of equal ones the latest."""

    certainty: Certainty
    candidates: tuple[Candidate, ...] = ()


NOBODY: Final = Attribution(Certainty.UNATTRIBUTED)


def attribute(
    at: datetime,
    leases: Iterable[Lease],
    *,
    window: timedelta = WINDOW,
    tolerance: timedelta = TOLERANCE,
) -> Attribution:
    """
    Whose call to a number it was.

    Whoever has the number at the call is it, unless somebody else had it within the window before,
    and may have written it down: then both are candidates. Without one that holds it, those whose
    lease ended within the window are. A visitor counts once, by the latest lease.

    Args:
        at: When the call began.
        leases: Of the number that was called; those that cannot matter may be among them.
        window: How long after its lease a number may still be called.
        tolerance: A lease that begins so shortly after the call may have begun before it.
    """
    seen: dict[str, Lease] = {}
    for lease in sorted(leases, key=lambda one: (one.begins, one.id)):
        begun = lease.begins <= at + tolerance
        if begun and (lease.ends is None or lease.ends >= at - window):
            seen[lease.visitor] = lease
    if not seen:
        return NOBODY
    holding = [one for one in seen.values() if _holds(one, at, tolerance)]
    weighed = [(one, _weight(one, at, holding=one in holding)) for one in seen.values()]
    if len(weighed) == 1:
        certainty = Certainty.CERTAIN if holding else Certainty.LIKELY
        return Attribution(certainty, (Candidate(weighed[0][0], 1.0),))
    return Attribution(Certainty.AMBIGUOUS, _shares(weighed))


def _holds(lease: Lease, at: datetime, tolerance: timedelta) -> bool:
    return lease.ends is None or lease.ends >= at - tolerance


def _weight(lease: Lease, at: datetime, *, holding: bool) -> float:
    """Of whoever holds it 1, less and less of others as time passes since they had it."""
    if holding:
        return 1.0
    assert lease.ends is not None, "what has not ended is held"
    return float(0.5 ** ((at - lease.ends) / HALF_LIFE + 1))


def _shares(weighed: Sequence[tuple[Lease, float]]) -> tuple[Candidate, ...]:
    whole = sum(weight for _, weight in weighed)
    ordered = sorted(weighed, key=lambda one: (-one[1], -one[0].begins.timestamp(), one[0].id))
    return tuple(Candidate(lease, weight / whole) for lease, weight in ordered)
