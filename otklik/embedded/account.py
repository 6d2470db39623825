"""Whom the server runs as: PostgreSQL refuses to be root."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

# Nothing of the caller's environment reaches the server: PGDATA, PGPORT and the like would.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class EmbeddedPostgresError(Exception):
    """The embedded server cannot run here; the message says why and what to do."""


@dataclass(frozen=True)
class Account:
    """
    A user of this machine that owns the server's files and processes.

    `switched` says that we are root and become this user for everything that touches them: files
    of an unprivileged user may be links laid out for us, so root neither writes nor reads there.
    """

    name: str
    uid: int
    gid: int
    switched: bool

    @classmethod
    def own(cls) -> Self:
        """Ourselves, when we are not root."""
        return cls(_name_of(os.geteuid()), os.geteuid(), os.getegid(), switched=False)

    @classmethod
    def unprivileged(cls) -> Self:
        """The user `otklik` where somebody made one, else `nobody`."""
        for name in ("otklik", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_name, entry.pw_uid, entry.pw_gid, switched=True)
        raise EmbeddedPostgresError(
            "PostgreSQL does not run as root, and there is no user otklik or nobody: add one"
        )

    @classmethod
    def owner_of(cls, folder: Path) -> Self:
        """The owner of a cluster that already exists; we are root."""
        found = folder.stat()
        if found.st_uid == 0:
            raise EmbeddedPostgresError(
                f"{folder} belongs to root, and PostgreSQL does not run as root"
            )
        return cls(_name_of(found.st_uid), found.st_uid, found.st_gid, switched=True)

    @property
    def popen(self) -> dict[str, Any]:
        """Arguments for `subprocess` that start a program as this user, in a folder it can read."""
        common: dict[str, Any] = {"cwd": "/", "env": ENVIRONMENT, "umask": 0o077}
        if not self.switched:
            return common
        return {**common, "user": self.uid, "group": self.gid, "extra_groups": []}

    def run(
        self, command: Sequence[str | Path], *, text: str = "", seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this user with `text` on its standard input; never raises for its code."""
        return subprocess.run(
            list(command),
            input=text,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            **self.popen,
        )

    def can_enter(self, folder: Path) -> bool:
        """Whether this user gets into the folder: asked of the kernel, which knows every rule."""
        return self._shell('cd -- "$1"', folder).returncode == 0

    def can_execute(self, program: Path) -> bool:
        """Whether this user can start the program."""
        try:
            return self.run([program, "--version"]).returncode == 0
        except OSError:
            return False

    def write(self, path: Path, text: str) -> None:
        """Replace a file of this user's, mode 0600. Raises EmbeddedPostgresError."""
        # A file beside it, then a rename: a full disk leaves the old file as it was.
        done = self._shell('cat > "$1.new" && mv -f -- "$1.new" "$1"', path, text=text)
        if done.returncode != 0:
            raise EmbeddedPostgresError(f"cannot write {path}: {done.stderr.strip()}")

    def read(self, path: Path) -> str | None:
        """The text of a file of this user's, or None if there is none to be read."""
        done = self._shell('cat -- "$1"', path)
        return done.stdout if done.returncode == 0 else None

    def remove(self, path: Path) -> None:
        """Remove a file of this user's; nothing if there is none."""
        self._shell('rm -f -- "$1"', path)

    def tail(self, path: Path) -> str:
        """The last lines of a file of this user's; empty if there is none to be read."""
        return self._shell('tail -n 100 -- "$1"', path).stdout

    def make_folder(self, folder: Path) -> None:
        """Make sure that a 0700 folder of this user's is there. Raises EmbeddedPostgresError."""
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            found = folder.lstat()
            # In a folder that everyone may write to, somebody else may have been first.
            if found.st_uid != self.uid or found.st_mode & 0o170777 != 0o40700:
                raise EmbeddedPostgresError(
                    f"{folder} is not a folder of {self.name} with mode 0700: remove it"
                ) from None
        else:
            folder.chmod(0o700)
            os.chown(folder, self.uid, self.gid, follow_symlinks=False)

    def _shell(
        self, script: str, path: Path, *, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return self.run(["/bin/sh", "-c", script, "sh", path], text=text)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # containers run as users that have no name
        return str(uid)
