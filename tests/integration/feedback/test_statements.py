"""The hot path asks the database a fixed number of questions, however many answers there are."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.integration.feedback.conftest import AT, World

pytestmark = pytest.mark.asyncio


_watched: ContextVar[list[str] | None] = ContextVar("watched", default=None)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement sent from inside, by any engine; what works beside it is not counted."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if _watched.get() is seen:
            seen.append(statement.split("(", maxsplit=1)[0].strip())

    event.listen(Engine, "before_cursor_execute", note)
    token = _watched.set(seen)
    try:
        yield seen
    finally:
        _watched.reset(token)
        event.remove(Engine, "before_cursor_execute", note)


def items(count: int, survey: str, round_: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "id": f"a-{number}",
            "survey": survey,
            "at": AT,
            "customer": {"phone": f"+7999000{number:04}"},
            "contact": f"c-{number}",
            "values": {"nps": (number + round_) % 11},
        }
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [2, 300])
async def test_a_batch_of_new_answers_takes_fourteen_statements(world: World, count: int) -> None:
    body = items(count, await world.survey())
    await world.call("GET", "/answers")  # the directory is read and kept
    with statements() as seen:
        done = await world.call("POST", "/answers:batch", body)
    assert done.json()["accepted"] == count
    assert len(seen) == 14, seen


async def test_one_answer_takes_seven_statements_and_a_repeated_one_five(world: World) -> None:
    survey = await world.survey()
    await world.call("GET", "/answers")
    with statements() as seen:
        await world.answer("a-1", survey, {"nps": 9})
    first = len(seen)
    with statements() as seen:
        await world.answer("a-1", survey, {"nps": 9})
    assert (first, len(seen)) == (7, 5)
