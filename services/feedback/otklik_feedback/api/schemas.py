"""Surveys and answers as they come in and go out."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from otklik_common.events.contact_center import ChannelName, Direction
from otklik_common.http import AwareTime, StrictModel
from otklik_feedback.actions.surveys import Draft, Edit
from otklik_feedback.api.context import Code, Reference
from otklik_feedback.domain.answer import Answer
from otklik_feedback.domain.survey import (
    MICRO,
    MOST_ATTRIBUTES,
    MOST_IMPORTANCE,
    Attribute,
    Question,
    Survey,
    Template,
    Words,
)

Title = Annotated[str, Field(min_length=1, max_length=500)]
DueHours = Annotated[
    float,
    Field(gt=0, le=8_760, description="elapsed hours within which a case must be closed"),
]

# --- Surveys ------------------------------------------------------------------------------------


class WordsBody(StrictModel):
    """A text in both languages."""

    ru: Title
    en: Title

    def words(self) -> Words:
        """The same for the domain."""
        return Words(self.ru, self.en)


class AttributeBody(StrictModel):
    """Something that a CSI survey asks about, and how much it matters."""

    id: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,39}$", description="its name in answers and in facts"
    )
    title: WordsBody
    importance: float = Field(gt=0, le=MOST_IMPORTANCE)
    min: int = Field(default=1, ge=-100, le=100)
    max: int = Field(default=5, ge=-100, le=100)

    def attribute(self) -> Attribute:
        """The same for the domain."""
        micro = max(1, round(self.importance * MICRO))
        return Attribute(self.id, self.title.words(), micro, self.min, self.max)


Attributes = Annotated[list[AttributeBody], Field(max_length=MOST_ATTRIBUTES)]


class SurveyBody(StrictModel):
    """A survey as somebody wants it."""

    id: Reference | None = Field(
        default=None, description="your own id of it; the same survey again under it is once"
    )
    template: Template
    title: WordsBody
    attributes: Attributes = Field(default_factory=list, description="of a csi survey, and only it")
    scale: Literal["0-10", "1-10"] = Field(
        default="0-10", description="of nps and tnps; the two are never pooled"
    )
    anonymous: bool | None = Field(
        default=None, description="answers keep nobody; left out: true for enps, else false"
    )
    case_due_hours: DueHours = 48

    def draft(self) -> Draft:
        """The same for the action."""
        confidential = self.template is Template.ENPS
        return Draft(
            template=self.template,
            title=self.title.words(),
            reference=self.id,
            attributes=tuple(each.attribute() for each in self.attributes),
            nps_from_one=self.scale == "1-10",
            anonymous=confidential if self.anonymous is None else self.anonymous,
            case_due=timedelta(hours=self.case_due_hours),
        )


class SurveyEdit(StrictModel):
    """What of a survey becomes different; what is left out stays."""

    title: WordsBody | None = None
    attributes: Attributes | None = None
    active: bool | None = Field(default=None, description="whether new answers are taken")
    case_due_hours: DueHours | None = None

    def edit(self) -> Edit:
        """The same for the action."""
        hours = self.case_due_hours
        return Edit(
            title=None if self.title is None else self.title.words(),
            attributes=None
            if self.attributes is None
            else tuple(each.attribute() for each in self.attributes),
            active=self.active,
            case_due=None if hours is None else timedelta(hours=hours),
        )


class WordsOut(BaseModel):
    """A text in both languages."""

    ru: str
    en: str


class ScaleOut(BaseModel):
    """What scores a question takes."""

    min: int
    max: int
    step: int
    direction: Literal["higher_is_better", "lower_is_better"]


class QuestionOut(BaseModel):
    """One thing that is asked."""

    id: str
    text: WordsOut
    scale: ScaleOut | None = Field(description="null: answered in free words")
    importance: float | None = None
    not_applicable: list[str]

    @classmethod
    def of(cls, question: Question) -> "QuestionOut":
        """What the caller sees of a question."""
        scale, micro = question.scale, question.importance_micro
        direction: Literal["higher_is_better", "lower_is_better"] = "higher_is_better"
        if scale is not None and not scale.upward:
            direction = "lower_is_better"
        return cls(
            id=question.id,
            text=WordsOut(**question.text._asdict()),
            scale=None
            if scale is None
            else ScaleOut(min=scale.least, max=scale.most, step=scale.step, direction=direction),
            importance=None if micro is None else micro / MICRO,
            not_applicable=list(question.not_applicable),
        )


class SurveyOut(BaseModel):
    """A survey in its newest version."""

    id: UUID = Field(description="the survey in answers, facts and metrics")
    reference: str = Field(description="the company's own id; answers may name it as well")
    template: Template
    title: WordsOut
    questions: list[QuestionOut]
    anonymous: bool
    active: bool
    case_due_hours: float
    version: int
    created_at: datetime

    @classmethod
    def of(cls, survey: Survey) -> "SurveyOut":
        """What the caller sees of a survey."""
        return cls(
            id=survey.id,
            reference=survey.reference,
            template=survey.template,
            title=WordsOut(**survey.title._asdict()),
            questions=[QuestionOut.of(each) for each in survey.questions],
            anonymous=survey.anonymous,
            active=survey.active,
            case_due_hours=survey.case_due / timedelta(hours=1),
            version=survey.version,
            created_at=survey.created_at,
        )


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
        description="by question id: a score, a text, `na` for not applicable; null is no answer",
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
    """An answer without its words."""

    id: str = Field(description="the sender's id")
    subject: UUID = Field(description="the answer in facts and metrics")
    survey: UUID
    survey_version: int
    template: str
    at: datetime
    contact: UUID | None = Field(description="the contact in facts and metrics")
    scores: dict[str, int]
    not_applicable: list[str]
    weight: float
    has_text: bool
    revision: int
    recorded_at: datetime | None

    @classmethod
    def of(cls, answer: Answer) -> "AnswerOut":
        """What the caller sees of an answer."""
        return cls(**_shown(answer))


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
    comment: str | None


class AnswerDetail(AnswerOut):
    """An answer with its words and its history, the oldest body first."""

    comment: str | None
    versions: list[VersionOut]
    cases: list[UUID] = Field(description="cases that it opened or joined")


def _shown(answer: Answer) -> dict[str, Any]:
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
