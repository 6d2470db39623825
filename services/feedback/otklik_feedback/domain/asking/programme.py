"""Programmes of asking: after what, whom, by which ways, and how many."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from otklik_common.errors import Unprocessable

MICRO: Final = 1_000_000

MOST_PROGRAMMES: Final = 100
"""Of one company."""

MOST_DELAY: Final = timedelta(days=366)
MOST_WAIT: Final = timedelta(days=90)
MOST_LATE: Final = timedelta(days=30)
MOST_REMINDERS: Final = 3
MOST_VALUES: Final = 100
"""Of one filter."""
MOST_QUOTAS: Final = 10
MOST_OF_A_QUOTA: Final = 10_000_000

FILTERS: Final = ("channel", "direction", "branch", "party", "touchpoint")
"""What an occasion may be chosen by."""


class Trigger(StrEnum):
    """What has to happen before somebody is asked."""

    CONTACT_ENDED = "contact_ended"
    DEAL_CLOSED = "deal_closed"
    REQUEST_CLOSED = "request_closed"
    """A request was closed without a deal."""
    CASE_CLOSED = "case_closed"


class AskChannel(StrEnum):
    """A way by which an invitation reaches somebody."""

    SMS = "sms"
    MESSENGER = "messenger"
    VOICE = "voice"
    EMAIL = "email"
    APP = "app"


_NEEDS: Final[Mapping[AskChannel, str]] = {
    AskChannel.SMS: "ph",
    AskChannel.MESSENGER: "ph",
    AskChannel.VOICE: "ph",
    AskChannel.EMAIL: "em",
    AskChannel.APP: "x",
}
"""Which kind of pseudonym somebody must be known by."""


class Counted(StrEnum):
    """What a quota limits."""

    ANSWERS = "answers"
    INVITATIONS = "invitations"


class BadProgramme(Unprocessable):
    """What was sent makes no programme."""

    code = "bad_programme"


@dataclass(frozen=True, slots=True)
class Quota:
    """
    How many at most.

    Attributes:
        by_branch: For each branch apart; occasions of no branch have a quota of their own.
        monthly: Anew in each calendar month of the company's zone.
    """

    counted: Counted
    most: int
    by_branch: bool = False
    monthly: bool = False

    def key(self, branch: str | None, month: str) -> str:
        """The name of the counter that counts for a branch in a month (`2026-03`)."""
        place = "all" if not self.by_branch else "none" if branch is None else f"branch={branch}"
        return f"{self.counted}/{place}/{month if self.monthly else 'ever'}"


@dataclass(frozen=True, slots=True)
class Programme:
    """
    After what people are asked, who of them, how, and what about.

    Attributes:
        filters: Values of each of FILTERS that an occasion may have; one left out allows all.
        delay: Between the occasion and the invitation.
        business: The delay counts the company's opening hours alone.
        sample_micro: Share of people who are asked, times 1 000 000; above 0.
        channels: In the order in which they are tried.
        priority: 0 to 100; a higher one is not kept from asking by a lower one.
        wait: How long an invitation may wait for a quarantine to end.
        late: How long after its moment an invitation is still of use.
        reminders: How long after the invitation each is sent; growing.
        expires_days: The link ends with the local day that is so many days after the invitation.
        single_use: An answer that is complete stands; else it may be given anew until the end.
        since: What happened before is no occasion.
    """

    code: str
    survey: UUID
    trigger: Trigger
    channels: tuple[AskChannel, ...]
    since: datetime
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    delay: timedelta = timedelta()
    business: bool = False
    sample_micro: int = MICRO
    language: str | None = None
    priority: int = 50
    wait: timedelta = timedelta()
    late: timedelta = timedelta(days=3)
    reminders: tuple[timedelta, ...] = ()
    expires_days: int = 14
    quotas: tuple[Quota, ...] = ()
    single_use: bool = True
    active: bool = True

    def fits(self, dimensions: Mapping[str, str]) -> bool:
        """Whether something with these codes is an occasion to ask."""
        return all(dimensions.get(name) in allowed for name, allowed in self.filters.items())


def checked(programme: Programme) -> Programme:
    """
    The same, if it can be.

    Raises:
        BadProgramme: Ways, filters or reminders that make no sense.
    """
    if not programme.channels or len(set(programme.channels)) < len(programme.channels):
        raise BadProgramme(
            "channels: at least one, each once", detail_ru="каналы: хотя бы один, каждый один раз"
        )
    keys = {quota.key("", "") for quota in programme.quotas}
    if len(keys) < len(programme.quotas):
        raise BadProgramme(
            "quotas: two count the same", detail_ru="квоты: две считают одно и то же"
        )
    unknown = set(programme.filters) - set(FILTERS)
    if unknown or any(not values for values in programme.filters.values()):
        raise BadProgramme(
            f"filters: {', '.join(FILTERS)}, each with at least one value",
            detail_ru=f"фильтры: {', '.join(FILTERS)}, у каждого хотя бы одно значение",
        )
    if list(programme.reminders) != sorted(set(programme.reminders)):
        raise BadProgramme(
            "reminders: each later than the one before",
            detail_ru="напоминания: каждое позже предыдущего",
        )
    if programme.reminders and programme.reminders[-1] >= timedelta(days=programme.expires_days):
        raise BadProgramme(
            f"reminders: the link lasts {programme.expires_days} days, the last comes after that",
            detail_ru=f"напоминания: ссылка действует {programme.expires_days} дн.,"
            " последнее позже",
        )
    return programme


def reachable(
    channels: Sequence[AskChannel], identifiers: Collection[str]
) -> tuple[AskChannel, ...]:
    """Those of the ways by which somebody of these pseudonyms can be reached, in their order."""
    known = {identifier.partition("_")[0].rstrip("0123456789") for identifier in identifiers}
    return tuple(channel for channel in channels if _NEEDS[channel] in known)


def sampled(tenant: str, programme: str, person: str, *, share_micro: int) -> bool:
    """
    Whether somebody is among those who are asked.

    The same person always gets the same answer of a programme, and different ones of different
    programmes; who is in at some share is in at every larger one.
    """
    parts = (tenant, programme, person)
    text = "".join(f"{len(part)}:{part}" for part in parts)
    draw = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return draw * MICRO < share_micro << 64
