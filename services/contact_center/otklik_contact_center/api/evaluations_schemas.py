"""Evaluations as routes read and write them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from otklik_common.http import StrictModel, bad_value
from otklik_contact_center.actions.evaluations import Detail, Taken
from otklik_contact_center.api.schemas import Code
from otklik_contact_center.domain.quality import form as f
from otklik_contact_center.domain.quality.evaluation import (
    STEPS,
    Evaluation,
    Given,
    State,
    Step,
    Verdict,
)
from otklik_contact_center.domain.quality.score import MICRO

Points = Annotated[int, Field(ge=0, le=f.MOST_POINTS)]
Answer = Literal["yes", "no", "na"] | Points
Note = Annotated[str, StringConstraints(min_length=1, max_length=4_000)]
Comment = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
Answers = Annotated[
    dict[Code, Answer],
    Field(
        max_length=f.MOST_QUESTIONS,
        description="by question: yes or no, points of a scale, or na where it does not apply",
        examples=[{"named": "yes", "asked": 2, "rude": "no"}],
    ),
]


class GivenBody(StrictModel):
    """Answers and comments; a draft need not have all."""

    answers: Answers = Field(default_factory=dict)
    comment: Note | None = Field(default=None, description="on the whole; stays in this service")
    comments: Annotated[dict[Code, Comment], Field(max_length=f.MOST_QUESTIONS)] = Field(
        default_factory=dict, description="by question; stay in this service"
    )

    def given(self) -> Given:
        """As it is kept."""
        return Given(self.answers, self.comment, self.comments)


class EvaluationBody(GivenBody):
    """An evaluation to be."""

    contact: UUID
    form: Code


class NoteBody(StrictModel):
    """A word to go with a step."""

    note: Note | None = None

    def taken(self, step: Step) -> Taken:
        """As a step."""
        return Taken(step, self.note)


class ReasonBody(StrictModel):
    """Why."""

    note: Note

    def taken(self, step: Step) -> Taken:
        """As a step."""
        return Taken(step, self.note)


class ResolutionBody(StrictModel):
    """What becomes of a dispute, and why."""

    verdict: Verdict
    note: Note
    changed: GivenBody | None = Field(
        default=None, description="all answers anew, where the evaluation is changed"
    )

    @model_validator(mode="after")
    def _changes_or_not(self) -> Self:
        if (self.verdict is Verdict.CHANGED) != (self.changed is not None):
            raise bad_value(
                "changed_differs",
                "changed goes with the verdict changed, and with no other",
                "changed указывается при решении changed и только при нём",
            )
        return self

    def taken(self) -> Taken:
        """As a step."""
        given = None if self.changed is None else self.changed.given()
        return Taken(Step.RESOLVE, self.note, self.verdict, given)


class EvaluationOut(BaseModel):
    """An evaluation of a contact, in short."""

    id: UUID
    contact: UUID
    form: str
    form_version: int
    state: State
    score: float | None = Field(description="0 to 1; null while nothing is answered that weighs")
    failed: bool = Field(description="an answer failed the whole, so the score is 0")
    verdict: Verdict | None = Field(description="what became of a dispute")
    agent: str
    channel: str
    branch: str | None
    team: str | None
    queue: str | None
    party: str | None
    evaluator: str = Field(description="member or key that made it")
    made_at: datetime
    evaluated_at: datetime = Field(description="when answers were last written")
    released_at: datetime | None
    acknowledged_at: datetime | None
    disputed_at: datetime | None
    resolved_at: datetime | None
    revision: int

    @classmethod
    def of(cls, one: Evaluation) -> Self:
        """The answer for one."""
        return cls(**_short(one))


class SectionOut(BaseModel):
    """A part of a score."""

    code: str
    weight: int
    score: float | None = Field(description="0 to 1; null: nothing of it applied")


class StepOut(BaseModel):
    """Something that was done with an evaluation."""

    number: int = Field(description="of the revision that it made")
    step: str
    at: datetime
    by: str
    verdict: str | None
    score: float | None
    note: str | None


class EvaluationDetail(EvaluationOut):
    """An evaluation with its answers, its score in parts, and its history."""

    answers: dict[str, str | int]
    comment: str | None
    comments: dict[str, str]
    sections: list[SectionOut]
    failed_by: list[str] = Field(description="questions whose answers failed the whole")
    unfailed_score: float | None = Field(description="what the score would be but for them")
    missing: list[str] = Field(description="questions without an answer")
    possible: list[Step] = Field(description="what can be done with it in its state")
    history: list[StepOut]

    @classmethod
    def of_detail(cls, detail: Detail) -> Self:
        """The answer for one with everything."""
        one, found = detail.value, detail.score
        sections = [
            SectionOut(
                code=section.code,
                weight=section.weight,
                score=None if part.share is None else float(part.share),
            )
            for section, part in zip(detail.form.sections, found.sections, strict=True)
        ]
        history = [
            StepOut(
                number=step.row.number,
                step=step.row.step,
                at=step.row.at,
                by=step.row.by,
                verdict=step.row.verdict,
                score=_share(step.row.score_micro),
                note=step.note,
            )
            for step in detail.history
        ]
        return cls(
            **_short(one),
            answers=dict(one.answers),
            comment=one.comment,
            comments=dict(one.comments),
            sections=sections,
            failed_by=list(found.failed_by),
            unfailed_score=None if found.unfailed is None else float(found.unfailed),
            missing=[code for code in detail.form.questions if code not in one.answers],
            possible=list(STEPS[one.state]),
            history=history,
        )


def _short(one: Evaluation) -> dict[str, Any]:
    plain = [
        "id",
        "contact",
        "form",
        "form_version",
        "state",
        "failed",
        "verdict",
        "evaluator",
        "made_at",
        "evaluated_at",
        "released_at",
        "acknowledged_at",
        "disputed_at",
        "resolved_at",
        "revision",
    ]
    about = ["agent", "channel", "branch", "team", "queue", "party"]
    said = {name: getattr(one, name) for name in plain}
    said |= {name: getattr(one.about, name) for name in about}
    return said | {"score": _share(one.score_micro)}


def _share(micro: int | None) -> float | None:
    return None if micro is None else micro / MICRO
