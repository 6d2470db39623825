"""
Otklik as it is really run, a process for each role, and somebody who starts again what ended.

One API and two workers of the contact center (each with a relay and the folding: the second is
the hot standby), two workers of metrics (each reads for the facts and for the history), a broker,
and a PostgreSQL that keeps its promises: fsync is on.
"""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import httpx
import psutil

from otklik.embedded import EmbeddedPostgres
from tests.crash.faults import API, KAFKA, METRICS, POSTGRES, WORKERS
from tests.support.deployment import Process, run_step, told_over_kafka
from tests.support.kafka import KafkaBroker, free_ports, running_kafka
from tests.support.postgres import reachable_folder

ROOT: Final = Path(__file__).resolve().parents[2]
LOOK_SECONDS: Final = 0.1
BACK_OFF_SECONDS: Final = (0.2, 0.5, 1.0, 2.0)
STEADY_SECONDS: Final = 10.0
READY_SECONDS: Final = 60.0
RESTART_SECONDS: Final = 120.0
WORTH_TELLING_SECONDS: Final = 1.0

Say = Callable[[str], None]


class Part(Protocol):
    """Something that runs, can be hurt, and can be started again."""

    @property
    def running(self) -> bool:
        """Whether it lives, stopped or not."""

    def start(self) -> None:
        """Start it; may block until it serves."""

    def kill(self) -> None:
        """SIGKILL, waited for."""

    def process(self) -> psutil.Process:
        """Its first process; others are its children."""

    def why(self) -> str:
        """How it ended."""


class Role:
    """A process of the launcher."""

    def __init__(self, run: Process) -> None:
        self._run = run

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._run.running is not None and self._run.running.poll() is None

    def start(self) -> None:
        """Start it; does not wait."""
        self._run.start()

    def kill(self) -> None:
        """SIGKILL."""
        if self._run.running is not None:
            self._run.running.kill()
            self._run.running.wait()

    def process(self) -> psutil.Process:
        """Its only process."""
        assert self._run.running is not None
        return psutil.Process(self._run.running.pid)

    def why(self) -> str:
        """Its exit status and the last line it wrote."""
        assert self._run.running is not None
        words = self._run.last_words().splitlines()[-1:]
        return f"status {self._run.running.returncode} {' '.join(words)[:200]}"


class Broker:
    """Kafka."""

    def __init__(self, broker: KafkaBroker) -> None:
        self._broker = broker

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._broker.running

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._broker.restart()

    def kill(self) -> None:
        """SIGKILL."""
        self._broker.kill()

    def process(self) -> psutil.Process:
        """Its only process."""
        return psutil.Process(self._broker.pid)

    def why(self) -> str:
        """Not known here."""
        return "the broker ended"


class Postgres:
    """The postmaster and its backends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server = EmbeddedPostgres.start(folder)

    @property
    def running(self) -> bool:
        """Whether the postmaster lives."""
        return self.server.running

    def start(self) -> None:
        """Start it again and wait until it answers; it recovers from its log."""
        self.server.stop()
        self.server = EmbeddedPostgres.start(self._folder)

    def kill(self) -> None:
        """SIGKILL to the postmaster; its backends see it and end."""
        with suppress(psutil.NoSuchProcess):
            psutil.Process(self.server.pid).kill()
        while self.server.running:
            time.sleep(0.01)

    def stop(self) -> None:
        """Shut it down."""
        self.server.stop()

    def process(self) -> psutil.Process:
        """The postmaster; its backends are its children."""
        return psutil.Process(self.server.pid)

    def why(self) -> str:
        """Not known here."""
        return "the postmaster ended"


class Supervisor(threading.Thread):
    """Starts a part again when it has ended, whoever ended it."""

    def __init__(self, name: str, part: Part, say: Say) -> None:
        super().__init__(name=f"supervisor of {name}")
        self.part = part
        self.own_ends = 0
        """How often it ended although nobody had killed it."""
        self._held = threading.Lock()  # nobody kills it while it is being started
        self._called = name
        self._say = say
        self._killed = False
        self._ending = threading.Event()

    def kill(self) -> None:
        """SIGKILL to the part; it will be started again."""
        with self._held:
            self._killed = True
            self.part.kill()

    def serves(self) -> bool:
        """Whether it runs, and is not just being started."""
        return not self._held.locked() and self.part.running

    def stop(self) -> None:
        """Start it no more."""
        self._ending.set()
        self.join()

    def run(self) -> None:
        """Look ten times a second."""
        failures, started = 0, time.monotonic()
        while not self._ending.wait(LOOK_SECONDS):
            if self.part.running:
                continue
            if self._killed:
                failures, self._killed = 0, False
            else:
                self.own_ends += 1
                failures = 0 if time.monotonic() - started > STEADY_SECONDS else failures + 1
                self._say(f"{self._called} ended by itself: {self.part.why()}")
            pause = BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)]
            if self._ending.wait(pause):
                return
            with self._held:
                started = time.monotonic()
                try:
                    self.part.start()
                except Exception as broken:  # noqa: BLE001 - it is tried again, and said
                    self._say(f"{self._called} could not be started: {broken}")
                took = time.monotonic() - started
                if took > WORTH_TELLING_SECONDS:
                    self._say(f"{self._called} serves again after {took:.1f} s")


@dataclass
class World:
    """
    What runs.

    Attributes:
        url: Of the contact center's API.
        told: The environment of the processes.
    """

    url: str
    key: str
    company: str
    told: Mapping[str, str]
    postgres: Postgres
    kafka: KafkaBroker
    supervisors: dict[str, Supervisor] = field(default_factory=dict)

    @property
    def database(self) -> str:
        """The superuser's address."""
        return self.postgres.server.admin_url

    def wait_until_all_serve(self) -> None:
        """Wait for what is being started again: on a busy machine a broker needs most of a minute."""
        deadline = time.monotonic() + RESTART_SECONDS
        while not all(one.serves() for one in self.supervisors.values()):
            assert time.monotonic() < deadline, "not everything could be started again"
            time.sleep(LOOK_SECONDS)

    def own_ends(self) -> Counter[str]:
        """How often parts ended although nobody had killed them."""
        return Counter(
            {name: one.own_ends for name, one in self.supervisors.items() if one.own_ends}
        )


@dataclass(frozen=True)
class Armed:
    """
    A fault of ours in one role: a changed product, or a named place where it acts.

    Attributes:
        bug: The change, by its name in `tests.crash.bugged`; None for the product as it is.
        failpoints: As OTKLIK_FAILPOINTS has them.
    """

    bug: str | None = None
    failpoints: str = ""


@contextmanager
def running_world(say: Say, armed: Mapping[str, Armed] | None = None) -> Iterator[World]:
    """Everything, running and knowing the company's key; thrown away at the end."""
    with ExitStack() as stack:
        folder = stack.enter_context(reachable_folder())
        with ThreadPoolExecutor(1) as aside:
            starting = aside.submit(Postgres, folder)
            stack.callback(lambda: starting.result().stop())
            broker = stack.enter_context(running_kafka())
            postgres = starting.result()
        told = told_over_kafka(folder, postgres.server, broker)
        made = json.loads(run_step(Process([], told, module="otklik.prepare")))
        (port,) = free_ports(1)
        url = f"http://127.0.0.1:{port}"
        roles = dict(_roles(told, port, armed or {}))
        stack.callback(_end, roles)
        for role in roles.values():
            role.start()
        _until_known(url, made["key"], told)
        parts: dict[str, Part] = {**roles, KAFKA: Broker(broker), POSTGRES: postgres}
        world = World(url, made["key"], made["company"], told, postgres, broker)
        for name, part in parts.items():
            supervisor = world.supervisors[name] = Supervisor(name, part, say)
            supervisor.start()
            stack.callback(supervisor.stop)
        yield world


def _roles(
    told: Mapping[str, str], port: int, armed: Mapping[str, Armed]
) -> Iterator[tuple[str, Role]]:
    commands = {API: ["serve", "contact-center", "--port", str(port)]}
    commands |= {name: ["work", "contact-center"] for name in WORKERS}
    commands |= {name: ["work", "metrics"] for name in METRICS}
    for name, command in commands.items():
        if name != API:
            command += ["--ops-port", str(free_ports(1)[0])]
        with_fault = armed.get(name, Armed())
        environment = {**told, "OTKLIK_INSTANCE": name}
        if with_fault.failpoints:
            environment["OTKLIK_FAILPOINTS"] = with_fault.failpoints
        if with_fault.bug is None:
            yield name, Role(Process(command, environment))
            continue
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        environment["PYTHONPATH"] = path
        arguments = [with_fault.bug, "--", *command]
        yield name, Role(Process(arguments, environment, module="tests.crash.bugged"))


def _until_known(url: str, key: str, told: Mapping[str, str]) -> None:
    """
    Wait until the contact center knows the key.

    What access has to say is said once: its worker is not needed afterwards.
    """
    access = Process(["work", "access", "--ops-port", str(free_ports(1)[0])], told)
    access.start()
    deadline = time.monotonic() + READY_SECONDS
    headers = {"Authorization": f"Bearer {key}"}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=5) as client:
            while True:
                with suppress(httpx.TransportError):
                    if client.get("/contact-center/v1/sources").status_code == 200:
                        return
                assert time.monotonic() < deadline, access.last_words()
                time.sleep(0.1)
    finally:
        access.terminate()


def _end(roles: Mapping[str, Role]) -> None:
    for role in roles.values():
        role.kill()
