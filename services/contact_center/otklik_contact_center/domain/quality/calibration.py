"""
Calibration: several evaluate one contact without seeing one another, and then compare.

Everything is exact; variances are those of all who took part (divided by their number), since
nobody was drawn from among others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from otklik_contact_center.domain.quality.form import Form
from otklik_contact_center.domain.quality.score import Answers, score, share_of

FEWEST: Final = 2
"""Who evaluate before there is anything to compare."""

MOST: Final = 50


@dataclass(frozen=True, slots=True)
class QuestionSpread:
    """
    How far evaluators are apart in one question.

    Attributes:
        n: Those to whom it applied; the others are `not_applicable`.
        mean, variance: Of the shares of `n` answers, 0 to 1 and 0 to 1/4; None of none.
        agreed: The share of the answer that was agreed on; None where it does not apply.
        differing: Whose answer is another than the agreed one.
    """

    code: str
    n: int
    not_applicable: int
    mean: Fraction | None
    variance: Fraction | None
    agreed: Fraction | None
    differing: int


@dataclass(frozen=True, slots=True)
class Deviation:
    """
    How far one evaluator is from what was agreed on.

    Attributes:
        share: Their score; None where nothing applied.
        deviation: Their score less the agreed one: above 0 they are milder.
        mean_distance: Of their answers from the agreed ones, over the questions that both scored.
        differing: Questions answered otherwise.
    """

    evaluator: str
    share: Fraction | None
    deviation: Fraction | None
    mean_distance: Fraction | None
    differing: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a calibration has shown; `mean` and `variance` are those of the scores."""

    agreed: Fraction | None
    mean: Fraction | None
    variance: Fraction | None
    questions: Sequence[QuestionSpread]
    evaluators: Sequence[Deviation]


def compare(form: Form, given: Mapping[str, Answers], agreed: Answers) -> Result:
    """
    Compare what evaluators gave with what was agreed on.

    Args:
        given: By evaluator; all answers complete, as the agreed ones are.
    """
    target = score(form, agreed).share
    people = [_deviation(form, one, given[one], agreed, target) for one in sorted(given)]
    scores = [one.share for one in people if one.share is not None]
    return Result(
        agreed=target,
        mean=mean(scores),
        variance=variance(scores),
        questions=[_spread(form, code, list(given.values()), agreed) for code in form.questions],
        evaluators=people,
    )


def mean(values: Sequence[Fraction]) -> Fraction | None:
    """The mean; None of nothing."""
    return sum(values, Fraction(0)) / len(values) if values else None


def variance(values: Sequence[Fraction]) -> Fraction | None:
    """The mean square distance from the mean; None of nothing."""
    middle = mean(values)
    return None if middle is None else mean([(one - middle) ** 2 for one in values])


def _spread(form: Form, code: str, given: Sequence[Answers], agreed: Answers) -> QuestionSpread:
    question = form.questions[code]
    shares = [share_of(question, answers[code]) for answers in given]
    known = [one for one in shares if one is not None]
    return QuestionSpread(
        code=code,
        n=len(known),
        not_applicable=len(shares) - len(known),
        mean=mean(known),
        variance=variance(known),
        agreed=share_of(question, agreed[code]),
        differing=sum(answers[code] != agreed[code] for answers in given),
    )


def _deviation(
    form: Form, evaluator: str, answers: Answers, agreed: Answers, target: Fraction | None
) -> Deviation:
    share = score(form, answers).share
    distances = []
    for code, question in form.questions.items():
        mine, theirs = share_of(question, answers[code]), share_of(question, agreed[code])
        if mine is not None and theirs is not None:
            distances.append(abs(mine - theirs))
    return Deviation(
        evaluator=evaluator,
        share=share,
        deviation=None if share is None or target is None else share - target,
        mean_distance=mean(distances),
        differing=sum(answers[code] != agreed[code] for code in form.questions),
    )
