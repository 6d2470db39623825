"""Invitations: how far each has come, when it is reminded of, and when its link ends."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from otklik_common.events.asking import InvitationState
from otklik_feedback.domain.asking.programme import AskChannel


class Step(StrEnum):
    """What is told of an invitation after it was sent."""

    DELIVERED = "delivered"
    OPENED = "opened"
    STARTED = "started"
    PARTIAL = "partial"
    DONE = "done"
    OPTED_OUT = "opted_out"


_ORDER: Final = (
    Step.DONE,
    Step.OPTED_OUT,
    Step.PARTIAL,
    Step.STARTED,
    Step.OPENED,
    Step.DELIVERED,
)
"""What an invitation shows of all that is known of it: the first of these."""

_AFTER_DELIVERY: Final = frozenset(_ORDER)


@dataclass(frozen=True, slots=True)
class Invitation:
    """
    Somebody who was asked.

    Attributes:
        moments: When each step was first taken.
        bounces: When each way turned out to lead nowhere.
        reminders: How long after the invitation each is due.
        reminded: How many were sent.
    """

    id: UUID
    channels: tuple[AskChannel, ...]
    invited_at: datetime
    expires_at: datetime
    moments: dict[Step, datetime] = field(default_factory=dict)
    bounces: dict[AskChannel, datetime] = field(default_factory=dict)
    reminders: tuple[timedelta, ...] = ()
    reminded: int = 0
    reminded_at: datetime | None = None
    answer: UUID | None = None

    @property
    def channel(self) -> AskChannel:
        """The way to use now: the first that has not bounced; the last once all have."""
        left = [channel for channel in self.channels if channel not in self.bounces]
        return left[0] if left else self.channels[-1]

    @property
    def bounced_at(self) -> datetime | None:
        """When the last way turned out to lead nowhere; None while one is left."""
        if any(channel not in self.bounces for channel in self.channels):
            return None
        return max(self.bounces.values())

    @property
    def state(self) -> InvitationState:
        """How far it has come, whatever the order in which that was told."""
        for step in _ORDER:
            if step in self.moments:
                return InvitationState(step.value)
        return InvitationState.INVITED if self.bounced_at is None else InvitationState.BOUNCED

    @property
    def delivered_at(self) -> datetime | None:
        """When it arrived: whoever opened or answered it has it, whatever else was told."""
        known = [at for step, at in self.moments.items() if step in _AFTER_DELIVERY]
        return self.moments.get(Step.DELIVERED) or min(known, default=None)


def told(invitation: Invitation, step: Step, at: datetime) -> Invitation:
    """The invitation after a step; the earliest time that is told of one holds."""
    at = max(at, invitation.invited_at)
    known = invitation.moments.get(step)
    if known is not None and known <= at:
        return invitation
    return replace(invitation, moments=invitation.moments | {step: at})


def bounced(invitation: Invitation, channel: AskChannel, at: datetime) -> Invitation:
    """The invitation after one of its ways led nowhere."""
    at = max(at, invitation.invited_at)
    known = invitation.bounces.get(channel)
    if channel not in invitation.channels or (known is not None and known <= at):
        return invitation
    return replace(invitation, bounces=invitation.bounces | {channel: at})


def next_reminder(invitation: Invitation) -> datetime | None:
    """When somebody who has not finished is to be reminded; None if never more."""
    unfinished = invitation.state not in {
        InvitationState.DONE,
        InvitationState.OPTED_OUT,
        InvitationState.BOUNCED,
    }
    if not unfinished or invitation.reminded >= len(invitation.reminders):
        return None
    at = invitation.invited_at + invitation.reminders[invitation.reminded]
    return at if at < invitation.expires_at else None


def reminded(invitation: Invitation, now: datetime) -> Invitation:
    """
    The invitation after a reminder.

    Those whose moment passed at the same time, while nothing ran, are one: nobody gets two at once.
    """
    since = now - invitation.invited_at
    passed = sum(after <= since for after in invitation.reminders)
    return replace(invitation, reminded=max(passed, invitation.reminded + 1), reminded_at=now)


def expires_at(invited_at: datetime, days: int, zone: str) -> datetime:
    """
    The end of the local day that is `days` days after the invitation, in UTC.

    Args:
        zone: Name of the company's IANA zone.
    """
    local = invited_at.astimezone(ZoneInfo(zone)).date()
    end = datetime.combine(local + timedelta(days=days + 1), time(), ZoneInfo(zone))
    return end.astimezone(UTC)


def month_of(moment: datetime, zone: str) -> str:
    """The calendar month of a moment in a zone: `2026-03`."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m}"
