"""Clocks of claims and reviews as they go out."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from otklik_common.events.contact_center import ClockState
from otklik_feedback.domain.clock import ClockFact


class FeedbackClockOut(BaseModel):
    """A clock of a claim or a review; times are null until they happen."""

    id: UUID = Field(description="its subject in facts")
    target: str = Field(description="claim_reaction, claim_answer, claim_term or review_reply")
    policy: str | None = Field(description="null: the norm of 24 hours, or the law")
    calendar: str | None = Field(description="whose business time counts; null: elapsed time")
    state: ClockState
    target_ms: int
    started_at: datetime
    due_at: datetime | None
    breached_at: datetime | None
    ended_at: datetime | None


def shown_clocks(clocks: Iterable[tuple[UUID, ClockFact]]) -> list[dict[str, Any]]:
    """Fields of clocks with their ids, for the model."""
    fields = FeedbackClockOut.model_fields.keys() - {"id"}
    return [{"id": id_, **{name: getattr(fact, name) for name in fields}} for id_, fact in clocks]
