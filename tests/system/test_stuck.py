"""A stuck worker is replaced by `otklik up`."""

import time

import psutil
import pytest

from otklik_common.endings import STUCK
from otklik_common.failpoints import VARIABLE
from tests.support.deployment import Client, Process, one_process
from tests.system.scenario import REPLACED_SECONDS, push_one, query

pytestmark = pytest.mark.system


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
            push_one(client, f"stuck-{number}")
            longest = max(longest, _until_counted(client, number))
            if not first.is_running():
                break
        assert f"work ended with {STUCK}" in up.said()
        successor = _worker(up)
        assert successor is not None
        assert successor.pid != first.pid
        print(f"up: the longest that an event waited for its replaced worker: {longest:.1f} s")
