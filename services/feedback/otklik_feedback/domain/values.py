"""Values of an answer: what each says to its question, and which of them were asked for at all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from otklik_common.errors import Unprocessable
from otklik_feedback.domain.condition import Given, holds
from otklik_feedback.domain.question import Axis, Item, Kind, Question
from otklik_feedback.domain.scale import read_score

MOST_COMMENT: Final = 10_000


class WrongAnswer(Unprocessable):
    """A value of a kind that the question does not take."""

    code = "wrong_type"


class BadComment(Unprocessable):
    """Free words that are no text, or too long a one."""

    code = "bad_comment"


class BadDate(Unprocessable):
    """No day of the calendar, or not written as YYYY-MM-DD."""

    code = "bad_date"


class UnknownOption(Unprocessable):
    """The question does not offer this, or has no such line."""

    code = "unknown_option"


class BadChoice(Unprocessable):
    """More options than may be chosen, or one of them twice."""

    code = "bad_choice"


class AnswerRequired(Unprocessable):
    """A question that must be answered was shown and is not."""

    code = "answer_required"


@dataclass(slots=True)
class Read:
    """
    What values say.

    Attributes:
        scores: By question, or by line of a matrix.
        not_applicable: Questions and lines that do not apply.
        choices: Ids of the options chosen, by question, in the order of the survey.
        texts: Words and days (YYYY-MM-DD), by question.
        not_shown: Questions whose answers were dropped: their conditions did not hold.
    """

    scores: dict[str, int] = field(default_factory=dict)
    not_applicable: list[str] = field(default_factory=list)
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    not_shown: list[str] = field(default_factory=list)

    @property
    def says_something(self) -> bool:
        """Whether it is an answer, be it that nothing applies."""
        return bool(self.scores or self.not_applicable or self.choices or self.texts)

    def given(self, question: Question) -> dict[str, Given]:
        """What conditions see of the answer to one question."""
        if question.kind is Kind.MULTIPLE:
            return {i: frozenset(c) for i, c in self.choices.items()}
        return {**self.scores, **self.texts, **{i: c[0] for i, c in self.choices.items()}}

    def add(self, other: "Read") -> None:
        """Take in what another says."""
        self.scores |= other.scores
        self.not_applicable += other.not_applicable
        self.choices |= other.choices
        self.texts |= other.texts


def is_blank(value: object) -> bool:
    """Whether a value is no answer at all."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, list | dict) and not value)


def read_value(question: Question, value: object) -> Read:
    """
    What one value says to its question; nothing for a blank one.

    Raises:
        ScoreOffScale, WrongScore, WrongAnswer, BadComment, BadDate, UnknownOption, BadChoice.
    """
    read = Read()
    read_into(read, question, value)
    return read


def read_into(read: Read, question: Question, value: object) -> None:
    """
    Add what one value says to its question.

    Raises:
        What `read_value` raises.
    """
    if is_blank(value):
        return
    if isinstance(value, str) and value in question.not_applicable:
        read.not_applicable.append(question.id)
    elif question.rows:
        _read_rows(question, value, read)
    elif question.scale is not None:
        read.scores[question.id] = read_score(question.scale, value)
    elif question.options:
        read.choices[question.id] = _chosen(question, value)
    elif question.kind is Kind.DATE:
        read.texts[question.id] = _day(question, value)
    else:
        read.texts[question.id] = _text(question, value)


def shown(questions: Iterable[Question], said: Mapping[str, Read]) -> Iterator[Question]:
    """
    The questions that are asked, in the order of the survey.

    A question whose condition does not hold is not asked, and unanswered for those after it.

    Args:
        said: What was said, by question id.
    """
    given: dict[str, Given] = {}
    for question in questions:
        if question.visible_if is None or holds(question.visible_if, given):
            given |= said.get(question.id, Read()).given(question)
            yield question


def read_shown(questions: Iterable[Question], said: Mapping[str, Read]) -> Read:
    """
    What counts of an answer: what is said to the questions that were asked.

    What is said to others is dropped, and they are named in `not_shown`.

    Args:
        said: What was said, by question id.
    Raises:
        AnswerRequired: A question was asked that must be answered.
    """
    total = Read()
    asked: set[str] = set()
    for question in shown(questions, said):
        asked.add(question.id)
        each = said.get(question.id, Read())
        if question.required and not each.says_something:
            raise AnswerRequired(
                f"question {question.id!r} must be answered",
                detail_ru=f"на вопрос {question.id!r} нужен ответ",
            )
        total.add(each)
    total.not_shown += [i for i, each in said.items() if i not in asked and each.says_something]
    return total


def indices(axes: Mapping[Axis, Sequence[Item]], scores: Mapping[str, int]) -> dict[str, int]:
    """
    Where the scores of each axis lie between their lowest and their highest, 0 to 100.

    What is not answered leaves both sums; an axis without any score has no index. Halves are
    rounded up.
    """
    found = {axis.index_name: _index(items, scores) for axis, items in axes.items()}
    return {name: index for name, index in found.items() if index is not None}


def _index(items: Sequence[Item], scores: Mapping[str, int]) -> int | None:
    answered = [(each.scale, scores[each.id]) for each in items if each.id in scores]
    if not answered:
        return None
    above = sum(
        score - scale.least if scale.upward else scale.most - score for scale, score in answered
    )
    width = sum(scale.most - scale.least for scale, _ in answered)
    return (200 * above + width) // (2 * width)


def _read_rows(question: Question, value: object, read: Read) -> None:
    if not isinstance(value, Mapping):
        raise WrongAnswer(
            f"{question.id}: an object of scores by line is expected",
            detail_ru=f"{question.id}: ожидается объект с оценками по строкам",
        )
    assert question.scale is not None
    unknown = value.keys() - {row.id for row in question.rows}
    if unknown:
        lines = ", ".join(row.id for row in question.rows)
        raise UnknownOption(
            f"{question.id} has no such line; it has: {lines}",
            detail_ru=f"{question.id}: такой строки нет; есть: {lines}",
        )
    for row in question.rows:
        given = value.get(row.id)
        if is_blank(given):
            continue
        if isinstance(given, str) and given in question.not_applicable:
            read.not_applicable.append(row.id)
        else:
            read.scores[row.id] = read_score(question.scale, given)


def _chosen(question: Question, value: object) -> tuple[str, ...]:
    several = question.kind is Kind.MULTIPLE
    chosen = value if isinstance(value, list) and several else [value]
    if not all(isinstance(each, str) for each in chosen) or (several and chosen is not value):
        raise WrongAnswer(
            f"{question.id}: {'a list of ids' if several else 'the id'} of options is expected",
            detail_ru=f"{question.id}: ожидается {'список id' if several else 'id'} вариантов",
        )
    offered = [each.id for each in question.options]
    if not set(chosen) <= set(offered):
        listed = ", ".join(offered)
        raise UnknownOption(
            f"{question.id} has no such option; it has: {listed}",
            detail_ru=f"{question.id}: такого варианта нет; есть: {listed}",
        )
    most = question.most_chosen or len(offered)
    if len(set(chosen)) != len(chosen) or len(chosen) > most:
        raise BadChoice(
            f"{question.id}: at most {most} different options may be chosen",
            detail_ru=f"{question.id}: можно выбрать не больше {most} разных вариантов",
        )
    return tuple(each for each in offered if each in chosen)


def _day(question: Question, value: object) -> str:
    try:
        # `fromisoformat` takes 20260302 and 2026-W10-1 too; one way of writing is enough.
        day = date.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None or not isinstance(value, str) or day.isoformat() != value.strip():
        raise BadDate(
            f"{question.id}: a day is expected as YYYY-MM-DD",
            detail_ru=f"{question.id}: нужна дата в виде ГГГГ-ММ-ДД",
        )
    return day.isoformat()


def _text(question: Question, value: object) -> str:
    if not isinstance(value, str):
        raise BadComment(f"{question.id} must be a text", detail_ru=f"{question.id}: нужен текст")
    text = value.strip()
    if len(text) > MOST_COMMENT:
        raise BadComment(
            f"{question.id} has {len(text)} characters; at most {MOST_COMMENT} are allowed",
            detail_ru=f"{question.id}: {len(text)} символов, допустимо {MOST_COMMENT}",
        )
    return text
