"""Who runs on a cluster: what `postmaster.pid` says, and whether it is still true."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PROC = Path("/proc")


@dataclass(frozen=True)
class Postmaster:
    """
    A running server as its lock file describes it.

    Source: PostgreSQL 18, src/include/utils/pidfile.h.
    """

    pid: int
    port: int
    socket_dir: Path

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The server of this lock file; None if it has not written that much yet, or has no socket."""
        lines = text.splitlines()
        if len(lines) < 5 or not lines[4].strip():
            return None
        try:
            return cls(pid=int(lines[0]), port=int(lines[3]), socket_dir=Path(lines[4].strip()))
        except ValueError:
            return None


def locked_by(text: str) -> int | None:
    """The process id in a lock file's first line, or None if it has none."""
    first = text.partition("\n")[0].strip()
    return int(first) if first.isdigit() else None


def works_in(pid: int, cluster: Path) -> bool:
    """
    Whether this living process is PostgreSQL on this cluster.

    A server's processes work in its data folder, so a process id used again by somebody else is not
    taken for one. Where there is no /proc, a living process has to do.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    if not _PROC.joinpath("self/cwd").exists():
        return True
    try:
        return _PROC.joinpath(str(pid), "cwd").samefile(cluster)
    except OSError:
        return False


def anyone_works_in(cluster: Path) -> bool:
    """Whether any process works in the cluster, old backends of a killed server included."""
    if not _PROC.joinpath("self/cwd").exists():
        return True
    return any(
        works_in(int(entry.name), cluster) for entry in _PROC.iterdir() if entry.name.isdigit()
    )
