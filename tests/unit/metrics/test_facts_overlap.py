"""Statements that overlap with work: in order, and never left under way."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from otklik_metrics.store.overlap import Step, overlapping


def steps(seen: list[str], count: int, *, failing: int | None = None) -> Iterator[Step[int]]:
    async def send(number: int) -> int:
        seen.append(f"send {number}")
        await asyncio.sleep(0)
        if number == failing:
            raise ValueError(f"statement {number} failed")
        seen.append(f"done {number}")
        return number

    for number in range(count):
        seen.append(f"prepare {number}")
        yield lambda number=number: send(number)  # type: ignore[misc]  # bound now, called once


@pytest.mark.asyncio
async def test_the_next_is_prepared_before_and_the_last_is_used_while_one_is_under_way() -> None:
    seen: list[str] = []
    async with aclosing(overlapping(steps(seen, 3))) as answers:
        async for answer in answers:
            seen += [f"use {answer}"]
    order = {what: place for place, what in enumerate(seen)}
    assert order["send 0"] < order["prepare 1"]
    assert order["send 1"] < order["use 0"] < order["done 1"]
    assert [what for what in seen if what.startswith("use")] == ["use 0", "use 1", "use 2"]
    # One connection: a statement is sent when the one before is done.
    assert order["done 0"] < order["send 1"]
    assert order["done 1"] < order["send 2"]


@pytest.mark.asyncio
async def test_nothing_is_left_under_way_when_the_work_fails() -> None:
    seen: list[str] = []

    async def work() -> None:
        async with aclosing(overlapping(steps(seen, 3))) as answers:
            async for _ in answers:
                raise RuntimeError("the work failed")

    with pytest.raises(RuntimeError):
        await work()
    assert seen[-1] == "done 1"
    assert "send 2" not in seen


@pytest.mark.asyncio
@pytest.mark.parametrize("failing", [0, 1, 2])
async def test_a_statement_that_fails_is_the_last(failing: int) -> None:
    seen: list[str] = []

    async def work() -> None:
        async with aclosing(overlapping(steps(seen, 3, failing=failing))) as answers:
            async for _ in answers:
                pass

    with pytest.raises(ValueError, match=f"statement {failing} failed"):
        await work()
    assert f"send {failing + 1}" not in seen


@pytest.mark.asyncio
async def test_no_statements_give_no_answers() -> None:
    async with aclosing(overlapping(steps([], 0))) as answers:
        assert [answer async for answer in answers] == []


class Batch(list[int]):
    """What a statement is made of."""


@pytest.mark.asyncio
@pytest.mark.parametrize("failing", [0, 1, 2])
async def test_a_statement_that_fails_keeps_nothing_alive(failing: int) -> None:
    """A batch in a circle would lie there until garbage is looked for, which is seldom."""
    gc.collect()
    gc.disable()
    try:
        kept = await _failed(failing)
        await asyncio.sleep(0)
        assert kept() is None
    finally:
        gc.enable()


async def _failed(failing: int) -> "weakref.ref[Batch]":
    batch = Batch(range(3))
    try:
        async with aclosing(overlapping(steps([], len(batch), failing=failing))) as answers:
            async for _ in answers:
                pass
    except ValueError:
        pass
    return weakref.ref(batch)
