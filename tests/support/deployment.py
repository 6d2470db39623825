"""Otklik as it is really run: one process tree with the table log, or a process per service."""

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from otklik.data import environment
from otklik.embedded import EmbeddedPostgres
from otklik.embedded.places import find_places
from tests.support.kafka import KafkaBroker, free_ports, running_kafka
from tests.support.postgres import reachable_folder

SERVICES = ("access", "contact-center", "feedback", "loyalty", "metrics")
START_SECONDS = 330


@dataclass
class Deployment:
    """
    A running Otklik.

    Attributes:
        urls: Base URL by service.
        processes: By name; to be killed and started again at will.
    """

    name: str
    urls: dict[str, str]
    company: str
    login: str
    password: str
    key: str
    told: Mapping[str, str]
    broker: KafkaBroker | None = None
    processes: dict[str, "Process"] = field(default_factory=dict)
    clients: list["Client"] = field(default_factory=list)

    def client(self, key: str | None = None) -> "Client":
        """Calls under a key; the company's own if none is named."""
        made = Client(self.urls, key or self.key)
        self.clients.append(made)
        return made

    def close(self) -> None:
        """Give all connections back."""
        for client in self.clients:
            client.close()


class Client:
    """HTTP calls that find the service by the path's first part."""

    def __init__(self, urls: Mapping[str, str], key: str | None) -> None:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._urls = urls
        self._http = httpx.Client(headers=headers, timeout=30)

    def call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One call, whatever it answers."""
        return self._http.request(method, self._urls[path.split("/", 2)[1]] + path, **arguments)

    def ok(self, method: str, path: str, **arguments: Any) -> Any:
        """One call that must succeed; its JSON."""
        answer = self.call(method, path, **arguments)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()


class Process:
    """A process of the launcher; what it says goes into files, which end with the test run."""

    def __init__(self, arguments: list[str], told: Mapping[str, str], *, module: str = "otklik"):
        self._command = [sys.executable, "-m", module, *arguments]
        self._told = {name: value for name, value in os.environ.items() if "OTKLIK" not in name}
        self._told |= told
        self._spoken = Path(tempfile.mkdtemp(prefix="otklik-said-"))
        atexit.register(shutil.rmtree, self._spoken, ignore_errors=True)
        self.running: subprocess.Popen[bytes] | None = None

    def like(self, told: Mapping[str, str]) -> "Process":
        """The same command, told something else as well; not started yet."""
        made = Process([], {})
        made._command = self._command
        made._told = {**self._told, **told}
        return made

    def start(self) -> None:
        """Start it, in a session of its own."""
        with (self._spoken / "out").open("wb") as out, (self._spoken / "err").open("ab") as err:
            self.running = subprocess.Popen(
                self._command,
                env=self._told,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def output(self) -> str:
        """Its standard output so far."""
        return (self._spoken / "out").read_text()

    def said(self) -> str:
        """Its standard error so far."""
        return (self._spoken / "err").read_text()

    def first_line(self) -> str:
        """The first line of its standard output."""
        assert self.running is not None
        deadline = time.monotonic() + START_SECONDS
        while "\n" not in (output := self.output()):
            assert self.running.poll() is None, f"{self._command} ended: {self.last_words()}"
            assert time.monotonic() < deadline, f"{self._command} is silent: {self.last_words()}"
            time.sleep(0.05)
        return output.partition("\n")[0]

    def whole_output(self) -> str:
        """All its standard output, once it has ended well."""
        assert self.running is not None
        assert self.running.wait(START_SECONDS) == 0, self.last_words()
        return self.output()

    def interrupt(self) -> int:
        """Ctrl-C; returns the exit code."""
        assert self.running is not None
        self.running.send_signal(signal.SIGINT)
        return self.running.wait(20)

    def terminate(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.running is not None
        self.running.terminate()
        return self.running.wait(20)

    def kill_tree(self, data: Path) -> None:
        """Kill −9 this process and everything it started, PostgreSQL in `data` included."""
        assert self.running is not None
        postmaster = (data / "postgres" / "postmaster.pid").read_text().split()[0]
        family = [psutil.Process(self.running.pid), psutil.Process(int(postmaster))]
        family += [child for one in family for child in one.children(recursive=True)]
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self.running.wait(20)
        psutil.wait_procs(family, timeout=20)

    def last_words(self) -> str:
        """What it said last."""
        return "\n".join(self.said().splitlines()[-30:])


@contextmanager
def data_folder() -> Iterator[str]:
    """
    A new folder for `--data`, which only its owner may enter, as most are.

    The server of root runs as somebody else and lies elsewhere then: that goes with the folder, and
    so does whatever a test that failed has left running.
    """
    with tempfile.TemporaryDirectory() as folder:
        places = find_places(Path(folder))
        try:
            yield folder
        finally:
            _end_all_of(folder, str(places.cluster))
            shutil.rmtree(places.cluster, ignore_errors=True)
            shutil.rmtree(places.sockets, ignore_errors=True)


def _end_all_of(*folders: str) -> None:
    """Kill the processes that were told of these folders, parents before what they keep alive."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if not set(folders).isdisjoint(process.cmdline()):
                process.kill()


@contextmanager
def one_process(*arguments: str, told: Mapping[str, str] | None = None) -> Iterator[Deployment]:
    """`otklik up` on a folder of its own, with the log in a table and settings as `told`."""
    with data_folder() as folder:
        (port,) = free_ports(1)
        up = Process(
            ["up", "--no-demo", "--json", "--port", str(port), "--data", folder, *arguments],
            told or {},
        )
        up.start()
        try:
            first = json.loads(up.first_line())
            deployment = Deployment(
                "one process",
                dict.fromkeys(SERVICES, first["url"]),
                first["company"],
                first["admin"]["login"],
                first["admin"]["password"],
                first["key"],
                {"OTKLIK_DATA": folder},
                processes={"up": up},
            )
            yield deployment
            deployment.close()
        finally:
            if up.running is not None and up.running.poll() is None:
                up.interrupt()


@contextmanager
def process_per_service() -> Iterator[Deployment]:
    """One API and one worker process for each service, over a Kafka broker and PostgreSQL."""
    with reachable_folder() as folder, running_kafka() as broker:
        postgres = EmbeddedPostgres.start(folder, fsync=False)
        told = told_over_kafka(folder, postgres, broker)
        processes: dict[str, Process] = {}
        try:
            run_step(Process(["migrate"], {k: v for k, v in told.items() if k != "OTKLIK_DATA"}))
            made = json.loads(run_step(Process([], told, module="otklik.prepare")))
            urls = {}
            for service in SERVICES:
                port, ops = free_ports(2)
                urls[service] = f"http://127.0.0.1:{port}"
                processes[f"serve {service}"] = Process(
                    ["serve", service, "--port", str(port)], told
                )
                processes[f"work {service}"] = Process(
                    ["work", service, "--ops-port", str(ops)], told
                )
            for process in processes.values():
                process.start()
            deployment = Deployment(
                "a process per service",
                urls,
                made["company"],
                made["login"],
                made["password"],
                made["key"],
                told,
                broker,
                processes,
            )
            _until_known(deployment)
            yield deployment
            deployment.close()
        finally:
            for process in processes.values():
                if process.running is not None and process.running.poll() is None:
                    process.running.terminate()
            for process in processes.values():
                if process.running is not None:
                    process.running.wait(20)
            postgres.stop()


def told_over_kafka(
    folder: Path, postgres: EmbeddedPostgres, broker: KafkaBroker
) -> dict[str, str]:
    """OTKLIK_* variables of processes that share this PostgreSQL and this broker."""
    return environment(folder, postgres) | {
        "OTKLIK_LOG": "kafka",
        "OTKLIK_KAFKA_BOOTSTRAP": broker.bootstrap,
        "OTKLIK_POOL_SIZE": "3",
    }


def run_step(process: Process) -> str:
    """Run a process to its end, which must be a good one; returns what it printed."""
    process.start()
    return process.whole_output()


def _until_known(deployment: Deployment) -> None:
    """Wait until every service answers and knows the key."""
    client = deployment.client()
    deadline = time.monotonic() + START_SECONDS
    for path in (
        "/access/v1/me",
        "/contact-center/v1/sources",
        "/feedback/v1/surveys",
        "/loyalty/v1/programme",
        "/metrics/v1/catalog",
    ):
        while True:
            with suppress(httpx.TransportError):
                if client.call("GET", path).status_code == 200:
                    break
            for name, process in deployment.processes.items():
                assert process.running is not None
                assert process.running.poll() is None, f"{name} ended: {process.last_words()}"
            assert time.monotonic() < deadline, f"{path} does not answer"
            time.sleep(0.2)
    client.close()
