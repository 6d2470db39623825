"""Surveys and answers as they come in and go out."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from otklik_common.events.contact_center import ChannelName, Direction
from otklik_common.http import AwareTime, StrictModel
from otklik_feedback.api.context import Code, Reference
from otklik_feedback.api.schemas_readings import ReadingDetail, ReadingOut
from otklik_feedback.domain.answer import Answer
from otklik_feedback.domain.question import MICRO

# --- Answers ------------------------------------------------------------------------------------


class CustomerBody(StrictModel):
    """Who answers: whatever is known of them."""

    phone: Annotated[str, Field(max_length=200)] | None = None
    email: Annotated[str, Field(max_length=320)] | None = None
    external_id: Annotated[str, Field(max_length=200)] | None = None


class AnswerBody(StrictModel):
    """One person's answer to one survey."""

    id: Reference | None = Field(default=None, description="as in the address, where it has one")
    survey: Reference = Field(description="id of the survey, or the company's own id of it")
    survey_version: int | None = Field(
        default=None,
        ge=1,
        description="the version that it was begun with; left out: the newest",
    )
    at: AwareTime = Field(description="when they answered")
    customer: CustomerBody | None = None
    contact: Reference | None = Field(default=None, description="the sender's id of the contact")
    source: Reference | None = Field(
        default=None, description="source of the contact; left out: the company's default source"
    )
    branch: Code | None = None
    team: Code | None = None
    queue: Code | None = None
    agent: Code | None = None
    channel: ChannelName | None = None
    direction: Direction | None = None
    party: Code | None = None
    touchpoint: Code | None = None
    stage: Code | None = None
    weight: float = Field(default=1, ge=0.000001, le=100)
    values: dict[str, Any] = Field(
        max_length=64,
        description="by question id: a score, a text, an option's id, a list of them, a day, or an"
        " object of scores by line; `na` for not applicable; null is no answer",
        examples=[{"nps": 9, "comment": "быстро и честно"}],
    )


class AnswerItem(AnswerBody):
    """An answer in a batch, which has to name its id itself."""

    id: Reference


class Placed(BaseModel):
    """Where an answer or a case belongs."""

    branch: str | None = None
    team: str | None = None
    queue: str | None = None
    agent: str | None = None
    channel: str | None = None
    direction: str | None = None
    party: str | None = None
    campaign: str | None = None
    touchpoint: str | None = None
    stage: str | None = None
    segment: str | None = None


class AnswerOut(Placed):
    """An answer without its words, and what they say."""

    id: str = Field(description="the sender's id")
    subject: UUID = Field(description="the answer in facts and metrics")
    survey: UUID
    survey_version: int
    template: str
    at: datetime
    contact: UUID | None = Field(description="the contact in facts and metrics")
    scores: dict[str, int]
    not_applicable: list[str]
    choices: dict[str, list[str]] = Field(description="ids of the options chosen, by question")
    indices: dict[str, int] = Field(description="0 to 100, of the axes that the survey asks about")
    not_shown: list[str] = Field(
        description="questions that were not asked, since their conditions did not hold; what was"
        " said to them is dropped"
    )
    weight: float
    has_text: bool
    reading: ReadingOut | None = Field(description="what its words say; null: it has none")
    revision: int
    recorded_at: datetime | None

    @classmethod
    def of(cls, answer: Answer, reading: ReadingOut | None) -> "AnswerOut":
        """What the caller sees of an answer."""
        return cls(**shown_answer(answer), reading=reading)


class VersionOut(BaseModel):
    """A body in which an answer came."""

    revision: int
    survey: UUID
    survey_version: int
    at: datetime
    recorded_at: datetime
    sender: str
    scores: dict[str, int]
    not_applicable: list[str]
    choices: dict[str, list[str]]
    not_shown: list[str]
    comment: str | None
    texts: dict[str, str] = Field(description="words and days of other questions")


class AnswerDetail(AnswerOut):
    """An answer with its words and its history, the oldest body first."""

    comment: str | None
    reading: ReadingDetail | None = Field(description="what the words say; null: it has none")
    texts: dict[str, str] = Field(description="words and days of other questions")
    versions: list[VersionOut]
    cases: list[UUID] = Field(description="cases that it opened or joined")


def shown_answer(answer: Answer) -> dict[str, Any]:
    """Fields of an answer, for either model; without what its words say."""
    return {
        "id": answer.reference,
        "subject": answer.id,
        "survey": answer.survey,
        "survey_version": answer.survey_version,
        "template": answer.template,
        "at": answer.answered_at,
        "contact": answer.contact,
        "scores": dict(answer.content.scores),
        "not_applicable": list(answer.content.not_applicable),
        "choices": {name: list(chosen) for name, chosen in answer.content.choices.items()},
        "indices": dict(answer.content.indices),
        "not_shown": list(answer.content.not_shown),
        "weight": answer.content.weight_micro / MICRO,
        "has_text": answer.content.has_text,
        "revision": answer.revision,
        "recorded_at": answer.recorded_at,
        **answer.dimensions,
    }


class CustomerOut(BaseModel):
    """Whom to call."""

    phone: str | None
    email: str | None
    external_id: str | None
