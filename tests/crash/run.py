"""One run: a world, its load, its faults, and the verdict on what is left."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

from tests.crash.checker import Verdict, check
from tests.crash.collect import Installation
from tests.crash.faults import Fault
from tests.crash.journal import Journal, read
from tests.crash.load import Load
from tests.crash.nemesis import Nemesis
from tests.crash.stories import Calls
from tests.crash.world import Armed, Say, World, running_world
from tests.support.deployment import Process

WARM_SECONDS: Final = 2.0
PROGRESS_SECONDS: Final = 10.0
PATIENCE_SECONDS: Final = 60.0
RECOUNT_SECONDS: Final = 120.0

CUT: Final = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""


@dataclass(frozen=True)
class Plan:
    """
    What a run does.

    Attributes:
        faults: Times count from when the load has run for some seconds.
        seconds: How long the load lasts at least; it outlasts the faults in any case.
        rate: Pushes a second.
        transfers, share_of_new: As for `Calls`.
        armed: Faults of ours, by role.
        rights: Statements of the superuser, without which a fault of ours would be refused.
        patience: After so many seconds in which nothing moved, what has not arrived is lost.
    """

    faults: Sequence[Fault]
    seed: int
    seconds: float = 0.0
    rate: float = 25.0
    transfers: int = 4
    share_of_new: float = 0.3
    armed: Mapping[str, Armed] = field(default_factory=dict)
    rights: Sequence[str] = ()
    patience: float = PATIENCE_SECONDS


@dataclass
class Report:
    """
    What a run came to.

    Attributes:
        drained: Seconds from the last push until all was counted; None if that never happened.
        own_ends: How often parts ended that nobody had killed.
        recounted: Whether the product's own check, `otklik rebuild --check`, agrees.
    """

    faults: list[Fault]
    verdict: Verdict
    drained: float | None
    own_ends: Counter[str]
    recounted: bool
    seconds: float

    @property
    def good(self) -> bool:
        """Every promise was kept."""
        return self.verdict.good and self.drained is not None and self.recounted

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        verdict = self.verdict
        return {
            "good": self.good,
            "faults": {f"{t} {k}": n for (t, k), n in sorted(by_target_and_kind(self.faults))},
            "found": {str(breach): n for breach, n in sorted(verdict.breaches.items())},
            "examples": {str(breach): texts for breach, texts in sorted(verdict.shown.items())},
            "acknowledged": verdict.acknowledged,
            "refused": verdict.refused,
            "unknown": verdict.unknown,
            "unknown_but_kept": verdict.became_known,
            "subjects": verdict.subjects,
            "revisions": verdict.revisions,
            "sent_again": verdict.repeated,
            "own_ends": dict(sorted(self.own_ends.items())),
            "drain_seconds": self.drained,
            "recounted": self.recounted,
            "seconds": round(self.seconds, 1),
        }


def by_target_and_kind(faults: Sequence[Fault]) -> list[tuple[tuple[str, str], int]]:
    """How many faults of each kind each target suffered."""
    return list(Counter((fault.target, str(fault.kind)) for fault in faults).items())


def run(plan: Plan, say: Say) -> Report:
    """Do what a plan says, in a world of its own."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="otklik-crash-") as folder:
        say("starting")
        with running_world(say, plan.armed) as world:
            say(f"running after {time.monotonic() - began:.1f} s")
            asyncio.run(_execute(world.database, *plan.rights))
            return asyncio.run(_run(plan, world, Path(folder) / "journal", say, began))


async def _run(plan: Plan, world: World, journal_at: Path, say: Say, began: float) -> Report:
    journal = Journal(journal_at)
    calls = Calls(plan.seed, transfers=plan.transfers, share_of_new=plan.share_of_new)
    load = Load(world.url, world.key, calls, journal, rate=plan.rate, seed=plan.seed)
    nemesis = Nemesis(world.supervisors, lambda: asyncio.run(_execute(world.database, CUT)), say)
    stop = asyncio.Event()
    try:
        writing = asyncio.create_task(load.run(stop))
        telling = asyncio.create_task(_tell(load, nemesis, len(plan.faults), say, stop))
        await asyncio.sleep(WARM_SECONDS)
        hurting = asyncio.to_thread(nemesis.run, plan.faults)
        await asyncio.gather(hurting, asyncio.sleep(plan.seconds))
        stop.set()
        await asyncio.gather(writing, telling)
    finally:
        nemesis.stop()
        journal.close()
    say("the writers have stopped")
    stopped = time.monotonic()
    await asyncio.to_thread(world.wait_until_all_serve)
    left = Installation(world.database, world.kafka.bootstrap, world.company)
    drained = await left.drained(stopped, plan.patience)
    say("not all is counted" if drained is None else f"all is counted after {drained:.1f} s")
    verdict = check(await left.evidence(read(journal_at)))
    recounted = await asyncio.to_thread(_recount, world)
    return Report(
        nemesis.done, verdict, drained, world.own_ends(), recounted, time.monotonic() - began
    )


async def _tell(load: Load, nemesis: Nemesis, planned: int, say: Say, stop: asyncio.Event) -> None:
    """A line of progress every ten seconds."""
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), PROGRESS_SECONDS)
        except TimeoutError:
            events = load.events
            say(
                f"{len(nemesis.done)} of {planned} faults; events: {events['acknowledged']}"
                f" acknowledged, {events['unknown']} unknown, {events['refused']} refused"
            )


async def _execute(database: str, *statements: str) -> None:
    connection = await asyncpg.connect(database, timeout=5)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _recount(world: World) -> bool:
    told = {name: value for name, value in world.told.items() if name != "OTKLIK_DATA"}
    recount = Process(["rebuild", "--check", "--json"], told)
    recount.start()
    assert recount.running is not None
    return recount.running.wait(RECOUNT_SECONDS) == 0
