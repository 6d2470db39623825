"""Questions: what is asked, in which kind, and which scores come of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from otklik_common.errors import Unprocessable
from otklik_feedback.domain.condition import Condition
from otklik_feedback.domain.scale import Scale

MICRO: Final = 1_000_000
NOT_APPLICABLE: Final = ("na",)


class BadSurvey(Unprocessable):
    """What a company wrote does not make a survey."""

    code = "bad_survey"


class Measure(StrEnum):
    """A score that facts carry under a name of its own, since a metric is made of it."""

    NPS = "nps"
    NPS_1_10 = "nps_1_10"
    ENPS = "enps"
    CSAT = "csat"
    CES = "ces"
    LOST_DEAL = "lost_deal"


class Kind(StrEnum):
    """How a question is answered."""

    SCALE = "scale"
    STARS = "stars"
    AGREEMENT = "agreement"
    LADDER = "ladder"
    CHOICE = "choice"
    MULTIPLE = "multiple"
    MATRIX = "matrix"
    FORCES = "forces"
    ATTACHMENT = "attachment"
    TEXT = "text"
    DATE = "date"
    FILE = "file"


ON_A_SCALE: Final = frozenset((Kind.SCALE, Kind.STARS, Kind.AGREEMENT, Kind.LADDER))
IN_ROWS: Final = frozenset((Kind.MATRIX, Kind.FORCES, Kind.ATTACHMENT))
WITH_OPTIONS: Final = frozenset((Kind.CHOICE, Kind.MULTIPLE))


class Axis(StrEnum):
    """What several scores tell together: their index is 0 to 100, named `<axis>_index`."""

    FUNCTION = "function"
    EMOTION = "emotion"
    MATURITY = "maturity"
    SERVICE = "service"

    @property
    def index_name(self) -> str:
        """Its name among the scores of a fact."""
        return f"{self.value}_index"


class Words(NamedTuple):
    """A text in both languages."""

    ru: str
    en: str


class Option(NamedTuple):
    """One of the answers that are offered; its id stays when its words change."""

    id: str
    text: Words


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a matrix; `importance_micro` > 0, times 1 000 000, None if it is not weighed."""

    id: str
    text: Words
    importance_micro: int | None = None
    axis: Axis | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """What one score belongs to: a question on a scale, or one line of a matrix."""

    id: str
    text: Words
    scale: Scale
    measure: Measure | None = None
    importance_micro: int | None = None
    axis: Axis | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """
    One thing that is asked.

    Attributes:
        id: Its name in answers.
        text: What people read.
        scale: Of a score, or of every line of a matrix; None for what has none.
        measure: The metric that its score belongs to; None for all others.
        importance_micro: Weight of an attribute of a CSI survey, times 1 000 000; None elsewhere.
        not_applicable: Values that mean "does not apply to me"; they leave the base.
        also: Other names that answers may use for it.
        options: What is offered, in that order.
        rows: Lines of a matrix, in that order.
        low, high: What stands at the two ends of the scale.
        most_chosen: How many options may be chosen; None for as many as there are.
        required: Whether an answer must say something to it, when it is shown.
        visible_if: When it is shown; None for always.
    """

    id: str
    text: Words
    scale: Scale | None = None
    measure: Measure | None = None
    importance_micro: int | None = None
    not_applicable: tuple[str, ...] = NOT_APPLICABLE
    also: tuple[str, ...] = ()
    kind: Kind = Kind.SCALE
    options: tuple[Option, ...] = ()
    rows: tuple[Row, ...] = ()
    low: Words | None = None
    high: Words | None = None
    most_chosen: int | None = None
    required: bool = False
    visible_if: Condition | None = None
    axis: Axis | None = None

    @property
    def items(self) -> Iterator[Item]:
        """What its scores belong to: nothing, itself, or each of its lines."""
        if self.scale is None:
            return
        if not self.rows:
            yield Item(
                self.id, self.text, self.scale, self.measure, self.importance_micro, self.axis
            )
        for row in self.rows:
            yield Item(row.id, row.text, self.scale, None, row.importance_micro, row.axis)
