"""A form by which contacts are evaluated: sections of questions, each with its weight."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, Literal

import msgspec

from otklik_common.errors import FieldError, Unprocessable

MOST_FORMS: Final = 1_000
MOST_SECTIONS: Final = 50
MOST_QUESTIONS: Final = 100
MOST_WEIGHT: Final = 1_000
MOST_POINTS: Final = 1_000
MOST_STEPS: Final = 20

Kind = Literal["yes_no", "scale"]


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A question and what its answers are worth.

    Attributes:
        texts: By language; what the evaluator reads.
        kind: `yes_no`: yes is worth 1 point and no none, or the other way round; `scale`: an
            answer is one of `points`.
        points: Of a scale: what may be given, ascending; the last is worth all of the question.
        good: Of a question by yes and no: which of the two is the good answer.
        weight: Among the questions of its section; 0: asked, and counted for nothing.
        not_applicable: Whether it may be left out of an evaluation.
        fails_at: With so many points or fewer the whole evaluation fails; None: it never does.
    """

    code: str
    texts: dict[str, str] = {}
    kind: Kind = "yes_no"
    points: tuple[int, ...] = ()
    good: Literal["yes", "no"] = "yes"
    weight: int = 1
    not_applicable: bool = True
    fails_at: int | None = None

    @property
    def most(self) -> int:
        """The points of the best answer, at least 1."""
        return 1 if self.kind == "yes_no" else self.points[-1]


class Section(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Questions that are weighed against one another; `weight` is that among sections."""

    code: str
    texts: dict[str, str] = {}
    weight: int = 1
    questions: tuple[Question, ...] = ()


class Form(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What is asked of a contact.

    Codes of questions are their own within the whole form: answers name them.
    """

    code: str
    names: dict[str, str] = {}
    sections: tuple[Section, ...] = ()

    @property
    def questions(self) -> dict[str, Question]:
        """By code, in order."""
        return {one.code: one for section in self.sections for one in section.questions}


class BadForm(Unprocessable):
    """A form by which nothing could be scored, or not in one way only."""

    code = "bad_form"


def check_form(form: Form) -> None:
    """Return if contacts can be evaluated by it. Raises BadForm, every fault as a field error."""
    faults = list(_faults(form))[:50]
    if faults:
        raise BadForm(
            f"the form has {len(faults)} faults, the first: {faults[0].field} {faults[0].detail}",
            detail_ru=f"в форме ошибок: {len(faults)}, первая: {faults[0].field}"
            f" {faults[0].detail_ru}",
            errors=faults,
        )


def _faults(form: Form) -> Iterator[FieldError]:
    sections: set[str] = set()
    questions: set[str] = set()
    weighs = False
    for place, section in enumerate(form.sections):
        field = f"sections.{place}"
        if section.code in sections:
            yield _repeated(f"{field}.code")
        sections.add(section.code)
        for number, question in enumerate(section.questions):
            within = f"{field}.questions.{number}"
            if question.code in questions:
                yield _repeated(f"{within}.code")
            questions.add(question.code)
            weighs = weighs or section.weight * question.weight > 0
            yield from _of_question(within, question)
    if len(questions) > MOST_QUESTIONS:
        yield FieldError(
            "sections",
            "too_many_questions",
            f"hold at most {MOST_QUESTIONS} questions",
            f"вопросов не больше {MOST_QUESTIONS}",
        )
    if not weighs:
        yield FieldError(
            "sections",
            "nothing_weighs",
            "need a question with a weight, in a section with one",
            "нужен хотя бы один вопрос с весом в разделе с весом",
        )


def _of_question(field: str, question: Question) -> Iterator[FieldError]:
    scale = question.kind == "scale"
    if not scale and question.points:
        yield FieldError(
            f"{field}.points", "invalid", "go with a scale", "указываются только для шкалы"
        )
    if scale and question.good != "yes":
        yield FieldError(
            f"{field}.good", "invalid", "goes with yes and no", "указывается только для да и нет"
        )
    if scale and not _ascends(question.points):
        yield FieldError(
            f"{field}.points",
            "not_ascending",
            "must be at least two, each more than the one before",
            "нужны минимум два значения по возрастанию",
        )
    elif question.fails_at is not None and question.fails_at >= question.most:
        yield FieldError(
            f"{field}.fails_at",
            "always_fails",
            "must be less than the points of the best answer",
            "должно быть меньше баллов лучшего ответа",
        )


def _ascends(points: tuple[int, ...]) -> bool:
    return len(points) > 1 and all(before < after for before, after in pairwise(points))


def _repeated(field: str) -> FieldError:
    return FieldError(field, "repeated", "another has this code", "код уже занят")
