"""Questions as they are kept within a survey."""

from typing import Any

from otklik_feedback.domain.condition_form import parse_condition, written_condition
from otklik_feedback.domain.question import Axis, Kind, Measure, Option, Question, Row, Words
from otklik_feedback.domain.scale import Scale


def written_question(question: Question) -> dict[str, Any]:
    """A question as plain data."""
    scale = question.scale
    return {
        "id": question.id,
        "text": question.text._asdict(),
        "scale": scale
        and {
            "name": scale.name,
            "least": scale.least,
            "most": scale.most,
            "step": scale.step,
            "upward": scale.upward,
        },
        "measure": question.measure and question.measure.value,
        "importance_micro": question.importance_micro,
        "not_applicable": question.not_applicable,
        "also": question.also,
        "kind": question.kind.value,
        "options": [{"id": each.id, "text": each.text._asdict()} for each in question.options],
        "rows": [_written_row(each) for each in question.rows],
        "low": question.low and question.low._asdict(),
        "high": question.high and question.high._asdict(),
        "most_chosen": question.most_chosen,
        "required": question.required,
        "visible_if": question.visible_if and written_condition(question.visible_if),
        "axis": question.axis and question.axis.value,
    }


def read_question(said: dict[str, Any]) -> Question:
    """
    The question again.

    Those that were kept by a build before say less: they are on a scale or in free words.
    """
    scale, axis, shown = said["scale"], said.get("axis"), said.get("visible_if")
    return Question(
        id=said["id"],
        text=Words(**said["text"]),
        scale=None if scale is None else Scale(**scale),
        measure=None if said["measure"] is None else Measure(said["measure"]),
        importance_micro=said["importance_micro"],
        not_applicable=tuple(said["not_applicable"]),
        also=tuple(said["also"]),
        kind=Kind(said.get("kind", Kind.TEXT if scale is None else Kind.SCALE)),
        options=tuple(
            Option(each["id"], Words(**each["text"])) for each in said.get("options", ())
        ),
        rows=tuple(_read_row(each) for each in said.get("rows", ())),
        low=_words(said.get("low")),
        high=_words(said.get("high")),
        most_chosen=said.get("most_chosen"),
        required=said.get("required", False),
        visible_if=None if shown is None else parse_condition(shown),
        axis=None if axis is None else Axis(axis),
    )


def _written_row(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "text": row.text._asdict(),
        "importance_micro": row.importance_micro,
        "axis": row.axis and row.axis.value,
    }


def _read_row(said: dict[str, Any]) -> Row:
    axis = said["axis"]
    return Row(
        said["id"],
        Words(**said["text"]),
        said["importance_micro"],
        None if axis is None else Axis(axis),
    )


def _words(said: dict[str, str] | None) -> Words | None:
    return None if said is None else Words(**said)
