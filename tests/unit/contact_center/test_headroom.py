"""The line of facts before a consumer: short in seconds on any machine, and never for ever short."""

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otklik_common.log.port import LogNotReadyError
from otklik_common.pace import records_a_second
from otklik_contact_center.actions.fold import MOST_MARKS, Done
from otklik_contact_center.actions.headroom import (
    LEAST_MARKS,
    LINE_SECONDS,
    LONG_OUTBOX,
    OTHERS_SECONDS,
    UNREAD_MARKS,
    Headroom,
    Room,
    Served,
    unread,
)

HANDS = 2
FACTS = 2
"""Of a mark."""


def beside_others() -> Served:
    """One company with much, one with little."""
    served = Served()
    served.note(["noisy"], little=False)
    served.note(["quiet"], little=True)
    return served


class Machine:
    """
    A consumer that needs so long for a batch and so long for each of its records.

    Time is what it needs: nothing is waited for.
    """

    def __init__(self, *, batch: float, record: float) -> None:
        self._batch = batch
        self._record = record
        self._pace = records_a_second()
        self.waiting = 0
        self.marks: list[int] = []
        self.lines: list[float] = []

    async def room(self, *, seconds: float, least: int) -> int:
        """As `Consumer.room`."""
        return max(int(self._pace.value * seconds), least) - self.waiting

    def take_in(self) -> None:
        """All that waits, in one batch."""
        if self.waiting:
            took = self._batch + self._record * self.waiting
            self.lines.append(took)
            self._pace.add(self.waiting, took)
            self.waiting = 0

    async def run(self, rounds: int) -> None:
        """Folding and taking in by turns."""

        async def no_outbox() -> int:
            return 0

        headroom = Headroom(self.room, no_outbox, beside_others(), hands=HANDS)
        told = asyncio.Event()
        told.set()  # with no room: the least, at once
        for _ in range(rounds):
            for _ in range(HANDS):
                marks = await headroom.marks(told)
                headroom.folded(Done(marks=marks, facts=FACTS * marks))
                self.marks.append(marks)
                self.waiting += FACTS * marks
            self.take_in()


@settings(deadline=None)
@given(batch=st.floats(0.001, 0.5), record=st.floats(0.000_02, 0.005))
def test_the_line_is_as_long_as_is_taken_in_soon(batch: float, record: float) -> None:
    machine = Machine(batch=batch, record=record)
    asyncio.run(machine.run(300))
    least = batch + record * 2 * HANDS * LEAST_MARKS * FACTS
    assert max(machine.lines[100:]) <= 1.1 * max(LINE_SECONDS, least)


@settings(deadline=None)
@given(record=st.floats(0.000_02, 0.000_5))
def test_folding_beside_others_comes_near_to_what_the_consumer_can(record: float) -> None:
    machine = Machine(batch=0.03, record=record)
    asyncio.run(machine.run(300))
    could = min((LINE_SECONDS - 0.03) / record / FACTS / HANDS, MOST_MARKS)
    assert min(machine.marks[200:]) >= 0.4 * could


def fitting(room: Room, outbox: int = 0) -> int:
    """The size of the next batch beside others; the least if there is no room for it."""

    async def waiting() -> int:
        return outbox

    told = asyncio.Event()
    told.set()
    return asyncio.run(Headroom(room, waiting, beside_others(), hands=HANDS).marks(told))


def test_facts_in_the_outbox_stand_in_the_line_as_well() -> None:
    async def room(*, seconds: float, least: int) -> int:
        del seconds, least
        return 4_000

    assert fitting(room) == 1_000
    assert fitting(room, outbox=2_000) == 500
    assert fitting(room, outbox=4_000) == LEAST_MARKS


def test_behind_an_empty_line_nobody_is_held_however_slow_the_consumer() -> None:
    async def slow(*, seconds: float, least: int) -> int:
        return max(int(seconds), least)

    assert fitting(slow) == 2 * LEAST_MARKS


def test_where_nobody_reads_the_log_batches_are_small_and_the_outbox_bounds_them() -> None:
    assert fitting(unread) == UNREAD_MARKS
    assert fitting(unread, LONG_OUTBOX + 1) == LEAST_MARKS


def test_while_the_log_is_away_there_is_no_room() -> None:
    async def room(*, seconds: float, least: int) -> int:
        raise LogNotReadyError(f"{seconds} {least}")

    assert fitting(room) == LEAST_MARKS


@pytest.mark.parametrize(
    ("little", "much", "come"),
    [
        ([], ["a"], False),
        ([], ["a", "b"], False),
        (["a"], [], False),
        (["a"], ["a"], False),
        (["a", "b"], [], True),
        (["b"], ["a"], True),
    ],
)
def test_others_come_if_one_with_little_is_not_the_only_one(
    little: list[str], much: list[str], come: bool
) -> None:
    served = Served()
    served.note(much, little=False)
    served.note(little, little=True)
    assert served.others_come() is come


def test_beside_one_that_lives_the_first_look_at_another_is_small() -> None:
    served = Served()

    async def no_outbox() -> int:
        return 0

    headroom = Headroom(unread, no_outbox, served, hands=HANDS)
    assert headroom.least() == MOST_MARKS
    served.note(["quiet"], little=True)
    assert headroom.least() == LEAST_MARKS
    told = asyncio.Event()
    told.set()
    assert asyncio.run(headroom.marks(told)) == MOST_MARKS
    served.note(["noisy"], little=False)
    assert asyncio.run(headroom.marks(told)) == UNREAD_MARKS


def test_who_was_not_served_of_late_comes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    served = Served()
    served.note(["quiet"], little=True)
    now += OTHERS_SECONDS - 1
    served.note(["noisy"], little=False)
    assert served.others_come()
    now += 1
    assert not served.others_come()
    served.note(["quiet"], little=True)
    assert served.others_come()
