"""How often one person may be asked: over all, for one metric, by one way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

MOST_DAYS: Final = 730
"""Of a rule; what was asked before that is forgotten."""

PERSON_DAYS: Final = 14
METRIC_DAYS: Final[Mapping[str, int]] = {
    "nps": 90,
    "enps": 90,
    "attachment": 90,
    "forces": 90,
    "tnps": 30,
    "csi": 30,
}
"""Rules of a company that has said none."""


class Rule(StrEnum):
    """Why somebody was not asked; stored with what would have been an invitation."""

    PROGRAMME_OFF = "programme_off"
    SURVEY_OFF = "survey_off"
    OCCASION_GONE = "occasion_gone"
    TOO_LATE = "too_late"
    NO_ADDRESS = "no_address"
    SAMPLED_OUT = "sampled_out"
    OPTED_OUT = "opted_out"
    QUARANTINE_METRIC = "quarantine_metric"
    QUARANTINE_PERSON = "quarantine_person"
    QUARANTINE_CHANNEL = "quarantine_channel"
    RESERVED = "reserved"
    """A more important programme is about to ask the same person."""
    QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """
    A company's rules, in days of 24 hours between two invitations of one person; 0 is none.

    Attributes:
        person_days: Whatever they are about.
        metric_days: Of two that ask for the same metric (template of the survey).
        channel_days: Of two that go the same way.
    """

    person_days: int = PERSON_DAYS
    metric_days: Mapping[str, int] = field(default_factory=lambda: dict(METRIC_DAYS))
    channel_days: Mapping[str, int] = field(default_factory=dict)

    def after_any(self) -> timedelta:
        """How long nothing follows an invitation."""
        return timedelta(days=self.person_days)

    def after_metric(self, metric: str) -> timedelta:
        """How long no other of this metric follows one."""
        return timedelta(days=self.metric_days.get(metric, 0))

    def after_channel(self, channel: str) -> timedelta:
        """How long no other goes this way after one."""
        return timedelta(days=self.channel_days.get(channel, 0))


@dataclass(frozen=True, slots=True)
class Asked:
    """An invitation that somebody got."""

    invitation: UUID
    at: datetime
    metric: str
    channel: str


@dataclass(frozen=True, slots=True)
class Until:
    """When a quarantine ends, and which invitation it comes from."""

    at: datetime
    because: UUID


def latest(ends: Iterable[Until], now: datetime) -> Until | None:
    """The end that is furthest away; None if all are past. A quarantine ends at its moment."""
    return max(
        (end for end in ends if end.at > now), key=lambda end: (end.at, end.because), default=None
    )


def person_until(rules: Quarantine, asked: Iterable[Asked], now: datetime) -> Until | None:
    """When somebody may be asked anything."""
    return latest((Until(one.at + rules.after_any(), one.invitation) for one in asked), now)


def metric_until(
    rules: Quarantine, asked: Iterable[Asked], metric: str, now: datetime
) -> Until | None:
    """When somebody may be asked for this metric."""
    same = (one for one in asked if one.metric == metric)
    return latest((Until(one.at + rules.after_metric(metric), one.invitation) for one in same), now)


def channel_until(
    rules: Quarantine, asked: Iterable[Asked], channel: str, now: datetime
) -> Until | None:
    """When somebody may be asked this way."""
    same = (one for one in asked if one.channel == channel)
    return latest(
        (Until(one.at + rules.after_channel(channel), one.invitation) for one in same), now
    )


def remembered(asked: Iterable[Asked], now: datetime) -> tuple[Asked, ...]:
    """Those that a rule may still look at, the oldest first."""
    oldest = now - timedelta(days=MOST_DAYS)
    kept = {one.invitation: one for one in asked if one.at > oldest}
    if len(kept) < 2:  # nearly everybody
        return tuple(kept.values())
    return tuple(sorted(kept.values(), key=lambda one: (one.at, one.invitation)))
