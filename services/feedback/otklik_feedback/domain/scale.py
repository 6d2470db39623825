"""Scales of questions, and whether a value stands on one."""

from dataclasses import dataclass
from typing import Final

from otklik_common.errors import Unprocessable

SHOWN_UP_TO: Final = 10**12


class ScoreOffScale(Unprocessable):
    """A number that the question does not offer; it is never clamped or rounded."""

    code = "score_off_scale"


class WrongScore(Unprocessable):
    """Something that is no number at all: a truth, a list, a word that the question does not know."""

    code = "wrong_type"


@dataclass(frozen=True, slots=True)
class Scale:
    """
    What scores a question offers.

    Attributes:
        name: As people call it: `NPS`.
        least: Lowest score.
        most: Highest score.
        step: From one score to the next.
        upward: Whether a higher score is better.
    """

    name: str
    least: int
    most: int
    step: int = 1
    upward: bool = True

    def __str__(self) -> str:
        return f"{self.name} scale {self.least} to {self.most}"


def read_score(scale: Scale, value: object) -> int:
    """
    `value`, if it is one of the scores of `scale`.

    Raises:
        ScoreOffScale: A number beyond the scale or between its steps; 9.0 is refused too, since
            whoever sends fractions may send 9.5 next.
        WrongScore: No number. The text does not repeat it: it may be anything.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongScore(
            f"a whole number on the {scale} is expected",
            detail_ru=f"ожидается целое число по шкале {_ru(scale)}",
        )
    if isinstance(value, float):
        raise ScoreOffScale(
            f"score {shown(value)} is no whole number on the {scale}",
            detail_ru=f"оценка {shown(value)} — не целое число по шкале {_ru(scale)}",
        )
    if not scale.least <= value <= scale.most or (value - scale.least) % scale.step:
        raise ScoreOffScale(
            f"score {shown(value)} is outside the {scale}",
            detail_ru=f"оценка {shown(value)} вне шкалы {_ru(scale)}",
        )
    return value


def shown(number: float) -> str:
    """A number for a text; Python refuses to write whole ones of thousands of digits."""
    if -SHOWN_UP_TO < number < SHOWN_UP_TO:
        return str(number)
    if number <= -SHOWN_UP_TO:
        return f"under -{SHOWN_UP_TO}"
    return f"over {SHOWN_UP_TO}" if number >= SHOWN_UP_TO else "NaN"


def _ru(scale: Scale) -> str:
    return f"{scale.name} от {scale.least} до {scale.most}"
