"""What a policy promises, as callers of several services write it."""

from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from otklik_common.clocks.policies import CONTACT, REVIEW, about
from otklik_common.clocks.sla import LONGEST
from otklik_common.events.access import (
    TARGET_NAMES,
    AnyTarget,
    OtherTarget,
    PauseName,
    SlaTarget,
    SlaTerms,
)
from otklik_common.events.contact_center import CHANNEL_NAMES, ChannelName
from otklik_common.http import StrictModel, bad_value

MOST_SECONDS: Final = int(LONGEST.total_seconds())

Seconds = Annotated[int, Field(ge=1, le=MOST_SECONDS)]
Free = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""A code as senders write it: a queue, a party, a segment."""
Frees = Annotated[tuple[Free, ...], Field(max_length=200)]


_NOT_OF_REVIEWS: Final = {
    "channels": "channel",
    "parties": "party",
    "queues": "queue",
    "segments": "segment",
    "service_levels": "purchased level",
}


class TargetBody(StrictModel):
    """One promise."""

    target: AnyTarget = Field(
        description="first_response and next_response: until a person of ours answers;"
        " first_resolution: until the first end; resolution: all the time that it is open, however"
        " often it is opened again; callback: from a missed contact to our attempt to reach the"
        " person. Bots stop no clock. Of claims, claim_reaction: until somebody takes it up;"
        " claim_answer: until it is worked off. Of reviews, review_reply: until our reply is"
        " published"
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
        " `held` while a call is on hold, `customer` while the last words are ours; nothing holds"
        " those of claims and reviews",
    )

    @model_validator(mode="after")
    def _warns_after_the_start(self) -> Self:
        if self.warning_seconds >= self.seconds:
            raise bad_value(
                "warning_too_early",
                f"a warning {self.warning_seconds} s before a target of {self.seconds} s would come"
                " before the start",
                f"предупреждение за {self.warning_seconds} с до срока в {self.seconds} с было бы"
                " раньше начала",
            )
        return self

    @model_validator(mode="after")
    def _held_by_what_can_be(self) -> Self:
        if about(self.target) != CONTACT and self.pauses:
            raise bad_value(
                "no_such_pause",
                f"nothing holds the clock of {self.target}: leave `pauses` empty",
                f"срок {self.target} ничто не останавливает: оставьте `pauses` пустым",
            )
        return self

    def target_of(self) -> SlaTarget | OtherTarget:
        """As access tells it."""
        made = SlaTarget if about(self.target) == CONTACT else OtherTarget
        return made.model_validate(self.model_dump() | {"pauses": tuple(sorted(set(self.pauses)))})


class TermsBody(StrictModel):
    """
    What a policy promises, and to whom; a condition left empty fits everybody.

    Contacts ask only policies that promise something about contacts, claims those about claims, and
    reviews those about reviews. A review has no channel, queue, party, segment or level: a policy
    that is limited by one of them promises it nothing.
    """

    priority: Annotated[int, Field(ge=1, le=10_000)] = Field(
        description="of the policies that fit and promise anything about such (a contact, a claim, a"
        " review), the one with the lowest number holds, for every target; two that hold never have"
        " the same"
    )
    channels: list[ChannelName] = Field(default_factory=list, max_length=len(CHANNEL_NAMES))
    parties: Frees = ()
    branches: Frees = ()
    groups: Frees = Field(default=(), description="branch groups: any of them fits")
    queues: Frees = ()
    segments: Frees = Field(default=(), description="of the contact's attribute `segment`")
    service_levels: Frees = Field(
        default=(), description="of the contact's attribute `service_level`: what was purchased"
    )
    calendar: Free | None = Field(
        default=None,
        description="whose business time counts; null: that of the contact's branch, else the"
        " company's",
    )
    targets: list[TargetBody] = Field(min_length=1, max_length=len(TARGET_NAMES))

    @field_validator("targets")
    @classmethod
    def _each_once(cls, targets: list[TargetBody]) -> list[TargetBody]:
        names = [one.target for one in targets]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise bad_value("target_twice", f"{twice} is promised twice", f"{twice} обещано дважды")
        return targets

    @model_validator(mode="after")
    def _may_hold(self) -> Self:
        limits = [name for name in _NOT_OF_REVIEWS if getattr(self, name)]
        if limits and {about(one.target) for one in self.targets} == {REVIEW}:
            raise bad_value(
                "never_holds",
                f"a review has no {_NOT_OF_REVIEWS[limits[0]]}, so that a policy limited by `{limits[0]}`"
                " promises it nothing: leave it empty",
                f"у отзыва этого нет, и правило с условием `{limits[0]}` никогда не подействует:"
                " оставьте условие пустым",
            )
        return self

    def terms(self) -> SlaTerms:
        """As access tells them, lists in order."""
        targets = [one.target_of() for one in sorted(self.targets, key=lambda one: one.target)]
        return SlaTerms(
            priority=self.priority,
            calendar=self.calendar,
            channels=_sorted(tuple(self.channels)),
            parties=_sorted(self.parties),
            branches=_sorted(self.branches),
            groups=_sorted(self.groups),
            queues=_sorted(self.queues),
            segments=_sorted(self.segments),
            service_levels=_sorted(self.service_levels),
            targets=tuple(one for one in targets if isinstance(one, SlaTarget)),
            other_targets=tuple(one for one in targets if isinstance(one, OtherTarget)),
        )


def _sorted(codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(codes)))
