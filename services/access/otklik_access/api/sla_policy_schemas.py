"""What the routes around policies of service take and give."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints

from otklik_access.api.words import Code, Codes, Names
from otklik_access.domain.kept import Kept
from otklik_access.domain.sla_policies import MOST_SECONDS, Policy
from otklik_common.events.access import PauseName, SlaTarget, SlaTerms, TargetName
from otklik_common.events.contact_center import Channel
from otklik_common.http import AwareTime, StrictModel

Seconds = Annotated[int, Field(ge=1, le=MOST_SECONDS)]
Free = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""A code as senders write it: a queue, a party, a segment."""
Frees = Annotated[tuple[Free, ...], Field(max_length=50)]


class TargetBody(StrictModel):
    """One promise."""

    target: TargetName = Field(
        description="first_response and next_response: until a person of ours answers;"
        " first_resolution: until the first end; resolution: all the time that it is open, however"
        " often it is opened again; callback: from a missed contact to our attempt to reach the"
        " person. Bots stop no clock"
    )
    seconds: Seconds = Field(description="who takes exactly so long has kept the promise")
    warning_seconds: Annotated[int, Field(ge=0, lt=MOST_SECONDS)] = Field(
        default=0, description="how long before, in the same time, the state is imminent"
    )
    business: bool = Field(default=True, description="by the calendar; false: elapsed time")
    pauses: tuple[PauseName, ...] = Field(
        default=(),
        max_length=len(PauseName),
        description="what holds the clock: `paused` between the sender's paused and unpaused,"
        " `held` while a call is on hold, `customer` while the last words are ours",
    )

    def target_of(self) -> SlaTarget:
        """As access tells it."""
        return SlaTarget(
            target=self.target,
            seconds=self.seconds,
            warning_seconds=self.warning_seconds,
            business=self.business,
            pauses=tuple(sorted(set(self.pauses))),
        )


class PolicyBody(StrictModel):
    """A policy as it should be from a moment on; a condition left empty fits every contact."""

    names: Names = Field(default_factory=dict)
    priority: Annotated[int, Field(ge=1, le=10_000)] = Field(
        description="of the policies that fit a contact, the one with the lowest number holds, for"
        " every target; two that hold never have the same"
    )
    channels: list[Channel] = Field(default_factory=list, max_length=len(Channel))
    parties: Frees = ()
    branches: Codes = ()
    groups: Codes = Field(default=(), description="branch groups: any of them fits")
    queues: Frees = ()
    segments: Frees = Field(default=(), description="of the contact's attribute `segment`")
    service_levels: Frees = Field(
        default=(), description="of the contact's attribute `service_level`: what was purchased"
    )
    calendar: Code | None = Field(
        default=None,
        description="whose business time counts; null: that of the contact's branch, else the"
        " company's",
    )
    targets: list[TargetBody] = Field(min_length=1, max_length=len(TargetName))
    valid_from: AwareTime | None = Field(
        default=None,
        description="since when; null: now. Clocks that began before keep what was promised then:"
        " a moment of the past changes past promises",
    )

    def terms(self) -> SlaTerms:
        """As access tells them, lists in order."""
        return SlaTerms(
            priority=self.priority,
            calendar=self.calendar,
            channels=_sorted(tuple(channel.value for channel in self.channels)),
            parties=_sorted(self.parties),
            branches=self.branches,
            groups=self.groups,
            queues=_sorted(self.queues),
            segments=_sorted(self.segments),
            service_levels=_sorted(self.service_levels),
            targets=tuple(
                one.target_of() for one in sorted(self.targets, key=lambda one: one.target.value)
            ),
        )


def _sorted(codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(codes)))


class TermsOut(BaseModel):
    """What a policy promises from a moment on."""

    since: datetime | None
    active: bool = Field(description="false: from then on it promises nothing")
    priority: int
    channels: tuple[str, ...]
    parties: tuple[str, ...]
    branches: tuple[str, ...]
    groups: tuple[str, ...]
    queues: tuple[str, ...]
    segments: tuple[str, ...]
    service_levels: tuple[str, ...]
    calendar: str | None
    targets: tuple[SlaTarget, ...]


class PolicyOut(BaseModel):
    """A policy, with all that it ever promised."""

    code: str
    names: dict[str, str]
    terms: list[TermsOut]

    @classmethod
    def of(cls, kept: Kept[Policy]) -> Self:
        """The answer for a policy."""
        value = kept.value
        return cls(
            code=value.code,
            names=value.names,
            terms=[TermsOut(**terms.model_dump()) for terms in value.terms],
        )
