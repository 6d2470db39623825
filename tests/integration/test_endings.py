"""A process that ended itself is counted by its successor; any other end is not."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from otklik_common.endings import SEND_FAILED, STUCK, leave_word_in, show_endings
from tests.support.app import migrated_database, settings_of
from tests.support.deployment import Process
from tests.support.kafka import free_ports
from tests.support.postgres import PostgresServer

NAME = "work-access-0"

_STUCK = """
import asyncio, sys, time
from pathlib import Path
from otklik_common.endings import leave_word_in
from otklik_common.watchdog import Watchdog

async def main():
    leave_word_in(Path(sys.argv[1]), sys.argv[2])
    Watchdog(beat_seconds=0.6, progress_seconds=60, look_seconds=0.2).start()
    time.sleep(20)

asyncio.run(main())
"""

_IN_DOUBT = """
import sys
from pathlib import Path
from otklik_common.endings import SEND_FAILED, end_process, leave_word_in

leave_word_in(Path(sys.argv[1]), sys.argv[2])
end_process(SEND_FAILED, "the log did not answer")
"""

_KILLED = """
import os, signal, sys
from pathlib import Path
from otklik_common.endings import leave_word_in

leave_word_in(Path(sys.argv[1]), sys.argv[2])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def no_word_of_this_process() -> Iterator[None]:
    """The process of the tests goes on, and leaves no word."""
    yield
    leave_word_in(None, "")


def _end(program: str, folder: Path) -> int:
    arguments = [sys.executable, "-c", program, str(folder), NAME]
    return subprocess.run(arguments, capture_output=True, timeout=30, check=False).returncode


def _counted(folder: Path | None, name: str = NAME) -> tuple[float | None, float | None]:
    """What a successor shows: stuck, and ended because a send was in doubt."""
    leave_word_in(folder, name)
    registry = CollectorRegistry()
    show_endings(registry)
    stuck, failed = (
        registry.get_sample_value("otklik_process_self_endings_total", {"reason": reason})
        for reason in ("stuck", "send_failed")
    )
    return stuck, failed


def test_every_end_by_itself_is_counted_by_the_next_process(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert _counted(folder) == (0, 0)
    assert _end(_STUCK, folder) == STUCK
    assert _counted(folder) == (1, 0)
    assert _end(_IN_DOUBT, folder) == SEND_FAILED
    assert _end(_IN_DOUBT, folder) == SEND_FAILED
    assert _counted(folder) == (1, 2)
    assert _counted(folder, "work-access-1") == (0, 0)


def test_a_process_killed_from_outside_has_not_ended_itself(tmp_path: Path) -> None:
    assert _end(_KILLED, tmp_path) == -9
    assert _counted(tmp_path) == (0, 0)


def test_without_a_folder_and_after_a_full_disk_the_end_still_comes(tmp_path: Path) -> None:
    assert _counted(None) == (0, 0)
    (tmp_path / f"{NAME}.ended").mkdir()
    assert _end(_IN_DOUBT, tmp_path) == SEND_FAILED


def test_a_line_that_a_full_disk_cut_short_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.ended").write_text("4 1795842880\n\nx\n3 1795842890\n")
    assert _counted(tmp_path) == (1, 1)


@pytest.mark.asyncio
async def test_a_worker_shows_what_its_predecessors_left(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = await migrated_database(postgres, "endings")
    (ops_port,) = free_ports(1)
    told = {
        "OTKLIK_DATABASE_URL": url,
        "OTKLIK_MASTER_KEY": str(settings_of(url).master_key),
        "OTKLIK_OPERATIONS_TOKEN": "operations",
        "OTKLIK_RUN_FOLDER": str(tmp_path),
        "OTKLIK_INSTANCE": "access-worker-7",
    }
    (tmp_path / "work-access-access-worker-7.ended").write_text("4 1795842880\n3 1795842890\n")
    (tmp_path / "work-access-access-worker-8.ended").write_text("4 1795842880\n")
    worker = Process(["work", "access", "--ops-port", str(ops_port), "--json"], told)
    worker.start()
    try:
        where = json.loads(await asyncio.to_thread(worker.first_line))["operations"]
        headers = {"Authorization": "Bearer operations"}
        async with httpx.AsyncClient(headers=headers, timeout=30) as client:
            shown = (await client.get(f"{where}/metrics")).text
    finally:
        assert await asyncio.to_thread(worker.terminate) == 0, worker.last_words()
    for reason in ("stuck", "send_failed"):
        assert f'otklik_process_self_endings_total{{reason="{reason}"}} 1.0' in shown
