"""A company, its branches and the groups that they belong to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from otklik_common.errors import Unprocessable
from otklik_common.events import access as events
from otklik_common.ids import subject_id

Names = dict[str, str]
"""Display names by language: ru, en."""


@dataclass(frozen=True, slots=True)
class Company:
    """
    A tenant.

    Attributes:
        tenant: Its short id.
        timezone: IANA name; days of its numbers begin at midnight there.
        region: Country by which phones without a country code are read.
        thresholds_seconds: Waits, beside the usual ones, of which exact counts are kept.
        origins: Where its apps and sites may call from; empty means anywhere.
    """

    tenant: str
    timezone: str
    created_at: datetime
    names: Names = field(default_factory=dict)
    language: str = "ru"
    region: str = "RU"
    currency: str = "RUB"
    demo: bool = False
    active: bool = True
    thresholds_seconds: tuple[int, ...] = ()
    origins: tuple[str, ...] = ()

    @property
    def subject(self) -> UUID:
        """Its id on the log."""
        return subject_id(self.tenant, "company")

    def fact(self) -> events.Company:
        """What other services learn of it: no name."""
        return events.Company(
            timezone=self.timezone,
            language=self.language,
            region=self.region,
            currency=self.currency,
            demo=self.demo,
            active=self.active,
            thresholds_seconds=self.thresholds_seconds,
            created_at=self.created_at,
        )

    def check_origins(self, wanted: Iterable[str]) -> None:
        """Raise Unprocessable for an origin outside those that the company allows."""
        foreign = sorted(set(wanted) - set(self.origins)) if self.origins else []
        if foreign:
            raise Unprocessable(
                f"the company does not allow calls from {', '.join(foreign)}",
                code="origin_not_allowed",
            )


@dataclass(frozen=True, slots=True)
class BranchGroup:
    """A set of branches under one heading: the region Ural, the franchise, …"""

    code: str
    grouping: str
    names: Names = field(default_factory=dict)
    active: bool = True

    def fact(self) -> events.BranchGroup:
        """What other services learn of it."""
        return events.BranchGroup(
            code=self.code, grouping=self.grouping, names=self.names, active=self.active
        )


@dataclass(frozen=True, slots=True)
class Branch:
    """
    An office.

    Attributes:
        timezone: None where it is the company's.
        calendar: Code of its hours; None where they are the company's.
        opened_on, closed_on: First day of work, first day without; in its own zone.
    """

    code: str
    names: Names = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    timezone: str | None = None
    calendar: str | None = None
    opened_on: date | None = None
    closed_on: date | None = None
    active: bool = True

    def fact(self, company: Company) -> events.Branch:
        """What other services learn of it: days as the moments at which they begin."""
        zone = self.timezone or company.timezone
        return events.Branch(
            code=self.code,
            names=self.names,
            groups=self.groups,
            timezone=self.timezone,
            calendar=self.calendar,
            opened_on=beginning(self.opened_on, zone),
            closed_on=beginning(self.closed_on, zone),
            active=self.active,
        )


def beginning(day: date | None, zone: str) -> datetime | None:
    """The first moment of a day in a zone, in UTC: where midnight is skipped, the moment after."""
    if day is None:
        return None
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def end(day: date | None, zone: str) -> datetime | None:
    """The first moment after a day in a zone, in UTC."""
    return None if day is None else beginning(day + timedelta(days=1), zone)


def check_known(kind: str, wanted: Iterable[str], known: Iterable[str]) -> None:
    """Raise Unprocessable for codes that name nothing: a typo must not decide who sees what."""
    missing = sorted(set(wanted) - set(known))
    if missing:
        codes = ", ".join(missing)
        raise Unprocessable(
            f"no {kind} has the code {codes}",
            code=f"unknown_{kind}",
            detail_ru=f"{_NONE_OF[kind]} с кодом {codes}",
        )


_NONE_OF: Final = {
    "branch": "нет филиала",
    "branch_group": "нет группы филиалов",
    "calendar": "нет календаря",
}
