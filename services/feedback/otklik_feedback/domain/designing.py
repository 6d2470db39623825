"""Questions that a company writes itself: completed by their kind, and held to the rules."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from otklik_feedback.domain.condition import Op, Test, tests_of
from otklik_feedback.domain.condition_form import bound
from otklik_feedback.domain.piping import check_pipes, texts_of
from otklik_feedback.domain.presets import AGREEMENT, LINES
from otklik_feedback.domain.question import (
    IN_ROWS,
    MICRO,
    NOT_APPLICABLE,
    ON_A_SCALE,
    WITH_OPTIONS,
    Axis,
    BadSurvey,
    Kind,
    Measure,
    Question,
)
from otklik_feedback.domain.scale import Scale
from otklik_feedback.domain.survey import MOST_ATTRIBUTES, MOST_IMPORTANCE
from otklik_feedback.domain.templates import COMMENT, KEYS, Template

MOST_QUESTIONS: Final = 60
MOST_OPTIONS: Final = 100
MOST_TEXT: Final = 500
MOST_SCORES: Final = 32
"""Of one answer: a fact carries no more."""

ID: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
OPTION_ID: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")

_SCALES: Final = {
    Kind.SCALE: Scale("", 0, 10),
    Kind.STARS: Scale("", 1, 5),
    Kind.AGREEMENT: AGREEMENT,
    Kind.LADDER: Scale("", -1, 1),
    Kind.MATRIX: Scale("", 1, 5),
    Kind.FORCES: AGREEMENT,
    Kind.ATTACHMENT: AGREEMENT,
}
_FIXED: Final = {Kind.LADDER, Kind.FORCES, Kind.ATTACHMENT}
_MEASURES: Final[Mapping[str, tuple[Measure, Scale]]] = {
    "nps": (Measure.NPS, Scale("", 0, 10)),
    "enps": (Measure.ENPS, Scale("", 0, 10)),
    "csat": (Measure.CSAT, Scale("", 1, 5)),
    "ces": (Measure.CES, Scale("", 1, 7)),
    "lost_deal": (Measure.LOST_DEAL, Scale("", 0, 2, upward=False)),
}
_OLD_NPS: Final = Scale("", 1, 10)
_RESERVED: Final = {*Measure, *(axis.index_name for axis in Axis)}
_NUMBERS: Final = frozenset((Op.LT, Op.LE, Op.GT, Op.GE))
_PLAIN: Final = frozenset((Op.EQ, Op.NE, Op.IN, Op.NOT_IN))
_SETS: Final = frozenset((Op.CONTAINS, Op.NOT_CONTAINS, Op.CONTAINS_ANY, Op.CONTAINS_ALL))
_EXISTENCE: Final = frozenset((Op.ANSWERED, Op.UNANSWERED))


def designed(questions: Sequence[Question], earlier: Iterable[Question] = ()) -> list[Question]:
    """
    Questions as they are kept: with the scale, the lines and the metric that their kind brings.

    A question with the id `nps`, `enps`, `csat` or `ces` is that metric, on its scale.

    Args:
        earlier: Questions of all versions before; what had an id then may not be another thing.
    Raises:
        BadSurvey: The first thing that is wrong, with what to do about it.
    """
    if not 1 <= len(questions) <= MOST_QUESTIONS:
        raise BadSurvey(
            f"{len(questions)} questions; 1 to {MOST_QUESTIONS} are allowed",
            detail_ru=f"вопросов {len(questions)}; допустимо от 1 до {MOST_QUESTIONS}",
        )
    kept = [_complete(each) for each in questions]
    if not any(each.id == "nps" for each in kept):
        # Employees may be asked under the name of NPS, as in the template.
        kept = [replace(q, also=("nps",)) if q.measure is Measure.ENPS else q for q in kept]
    before: dict[str, Question] = {}
    taken: set[str] = set()
    for question in kept:
        for name in dict.fromkeys((question.id, *(row.id for row in question.rows))):
            _check_name(question, name, taken)
        _check_form(question)
        check_pipes(question, before)
        if question.visible_if is not None:
            bound(question.visible_if)
            for test in tests_of(question.visible_if):
                _check_test(question, test, before)
        before[question.id] = question
    items = [item for each in kept for item in each.items]
    scores = len(items) + len({item.axis for item in items} - {None})
    if scores > MOST_SCORES:
        raise BadSurvey(
            f"{scores} scores and indices; an answer carries at most {MOST_SCORES}: leave some lines out",
            detail_ru=f"оценок и индексов {scores}; в ответе не больше {MOST_SCORES}: уберите часть строк",
        )
    _check_past(kept, earlier)
    return kept


def check_key(template: Template, questions: Sequence[Question]) -> None:
    """
    See that a survey still asks what its template is named after.

    Raises:
        BadSurvey: It does not: template `own` is for that.
    """
    key = KEYS.get(template)
    if key is not None and all(each.id != key for each in questions):
        raise BadSurvey(
            f"a survey of template {template} asks {key!r}; without it, take template own",
            detail_ru=f"в опросе по шаблону {template} есть вопрос {key!r}; без него — шаблон own",
        )


def fits_its_id(question: Question) -> bool:
    """Whether an id that belongs to a metric or an index is that of this very question."""
    if question.id not in _RESERVED:
        return True
    try:
        return _measure(question, question.scale) is not None
    except BadSurvey:
        return False


def _complete(question: Question) -> Question:
    kind = question.kind
    if kind is Kind.FILE:
        raise _bad(
            question,
            "files cannot be sent with answers yet; ask for a text, or leave it out",
            "файлы к ответам пока не принимаются; спросите текстом или уберите вопрос",
        )
    lines = LINES.get(kind, ())
    rows = question.rows or lines
    if lines:
        axes = {row.id: row.axis for row in lines}
        if [row.id for row in rows] != list(axes):
            raise _bad(
                question,
                f"kind {kind} has the lines {', '.join(axes)}, in this order",
                f"у вида {kind} строки {', '.join(axes)}, в этом порядке",
            )
        rows = tuple(replace(row, axis=axes[row.id]) for row in rows)
    scale = question.scale or _SCALES.get(kind)
    spared = kind not in {Kind.TEXT, Kind.DATE}
    return replace(
        question,
        scale=None if scale is None else replace(scale, name=question.id),
        rows=rows,
        measure=_measure(question, scale),
        also=(),
        not_applicable=NOT_APPLICABLE if spared else (),
    )


def _measure(question: Question, scale: Scale | None) -> Measure | None:
    if question.id not in _MEASURES:
        return None
    measure, wanted = _MEASURES[question.id]
    said = None if scale is None else replace(scale, name="")
    if measure is Measure.NPS and said == _OLD_NPS:
        measure, wanted = Measure.NPS_1_10, _OLD_NPS
    if said != wanted or question.kind not in ON_A_SCALE:
        raise _bad(
            question,
            f"this id is the metric's, on a scale from {wanted.least} to {wanted.most}; take"
            " another id or that scale",
            f"это id показателя со шкалой от {wanted.least} до {wanted.most}; возьмите другой id"
            " или эту шкалу",
        )
    return measure


def _check_name(question: Question, name: str, taken: set[str]) -> None:
    if not ID.fullmatch(name):
        raise _bad(question, f"id {name[:50]!r} is not a-z, 0-9 and _", "id не из a–z, 0–9 и _")
    if name in taken or (name in _RESERVED and (name != question.id or question.measure is None)):
        raise _bad(question, f"id {name!r} is taken", f"id {name!r} уже занят")
    taken.add(name)


def _check_form(question: Question) -> None:
    if question.id == COMMENT and question.kind is not Kind.TEXT:
        raise _bad(
            question,
            "this id is that of the free words; take another one",
            "это id свободного ответа; возьмите другой",
        )
    for words in texts_of(question):
        if not all(len(text.strip()) > 0 and len(text) <= MOST_TEXT for text in words):
            raise _bad(
                question,
                f"every text has 1 to {MOST_TEXT} characters, in both languages",
                f"у каждого текста от 1 до {MOST_TEXT} символов на обоих языках",
            )
    _check_scale(question)
    _check_options(question)
    if (question.kind in IN_ROWS) != bool(question.rows) or len(question.rows) > MOST_ATTRIBUTES:
        raise _bad(
            question,
            f"a matrix has 1 to {MOST_ATTRIBUTES} lines in `rows`, other kinds none",
            f"у матрицы от 1 до {MOST_ATTRIBUTES} строк в `rows`, у других видов их нет",
        )
    weights = [question.importance_micro, *(row.importance_micro for row in question.rows)]
    for weight in weights:
        if weight is not None and not 0 < weight <= MOST_IMPORTANCE * MICRO:
            raise _bad(
                question,
                f"importance is above 0 and at most {MOST_IMPORTANCE}",
                f"важность больше 0 и не больше {MOST_IMPORTANCE}",
            )
    if question.importance_micro is not None and question.kind not in ON_A_SCALE:
        raise _bad(
            question, "importance goes with a scale", "важность указывается только для шкалы"
        )


def _check_scale(question: Question) -> None:
    kind, scale = question.kind, question.scale
    if scale is None or kind not in _SCALES:
        if scale is not None or question.low is not None or question.high is not None:
            raise _bad(question, f"kind {kind} has no scale", f"у вида {kind} нет шкалы")
        return
    usual = _SCALES[kind]
    fits = -100 <= scale.least < scale.most <= 100 and scale.step > 0
    fits = fits and (scale.most - scale.least) % scale.step == 0
    said = "runs upwards within -100 to 100 in whole steps"
    said_ru = "растёт в пределах от −100 до 100 целым числом шагов"
    if kind in _FIXED:
        fits = scale == replace(usual, name=scale.name)
        said = f"is {usual.least} to {usual.most}"
        said_ru = f"от {usual.least} до {usual.most}"
    elif kind is Kind.STARS:
        fits = scale == Scale(scale.name, 1, scale.most) and 3 <= scale.most <= 10
        said, said_ru = "is 1 to 3, up to 1 to 10", "от 1 до 3–10"
    elif kind is Kind.AGREEMENT:
        fits = scale == Scale(scale.name, 1, scale.most) and scale.most in {5, 7}
        said, said_ru = "is 1 to 5 or 1 to 7", "от 1 до 5 или от 1 до 7"
    if not fits:
        raise _bad(question, f"the scale of kind {kind} {said}", f"шкала вида {kind} {said_ru}")


def _check_options(question: Question) -> None:
    options = question.options
    if question.kind not in WITH_OPTIONS:
        if options or question.most_chosen is not None:
            raise _bad(
                question,
                "options go with the kinds choice and multiple",
                "варианты бывают у видов choice и multiple",
            )
        return
    names = [each.id for each in options]
    if not 1 <= len(options) <= MOST_OPTIONS or len(set(names)) != len(names):
        raise _bad(
            question,
            f"needs 1 to {MOST_OPTIONS} options with ids of their own",
            f"нужно от 1 до {MOST_OPTIONS} вариантов с разными id",
        )
    for name in names:
        if not OPTION_ID.fullmatch(name) or name in question.not_applicable:
            raise _bad(
                question,
                f"option id {name[:50]!r} is not a-z, 0-9 and _, or is taken",
                f"id варианта {name[:50]!r} не из a–z, 0–9 и _ или занят",
            )
    most = question.most_chosen
    if most is not None and not (question.kind is Kind.MULTIPLE and 1 <= most <= len(options)):
        raise _bad(
            question,
            "most_chosen goes with kind multiple, from 1 to the number of options",
            "most_chosen — только у вида multiple, от 1 до числа вариантов",
        )


def _check_test(question: Question, test: Test, before: Mapping[str, Question]) -> None:
    rows = {row.id: each for each in before.values() for row in each.rows}
    asked = before.get(test.question) or rows.get(test.question)
    if asked is None or (asked.rows and test.question == asked.id):
        known = ", ".join([each for each in before if not before[each].rows] + list(rows))
        raise _bad(
            question,
            f"visible_if looks at {test.question[:50]!r}; it may look at questions and lines asked"
            f" before: {known or 'there are none'}",
            f"visible_if смотрит на {test.question[:50]!r}; можно — на вопросы и строки, заданные"
            f" раньше: {known or 'их нет'}",
        )
    ops, fitting = _fitting(asked)
    values = test.value if isinstance(test.value, tuple) else (test.value,)
    listed = isinstance(test.value, tuple) and test.op in {Op.EQ, Op.NE}
    if test.op not in ops or (listed and asked.kind is not Kind.MULTIPLE):
        raise _bad(
            question,
            f"op {test.op} does not fit {test.question!r}, which takes {', '.join(sorted(ops))}",
            f"op {test.op} не подходит к {test.question!r}; подходят {', '.join(sorted(ops))}",
        )
    if test.op not in _EXISTENCE and not all(value in fitting for value in values):
        raise _bad(
            question,
            f"visible_if compares {test.question!r} with what it cannot be",
            f"visible_if сравнивает {test.question!r} с тем, чем он быть не может",
        )


def _fitting(asked: Question) -> tuple[frozenset[Op], Sequence[object]]:
    if asked.scale is not None:
        steps = range(asked.scale.least, asked.scale.most + 1, asked.scale.step)
        return _EXISTENCE | _PLAIN | _NUMBERS, steps
    names = [each.id for each in asked.options]
    if asked.kind is Kind.CHOICE:
        return _EXISTENCE | _PLAIN, names
    if asked.kind is Kind.MULTIPLE:
        return _EXISTENCE | _SETS | {Op.EQ, Op.NE}, names
    return _EXISTENCE, ()


def _check_past(questions: Sequence[Question], earlier: Iterable[Question]) -> None:
    # Scores on two scales under one name would be one mean.
    past = {item.id: item.scale for each in earlier for item in each.items}
    kinds = {each.id: each.scale is None and each.kind for each in earlier}
    for question in questions:
        was = kinds.get(question.id)
        if was and was is not question.kind and {was, question.kind} != set(WITH_OPTIONS):
            raise _changed(question, question.id, f"kind {was}", f"вид {was}")
        for item in question.items:
            old = past.get(item.id)
            if old is not None and replace(old, name=item.scale.name) != item.scale:
                scale = f"{old.least} to {old.most}"
                raise _changed(question, item.id, f"scale {scale}", f"шкала {scale}")


def _changed(question: Question, name: str, was: str, was_ru: str) -> BadSurvey:
    return _bad(
        question,
        f"{name!r} had the {was} in an earlier version; ask another thing under another id",
        f"у {name!r} в прошлой версии {was_ru}; другой вопрос — под другим id",
    )


def _bad(question: Question, en: str, ru: str) -> BadSurvey:
    return BadSurvey(
        f"question {question.id[:50]!r}: {en}", detail_ru=f"вопрос {question.id[:50]!r}: {ru}"
    )
