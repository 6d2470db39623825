"""What a back-test takes and gives."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from otklik_common.hours_words import WEEKDAYS, Country, Day, Weekday, Zone
from otklik_common.http import AwareTime, StrictModel, bad_value
from otklik_common.paging import MOST_CHARACTERS
from otklik_common.terms_body import Free, TermsBody
from otklik_contact_center.actions.backtest import Asked, Tried
from otklik_contact_center.domain.backtest import (
    BROKEN,
    CANCELLED,
    KEPT,
    NONE,
    OPEN,
    Flip,
    Outcomes,
    Side,
)
from otklik_contact_center.domain.other_policies import OtherHours, Otherwise

MOST_FLIPS = 1_000


class HoursBody(StrictModel):
    """Hours to try; what is left out stays as it is."""

    timezone: Zone | None = None
    week: dict[Weekday, Day] = Field(
        default_factory=dict,
        description="days left out stay",
        examples=[{"sat": ["10:00-16:00"]}],
    )
    breaks: Day | None = Field(default=None, description="a lunch break, say")
    holidays: Country | None = Field(
        default=None, description="null, where it is sent, works through holidays"
    )
    exceptions: dict[date, Day] = Field(default_factory=dict, max_length=400)

    def hours(self) -> OtherHours:
        """What is to be tried."""
        return OtherHours(
            self.timezone,
            {WEEKDAYS.index(day): hours for day, hours in self.week.items()},
            self.breaks,
            "holidays" not in self.model_fields_set,
            self.holidays,
            self.exceptions,
        )


class BacktestBody(StrictModel):
    """Contacts of the past, and what is to be tried on them."""

    begins: AwareTime = Field(alias="from", description="contacts that began from then on")
    ends: AwareTime = Field(alias="to", description="and before then")
    policies: dict[Free, TermsBody | None] = Field(
        default_factory=dict,
        max_length=100,
        description="by code: other terms, a policy that there is not yet, or null to leave one out",
    )
    calendars: dict[Free, HoursBody] = Field(
        default_factory=dict, max_length=100, description="by code: hours to try"
    )
    branches: list[Free] | None = Field(default=None, min_length=1, max_length=200)
    limit: Annotated[int, Field(ge=1, le=MOST_FLIPS)] = Field(
        default=200, description="flips of one page; totals are always of all"
    )
    cursor: str | None = Field(default=None, max_length=MOST_CHARACTERS)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends <= self.begins:
            raise bad_value("end_before_start", "to is not after from", "to не позже, чем from")
        return self

    def asked(self) -> Asked:
        """What is asked."""
        wanted = Otherwise(
            {code: None if one is None else one.terms() for code, one in self.policies.items()},
            {code: one.hours() for code, one in self.calendars.items()},
        )
        branches = None if self.branches is None else frozenset(self.branches)
        return Asked(self.begins, self.ends, wanted, branches)


class ComesTo(BaseModel):
    """How many clocks came to what."""

    kept: int
    broken: int = Field(description="those that run and are past their target included")
    open: int = Field(description="they run, and are not past it")
    cancelled: int
    none: int = Field(description="nothing is promised")
    attainment: float | None = Field(description="kept / (kept + broken)")

    @classmethod
    def of(cls, counted: Mapping[str, int]) -> Self:
        """The answer for counts."""
        kept, broken = counted.get(KEPT, 0), counted.get(BROKEN, 0)
        return cls(
            kept=kept,
            broken=broken,
            open=counted.get(OPEN, 0),
            cancelled=counted.get(CANCELLED, 0),
            none=counted.get(NONE, 0),
            attainment=kept / (kept + broken) if kept + broken else None,
        )


class TargetOut(BaseModel):
    """What became of the clocks of a target."""

    target: str
    before: ComesTo
    after: ComesTo
    flips: int

    @classmethod
    def of(cls, target: str, outcomes: Outcomes) -> Self:
        """The answer for a target."""
        return cls(
            target=target,
            before=ComesTo.of(outcomes.before),
            after=ComesTo.of(outcomes.after),
            flips=outcomes.flips,
        )


class SideOut(BaseModel):
    """A clock under one set of promises."""

    policy: str
    calendar: str | None = Field(description="null: elapsed time")
    state: str
    due_at: datetime | None

    @classmethod
    def of(cls, side: Side | None) -> Self | None:
        """The answer for a side; null where nothing is promised."""
        return None if side is None else cls(**side._asdict())


class FlipOut(BaseModel):
    """A clock that comes out differently."""

    contact: UUID
    at: datetime = Field(description="when the contact began")
    target: str
    started_at: datetime
    before: SideOut | None
    after: SideOut | None

    @classmethod
    def of(cls, flip: Flip) -> Self:
        """The answer for a flip."""
        return cls(
            contact=flip.contact,
            at=flip.at,
            target=flip.target,
            started_at=flip.started_at,
            before=SideOut.of(flip.before),
            after=SideOut.of(flip.after),
        )


class BacktestOut(BaseModel):
    """What came of it."""

    contacts: int = Field(description="inbound contacts that were looked at")
    not_ready: int = Field(
        description="contacts that were folded before there were clocks, and not yet since"
    )
    as_of: datetime = Field(description="clocks that have not ended are looked at then")
    targets: list[TargetOut]
    flips: list[FlipOut] = Field(description="in the order in which their contacts began")
    next_cursor: str | None

    @classmethod
    def of(cls, tried: Tried, flips: list[FlipOut], next_cursor: str | None) -> Self:
        """The answer."""
        test = tried.test
        return cls(
            contacts=test.contacts,
            not_ready=tried.not_ready,
            as_of=test.now,
            targets=[TargetOut.of(name, test.targets[name]) for name in sorted(test.targets)],
            flips=flips,
            next_cursor=next_cursor,
        )
