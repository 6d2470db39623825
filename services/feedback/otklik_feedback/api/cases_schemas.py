"""Cases as they go out."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from otklik_common.events.feedback import CaseState
from otklik_feedback.api.schemas import AnswerOut, CustomerOut, Placed
from otklik_feedback.domain.case import Case, is_overdue


class CaseOut(Placed):
    """A case without anything personal."""

    id: UUID
    state: CaseState
    reason: str = Field(
        description="what opened it: the score (nps, csat, ces), a review or a claim"
    )
    level: str
    answer: UUID | None = Field(description="subject of the answer that opened it")
    review: UUID | None = Field(description="the review that opened it")
    claim: UUID | None = Field(description="the claim that opened it")
    contact: UUID | None
    opened_at: datetime
    due_at: datetime
    overdue: bool
    contacted_at: datetime | None
    closed_at: datetime | None
    resolution: str | None
    revision: int

    @classmethod
    def of(cls, case: Case, now: datetime) -> "CaseOut":
        """What the caller sees of a case."""
        return cls(**shown_case(case, now))


class AnswerOfCase(AnswerOut):
    """An answer that opened or joined a case, with its words."""

    comment: str | None


class StepOut(BaseModel):
    """Something that happened to a case."""

    number: int
    step: str
    at: datetime
    recorded_at: datetime
    actor: str
    answer: UUID | None = Field(description="the answer that opened or joined it")
    review: UUID | None = Field(default=None, description="the review that opened it")
    claim: UUID | None = Field(default=None, description="the claim that opened or joined it")
    reason: str | None
    note: str | None


class CaseDetail(CaseOut):
    """A case with all that is needed to call the customer."""

    customer: CustomerOut
    answers: list[AnswerOfCase]
    history: list[StepOut]


def shown_case(case: Case, now: datetime) -> dict[str, Any]:
    """Fields of a case, for either model."""
    return {
        "id": case.id,
        "state": case.state,
        "reason": case.reason,
        "level": case.level,
        "answer": case.answer,
        "review": case.review,
        "claim": case.claim,
        "contact": case.contact,
        "opened_at": case.opened_at,
        "due_at": case.due_at,
        "overdue": is_overdue(case, now),
        "contacted_at": case.contacted_at,
        "closed_at": case.closed_at,
        "resolution": case.resolution,
        "revision": case.revision,
        **case.dimensions,
    }
