"""Questions for tests, valid by default: say only what matters."""

from dataclasses import replace
from typing import Any

from otklik_feedback.domain.condition_form import parse_condition
from otklik_feedback.domain.designing import designed
from otklik_feedback.domain.question import Kind, Option, Question, Row, Words
from otklik_feedback.domain.survey import Survey
from tests.unit.feedback.builders import a_survey

TEXT = Words("Вопрос", "Question")


def a_question(name: str = "q", kind: str = "scale", **said: Any) -> Question:
    """A question; options and rows are named by their ids alone."""
    options = tuple(
        Option(each, Words(f"Вариант {each}", each)) for each in said.pop("options", ())
    )
    rows = tuple(Row(each, Words(f"Строка {each}", each)) for each in said.pop("rows", ()))
    shown = said.pop("visible_if", None)
    return Question(
        name,
        said.pop("text", TEXT),
        kind=Kind(kind),
        options=options,
        rows=rows,
        visible_if=None if shown is None else parse_condition(shown),
        **said,
    )


def of_questions(*questions: Question, **said: Any) -> Survey:
    """A survey that asks these."""
    kept = tuple(designed(questions))
    return replace(a_survey(), questions=kept, own=True, **said)


def when(question: str, op: str, value: Any = None) -> dict[str, Any]:
    """A condition of one test."""
    told = {"question": question, "op": op}
    return told if value is None else told | {"value": value}
