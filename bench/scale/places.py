"""Where scale is measured: one process tree, or several equal processes over Kafka."""

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil

from otklik.commands.direct import settings_of
from otklik.data import environment
from otklik.embedded import EmbeddedPostgres
from otklik_access.actions.first_start import NewCompany, make_company
from otklik_common.log import open_log
from otklik_common.log.port import Log
from otklik_common.module import topic_of
from otklik_common.runtime import make_platform
from otklik_common.settings import Settings, load_settings
from tests.support.deployment import Process, one_process
from tests.support.kafka import KafkaBroker, free_ports, running_kafka
from tests.support.postgres import reachable_folder

TOPICS = [topic_of(name) for name in ("contact-center", "feedback", "loyalty")]
"""What metrics counts."""

SERVER = {"max_wal_size": "8GB", "checkpoint_timeout": "30min"}
"""No checkpoint in the middle of a measurement; commits stay durable."""


@dataclass
class Place:
    """
    A running Otklik, and how to look into it.

    Attributes:
        ports: Of the processes that answer, all alike.
        keys: A key of each company.
        processes: Of `serve` and `work`, by name; `up` where one tree does both.
        folder: Holds the cluster, in `postgres`.
    """

    settings: Settings
    ports: list[int]
    keys: list[str]
    companies: list[str]
    processes: dict[str, Process]
    folder: Path
    broker: KafkaBroker | None = None
    workers: int = 1
    told: dict[str, str] = field(default_factory=dict)

    def log(self) -> Log:
        """The log, as any of its readers opens it; to be closed."""
        return open_log(self.settings)

    async def look(self) -> asyncpg.Connection:
        """A superuser's connection; to be closed."""
        return await asyncpg.connect(self.settings.admin_database_url)

    async def add_companies(self, count: int) -> None:
        """So many more companies, each with a key; returns when all services know the last."""
        platform = make_platform(self.settings)
        try:
            for _ in range(count):
                made = await make_company(platform, NewCompany())
                assert made.key is not None
                self.companies.append(made.tenant)
                self.keys.append(made.key)
        finally:
            await platform.close()
        looking = await self.look()
        try:
            for schema in ("contact_center", "metrics"):
                query = f"SELECT 1 FROM {schema}.directory WHERE tenant = $1 AND kind = 'key'"
                for _ in range(600):
                    if await looking.fetchval(query, self.companies[-1]):
                        break
                    await asyncio.sleep(0.1)
                else:
                    raise AssertionError(f"{schema} does not hear of a new company")
        finally:
            await looking.close()

    def families(self) -> dict[str, list[psutil.Process]]:
        """Our processes by what they do: api, worker, postgres, kafka."""
        found: dict[str, list[psutil.Process]] = {"api": [], "worker": []}
        for process in self.processes.values():
            if process.running is None or process.running.poll() is not None:
                continue
            one = psutil.Process(process.running.pid)
            for member in (one, *one.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    words = member.cmdline()
                    if "serve" in words:
                        found["api"].append(member)
                    elif "work" in words:
                        found["worker"].append(member)
        # The link is followed: where the folder cannot be reached by the server's user, the
        # cluster lies elsewhere.
        pid = int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0])
        found["postgres"] = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        if self.broker is not None:
            found["kafka"] = [psutil.Process(self.broker.pid)]
        return found


@contextmanager
def tree() -> Iterator[Place]:
    """`otklik up`: one process that answers, one that works, the log in a table."""
    with one_process() as up:
        folder = Path(up.told["OTKLIK_DATA"])
        with settings_of(folder) as settings:
            port = urlsplit(up.urls["metrics"]).port
            assert port is not None
            yield Place(settings, [port], [up.key], [up.company], dict(up.processes), folder)


@contextmanager
def over_kafka(apis: int = 1, workers: int = 1) -> Iterator[Place]:
    """So many processes that answer for all services, and that work for all, over Kafka."""
    with reachable_folder() as folder, running_kafka() as broker:
        postgres = EmbeddedPostgres.start(folder, fsync=True, settings=SERVER)
        told = environment(folder, postgres) | {
            "OTKLIK_LOG": "kafka",
            "OTKLIK_KAFKA_BOOTSTRAP": broker.bootstrap,
            "OTKLIK_POOL_SIZE": "4",
            "OTKLIK_LOG_LEVEL": "WARNING",
        }
        processes: dict[str, Process] = {}
        os.environ.update(told)
        try:
            settings = load_settings()
            _done(Process(["migrate"], {k: v for k, v in told.items() if k != "OTKLIK_DATA"}))
            made = json.loads(_done(Process([], told, module="otklik.prepare")))
            ports = free_ports(apis)
            for number, port in enumerate(ports):
                arguments = ["serve", "all", "--port", str(port)]
                processes[f"serve {number}"] = Process(arguments, told)
            for number in range(workers):
                processes[f"work {number}"] = worker(told, number)
            for process in processes.values():
                process.start()
            place = Place(
                settings, ports, [made["key"]], [made["company"]], processes, folder, broker,
                workers, told,
            )  # fmt: skip
            asyncio.run(_until_ready(place))
            yield place
        finally:
            _end(list(processes.values()))
            postgres.stop()
            for name in told:
                os.environ.pop(name, None)


def worker(told: dict[str, str], number: int, what: str = "all") -> Process:
    """The process that works for a service under this number, not started."""
    (ops,) = free_ports(1)
    return Process(["work", what, "--ops-port", str(ops)], told | {"OTKLIK_INSTANCE": str(number)})


def _done(process: Process) -> str:
    process.start()
    return process.whole_output()


def _end(processes: Sequence[Process]) -> None:
    running = [one.running for one in processes if one.running and one.running.poll() is None]
    for one in running:
        one.terminate()
    for one in running:
        one.wait(20)


async def _until_ready(place: Place) -> None:
    """Every process that answers listens, and knows the company's key."""
    from bench.scale.wire import Wire

    for port in place.ports:
        for _ in range(600):
            try:
                wire = await Wire.open(port, place.keys[0])
                status, _ = await wire.get("/metrics/v1/catalog")
                wire.close()
                if status == 200:
                    break
            except OSError:
                await asyncio.sleep(0.2)
                continue
            await asyncio.sleep(0.2)
        else:
            raise AssertionError(f"port {port} does not answer")
