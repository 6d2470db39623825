"""What goes on inside while something is measured: backlogs, processor time, memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from bench.scale.places import TOPICS, Place

MOST_COUNTED = 2_000_000

_QUEUES = f"""
    SELECT (SELECT count(*) FROM (SELECT 1 FROM contact_center.dirty LIMIT {MOST_COUNTED}) d),
        (SELECT count(*) FROM (SELECT 1 FROM contact_center.outbox LIMIT {MOST_COUNTED}) o),
        (SELECT coalesce(sum(next), 0) FROM metrics.positions WHERE consumer = 'metrics.facts'),
        (SELECT coalesce(sum(next), 0) FROM metrics.positions WHERE consumer = 'metrics.history')
"""


@dataclass
class Watched:
    """
    One look a second.

    Attributes:
        queues: (seconds, marks to fold, outbox, records before facts, before history).
        cores: Cores used on average, by what our processes do.
        short: Of each second, how long they were ready to run and had no core, all threads added.
        most_mb: The most resident memory seen, by the same; shared pages count in each process.
    """

    queues: list[tuple[float, int, int, int, int]] = field(default_factory=list)
    cores: dict[str, float] = field(default_factory=dict)
    short: dict[str, float] = field(default_factory=dict)
    most_mb: dict[str, float] = field(default_factory=dict)

    def most(self) -> dict[str, float]:
        """The longest that each queue was, and where they stood at the end."""
        names = ("marks", "outbox", "facts", "history")
        longest = {
            f"most_{name}": max((row[place] for row in self.queues), default=0)
            for place, name in enumerate(names, 1)
        }
        last = {f"last_{name}": self.queues[-1][place] for place, name in enumerate(names, 1)}
        return longest | last


_FOLDED = """
    SELECT extract(epoch FROM c.recorded_at - i.received_at)::float
    FROM contact_center.contact c JOIN contact_center.inbox i USING (tenant, source, contact)
    WHERE c.tenant = $1 AND i.received_at >= $2
"""


async def folding_waits(place: Place, company: str, since: datetime) -> list[float]:
    """Seconds from the coming of each event of a company to the transaction that folded it."""
    looking = await place.look()
    try:
        return [row[0] for row in await looking.fetch(_FOLDED, company, since)]
    finally:
        await looking.close()


@asynccontextmanager
async def watching(place: Place, *, every: float = 1.0, say: bool = True) -> AsyncIterator[Watched]:
    """Look into a place until the block ends."""
    told, began = Watched(), time.perf_counter()
    before, stop = _spent(place), asyncio.Event()
    looking = asyncio.create_task(_look(place, told, stop, every, say=say))
    try:
        yield told
    finally:
        stop.set()
        await looking
        took, after = time.perf_counter() - began, _spent(place)
        each = {
            name: [
                round((now - then) / took, 2) for now, then in zip(spent, before[name], strict=True)
            ]
            for name, spent in after.items()
        }
        told.cores = {name: ran for name, (ran, _) in each.items()}
        told.short = {name: waited for name, (_, waited) in each.items()}


async def _look(
    place: Place, told: Watched, stop: asyncio.Event, every: float, *, say: bool
) -> None:
    looking, log = await place.look(), place.log()
    began = time.perf_counter()
    try:
        while True:
            ended = sum((await log.ends(TOPICS)).values())
            ((marks, outbox, facts, history),) = await looking.fetch(_QUEUES)
            row = (
                round(time.perf_counter() - began, 1),
                marks, outbox, int(ended - facts), int(ended - history),
            )  # fmt: skip
            told.queues.append(row)
            for name, mb in _memory(place).items():
                told.most_mb[name] = max(told.most_mb.get(name, 0), mb)
            if say:
                print(
                    f"{row[0]:6.1f} s  to fold {row[1]:8,}  outbox {row[2]:7,}"
                    f"  before facts {row[3]:8,}  before history {row[4]:8,}",
                    flush=True,
                )
            if stop.is_set():
                return
            try:
                async with asyncio.timeout(every):
                    await stop.wait()
            except TimeoutError:
                continue
    finally:
        await looking.close()
        await log.close()


def _spent(place: Place) -> dict[str, tuple[float, float]]:
    """Seconds that each kind has run, and has waited for a core; those of the ended are lost."""
    return {
        name: (_sum(members, _cpu), _sum(members, _waited))
        for name, members in place.families().items()
    }


def _memory(place: Place) -> dict[str, float]:
    return {name: round(_sum(members, _rss)) for name, members in place.families().items()}


def _sum(members: list[psutil.Process], of: Any) -> float:
    total = 0.0
    for member in members:
        try:
            total += of(member)
        except (psutil.NoSuchProcess, OSError):
            continue
    return total


def _cpu(member: psutil.Process) -> float:
    return float(sum(member.cpu_times()[:2]))


def _waited(member: psutil.Process) -> float:
    told = Path(f"/proc/{member.pid}/task").glob("*/schedstat")
    return sum(int(one.read_text().split()[1]) for one in told) / 1e9


def _rss(member: psutil.Process) -> float:
    return float(member.memory_info().rss) / 2**20
