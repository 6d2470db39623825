"""Invitations as they go out, and what is told of them."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field

from otklik_common.http import AwareTime, StrictModel
from otklik_feedback.domain.asking.programme import AskChannel, Trigger
from otklik_feedback.domain.asking.quarantine import Rule
from otklik_feedback.store.invitations import Kept, Tally

State = Literal[
    "planned",
    "stopped",
    "invited",
    "delivered",
    "opened",
    "started",
    "partial",
    "done",
    "bounced",
    "opted_out",
]


class StepBody(StrictModel):
    """When something happened to an invitation."""

    at: AwareTime | None = Field(default=None, description="left out: now")


class BounceBody(StepBody):
    """When a way led nowhere."""

    channel: AskChannel | None = Field(default=None, description="left out: the present one")


class InvitationOut(BaseModel):
    """An invitation: planned, stopped by a rule, or how far it has come."""

    id: UUID
    programme: str
    trigger: Trigger
    occasion: UUID = Field(description="subject of what happened")
    contact: UUID | None
    branch: str | None
    state: State
    rule: Rule | None = Field(description="what stopped it")
    because: UUID | None = Field(
        description="the invitation that stood, or stands, in its way; null for other rules"
    )
    due_at: datetime
    next_at: datetime | None = Field(
        description="when it is decided on, or reminded of; null: never more"
    )
    decided_at: datetime | None
    channel: AskChannel | None = Field(description="the way to use now")
    channels: list[AskChannel]
    language: str | None
    invited_at: datetime | None
    expires_at: datetime | None
    delivered_at: datetime | None
    moments: dict[str, datetime] = Field(description="when each step was first taken")
    bounces: dict[AskChannel, datetime] = Field(description="when each way led nowhere")
    reminders: int = Field(description="how many were sent")
    reminded_at: datetime | None
    answer: UUID | None = Field(description="null also where it was given in confidence")

    @classmethod
    def of(cls, kept: Kept) -> Self:
        """What the caller sees of an invitation: whom it is for is not among it."""
        one = None if kept.sent is None else kept.sent.invitation
        return cls(
            id=kept.id,
            programme=kept.programme,
            trigger=kept.trigger,
            occasion=kept.occasion,
            contact=kept.contact,
            branch=kept.dimensions.get("branch"),
            state=kept.state,  # type: ignore[arg-type]  # pydantic checks it
            rule=kept.rule,
            because=kept.because,
            due_at=kept.due_at,
            next_at=kept.next_at,
            decided_at=kept.decided_at,
            channel=None if one is None else one.channel,
            channels=[] if one is None else list(one.channels),
            language=None if kept.sent is None else kept.sent.language,
            invited_at=None if one is None else one.invited_at,
            expires_at=None if one is None else one.expires_at,
            delivered_at=None if one is None else one.delivered_at,
            moments={} if one is None else {step.value: at for step, at in one.moments.items()},
            bounces={} if one is None else one.bounces,
            reminders=0 if one is None else one.reminded,
            reminded_at=None if one is None else one.reminded_at,
            answer=None if one is None else one.answer,
        )


class ProgressOut(BaseModel):
    """What became of a programme's invitations."""

    planned: int = Field(description="not yet decided on")
    stopped: dict[Rule, int] = Field(description="by the rule that stopped them")
    states: dict[State, int] = Field(description="those that were sent, by how far they have come")
    invited: int
    delivered: int = Field(description="arrived, also those of who opted out later")
    started: int
    done: int
    response_rate: float | None = Field(description="done ÷ delivered, 0 to 1; null of none")
    start_rate: float | None = Field(description="started ÷ delivered, 0 to 1; null of none")
    completion_rate: float | None = Field(description="done ÷ started, 0 to 1; null of none")

    @classmethod
    def of(cls, tallies: list[Tally]) -> Self:
        """What the caller sees of the counts."""
        sent = [one for one in tallies if one.state not in ("planned", "stopped")]
        delivered = sum(one.delivered for one in sent)
        started = sum(one.started for one in sent)
        done = sum(one.done for one in sent)
        return cls.model_validate(
            {
                "planned": sum(one.number for one in tallies if one.state == "planned"),
                "stopped": {one.rule: one.number for one in tallies if one.rule is not None},
                "states": {one.state: one.number for one in sent},
                "invited": sum(one.number for one in sent),
                "delivered": delivered,
                "started": started,
                "done": done,
                "response_rate": done / delivered if delivered else None,
                "start_rate": started / delivered if delivered else None,
                "completion_rate": done / started if started else None,
            }
        )
