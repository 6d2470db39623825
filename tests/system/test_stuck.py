"""A stuck worker is replaced within 45 s: under `otklik up`, and by whoever runs `otklik work`."""

import time
from typing import Any

import psutil
import pytest

from otklik_common.endings import STUCK
from otklik_common.failpoints import VARIABLE
from tests.support.deployment import Client, Process, one_process, process_per_service
from tests.system.scenario import query

pytestmark = pytest.mark.system

REPLACED_SECONDS = 45


def _push(client: Client, number: int) -> None:
    event: dict[str, Any] = {
        "id": f"stuck-{number}",
        "contact": f"stuck-{number}",
        "type": "queued",
        "at": f"2026-03-02T09:{number // 60 % 60:02d}:{number % 60:02d}+03:00",
        "channel": "call",
        "direction": "in",
        "branch": "tyumen",
    }
    answer = client.ok("POST", "/contact-center/v1/events", json=event)
    assert answer["accepted"] == 1


def _until_counted(client: Client, number: int, *, seconds: float = REPLACED_SECONDS) -> float:
    """Wait until so many contacts are counted, and no more; how long that took."""
    began = time.monotonic()
    while True:
        (row,) = query(client, {"name": "contacts_offered"})["rows"]
        if row["contacts_offered"]["value"] == number:
            return time.monotonic() - began
        assert time.monotonic() - began < seconds, row
        time.sleep(0.1)


def _worker(up: Process) -> psutil.Process | None:
    assert up.running is not None
    children = psutil.Process(up.running.pid).children()
    return next((one for one in children if "work" in one.cmdline()), None)


def test_up_replaces_a_worker_whose_loop_stands_still() -> None:
    # Several groups commit for each event: some event finds the loop blocked before it counts.
    with one_process(told={VARIABLE: "consumer.fetched=sleep:600@60"}) as deployment:
        client, up = deployment.client(), deployment.processes["up"]
        first = _worker(up)
        assert first is not None
        longest = 0.0
        for number in range(1, 61):
            _push(client, number)
            longest = max(longest, _until_counted(client, number))
            if not first.is_running():
                break
        assert f"work ended with {STUCK}" in up.said()
        successor = _worker(up)
        assert successor is not None
        assert successor.pid != first.pid
        print(f"up: the longest that an event waited for its replaced worker: {longest:.1f} s")


@pytest.mark.kafka
def test_work_that_stands_still_ends_and_its_successor_goes_on() -> None:
    with process_per_service() as deployment:
        client, work = deployment.client(), deployment.processes["work metrics"]
        _push(client, 1)
        _until_counted(client, 1)
        assert work.terminate() == 0
        stuck = work.like({VARIABLE: "consumer.fetched=sleep:600@1"})
        stuck.start()
        _push(client, 2)
        began = time.monotonic()
        assert stuck.running is not None
        assert stuck.running.wait(REPLACED_SECONDS) == STUCK
        work.start()
        _until_counted(client, 2)
        took = time.monotonic() - began
        print(f"work: an event waited {took:.1f} s for the successor of a stuck worker")
        assert took < REPLACED_SECONDS
