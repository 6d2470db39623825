"""`otklik up`: PostgreSQL, one process that answers, one that works, the demo; all end together."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from otklik.addresses import THIS_MACHINE, url_of
from otklik.banner import Made, Result, banner, entrance
from otklik.data import FIRST_START, Data, demo_loaded, environment, fingerprint
from otklik.embedded import EmbeddedPostgres
from otklik.family import MOST_FAILURES, Child, Family, say
from otklik.keeping import Keeper
from otklik.readiness import free_port, until_port_is_free, until_ready
from otklik.targets import migration_folders
from otklik_common.resting import rest

LOOK_SECONDS = 0.3


@dataclass(slots=True)
class Options:
    """
    What `otklik up` was asked for.

    Attributes:
        ops_port: Where the worker shows /metrics to this machine; None: on some free port.
    """

    data: Path
    port: int
    host: str = "127.0.0.1"
    demo: bool = True
    as_json: bool = False
    ops_port: int | None = None


def up(options: Options) -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    return asyncio.run(_up(options))


async def _up(options: Options) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    data = Data.hold(options.data)
    await until_port_is_free(options.host, options.port, stop)
    if options.ops_port is not None:
        await until_port_is_free(THIS_MACHINE, options.ops_port, stop)
    say(f"starting PostgreSQL in {data.folder}")
    keeper = await Keeper.start(data.folder)
    keeping = asyncio.create_task(keeper.keep(stop))
    try:
        return 0 if stop.is_set() else await _run(options, data, keeper.postgres, stop)
    finally:
        stop.set()
        try:
            await keeping
        finally:
            await keeper.leave()
            say("Otklik has stopped")


async def _run(
    options: Options, data: Data, postgres: EmbeddedPostgres, stop: asyncio.Event
) -> int:
    url = url_of(options.host, options.port)
    public = os.environ.get("OTKLIK_PUBLIC_URL", url)
    told = environment(data.folder, postgres) | {"OTKLIK_PUBLIC_URL": public, "OTKLIK_URL": url}
    if not options.as_json:
        # A person reads what we say: a line for each request would bury it.
        told["OTKLIK_LOG_LEVEL"] = os.environ.get("OTKLIK_LOG_LEVEL", "WARNING")
    # Children hold the reading end: however we die, they see its end and go.
    lifeline, ours = os.pipe()
    family = Family(told, lifeline, stop)
    try:
        made = await _prepare(options, data, family)
        if stop.is_set():
            return 0
        kept = data.secret(FIRST_START)
        made = made.with_kept(None if kept is None else json.loads(kept))
        ops_port = options.ops_port or free_port()
        family.begin("serve", ["serve", "all", "--host", options.host, "--port", str(options.port)])
        # Nobody but us asks the worker, wherever the API listens.
        family.begin("work", ["work", "all", "--host", THIS_MACHINE, "--ops-port", str(ops_port)])
        key = made.key or data.secret("demo.key")
        if not await until_ready([url, url_of(THIS_MACHINE, ops_port)], key, family):
            return 0 if stop.is_set() else 1
        await _announce(options, data, family, Result.of(url, made))
        await stop.wait()
        return 0
    finally:
        stop.set()
        await family.end()
        os.close(ours)
        os.close(lifeline)


async def _prepare(options: Options, data: Data, family: Family) -> Made:
    """Structure and first company; skipped while neither can have changed."""
    state = data.state
    mark = fingerprint(migration_folders())
    if state.get("prepared") == mark and "company" in state:
        return Made(company=state["company"], login=state["login"])
    say("preparing the database")
    steps = ["--keep-in", str(data.folder), *(["--demo"] if options.demo else [])]
    if options.demo and data.secret("demo.key") is None and "company" not in state:
        steps.append("--demo-key")
    output = await family.once([sys.executable, "-m", "otklik.prepare", *steps])
    if family.stop.is_set():
        return Made(company="", login="")
    made = Made(**json.loads(output))
    if made.demo_key:
        # The key last: where it is kept, the end is known.
        data.remember(demo_ends=_midnight())
        data.keep_secret("demo.key", made.demo_key)
    data.remember(prepared=mark, company=made.company, login=made.login)
    return made


def _midnight() -> str:
    """The last midnight in Moscow, where the demo's agency works: the end of its history."""
    now = datetime.now(ZoneInfo("Europe/Moscow"))
    return now.replace(hour=0, minute=0, second=0, microsecond=0).isoformat()


async def _announce(options: Options, data: Data, family: Family, result: Result) -> None:
    key, ends = data.secret("demo.key"), data.state.get("demo_ends")
    demonstrated = options.demo and key is not None and ends is not None
    waits = demonstrated and not options.as_json and not demo_loaded(data.folder)
    if options.as_json:
        print(json.dumps(result.as_json()), flush=True)
    else:
        print(entrance(result) if waits else banner(result, datetime.now(UTC)), flush=True)
    # Seen: from now on nobody can be told them again.
    data.forget_secret(FIRST_START)
    if not demonstrated:
        return
    told = {"OTKLIK_KEY": str(key)}
    demo = family.begin("demo", ["demo", "run", "--until", str(ends)], told=told, once=True)
    if waits:
        say("loading the demo company (once; a killed load goes on at the next start)")
        await _until_loaded(data, demo, family.stop)
        if not family.stop.is_set():
            print(banner(result, datetime.now(UTC)), flush=True)


async def _until_loaded(data: Data, demo: Child, stop: asyncio.Event) -> None:
    """The load is another process; a file tells that it is done."""
    while not (stop.is_set() or demo.done.is_set() or demo_loaded(data.folder)):
        if demo.failed >= MOST_FAILURES:
            say(
                f"the demo could not be loaded: it failed {demo.failed} times, and its last words "
                "stand above; everything else works, and the load is tried again"
            )
            return
        await rest(stop, LOOK_SECONDS)
