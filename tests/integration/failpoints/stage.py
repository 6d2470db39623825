"""What a case needs: work that passes failpoints, a database to do it in, and processes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import asyncpg

from otklik_common.outages import outage
from otklik_common.settings import Settings
from tests.integration.failpoints.processes import Child, Work

TENANT = "demo2abc"


@dataclass
class Stage:
    """
    A database of one test.

    Attributes:
        admin: Superuser, to look behind the row policies.
        folder: Where processes leave what they say.
        impatient: The server does not wait long for processes that stand still.
    """

    settings: Settings
    admin: asyncpg.Connection
    folder: Path
    impatient: bool = False
    children: list[Child] = field(default_factory=list)

    def start(self, work: Work, armed: tuple[str, str] | None = None) -> Child:
        """A process that does some work."""
        notes = self.folder / f"{len(self.children)}.txt"
        child = Child(work, self.settings, notes, armed=armed, impatient=self.impatient)
        self.children.append(child)
        return child

    async def does(self, work: Work) -> None:
        """Do some work in a process, to its end."""
        child = self.start(work)
        assert await child.ended() == 0, child.said()

    def said(self) -> str:
        """What all processes have said, one after another."""
        return "".join(child.said() for child in self.children)

    async def count(self, table: str, where: str = "true") -> int:
        """Rows of a table."""
        return int(await self.admin.fetchval(f"SELECT count(*) FROM {table} WHERE {where}"))


@dataclass(frozen=True)
class Scenario:
    """
    Some work that may be done again and by several, and what is there when it is done.

    Attributes:
        name: Of the database that each test gets a copy of.
        prepare: Makes what is in that database; called once.
        work: Ends when nothing more is to be done. Whoever calls it again, or beside it, finds
            what is done and does the rest.
        check: Asserts that everything is there once.
        rival: What others do while a process stands still, and bring to its end although it
            does; of itself the work.
        waits: The SQL that tells that the rival waits for the process instead.
        log: "kafka" where a point is passed only there.
    """

    name: str
    prepare: Callable[[Settings], Awaitable[None]]
    work: Work
    check: Callable[[Stage], Awaitable[None]]
    rival: Work | None = None
    waits: str | None = None
    log: str = "table"


@dataclass(frozen=True)
class Case:
    """
    A failpoint, and the scenario that leads a process there.

    Attributes:
        nth: How often it is passed before it matters.
    """

    point: str
    scenario: Scenario
    nth: int = 1

    def armed(self, action: str) -> tuple[str, str]:
        """What a process is told."""
        return self.point, f"{action}@{self.nth}"


def patiently(work: Work) -> Work:
    """Work that is done again where the database was away, as whoever ordered it would."""
    return partial(_patiently, work)


async def _patiently(work: Work, settings: Settings) -> None:
    while True:
        try:
            return await work(settings)
        except Exception as broken:
            if outage(broken) is None:
                raise


async def run_until(
    condition: Callable[[], Awaitable[bool]], *loops: Callable[[asyncio.Event], Awaitable[None]]
) -> None:
    """Run loops until a condition holds; the failure of one is ours."""
    stop = asyncio.Event()
    tasks = {asyncio.ensure_future(loop(stop)) for loop in loops}

    async def watch() -> None:
        while not await condition():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    await asyncio.wait({*tasks, watching}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await asyncio.gather(*tasks)
    await watching
