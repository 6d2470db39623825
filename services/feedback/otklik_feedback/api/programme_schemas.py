"""Programmes of asking and rules of quarantine as they come in and go out."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field

from otklik_common.http import StrictModel
from otklik_feedback.actions.programmes import Draft, TestSend
from otklik_feedback.api.context import Code, Reference
from otklik_feedback.domain.asking import programme as rules
from otklik_feedback.domain.asking.programme import (
    MICRO,
    AskChannel,
    Counted,
    Programme,
    Quota,
    Trigger,
)
from otklik_feedback.domain.asking.quarantine import MOST_DAYS, Quarantine
from otklik_feedback.domain.templates import Template
from otklik_feedback.store.programmes import Kept, KeptQuarantine

Language = Literal["ru", "en"]
Days = Annotated[int, Field(ge=0, le=MOST_DAYS)]
Values = Annotated[list[Code], Field(min_length=1, max_length=rules.MOST_VALUES)]


class FiltersBody(StrictModel):
    """Which occasions are meant; one that is left out allows every value."""

    channel: Values | None = Field(default=None, description="of the contact")
    direction: Values | None = None
    branch: Values | None = None
    party: Values | None = None
    touchpoint: Values | None = None

    def filters(self) -> dict[str, tuple[str, ...]]:
        """The same for the domain."""
        said = {name: getattr(self, name) for name in rules.FILTERS}
        return {name: tuple(values) for name, values in said.items() if values is not None}


class QuotaBody(StrictModel):
    """How many at most."""

    counted: Counted = Field(description="complete answers, or invitations")
    most: int = Field(ge=1, le=rules.MOST_OF_A_QUOTA)
    by_branch: bool = Field(default=False, description="for each branch apart")
    monthly: bool = Field(
        default=False, description="anew in each calendar month of the company's zone"
    )

    def quota(self) -> Quota:
        """The same for the domain."""
        return Quota(self.counted, self.most, self.by_branch, self.monthly)


class AskingProgrammeBody(StrictModel):
    """After what people are asked, who of them, how, and what about."""

    survey: Reference = Field(description="our id of the survey, or the company's own one")
    trigger: Trigger = Field(description="what has to happen first")
    filters: FiltersBody = Field(default_factory=FiltersBody)
    delay_seconds: int = Field(
        default=0,
        ge=0,
        le=int(rules.MOST_DELAY.total_seconds()),
        description="between the occasion and the invitation",
    )
    delay_in: Literal["elapsed", "business"] = Field(
        default="elapsed",
        description="business: opening hours alone, of the branch's calendar or the company's",
    )
    sample: float = Field(
        default=1, gt=0, le=1, description="share of people who are asked, always the same ones"
    )
    channels: list[AskChannel] = Field(
        min_length=1, max_length=len(AskChannel), description="in the order in which they are tried"
    )
    language: Language | None = Field(default=None, description="left out: the company's")
    priority: int = Field(
        default=50,
        ge=0,
        le=100,
        description="a programme is not kept from asking somebody by one of lower priority",
    )
    wait_days: float = Field(
        default=0,
        ge=0,
        le=rules.MOST_WAIT.days,
        description="how long an invitation may wait for a quarantine to end; 0: it is stopped",
    )
    late_hours: float = Field(
        default=72,
        gt=0,
        le=rules.MOST_LATE / timedelta(hours=1),
        description="how long after its moment an invitation is still of use",
    )
    reminder_hours: list[Annotated[float, Field(gt=0, le=8_760)]] = Field(
        default_factory=list,
        max_length=rules.MOST_REMINDERS,
        description="after the invitation; only who has not finished is reminded",
    )
    expires_days: int = Field(
        default=14,
        ge=0,
        le=365,
        description="the link ends with the local day that is so many days after the invitation",
    )
    quotas: list[QuotaBody] = Field(default_factory=list, max_length=rules.MOST_QUOTAS)
    single_use: bool = Field(
        default=True, description="false: an answer may be given anew until the link ends"
    )
    active: bool = True

    def draft(self, code: str, now: datetime) -> Draft:
        """The same for the action."""
        programme = Programme(
            code=code,
            survey=UUID(int=0),
            trigger=self.trigger,
            channels=tuple(self.channels),
            since=now,
            filters=self.filters.filters(),
            delay=timedelta(seconds=self.delay_seconds),
            business=self.delay_in == "business",
            sample_micro=max(1, round(self.sample * MICRO)),
            language=self.language,
            priority=self.priority,
            wait=_whole(timedelta(days=self.wait_days)),
            late=_whole(timedelta(hours=self.late_hours)),
            reminders=tuple(_whole(timedelta(hours=each)) for each in self.reminder_hours),
            expires_days=self.expires_days,
            quotas=tuple(each.quota() for each in self.quotas),
            single_use=self.single_use,
            active=self.active,
        )
        return Draft(programme, self.survey)

    @classmethod
    def said(cls, one: Programme) -> dict[str, object]:
        """What the body of a programme would be."""
        return {
            "survey": str(one.survey),
            "trigger": one.trigger,
            "filters": {name: list(values) for name, values in one.filters.items()},
            "delay_seconds": int(one.delay.total_seconds()),
            "delay_in": "business" if one.business else "elapsed",
            "sample": one.sample_micro / MICRO,
            "channels": list(one.channels),
            "language": one.language,
            "priority": one.priority,
            "wait_days": one.wait / timedelta(days=1),
            "late_hours": one.late / timedelta(hours=1),
            "reminder_hours": [each / timedelta(hours=1) for each in one.reminders],
            "expires_days": one.expires_days,
            "quotas": [
                {
                    "counted": each.counted,
                    "most": each.most,
                    "by_branch": each.by_branch,
                    "monthly": each.monthly,
                }
                for each in one.quotas
            ],
            "single_use": one.single_use,
            "active": one.active,
        }


class AskingProgrammeOut(AskingProgrammeBody):
    """A programme as it stands."""

    code: str
    since: datetime = Field(description="what happened before is no occasion")

    @classmethod
    def of(cls, kept: Kept) -> Self:
        """What the caller sees of a programme."""
        one = kept.programme
        return cls.model_validate({"code": one.code, "since": one.since, **cls.said(one)})


class QuarantineBody(StrictModel):
    """Days of 24 hours between two invitations of one person; 0 is none."""

    person_days: Days = Field(default=0, description="whatever they are about")
    metric_days: dict[Template, Days] = Field(
        default_factory=dict, description="of two that ask for the same metric, by its template"
    )
    channel_days: dict[AskChannel, Days] = Field(
        default_factory=dict, description="of two that go the same way"
    )

    def rules(self) -> Quarantine:
        """The same for the domain."""
        return Quarantine(
            self.person_days,
            {metric.value: days for metric, days in self.metric_days.items()},
            {channel.value: days for channel, days in self.channel_days.items()},
        )

    @classmethod
    def of(cls, kept: KeptQuarantine) -> Self:
        """What the caller sees of the rules."""
        rules_ = kept.rules
        return cls.model_validate(
            {
                "person_days": rules_.person_days,
                "metric_days": dict(rules_.metric_days),
                "channel_days": dict(rules_.channel_days),
            }
        )


class TestBody(StrictModel):
    """A trial of a programme."""

    language: Language = Field(default="ru", description="where the programme names none")


class TestOut(BaseModel):
    """What somebody would get; answers by this link are looked at and kept nowhere."""

    link: str
    survey: UUID
    channels: list[AskChannel]
    language: str
    expires_at: datetime | None

    @classmethod
    def of(cls, made: TestSend) -> Self:
        """What the caller sees of a trial."""
        return cls(
            link=made.token,
            survey=made.link.survey,
            channels=list(made.channels),
            language=made.link.language,
            expires_at=made.link.expires_at,
        )


def _whole(span: timedelta) -> timedelta:
    return timedelta(seconds=round(span.total_seconds()))
