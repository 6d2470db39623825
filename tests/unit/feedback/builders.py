"""Surveys and answers for tests, valid by default: say only what matters."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from otklik_feedback.domain.answer import (
    NOTHING_KNOWN,
    Answer,
    ContactKnown,
    NewAnswer,
    accept,
)
from otklik_feedback.domain.question import MICRO, Words
from otklik_feedback.domain.survey import Attribute, Survey, questions_of
from otklik_feedback.domain.templates import Template

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
PHONE = "ph1_AAAAAAAAAAAAAAAAAAAAAAAA"
MAIL = "em1_BBBBBBBBBBBBBBBBBBBBBBBB"


def an_attribute(name: str = "speed", importance: float = 1, **said: Any) -> Attribute:
    """Something that is weighed, on 1 to 5."""
    return Attribute(name, Words("Скорость", "Speed"), round(importance * MICRO), **said)


def a_survey(
    template: str = "nps", *attributes: Attribute, nps_from_one: bool = False, **said: Any
) -> Survey:
    """A survey that takes answers."""
    kind = Template(template)
    default: dict[str, Any] = {
        "id": UUID(int=7),
        "reference": "survey",
        "template": kind,
        "title": Words("Опрос", "Survey"),
        "questions": questions_of(kind, attributes=attributes, nps_from_one=nps_from_one),
        "created_at": MONDAY,
    }
    return Survey(**default | said)


def a_body(values: dict[str, Any] | None = None, **said: Any) -> NewAnswer:
    """An answer as it is sent: an NPS of 9."""
    values = {"nps": 9} if values is None else values
    default: dict[str, Any] = {
        "id": UUID(int=1),
        "reference": "a-1",
        "survey": UUID(int=7),
        "answered_at": MONDAY,
        "values": values,
        "digest": repr((sorted(values.items(), key=str), said)).encode(),
        "sender": "key:test",
        "identifiers": (PHONE,),
        "said": {"branch": "tyumen", "touchpoint": "viewing"},
    }
    return NewAnswer(**default | said)


def an_answer(
    values: dict[str, Any] | None = None,
    *,
    survey: Survey | None = None,
    contact: ContactKnown = NOTHING_KNOWN,
    **said: Any,
) -> Answer:
    """An answer as it is kept, in its first revision."""
    kept = accept(a_body(values, **said), survey or a_survey(), None, contact)
    assert kept is not None
    return replace(kept, revision=1, recorded_at=MONDAY)
