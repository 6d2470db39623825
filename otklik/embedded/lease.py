"""Who uses the server of a data folder now: it is stopped when the last of them leaves."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

USERS = "postgres.users"
HEIRS = "postgres.heirs"


@dataclass
class Lease:
    """
    The use of a server by one process; it ends with the process, however that ends.

    Take and give back under the lock of the starters: between these two calls nobody may join.
    """

    data: Path
    _descriptor: int

    @classmethod
    def take(cls, data: Path) -> Self:
        """Use the server of a data folder together with whoever uses it already."""
        path = data / USERS
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return cls(data, descriptor)

    def give_back(self) -> bool:
        """Whether we were the last."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(self._descriptor)


def bequeath(data: Path, pid: int) -> None:
    """Let whoever leaves last stop this server: its starter leaves while others use it."""
    new = data / f"{HEIRS}.new"
    new.write_text(f"{pid}\n")
    new.replace(data / HEIRS)


def bequeathed(data: Path, pid: int) -> bool:
    """Whether the starter of this very server left it to those who still used it."""
    path = data / HEIRS
    return path.exists() and path.read_text().strip() == str(pid)
