"""Links, and answers by them, as they come in and go out."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from otklik_common.http import AwareTime, StrictModel
from otklik_common.links import LINK_PATTERN
from otklik_feedback.actions.links import Made, Submitted, Taken
from otklik_feedback.api.context import Code, Reference, Word
from otklik_feedback.api.question_schemas import QuestionOut, WordsOut
from otklik_feedback.api.schemas import CustomerBody
from otklik_feedback.domain.asking.link import MOST_USES, Link, LinkKind
from otklik_feedback.domain.survey import Survey
from otklik_feedback.store.links import Kept

Language = Literal["ru", "en"]
Token = Annotated[str, StringConstraints(pattern=f"^{LINK_PATTERN}$")]


class SurveyLinkBody(StrictModel):
    """A link that is put on a receipt, or handed to somebody."""

    survey: Reference = Field(description="our id of the survey, or the company's own one")
    kind: LinkKind = Field(
        description="anonymous: anybody, as often as it allows; personal: one person, whose answer"
        " may be given anew until the link ends; single: one person, once"
    )
    most: int | None = Field(
        default=None,
        ge=1,
        le=MOST_USES,
        description="complete answers that an anonymous link may bring; left out: any number",
    )
    expires_at: AwareTime | None = Field(
        default=None, description="from then on it is of no use; left out: it stays"
    )
    language: Language = "ru"
    customer: CustomerBody | None = Field(
        default=None, description="whose it is; never of an anonymous link"
    )
    branch: Code | None = None
    touchpoint: Word | None = None

    def link(self, identifiers: tuple[str, ...]) -> Link:
        """The same for the action; id and survey are still to be found."""
        return Link(
            UUID(int=0),
            self.kind,
            UUID(int=0),
            self.language,
            self.expires_at,
            most=self.most,
            identifiers=identifiers,
            branch=self.branch,
            touchpoint=self.touchpoint,
        )


class SurveyLinkOut(BaseModel):
    """A link without its token, which is told only to who makes it."""

    reference: str | None
    survey: UUID
    kind: LinkKind
    most: int | None
    used: int = Field(description="complete answers that it brought")
    expires_at: datetime | None
    withdrawn: bool
    language: str
    branch: str | None
    touchpoint: str | None
    made_at: datetime

    @classmethod
    def of(cls, kept: Kept) -> Self:
        """What the caller sees of a link."""
        link = kept.link
        return cls(
            reference=kept.reference,
            survey=link.survey,
            kind=link.kind,
            most=link.most,
            used=link.used,
            expires_at=link.expires_at,
            withdrawn=link.withdrawn,
            language=link.language,
            branch=link.branch,
            touchpoint=link.touchpoint,
            made_at=kept.made_at,
        )


class MadeLinkOut(SurveyLinkOut):
    """A link with its token; the same request tells the same token again."""

    link: str

    @classmethod
    def made(cls, made: Made) -> Self:
        """What the maker sees of a link."""
        return cls(link=made.token, **SurveyLinkOut.of(made.kept).model_dump())


class AskedOut(BaseModel):
    """What a link asks."""

    survey: UUID
    title: WordsOut
    questions: list[QuestionOut]
    anonymous: bool = Field(description="answers keep nobody")
    language: str
    expires_at: datetime | None
    test: bool = Field(description="what is answered is kept nowhere")

    @classmethod
    def of(cls, link: Link, survey: Survey) -> Self:
        """What who answers sees."""
        return cls(
            survey=survey.id,
            title=WordsOut(**survey.title._asdict()),
            questions=[QuestionOut.of(each) for each in survey.questions],
            anonymous=survey.anonymous,
            language=link.language,
            expires_at=link.expires_at,
            test=link.test,
        )


class LinkedAnswerBody(StrictModel):
    """An answer by a link: the link says what survey it answers, who gives it, and about what."""

    link: Token
    id: Reference | None = Field(
        default=None,
        description="your own id of the answer; needed where anybody may answer by the link",
    )
    at: AwareTime = Field(description="when it was given; the same in a retry")
    values: dict[str, Any] = Field(
        max_length=64,
        description="by question id: a score, a text, `na` for not applicable; null is no answer",
        examples=[{"nps": 9, "comment": "быстро и честно"}],
    )
    complete: bool = Field(
        default=True, description="false: more may come, and the link is not spent"
    )

    def submitted(self) -> Submitted:
        """The same for the action."""
        return Submitted(self.link, self.at, self.values, self.id, self.complete)


class LinkedAnswerOut(BaseModel):
    """What became of an answer by a link."""

    answer: UUID | None = Field(description="its subject; null where it is kept nowhere")
    state: Literal["partial", "done"] = Field(
        description="done: it is complete, and a link for one answer is spent"
    )
    test: bool

    @classmethod
    def of(cls, taken: Taken) -> Self:
        """What who answers sees."""
        return cls(
            answer=None if taken.test else taken.answer,
            state="done" if taken.done else "partial",
            test=taken.test,
        )
