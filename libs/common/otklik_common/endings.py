"""
A process that ends itself, and the word it leaves for its successor.

A counter ends with its process. So the word goes into a file that outlives it, and whoever is
started in its place counts what it finds there: restarts by hand, by a deployment or by the kernel
are not among them.
"""

import os
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

import prometheus_client
from prometheus_client import CollectorRegistry

from otklik_common.observability import get_logger

SEND_FAILED: Final = 3
"""Exit status when the log did not answer in time."""

STUCK: Final = 4
"""Exit status of a process whose event loop stood still, or whose worker got nowhere."""

REASONS: Final = {SEND_FAILED: "send_failed", STUCK: "stuck"}

_file: Path | None = None

_log = get_logger(__name__)


def leave_word_in(folder: Path | None, name: str) -> None:
    """
    From now on this process leaves word in `folder` when it ends itself; None: nowhere.

    Args:
        name: Of this process, the same for its successor and for nobody beside it.
    """
    global _file  # noqa: PLW0603 - a process ends once, from wherever it is
    _file = None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        _file = folder / f"{name}.ended"


def end_process(status: int, why: str) -> NoReturn:
    """End the process now, without cleaning up: what is in doubt must not go on."""
    _log.error("process ends itself", reason_code=why, exit_code=status)
    sys.stderr.flush()
    # Whatever is wrong with the disk, the end must come.
    with suppress(OSError):
        _leave(status)
    os._exit(status)


def show_endings(registry: CollectorRegistry) -> None:
    """Count in `registry` how often the processes before this one ended themselves."""
    ended = prometheus_client.Counter(
        "otklik_process_self_endings_total",
        "How often this process's predecessors ended themselves rather than go on in doubt",
        ("reason",),
        registry=registry,
    )
    found = _found()
    for status, reason in REASONS.items():
        ended.labels(reason).inc(found[status])


def _leave(status: int) -> None:
    if _file is not None:
        with _file.open("a") as file:
            file.write(f"{status} {time.time():.0f}\n")


def _found() -> Counter[int]:
    """Endings by status; lines that a full disk has cut short count for nothing."""
    if _file is None or not _file.exists():
        return Counter()
    first = (line.partition(" ")[0] for line in _file.read_text().splitlines())
    return Counter(int(status) for status in first if status.isdecimal())
