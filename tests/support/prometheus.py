"""Debian's Prometheus and promtool: found, started on a folder of its own, asked."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.kafka import free_ports

START_SECONDS = 30

Labels = dict[str, str]
Sample = tuple[Labels, float]


def program(name: str) -> str:
    """`prometheus` or `promtool`."""
    found = shutil.which(name)
    assert found is not None, "install Debian's package prometheus"
    return found


class Prometheus:
    """
    A running Prometheus.

    Attributes:
        folder: Holds its configuration and `data`.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=30)

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an API call that must succeed."""
        answer = self._http.get(f"/api/v1/{path}", params=parameters)
        told = answer.json()
        assert told["status"] == "success", f"{parameters}: {told}"
        return told["data"]

    def query(self, expr: str) -> list[Sample]:
        """The samples of an instant query, now; a scalar has no labels."""
        data = self.ask("query", query=expr)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(one["metric"], float(one["value"][1])) for one in data["result"]]

    def names(self) -> set[str]:
        """Every metric that it has."""
        return set(self.ask("label/__name__/values"))

    def is_ready(self) -> bool:
        """Whether it answers."""
        with suppress(httpx.TransportError):
            return self._http.get("/-/ready").status_code == 200
        return False

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()


def configure(
    folder: Path, targets: dict[str, str], *, token: Path, rules: Sequence[Path], every: str = "1s"
) -> None:
    """
    Write a configuration.

    Args:
        targets: Host and port by the name of the job.
        token: A file that holds the bearer.
    """
    tree = {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [
            {
                "job_name": job,
                "authorization": {"credentials_file": str(token)},
                "static_configs": [{"targets": [target]}],
            }
            for job, target in targets.items()
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(tree))


@contextmanager
def running_prometheus(folder: Path) -> Iterator[Prometheus]:
    """A Prometheus on a configured folder; it keeps a year, and hears nobody but this machine."""
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    command = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=1y",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]
    with (folder / "said").open("a") as said:
        running = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)
    prometheus = Prometheus(folder, f"http://{address}")
    try:
        deadline = time.monotonic() + START_SECONDS
        while not prometheus.is_ready():
            assert running.poll() is None, (folder / "said").read_text()
            assert time.monotonic() < deadline, (folder / "said").read_text()
            time.sleep(0.1)
        yield prometheus
    finally:
        prometheus.close()
        running.terminate()
        running.wait(20)


def promtool(*arguments: str) -> str:
    """What promtool says; it must be content."""
    command = [program("promtool"), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout
