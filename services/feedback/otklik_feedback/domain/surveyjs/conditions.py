"""From expressions of SurveyJS to our conditions: the same answers show the same questions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from otklik_feedback.domain.condition import Condition, Every, Literal, Negated, Op, Some, Test
from otklik_feedback.domain.question import Kind, Question
from otklik_feedback.domain.surveyjs.expression import (
    All,
    Any,
    Expression,
    Look,
    Not,
    Plain,
    Unsupported,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A question that was taken over.

    Attributes:
        options: Our option ids by their values there, in lower case.
        rows: Our line ids by their names there, in lower case.
        values: Values of the options there, as they are written.
    """

    question: Question
    options: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)
    values: frozenset[str] = frozenset()


_NUMBERS: Final = {
    "=": Op.EQ,
    "!=": Op.NE,
    ">": Op.GT,
    "<": Op.LT,
    ">=": Op.GE,
    "<=": Op.LE,
}


def condition_of(expression: Expression, asked: Mapping[str, Asked]) -> Condition:
    """
    Our condition for an expression.

    Args:
        asked: What was taken over before, by its name there in lower case.
    Raises:
        Unsupported: It looks at something else, or in a way that its kind of question does not have.
    """
    match expression:
        case All(of):
            return Every(tuple(condition_of(each, asked) for each in of))
        case Any(of):
            return Some(tuple(condition_of(each, asked) for each in of))
        case Not(of):
            return Negated(condition_of(of, asked))
        case Look():
            return _of_look(expression, asked)


def _of_look(look: Look, asked: Mapping[str, Asked]) -> Condition:
    # Names are the same in capitals there, and so are texts.
    name, _, row = look.name.lower().partition(".")
    found = asked.get(look.name.lower()) or asked.get(name)
    if found is None:
        raise Unsupported(
            f"{{{look.name}}} is no question that was taken over before",
            f"{{{look.name}}} — не вопрос, перенесённый раньше",
        )
    question = found.question
    if not question.rows:
        if look.name.lower() not in asked:
            raise _unfit(look)
        return _of_answer(question.id, found, look)
    if row in found.rows:
        return _of_answer(found.rows[row], found, look)
    if row or look.op not in {"empty", "notempty"}:
        raise _unfit(look)
    any_line = Some(tuple(Test(each.id, Op.ANSWERED) for each in question.rows))
    return any_line if look.op == "notempty" else Negated(any_line)


def _of_answer(name: str, asked: Asked, look: Look) -> Condition:
    if look.op in {"empty", "notempty"}:
        return Test(name, Op.ANSWERED if look.op == "notempty" else Op.UNANSWERED)
    if asked.question.scale is not None:
        return _of_score(name, asked, look)
    if asked.question.kind is Kind.CHOICE:
        return _of_choice(name, asked, look)
    if asked.question.kind is Kind.MULTIPLE:
        return _of_several(name, asked, look)
    raise _unfit(look)


def _of_score(name: str, asked: Asked, look: Look) -> Condition:
    if look.op in {"anyof", "noneof"} and isinstance(look.value, tuple):
        scores = tuple(_score(asked, each, look) for each in look.value)
        return _listed(name, Op.IN if look.op == "anyof" else Op.NOT_IN, scores, look)
    if look.op not in _NUMBERS or isinstance(look.value, tuple) or look.value is None:
        raise _unfit(look)
    return Test(name, _NUMBERS[look.op], _score(asked, look.value, look))


def _of_choice(name: str, asked: Asked, look: Look) -> Condition:
    if look.op in {"anyof", "noneof"} and isinstance(look.value, tuple):
        options = tuple(_option(asked, each, look) for each in look.value)
        return _listed(name, Op.IN if look.op == "anyof" else Op.NOT_IN, options, look)
    if look.op not in {"=", "!="} or isinstance(look.value, tuple) or look.value is None:
        raise _unfit(look)
    return Test(name, _NUMBERS[look.op], _option(asked, look.value, look))


def _of_several(name: str, asked: Asked, look: Look) -> Condition:
    if look.op in {"contains", "notcontains"} and look.value is not None:
        values = look.value if isinstance(look.value, tuple) else (look.value,)
        options = tuple(_option(asked, each, look) for each in values)
        all_of = _listed(name, Op.CONTAINS_ALL, options, look)
        return all_of if look.op == "contains" else Negated(all_of)
    if not isinstance(look.value, tuple):
        raise _unfit(look)
    options = tuple(_option(asked, each, look) for each in look.value)
    if look.op in {"=", "!="}:
        if not asked.values.issuperset(str(each) for each in look.value):
            # Lists are the same there when some capitals differ, and not when others do.
            raise Unsupported(
                f"{{{look.name}}} {look.op}: values of a list must be written as the choices are",
                f"{{{look.name}}} {look.op}: значения в списке должны быть записаны как в вариантах",
            )
        return _listed(name, _NUMBERS[look.op], options, look)
    if look.op == "allof":
        return _listed(name, Op.CONTAINS_ALL, options, look)
    if look.op in {"anyof", "noneof"}:
        any_of = _listed(name, Op.CONTAINS_ANY, options, look)
        return any_of if look.op == "anyof" else Negated(any_of)
    raise _unfit(look)


def _listed(name: str, op: Op, values: Literal, look: Look) -> Test:
    if not isinstance(values, tuple) or not 0 < len(values) == len(set(values)):
        raise _unfit(look)
    return Test(name, op, values)


_WHOLE: Final = re.compile(r"-?[0-9]{1,9}")


def _score(asked: Asked, value: Plain, look: Look) -> int:
    scale = asked.question.scale
    assert scale is not None
    written = isinstance(value, str) and _WHOLE.fullmatch(value.strip()) is not None
    if isinstance(value, bool) or not (isinstance(value, int) or written):
        raise _unfit(look)
    score = int(value)
    if score not in range(scale.least, scale.most + 1, scale.step):
        raise Unsupported(
            f"{{{look.name}}} is never {score}", f"{{{look.name}}} не бывает равен {score}"
        )
    return score


def _option(asked: Asked, value: Plain, look: Look) -> str:
    written = str(value).strip().lower()
    if written not in asked.options:
        raise Unsupported(
            f"{{{look.name}}} has no choice {written[:40]!r}",
            f"у {{{look.name}}} нет варианта {written[:40]!r}",
        )
    return asked.options[written]


def _unfit(look: Look) -> Unsupported:
    return Unsupported(
        f"{{{look.name}}} {look.op} is not read for this kind of question",
        f"{{{look.name}}} {look.op} для такого вопроса не читается",
    )
