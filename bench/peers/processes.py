"""Processes that are measured: where they run, and the processor time they have used."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.contact_center_support import SETTINGS
from otklik.embedded import EmbeddedPostgres
from tests.support.postgres import reachable_folder

_START_SECONDS = 60.0


def cores(*, pin: bool) -> tuple[list[int], list[int]]:
    """The cores of the server that is measured and of everything else; pinned, they are disjoint."""
    known = sorted(os.sched_getaffinity(0))
    return (known[:1], known[1:]) if pin and len(known) > 1 else (known, known)


@contextmanager
def on_cores(wanted: Sequence[int]) -> Iterator[None]:
    """Processes started here run on these cores, all their threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, wanted)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def postgres(settings: Mapping[str, str] = SETTINGS) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of our own with fsync on, thrown away at the end."""
    with reachable_folder() as folder:
        server = EmbeddedPostgres.start(
            folder / "data", fsync=True, settings=settings, system=folder / "system"
        )
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def serving(
    command: Sequence[str], port: int, more: Mapping[str, str], *, folder: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server that answers on `port`; `more` is added to its environment."""
    with subprocess.Popen(command, env={**os.environ, **more}, cwd=folder) as process:
        try:
            _wait_until_it_answers(process, port)
            yield process
        finally:
            process.terminate()
            process.wait(20)


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{process.args!r} does not answer on port {port}")


def cpu_seconds(pid: int) -> float:
    """What a process, those it has started, and those of them that ended have used so far."""
    process = psutil.Process(pid)
    while True:
        before = process.cpu_times()
        found = sum(before[:4])
        for child in process.children(recursive=True):
            with suppress(psutil.Error):
                found += sum(child.cpu_times()[:4])
        # A child that ended in between was counted twice or not at all.
        if process.cpu_times()[2:4] == before[2:4]:
            return found


@dataclass(frozen=True)
class Ran:
    """Processes that came to their end: what they said, and what they took from their start on."""

    said: str
    seconds: float
    cpu: float


def run(*commands: Sequence[str], more: Mapping[str, str], seconds: float) -> Ran:
    """
    Processes side by side and those they start, until all ended; their standard error is shown.

    Raises:
        RuntimeError: One failed, or did not end within `seconds`.
    """
    began, before = time.perf_counter(), _reaped()
    said = ""
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    env={**os.environ, **more, "OTKLIK_INSTANCE": f"process-{number}"},
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number, command in enumerate(commands)
        ]
        try:
            for process in started:
                left = max(0.0, began + seconds - time.perf_counter())
                said += process.communicate(timeout=left)[0]
        except subprocess.TimeoutExpired:
            for process in started:
                process.kill()
            raise RuntimeError(f"{commands!r} did not end within {seconds:.0f} s") from None
    took = time.perf_counter() - began
    if any(process.returncode != 0 for process in started):
        raise RuntimeError(f"{commands!r} ended with {[one.returncode for one in started]}")
    return Ran(said, took, _reaped() - before)


def _reaped() -> float:
    """Processor time of our children that have ended, their own children included."""
    return sum(psutil.Process().cpu_times()[2:4])
