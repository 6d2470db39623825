"""Surveys as they come in and go out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from otklik_common.http import StrictModel
from otklik_feedback.actions.surveys import Draft, Edit
from otklik_feedback.api.context import Reference
from otklik_feedback.api.question_schemas import (
    QuestionBody,
    QuestionOut,
    Title,
    WordsBody,
    WordsOut,
)
from otklik_feedback.domain.designing import MOST_QUESTIONS
from otklik_feedback.domain.question import MICRO, Question
from otklik_feedback.domain.survey import MOST_ATTRIBUTES, MOST_IMPORTANCE, Attribute, Survey
from otklik_feedback.domain.templates import Moment, Template
from otklik_feedback.domain.theme import Theme
from otklik_feedback.store.surveys import Version

DueHours = Annotated[
    float,
    Field(gt=0, le=8_760, description="elapsed hours within which a case must be closed"),
]
Target = Annotated[
    float,
    Field(gt=0, le=100, description="what the mean shall reach, on the survey's own scale"),
]


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


class ThemeBody(StrictModel):
    """Two colours, `#rrggbb`, that can be told apart: a contrast of 4.5 at least."""

    accent: str = Field(pattern=r"^#[0-9a-fA-F]{6}$", description="of buttons and headings")
    background: str = Field(default="#ffffff", pattern=r"^#[0-9a-fA-F]{6}$")

    def theme(self) -> Theme:
        """The same for the domain."""
        return Theme(self.accent.lower(), self.background.lower())


Attributes = Annotated[list[AttributeBody], Field(max_length=MOST_ATTRIBUTES)]
Questions = Annotated[list[QuestionBody], Field(min_length=1, max_length=MOST_QUESTIONS)]


class SurveyBody(StrictModel):
    """A survey as somebody wants it."""

    id: Reference | None = Field(
        default=None, description="your own id of it; the same survey again under it is once"
    )
    template: Template
    title: WordsBody
    attributes: Attributes = Field(default_factory=list, description="of a csi survey, and only it")
    questions: Questions | None = Field(
        default=None, description="your own, in place of the template's; template own needs them"
    )
    scale: Literal["0-10", "1-10"] = Field(
        default="0-10", description="of nps and tnps; the two are never pooled"
    )
    after: Moment | None = Field(
        default=None,
        description="what it is asked after: of tnps, and of csi (deal), which then has ready"
        " attributes and the target 4.4 of 5",
    )
    target: Target | None = None
    theme: ThemeBody | None = None
    anonymous: bool | None = Field(
        default=None, description="answers keep nobody; left out: true for enps, else false"
    )
    case_due_hours: DueHours = 48

    def draft(self) -> Draft:
        """
        The same for the action.

        Raises:
            BadSurvey: A condition that cannot be read.
        """
        confidential = self.template is Template.ENPS
        return Draft(
            template=self.template,
            title=self.title.words(),
            reference=self.id,
            attributes=tuple(each.attribute() for each in self.attributes),
            nps_from_one=self.scale == "1-10",
            anonymous=confidential if self.anonymous is None else self.anonymous,
            case_due=timedelta(hours=self.case_due_hours),
            questions=tuple(each.question() for each in self.questions or ()),
            after=self.after,
            target_micro=_micro(self.target),
            theme=None if self.theme is None else self.theme.theme(),
        )


class SurveyEdit(StrictModel):
    """What of a survey becomes different; what is left out stays."""

    title: WordsBody | None = None
    attributes: Attributes | None = None
    questions: Questions | None = Field(
        default=None,
        description="all of them; what had an id in an earlier version keeps its kind and scale",
    )
    active: bool | None = Field(default=None, description="whether new answers are taken")
    target: Target | None = None
    theme: ThemeBody | None = None
    case_due_hours: DueHours | None = None

    def edit(self) -> Edit:
        """
        The same for the action.

        Raises:
            BadSurvey: A condition that cannot be read.
        """
        hours, asked, weighed = self.case_due_hours, self.questions, self.attributes
        return Edit(
            title=None if self.title is None else self.title.words(),
            attributes=None if weighed is None else tuple(each.attribute() for each in weighed),
            active=self.active,
            case_due=None if hours is None else timedelta(hours=hours),
            questions=None if asked is None else tuple(each.question() for each in asked),
            target_micro=_micro(self.target),
            theme=None if self.theme is None else self.theme.theme(),
        )


class ThemeOut(BaseModel):
    """How a survey looks."""

    accent: str
    background: str


class SurveyOut(BaseModel):
    """A version of a survey."""

    id: UUID = Field(description="the survey in answers, facts and metrics")
    reference: str = Field(description="the company's own id; answers may name it as well")
    template: Template
    title: WordsOut
    questions: list[QuestionOut]
    own_questions: bool = Field(description="whether the company wrote its questions itself")
    after: Moment | None
    target: float | None
    theme: ThemeOut | None
    anonymous: bool
    active: bool
    case_due_hours: float
    version: int
    created_at: datetime

    @classmethod
    def of(cls, survey: Survey) -> "SurveyOut":
        """What the caller sees of a survey."""
        target, theme = survey.target_micro, survey.theme
        return cls(
            id=survey.id,
            reference=survey.reference,
            template=survey.template,
            title=WordsOut(**survey.title._asdict()),
            questions=[QuestionOut.of(each) for each in survey.questions],
            own_questions=survey.own,
            after=survey.after,
            target=None if target is None else target / MICRO,
            theme=None
            if theme is None
            else ThemeOut(accent=theme.accent, background=theme.background),
            anonymous=survey.anonymous,
            active=survey.active,
            case_due_hours=survey.case_due / timedelta(hours=1),
            version=survey.version,
            created_at=survey.created_at,
        )


class SurveyVersionOut(BaseModel):
    """One version of a survey: when it was made, by whom, and what it asks."""

    version: int
    recorded_at: datetime
    sender: str
    survey: SurveyOut

    @classmethod
    def of(cls, version: Version) -> "SurveyVersionOut":
        """What the caller sees of a version."""
        return cls(
            version=version.kept.survey.version,
            recorded_at=version.kept.recorded_at,
            sender=version.sender,
            survey=SurveyOut.of(version.kept.survey),
        )


class SurveyVersionsOut(BaseModel):
    """Every version of a survey."""

    items: list[SurveyVersionOut] = Field(description="the newest first, at most 500")


class ContactNames(StrictModel):
    """What is known of the contact that the survey is about; only texts are made of it."""

    agent_name: Title | None = None
    branch_name: Title | None = None
    channel: Title | None = None
    date: Title | None = None
    object: Title | None = None


class ShownBody(StrictModel):
    """What was said so far, and what is known."""

    survey_version: int | None = Field(
        default=None, ge=1, le=2**31, description="left out: the newest"
    )
    values: dict[str, Any] = Field(default_factory=dict, max_length=64)
    contact: ContactNames = Field(default_factory=ContactNames)

    def names(self) -> dict[str, str]:
        """What is known of the contact, by name."""
        return self.contact.model_dump(exclude_none=True)


class ShownOut(BaseModel):
    """What is asked now."""

    survey: UUID
    survey_version: int
    questions: list[QuestionOut]

    @classmethod
    def of(cls, survey: Survey, questions: Sequence[Question]) -> "ShownOut":
        """What the caller sees of what is asked."""
        return cls(
            survey=survey.id,
            survey_version=survey.version,
            questions=[QuestionOut.of(each) for each in questions],
        )


def _micro(number: float | None) -> int | None:
    return None if number is None else max(1, round(number * MICRO))
