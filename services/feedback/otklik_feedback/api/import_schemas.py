"""Surveys of SurveyJS as they come in, and what became of them."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from otklik_common.errors import FieldError
from otklik_common.http import StrictModel
from otklik_feedback.api.context import Reference
from otklik_feedback.api.question_schemas import QuestionOut, WordsBody
from otklik_feedback.api.survey_schemas import SurveyOut
from otklik_feedback.domain.question import Words
from otklik_feedback.domain.survey import Survey
from otklik_feedback.domain.surveyjs.reading import Imported

NO_TITLE = Words("Опрос", "Survey")


class ImportBody(StrictModel):
    """The JSON of a SurveyJS survey, and what to do with it."""

    id: Reference | None = Field(
        default=None, description="your own id of the survey; the same again under it is once"
    )
    survey: Annotated[
        dict[str, Any],
        Field(examples=[{"elements": [{"type": "rating", "name": "q1", "title": "How was it?"}]}]),
    ]
    title: WordsBody | None = Field(default=None, description="left out: the one in the JSON")
    anonymous: bool = False
    dry_run: bool = Field(default=False, description="tell what would be made, and make nothing")
    accept_losses: bool = Field(
        default=False, description="make the survey without the questions that are left out"
    )

    def title_of(self, read: Imported) -> Words:
        """The title of the survey."""
        return self.title.words() if self.title is not None else read.title or NO_TITLE


class FindingOut(BaseModel):
    """One thing that was not taken over."""

    field: str = Field(description="where in the JSON: `pages.0.elements.2.validators`")
    detail: str
    detail_ru: str | None

    @classmethod
    def of(cls, finding: FieldError) -> "FindingOut":
        """What the caller sees of it."""
        return cls(field=finding.field, detail=finding.detail, detail_ru=finding.detail_ru)


class ImportOut(BaseModel):
    """What was read, and the survey if it was made."""

    survey: SurveyOut | None = Field(description="null after a dry run")
    questions: list[QuestionOut]
    left_out: list[FindingOut] = Field(description="questions that are not asked, and why")
    not_taken: list[FindingOut] = Field(description="settings that have no effect here")
    names: dict[str, str] = Field(
        description="our ids by what was called otherwise: `question`, `question=value`,"
        " `question.line`"
    )

    @classmethod
    def of(cls, read: Imported, survey: Survey | None) -> "ImportOut":
        """What the caller sees of an import."""
        return cls(
            survey=None if survey is None else SurveyOut.of(survey),
            questions=[QuestionOut.of(each) for each in read.questions],
            left_out=[FindingOut.of(each) for each in read.left_out],
            not_taken=[FindingOut.of(each) for each in read.not_taken],
            names=read.names,
        )
