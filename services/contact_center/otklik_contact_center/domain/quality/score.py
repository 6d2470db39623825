"""What an evaluation is worth: an exact share, whatever the order in which it is added up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from otklik_common.errors import FieldError, Unprocessable
from otklik_contact_center.domain.quality.form import Form, Question, Section

NOT_APPLICABLE: Final = "na"
YES, NO = "yes", "no"

MICRO: Final = 1_000_000

Answer = str | int
"""`yes` or `no`, the points of a scale, or `na`."""

Answers = Mapping[str, Answer]
"""By the code of the question; a draft need not answer all."""


class BadAnswers(Unprocessable):
    """Answers that the form does not know."""

    code = "bad_answers"


@dataclass(frozen=True, slots=True)
class SectionScore:
    """`share` is from 0 to 1; None: nothing of the section applied, so it weighs nothing."""

    code: str
    share: Fraction | None


@dataclass(frozen=True, slots=True)
class Score:
    """
    What answers are worth.

    Attributes:
        share: From 0 to 1; 0 if it failed; None: nothing applied.
        unfailed: What it would be without questions that fail the whole.
        failed_by: Codes of the questions whose answers failed it, in the order of the form.
        sections: In the order of the form.
    """

    share: Fraction | None
    unfailed: Fraction | None
    failed_by: tuple[str, ...]
    sections: tuple[SectionScore, ...]

    @property
    def failed(self) -> bool:
        """Whether an answer failed the whole."""
        return bool(self.failed_by)

    @property
    def micro(self) -> int | None:
        """`share` × 10⁶, the half to the even neighbour."""
        return None if self.share is None else micro(self.share)


def micro(share: Fraction) -> int:
    """A share × 10⁶ as a whole number, the half to the even neighbour."""
    return round(share * MICRO)


def points_of(question: Question, answer: Answer) -> int | None:
    """The points of an answer that fits its question; None where it does not apply."""
    if answer == NOT_APPLICABLE:
        return None
    if question.kind == "yes_no":
        return int(answer == question.good)
    return int(answer)


def share_of(question: Question, answer: Answer) -> Fraction | None:
    """What an answer is worth of its question, from 0 to 1; None where it does not apply."""
    points = points_of(question, answer)
    return None if points is None else Fraction(points, question.most)


def score(form: Form, answers: Answers) -> Score:
    """
    Work out what answers are worth.

    A section is the mean of its questions by their weights, the whole that of its sections by
    theirs. Whatever is not applicable, or not yet answered, leaves numerator and base alike.

    Args:
        answers: Checked by `check_answers`.
    """
    sections = tuple(SectionScore(one.code, _section(one, answers)) for one in form.sections)
    known = [
        (section.weight, one.share)
        for section, one in zip(form.sections, sections, strict=True)
        if one.share is not None
    ]
    unfailed = _mean(known)
    failed_by = tuple(
        question.code
        for question in form.questions.values()
        if question.code in answers and _fails(question, answers[question.code])
    )
    return Score(Fraction(0) if failed_by else unfailed, unfailed, failed_by, sections)


def check_answers(form: Form, answers: Answers, comments: Iterable[str] = ()) -> None:
    """
    Return if every answer fits its question, and every comment has one.

    Raises:
        BadAnswers: Each fault is a field error.
    """
    questions = form.questions
    faults = [
        fault
        for code, answer in answers.items()
        if (fault := _fault(code, questions.get(code), answer)) is not None
    ]
    faults += [_no_question(f"comments.{code}") for code in comments if code not in questions]
    if faults:
        raise BadAnswers(
            f"{len(faults)} answers do not fit, the first: {faults[0].field} {faults[0].detail}",
            detail_ru=f"не подходят ответы: {len(faults)}, первый: {faults[0].field}"
            f" {faults[0].detail_ru}",
            errors=faults[:50],
        )


def missing(form: Form, answers: Answers) -> list[str]:
    """Codes of the questions that are not answered, in order."""
    return [code for code in form.questions if code not in answers]


def _section(section: Section, answers: Answers) -> Fraction | None:
    return _mean(
        [
            (question.weight, share)
            for question in section.questions
            if question.code in answers
            and (share := share_of(question, answers[question.code])) is not None
        ]
    )


def _mean(weighed: list[tuple[int, Fraction]]) -> Fraction | None:
    base = sum(weight for weight, _ in weighed)
    if base == 0:
        return None
    return sum((weight * share for weight, share in weighed), Fraction(0)) / base


def _fails(question: Question, answer: Answer) -> bool:
    points = points_of(question, answer)
    return question.fails_at is not None and points is not None and points <= question.fails_at


def _no_question(field: str) -> FieldError:
    return FieldError(field, "unknown_question", "is no question", "такого вопроса нет")


def _fault(code: str, question: Question | None, answer: Answer) -> FieldError | None:
    field = f"answers.{code}"
    if question is None:
        return _no_question(field)
    if answer == NOT_APPLICABLE:
        if question.not_applicable:
            return None
        return FieldError(field, "must_apply", "always applies", "на вопрос нужно ответить")
    if question.kind == "yes_no":
        if answer in (YES, NO):
            return None
        return FieldError(field, "bad_answer", "takes yes or no", "ответ – yes или no")
    if isinstance(answer, int) and answer in question.points:
        return None
    allowed = ", ".join(map(str, question.points))
    return FieldError(field, "bad_answer", f"takes one of {allowed}", f"ответ – одно из {allowed}")
