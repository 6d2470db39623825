"""Questions as they come in and go out: what is shown may be sent back."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from otklik_common.http import StrictModel
from otklik_feedback.domain.condition_form import parse_condition, written_condition
from otklik_feedback.domain.designing import MOST_OPTIONS, MOST_TEXT
from otklik_feedback.domain.question import MICRO, Axis, Kind, Option, Question, Row, Words
from otklik_feedback.domain.scale import Scale
from otklik_feedback.domain.survey import MOST_ATTRIBUTES, MOST_IMPORTANCE

Title = Annotated[str, Field(min_length=1, max_length=MOST_TEXT)]
Id = Annotated[
    str, Field(min_length=1, max_length=40, description="a-z, 0-9 and _; stays when words change")
]
Importance = Annotated[
    float | None,
    Field(default=None, gt=0, le=MOST_IMPORTANCE, description="weight in the CSI of this survey"),
]
Direction = Literal["higher_is_better", "lower_is_better"]


class WordsBody(StrictModel):
    """A text in both languages."""

    ru: Title
    en: Title

    def words(self) -> Words:
        """The same for the domain."""
        return Words(self.ru, self.en)


class ScaleBody(StrictModel):
    """What scores a question takes."""

    min: int = Field(ge=-100, le=100)
    max: int = Field(ge=-100, le=100)
    step: int = Field(default=1, ge=1, le=100)
    direction: Direction = "higher_is_better"

    def scale(self) -> Scale:
        """The same for the domain, as yet without a name."""
        return Scale("", self.min, self.max, self.step, self.direction == "higher_is_better")


class OptionBody(StrictModel):
    """One of the answers that are offered."""

    id: Id
    text: WordsBody


class RowBody(StrictModel):
    """One line of a matrix; its score stands under its own id in facts."""

    id: Id
    text: WordsBody
    importance: Importance
    axis: Axis | None = None


class QuestionBody(StrictModel):
    """A question as somebody wants it; what its kind does not take is refused."""

    id: Id
    kind: Kind = Field(
        default=Kind.SCALE,
        description="scale 0-10 unless another is said, stars 1-5, agreement 1-7 or 1-5, ladder -1"
        " to 1, choice, multiple, matrix, forces (six lines), attachment (seven lines), text, date;"
        " file is refused: files cannot be sent yet",
    )
    text: WordsBody = Field(
        description="may hold {answer.<id>|words if unknown} and {contact.<name>|words if unknown}"
    )
    scale: ScaleBody | None = None
    low: WordsBody | None = Field(default=None, description="what stands at the lower end")
    high: WordsBody | None = None
    options: list[OptionBody] = Field(default_factory=list, max_length=MOST_OPTIONS)
    rows: list[RowBody] = Field(default_factory=list, max_length=MOST_ATTRIBUTES)
    most_chosen: int | None = Field(default=None, ge=1, le=MOST_OPTIONS)
    importance: Importance
    axis: Axis | None = Field(default=None, description="the index that its score belongs to")
    required: bool = False
    visible_if: dict[str, Any] | None = Field(
        default=None,
        description="{question, op, value}, {all: [...]}, {any: [...]} or {not: ...}; looks at"
        " questions before it; left out: always",
        examples=[{"question": "nps", "op": "le", "value": 6}],
    )
    not_applicable: list[Literal["na"]] = Field(
        default_factory=list,
        max_length=1,
        description="as it is shown; the kind decides it, whatever is sent",
    )

    def question(self) -> Question:
        """
        The same for the domain, to be completed by its kind.

        Raises:
            BadSurvey: A condition that cannot be read.
        """
        shown = self.visible_if
        return Question(
            id=self.id,
            text=self.text.words(),
            scale=None if self.scale is None else self.scale.scale(),
            importance_micro=_micro(self.importance),
            kind=self.kind,
            options=tuple(Option(each.id, each.text.words()) for each in self.options),
            rows=tuple(
                Row(each.id, each.text.words(), _micro(each.importance), each.axis)
                for each in self.rows
            ),
            low=None if self.low is None else self.low.words(),
            high=None if self.high is None else self.high.words(),
            most_chosen=self.most_chosen,
            required=self.required,
            visible_if=None if shown is None else parse_condition(shown),
            axis=self.axis,
        )


class WordsOut(BaseModel):
    """A text in both languages."""

    ru: str
    en: str

    @classmethod
    def of(cls, words: Words | None) -> "WordsOut | None":
        """What the caller sees of a text, if there is one."""
        return None if words is None else cls(**words._asdict())


class ScaleOut(BaseModel):
    """What scores a question takes."""

    min: int
    max: int
    step: int
    direction: Direction


class OptionOut(BaseModel):
    """One of the answers that are offered."""

    id: str
    text: WordsOut


class RowOut(BaseModel):
    """One line of a matrix."""

    id: str
    text: WordsOut
    importance: float | None
    axis: Axis | None


class QuestionOut(BaseModel):
    """One thing that is asked."""

    id: str
    kind: Kind
    text: WordsOut
    scale: ScaleOut | None = Field(
        description="of its score, or of each line's; null: it has no score"
    )
    low: WordsOut | None
    high: WordsOut | None
    options: list[OptionOut]
    rows: list[RowOut]
    most_chosen: int | None
    importance: float | None = None
    axis: Axis | None
    required: bool
    visible_if: dict[str, Any] | None
    not_applicable: list[str]

    @classmethod
    def of(cls, question: Question) -> "QuestionOut":
        """What the caller sees of a question."""
        shown = question.visible_if
        return cls(
            id=question.id,
            kind=question.kind,
            text=WordsOut(**question.text._asdict()),
            scale=_scale(question.scale),
            low=WordsOut.of(question.low),
            high=WordsOut.of(question.high),
            options=[
                OptionOut(id=each.id, text=WordsOut(**each.text._asdict()))
                for each in question.options
            ],
            rows=[
                RowOut(
                    id=each.id,
                    text=WordsOut(**each.text._asdict()),
                    importance=_shown(each.importance_micro),
                    axis=each.axis,
                )
                for each in question.rows
            ],
            most_chosen=question.most_chosen,
            importance=_shown(question.importance_micro),
            axis=question.axis,
            required=question.required,
            visible_if=None if shown is None else written_condition(shown),
            not_applicable=list(question.not_applicable),
        )


def _scale(scale: Scale | None) -> ScaleOut | None:
    if scale is None:
        return None
    direction: Direction = "higher_is_better" if scale.upward else "lower_is_better"
    return ScaleOut(min=scale.least, max=scale.most, step=scale.step, direction=direction)


def _micro(importance: float | None) -> int | None:
    return None if importance is None else max(1, round(importance * MICRO))


def _shown(micro: int | None) -> float | None:
    return None if micro is None else micro / MICRO
