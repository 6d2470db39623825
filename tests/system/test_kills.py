"""Whatever is killed: nothing acknowledged is lost, nothing is counted twice."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.deployment import SERVICES, Client, Deployment, Process, data_folder
from tests.support.kafka import free_ports
from tests.system.scenario import until_counted

pytestmark = pytest.mark.system

KILLS = int(os.environ.get("OTKLIK_TEST_KILLS", "3"))
WRITERS = 4


def _event(number: int) -> dict[str, Any]:
    return {
        "id": f"kill-{number}",
        "contact": f"kill-{number}",
        "type": "queued",
        "at": f"2026-03-02T09:{number // 60 % 60:02d}:{number % 60:02d}+03:00",
        "channel": "call",
        "direction": "in",
        "branch": "tyumen",
    }


class Writers:
    """Push one event a request, as fast as it goes, and remember what was acknowledged."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.attempted = 0
        self.acknowledged: list[int] = []

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write while inside."""
        threads = [threading.Thread(target=self._write) for _ in range(WRITERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _write(self) -> None:
        headers = {"Authorization": f"Bearer {self._key}"}
        with httpx.Client(base_url=self._url, headers=headers, timeout=10) as client:
            while not self._stop.is_set():
                with self._lock:
                    number = self.attempted
                    self.attempted += 1
                try:
                    answer = client.post("/contact-center/v1/events", json=_event(number))
                except httpx.TransportError:
                    time.sleep(0.05)
                    continue
                if answer.status_code == 202 and answer.json()["accepted"] == 1:
                    with self._lock:
                        self.acknowledged.append(number)
                else:
                    time.sleep(0.05)


def test_kill_9_of_everything_during_pushes_loses_nothing_and_doubles_nothing() -> None:
    dice = random.Random(9)
    with data_folder() as folder:
        (port,) = free_ports(1)
        arguments = ["up", "--no-demo", "--json", "--port", str(port), "--data", folder]
        up = Process(arguments, {})
        up.start()
        first = json.loads(up.first_line())
        writers = Writers(first["url"], first["key"])
        with writers.writing():
            for _ in range(KILLS):
                time.sleep(dice.uniform(0.5, 2.0))
                up.kill_tree(Path(folder))
                up = Process(arguments, {})
                up.start()
                up.first_line()
            time.sleep(1)
        assert writers.acknowledged
        client = Client(dict.fromkeys(SERVICES, first["url"]), first["key"])
        # What was acknowledged is known: to push it again is to repeat it.
        for start in range(0, len(writers.acknowledged), 1000):
            part = [_event(number) for number in writers.acknowledged[start : start + 1000]]
            again = client.ok("POST", "/contact-center/v1/events", json=part)
            assert again == {"accepted": 0, "duplicates": len(part), "refused": []}
        # What was not may be known or not; after telling all, each counts once.
        for start in range(0, writers.attempted, 1000):
            numbers = range(start, min(start + 1000, writers.attempted))
            told = client.ok("POST", "/contact-center/v1/events", json=[_event(n) for n in numbers])
            assert told["accepted"] + told["duplicates"] == len(numbers)
        deployment = Deployment(
            "one process", dict.fromkeys(SERVICES, first["url"]), "", "", "", first["key"], {}
        )
        until_counted(deployment, "contacts_offered", writers.attempted)
        checked = subprocess.run(
            [sys.executable, "-m", "otklik", "rebuild", "--check", "--json", "--data", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert json.loads(checked.stdout)["differences"] == 0
        print(f"{KILLS} kills, {len(writers.acknowledged)} acknowledged of {writers.attempted}")
        assert up.interrupt() == 0
        client.close()
        deployment.close()
