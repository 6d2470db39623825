"""`otklik up`: PostgreSQL, one process that answers, one that works, the demo; all end together."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from zoneinfo import ZoneInfo

from otklik.banner import Made, Result, banner
from otklik.data import Data, demo_loaded, environment, fingerprint
from otklik.embedded import EmbeddedPostgres
from otklik.targets import migration_folders

READY_SECONDS = 90
GRACE_SECONDS = 7
"""How long children may take to end; SIGKILL follows, well within the promised 10 s."""

RESTART_SECONDS = (0.2, 1, 5, 15)
"""Pauses before a failed child is started anew; the last is repeated."""

STEADY_SECONDS = 60
"""A child that ran this long had begun well: its next failure counts as the first."""

MOST_FAILURES = 3
PORT_ATTEMPTS = 12
LOOK_SECONDS = 0.3

PROBES = (
    "/access/v1/me",
    "/contact-center/v1/sources",
    "/feedback/v1/surveys",
    "/loyalty/v1/programme",
    "/metrics/v1/catalog",
)
"""A key that is known to each of these works everywhere."""


@dataclass(slots=True)
class Options:
    """What `otklik up` was asked for."""

    data: Path
    port: int
    host: str = "127.0.0.1"
    demo: bool = True
    as_json: bool = False


@dataclass(slots=True)
class Child:
    """
    A process of ours.

    Attributes:
        once: It may end well; others are started again whatever they end with.
        failures: How often it failed in a row.
        done: It is not running and will not be started again.
    """

    name: str
    once: bool = False
    failures: int = 0
    process: asyncio.subprocess.Process | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def signal(self, signum: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(signum)


def say(line: str) -> None:
    """A line for whoever watches; standard output is kept for the result."""
    print(line, file=sys.stderr, flush=True)


def up(options: Options) -> int:
    """Run until SIGINT or SIGTERM; returns the exit code."""
    return asyncio.run(_up(options))


async def _up(options: Options) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    data = Data.hold(options.data)
    await _until_port_is_free(options, stop)
    say(f"starting PostgreSQL in {data.folder}")
    # A start under way cannot be broken off half-way; it is short.
    postgres = await asyncio.to_thread(EmbeddedPostgres.start, data.folder)
    try:
        return 0 if stop.is_set() else await _run(options, data, postgres, stop)
    finally:
        await asyncio.to_thread(postgres.stop)


async def _run(
    options: Options, data: Data, postgres: EmbeddedPostgres, stop: asyncio.Event
) -> int:
    url = f"http://{options.host}:{options.port}"
    told = environment(data.folder, postgres) | {"OTKLIK_PUBLIC_URL": url, "OTKLIK_URL": url}
    # Children hold the reading end: however we die, they see its end and go.
    lifeline, ours = os.pipe()
    family = Family(told, lifeline, stop)
    try:
        made = await _prepare(options, data, family)
        if stop.is_set():
            return 0
        ops_port = _free_port()
        family.begin("serve", ["serve", "all", "--port", str(options.port)])
        family.begin("work", ["work", "all", "--ops-port", str(ops_port)])
        key = made.key or data.secret("demo.key")
        if not await _until_ready([url, f"http://127.0.0.1:{ops_port}"], key, family):
            return 0 if stop.is_set() else 1
        await _announce(options, data, family, Result.of(url, made))
        await stop.wait()
        return 0
    finally:
        stop.set()
        await family.end()
        os.close(ours)
        os.close(lifeline)


async def _prepare(options: Options, data: Data, family: "Family") -> Made:
    """Structure and first company; skipped while neither can have changed."""
    state = data.state
    mark = fingerprint(migration_folders())
    if state.get("prepared") == mark and "company" in state:
        return Made(company=state["company"], login=state["login"])
    say("preparing the database")
    steps = ["--demo"] if options.demo else []
    if options.demo and data.secret("demo.key") is None and "company" not in state:
        steps.append("--demo-key")
    output = await family.once([sys.executable, "-m", "otklik.prepare", *steps])
    if family.stop.is_set():
        return Made(company="", login="")
    made = Made(**json.loads(output))
    if made.demo_key:
        data.keep_secret("demo.key", made.demo_key)
        data.remember(demo_ends=_midnight())
    data.remember(prepared=mark, company=made.company, login=made.login)
    return made


def _midnight() -> str:
    """The last midnight in Moscow, where the demo's agency works: the end of its history."""
    now = datetime.now(ZoneInfo("Europe/Moscow"))
    return now.replace(hour=0, minute=0, second=0, microsecond=0).isoformat()


async def _announce(options: Options, data: Data, family: "Family", result: Result) -> None:
    if options.as_json:
        print(json.dumps(result.as_json()), flush=True)
    key, ends = data.secret("demo.key"), data.state.get("demo_ends")
    if options.demo and key is not None and ends is not None:
        told = {"OTKLIK_KEY": key}
        demo = family.begin("demo", ["demo", "run", "--until", ends], told=told, once=True)
        if not options.as_json:
            say("loading the demo company (once; a killed load goes on at the next start)")
            await _until_loaded(data, demo, family.stop)
    if not options.as_json and not family.stop.is_set():
        print(banner(result), flush=True)


async def _until_loaded(data: Data, demo: Child, stop: asyncio.Event) -> None:
    """The load is another process; a file tells that it is done."""
    while not (stop.is_set() or demo.done.is_set() or demo_loaded(data.folder)):
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)


class Family:
    """Our child processes, which begin with us, are started anew when they fail, and end with us."""

    def __init__(self, told: Mapping[str, str], lifeline: int, stop: asyncio.Event) -> None:
        self.stop = stop
        self._environment = {**os.environ, **told, "OTKLIK_LIFELINE": str(lifeline)}
        self._lifeline = lifeline
        self._children: list[Child] = []
        self._tasks: list[asyncio.Task[None]] = []

    def begin(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        told: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> Child:
        """Start `otklik …` and keep it running; with `once`, until it ends well."""
        child = Child(name, once=once)
        command = [sys.executable, "-m", "otklik", *arguments]
        self._children.append(child)
        self._tasks.append(asyncio.create_task(self._keep(child, command, dict(told or {}))))
        return child

    async def once(self, command: Sequence[str]) -> str:
        """Run a step to its end; returns its output. Raises SystemExit if it fails."""
        process = await self._spawn(command, {}, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        if process.returncode != 0 and not self.stop.is_set():
            raise SystemExit(f"{' '.join(command[1:])} failed with {process.returncode}; see above")
        return output.decode()

    def hopeless(self) -> str | None:
        """Name of a child that has failed too often in a row to be waited for."""
        return next((one.name for one in self._children if one.failures >= MOST_FAILURES), None)

    async def end(self) -> None:
        """Tell all to end; whoever does not within the grace is killed."""
        for child in self._children:
            child.signal(signal.SIGTERM)
        if self._tasks:
            _, running = await asyncio.wait(self._tasks, timeout=GRACE_SECONDS)
            for child in self._children if running else ():
                child.signal(signal.SIGKILL)
            await asyncio.wait(self._tasks)

    async def _keep(self, child: Child, command: Sequence[str], told: dict[str, str]) -> None:
        while not self.stop.is_set():
            started = time.monotonic()
            child.process = await self._spawn(command, told, stdout=sys.stderr.fileno())
            code = await child.process.wait()
            if self.stop.is_set() or (child.once and code == 0):
                break
            steady = time.monotonic() - started > STEADY_SECONDS
            child.failures = 0 if steady else child.failures + 1
            pause = RESTART_SECONDS[min(child.failures, len(RESTART_SECONDS) - 1)]
            say(f"{child.name} ended with {code}; starting it again in {pause} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), pause)
        child.done.set()

    async def _spawn(
        self, command: Sequence[str], told: dict[str, str], *, stdout: int
    ) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *command,
            env=self._environment | told,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout,
            pass_fds=(self._lifeline,),
        )


async def _until_port_is_free(options: Options, stop: asyncio.Event) -> None:
    """Wait a moment: processes of a killed `otklik up` need one to see that it is gone."""
    for attempt in range(PORT_ATTEMPTS):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((options.host, options.port))
            except OSError as taken:
                if attempt == PORT_ATTEMPTS - 1:
                    raise SystemExit(
                        f"cannot listen on {options.host}:{options.port} ({taken.strerror}); "
                        "choose another with --port"
                    ) from None
            else:
                return
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _until_ready(urls: Sequence[str], key: str | None, family: Family) -> bool:
    """Whether, within a while, both processes are ready and every service knows the key."""
    deadline = time.monotonic() + READY_SECONDS
    pending = [f"{url}/readyz" for url in urls]
    if key is not None:
        pending += [urls[0] + probe for probe in PROBES]
    while pending and not family.stop.is_set():
        status, failing = await asyncio.to_thread(_ask, pending[0], key)
        if status == HTTPStatus.OK:
            pending.pop(0)
            continue
        if (broken := family.hopeless()) is not None:
            say(f"{broken} fails again and again; its last words stand above")
            return False
        if time.monotonic() > deadline:
            say(f"not ready after {READY_SECONDS} s: {pending[0]} answers {status} {failing}")
            return False
        await asyncio.sleep(0.05)
    return not pending


def _ask(url: str, key: str | None) -> tuple[int, str]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - our own http:// URL
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return answer.status, ""
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read(500).decode(errors="replace")
    except OSError as absent:
        return 0, str(absent)
