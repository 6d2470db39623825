"""docker-compose.yml as the real Compose reads it, and its services as processes of this machine."""

import json
import os
import random
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.support.deployment import Process
from tests.support.dockerfile import stages
from tests.support.kafka import KafkaBroker
from tests.support.plain_postgres import plain_postgres

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
START_SECONDS = 300

Service = dict[str, Any]


def compose(*arguments: str, told: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run Compose, which is told nothing but this; it needs no engine to read a file."""
    return subprocess.run(
        [Path(sys.executable).with_name("docker-compose"), *arguments],
        env={"PATH": os.environ["PATH"], **told},
        capture_output=True,
        text=True,
        check=False,
    )


def fresh_secrets() -> dict[str, str]:
    """What .env.example leaves open."""
    return {
        "OTKLIK_MASTER_KEY": b64encode(secrets.token_bytes(32)).decode(),
        "POSTGRES_PASSWORD": secrets.token_hex(24),
        "OTKLIK_OPERATIONS_TOKEN": secrets.token_hex(24),
        "GRAFANA_PASSWORD": secrets.token_hex(24),
    }


def declared(told: Mapping[str, str]) -> dict[str, Service]:
    """Every service with all that is said of it, profiles included; no .env of ours counts."""
    read = compose(
        *("--env-file", "/dev/null", "--file", str(FILE)),
        *("--profile", "*", "config", "--format", "json"),
        told=told,
    )
    assert read.returncode == 0, read.stderr
    found: dict[str, Service] = json.loads(read.stdout)["services"]
    return found


def is_ours(service: Service) -> bool:
    """Whether it runs the image of our Dockerfile."""
    return str(service["image"]).startswith("otklik:")


class Composed:
    """
    Services as processes: each with the command and environment that is declared for it.

    Every service has a loopback address of its own, so that all listen on the ports they name.
    Names, and the addresses that mean the container itself, are replaced by these; nothing else is.
    """

    def __init__(self, services: Mapping[str, Service], told: Mapping[str, str]) -> None:
        self.services = services
        self.told = told
        self.processes: dict[str, Process] = {}
        net = f"127.{random.randint(16, 250)}.{random.randint(0, 250)}"
        self.addresses = {name: f"{net}.{at}" for at, name in enumerate(services, 10)}
        names = "|".join(sorted(map(re.escape, services), key=len, reverse=True))
        self._names = re.compile(rf"(?<![\w.-])({names})(?=:\d+(?![\w.]))")
        self._image = stages(ROOT / "Dockerfile")[-1].last("ENV").assignments()
        self._done: set[str] = set()

    def here(self, text: str, service: str) -> str:
        """A text of a service's declaration, as it has to be on this machine."""
        own = self.addresses[service]
        text = re.sub(r"\b(0\.0\.0\.0|127\.0\.0\.1|localhost)\b", own, text)
        return self._names.sub(lambda found: self.addresses[found[1]], text)

    def environment(self, name: str) -> dict[str, str]:
        """What a service is told, by the image or by Compose."""
        said: dict[str, str] = self.services[name].get("environment") or {}
        image = {key: value for key, value in self._image.items() if key != "PATH"}
        return {key: self.here(value, name) for key, value in (image | said).items()}

    def url(self, name: str, port: int = 8080) -> str:
        """Where a service answers."""
        return f"http://{self.addresses[name]}:{port}"

    def start_all(self) -> None:
        """Start our services in the order of `depends_on`, each once what it waits for is so."""
        waiting = [
            name for name, one in self.services.items() if is_ours(one) and not one.get("profiles")
        ]
        deadline = time.monotonic() + START_SECONDS
        while waiting:
            ready = [name for name in waiting if all(map(self._holds, *self._needs(name)))]
            for name in ready:
                self._start(name)
                waiting.remove(name)
            assert ready or time.monotonic() < deadline, self._why(waiting)
            time.sleep(1.0)  # to ask is a process
        for name in self.processes:
            self._until_healthy(name, deadline)

    def start_again(self, name: str) -> None:
        """Start a service that has ended, until it is healthy."""
        self.processes[name].start()
        self._until_healthy(name, time.monotonic() + START_SECONDS)

    def _until_healthy(self, name: str, deadline: float) -> None:
        while not self.healthy(name):
            assert time.monotonic() < deadline, self._why([name])
            time.sleep(1.0)

    def run_job(self, name: str) -> str:
        """Run a service that ends; its output."""
        job = self._process(name)
        job.start()
        return job.whole_output()

    def healthy(self, name: str) -> bool:
        """Whether the declared health check succeeds now."""
        kind, *test = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        command = [sys.executable if word == "python" else self.here(word, name) for word in test]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _needs(self, name: str) -> tuple[list[str], list[str]]:
        needs = self.services[name].get("depends_on") or {}
        return list(needs), [need["condition"] for need in needs.values()]

    def _holds(self, name: str, condition: str) -> bool:
        if not is_ours(self.services[name]):
            return True
        if condition == "service_completed_successfully":
            return name in self._done
        assert condition == "service_healthy"
        return name in self.processes and self.healthy(name)

    def _start(self, name: str) -> None:
        if self.services[name]["restart"] == "no":
            self.run_job(name)
            self._done.add(name)
            return
        self.processes[name] = self._process(name)
        self.processes[name].start()

    def _process(self, name: str) -> Process:
        return Process(list(self.services[name]["command"]), self.environment(name))

    def _why(self, names: list[str]) -> str:
        said = [process.last_words() for process in self.processes.values()]
        return f"{names} do not become healthy\n" + "\n".join(filter(None, said))

    def end(self) -> dict[str, float]:
        """Tell all to end; seconds that each took, and its exit code must be 0."""
        took = {}
        for process in self.processes.values():
            if process.running is not None and process.running.poll() is None:
                process.running.terminate()
        began = time.monotonic()
        left = dict(self.processes)
        while left and time.monotonic() - began < 60:
            for name, process in list(left.items()):
                if process.running is None or process.running.poll() is not None:
                    took[name] = time.monotonic() - began
                    del left[name]
            time.sleep(0.05)
        for process in left.values():
            assert process.running is not None
            process.running.kill()
        return took


@contextmanager
def composed() -> Iterator[Composed]:
    """All our services over a PostgreSQL and a Kafka as docker-compose.yml wants them."""
    told = fresh_secrets()
    found = Composed(declared(told), told)
    with ExitStack() as stack:
        wanted = found.environment("postgres")
        stack.enter_context(
            plain_postgres(
                user=wanted["POSTGRES_USER"],
                password=wanted["POSTGRES_PASSWORD"],
                database=wanted["POSTGRES_DB"],
                host=found.addresses["postgres"],
                port=5432,
                made_with=wanted["POSTGRES_INITDB_ARGS"].split(),
                settings=_postgres_settings(found.services["postgres"]),
            )
        )
        stack.enter_context(_broker(found))
        try:
            found.start_all()
            yield found
        finally:
            found.end()


def _postgres_settings(service: Service) -> dict[str, str]:
    program, *arguments = service["command"]
    assert program == "postgres"
    assert set(arguments[::2]) == {"-c"}
    return dict(argument.split("=", 1) for argument in arguments[1::2])


@contextmanager
def _broker(found: Composed) -> Iterator[KafkaBroker]:
    """A broker with the properties that the image makes of KAFKA_*: lower case, dots for `_`."""
    said = found.environment("kafka")
    folder = Path(tempfile.mkdtemp(prefix="otklik-kafka-"))
    lines = [
        f"{name.removeprefix('KAFKA_').lower().replace('_', '.')}={value}"
        for name, value in said.items()
        if name.startswith("KAFKA_") and name not in {"KAFKA_LOG_DIRS", "KAFKA_HEAP_OPTS"}
    ]
    lines.append(f"log.dirs={folder / 'data'}")
    broker = KafkaBroker(folder, port=9092, properties="\n".join(lines) + "\n")
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
        shutil.rmtree(folder)
