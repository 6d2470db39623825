"""One batch of a consumer: what of it is next, what of it can be taken in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Final, NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.dead_letters import DeadLetter
from otklik_common.faults import Fault, describe_briefly, fault_of
from otklik_common.log.port import PIECE, Place, Record, Slice
from otklik_common.reading import ReadEvent, Unprocessable, read

MOST_VERDICTS: Final = 8
"""Events that a handler may refuse in one batch before it is halved to find the others."""

MOST_LINKS: Final = 10
"""Traces that a batch says it works for."""

Hook = Callable[[Mapping[Place, int]], Awaitable[None]]


class Handler(Protocol):
    """
    What a service does with events.

    It may also have `async def caught_up(self, positions: Mapping[Place, int]) -> None`: called
    about once a second, outside of any transaction, with the next offset of each partition that
    this replica reads, whether records came or not.
    """

    async def apply(self, tx: AsyncConnection, events: Sequence[ReadEvent]) -> None:
        """
        Take events in, inside the transaction that also moves the position.

        Events of one partition come in their order. They may come again: ignore those whose
        (epoch, revision) is not above what is known. After an exception the same events come
        again, in smaller parts too, so nothing may be remembered outside of `tx`.

        Raises:
            Unprocessable: This event can never be taken in; it joins the dead letters.
        """


class TooManyDeadError(Exception):
    """So many records in a row cannot be taken in that the reader must be at fault, not they."""


class Part(NamedTuple):
    """A slice as events, and what could not be read of it."""

    place: Place
    start: int
    next: int
    records: Sequence[Record]
    events: list[ReadEvent]
    dead: list[DeadLetter]


async def parts_of(slices: Sequence[Slice]) -> list[Part]:
    """Slices with their events read; all others go on meanwhile."""
    parts = []
    for one in slices:
        part = Part(*one, [], [])
        for first in range(0, len(one.records), PIECE):
            events, unread = read(one.records[first : first + PIECE])
            part.events.extend(events)
            part.dead.extend(DeadLetter(*bad) for bad in unread)
            await asyncio.sleep(0)
        parts.append(part)
    return parts


def count(parts: Sequence[Part]) -> int:
    """How many records they have."""
    return sum(len(part.records) for part in parts)


def newest(parts: Sequence[Part]) -> datetime | None:
    """When the newest of the events that end them was recorded."""
    return max((part.events[-1].recorded_at for part in parts if part.events), default=None)


@dataclass(slots=True)
class Outcome:
    """
    What becomes of a batch: what of it is taken in, and where to read again.

    Attributes:
        held: Stored positions that were locked; another replica may have moved them.
    """

    held: Mapping[Place, int] = field(default_factory=dict)
    rewinds: dict[Place, int] = field(default_factory=dict)
    positions: dict[Place, int] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    run: int = 0

    @property
    def events(self) -> list[ReadEvent]:
        """Events to be taken in, those of one partition in their order."""
        return [event for part in self.parts for event in part.events]

    @property
    def count(self) -> int:
        """Records taken in, the dead ones included."""
        return count(self.parts)


def choose(part: Part, following: int | None, left: int, outcome: Outcome) -> int:
    """
    Take of a part what is next, at most `left` records.

    Args:
        following: The stored position, locked; None if another replica holds it.
    Returns:
        How many records were taken.
    """
    place = part.place
    if following is None:
        outcome.rewinds[place] = part.start
        return 0
    if part.start > following or part.next < following or left <= 0:
        # Above: the position went back, as after a restore. Below: a replica was faster.
        outcome.rewinds[place] = following
        return 0
    if part.next == following:
        return 0
    stop = part.next
    records = [record for record in part.records if record.offset >= following]
    if len(records) > left:
        stop = outcome.rewinds[place] = records[left].offset
        records = records[:left]
    outcome.positions[place] = stop
    if len(records) < len(part.records):
        part = Part(
            place,
            following,
            stop,
            records,
            [event for event in part.events if following <= event.offset < stop],
            [bad for bad in part.dead if following <= bad.record.offset < stop],
        )
    outcome.parts.append(part)
    return len(records)


def _dead(event: ReadEvent, reason: str, parts: Sequence[Part]) -> DeadLetter:
    at = (event.topic, event.partition)
    for part in parts:
        if part.place == at:
            for record in part.records:
                if record.offset == event.offset:
                    return DeadLetter(record, reason, event.tenant)
    raise AssertionError(f"{at}/{event.offset} is not in this batch")


async def apply(
    tx: AsyncConnection, handler: Handler, outcome: Outcome, *, most_failures: int
) -> None:
    """
    Apply events; those that cannot be are found and put aside, the others are applied.

    A handler names the culprit by Unprocessable. After any other failure that one record
    may be to blame for, the events are halved until it stands alone.
    """
    verdicts = failures = 0
    waiting = [outcome.events] if outcome.events else []
    while waiting:
        some = waiting.pop()
        try:
            async with tx.begin_nested():
                await handler.apply(tx, some)
            failures = 0
            continue
        except Unprocessable as no:
            verdicts += 1
            culprit, reason = (some[0] if len(some) == 1 else no.event), no.reason
            blamed = verdicts <= MOST_VERDICTS and any(event is culprit for event in some)
        except Exception as broken:
            if fault_of(broken) is not Fault.RECORD:
                raise
            culprit, reason = some[0], f"the handler failed: {describe_briefly(broken)}"
            blamed = False
        if blamed or len(some) == 1:
            outcome.dead.append(_dead(culprit, reason, outcome.parts))
            failures += len(some) == 1
            rest = [event for event in some if event is not culprit]
            if rest:
                waiting.append(rest)
        else:
            half = (len(some) + 1) // 2
            # The first half goes first: partitions keep their order.
            waiting += [part for part in (some[half:], some[:half]) if part]
        if failures >= most_failures:
            raise TooManyDeadError(f"{failures} events in a row failed; the last: {reason}")


async def retake(tx: AsyncConnection, handler: Handler, record: Record) -> str | None:
    """Apply one record; what is wrong with it, or None."""
    events, unread = read([record])
    if unread:
        return unread[0].reason
    try:
        async with tx.begin_nested():
            await handler.apply(tx, events)
    except Unprocessable as no:
        return no.reason
    except Exception as broken:
        if fault_of(broken) is not Fault.RECORD:
            raise
        return f"the handler failed: {describe_briefly(broken)}"
    return None


def traceparents(parts: Sequence[Part]) -> list[str]:
    """The first few distinct traces that a batch works for."""
    found: dict[str, None] = {}
    for event in chain.from_iterable(part.events for part in parts):
        if event.traceparent is not None:
            found[event.traceparent] = None
            if len(found) == MOST_LINKS:
                break
    return list(found)
