"""The data folder of `otklik up`: its lock, its secrets, and what its processes are told."""

import base64
import fcntl
import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from otklik.embedded import EmbeddedPostgres

MASTER_BYTES = 32

DEFAULT_FOLDER = Path(".otklik")
"""Where `otklik up` keeps its data if nobody says otherwise."""

FIRST_START = "first-start.json"
"""Secret with the first admin's password and key: there until somebody has seen them."""


class DataFolderError(Exception):
    """This folder cannot hold our data; the message says why."""


class InUseError(DataFolderError):
    """Another `otklik up` runs on the same data folder."""


@dataclass(slots=True)
class Data:
    """
    A data folder held by this process.

    Attributes:
        folder: Holds the cluster, `secrets/` (0700) and `state.json`.
        lock: Descriptor of the lock file; the lock ends with the process.
    """

    folder: Path
    lock: int

    @classmethod
    def hold(cls, folder: Path) -> Self:
        """Take the folder for ourselves, making it if need be. Raises DataFolderError."""
        folder = folder.absolute()
        try:
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            lock = os.open(folder / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as broken:
            raise DataFolderError(f"cannot keep data in {folder}: {broken.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise InUseError(
                f"{folder} is in use by another otklik up; stop it, or choose another --data"
            ) from None
        secret_folder(folder)
        return cls(folder, lock)

    @property
    def state(self) -> dict[str, Any]:
        """What earlier starts left behind: never a secret."""
        return read_state(self.folder)

    def remember(self, **facts: Any) -> None:
        """Add to the state, atomically."""
        new = self.folder / "state.json.new"
        new.write_text(json.dumps(self.state | facts, indent=1, sort_keys=True))
        new.replace(self.folder / "state.json")

    def secret(self, name: str) -> str | None:
        """A secret kept from an earlier start."""
        path = secret_folder(self.folder) / name
        return path.read_text() if path.exists() else None

    def keep_secret(self, name: str, text: str) -> None:
        """Keep a secret for later starts, readable by its owner alone."""
        keep_secret(self.folder, name, text)

    def forget_secret(self, name: str) -> None:
        """Remove a secret; nothing if there is none."""
        (secret_folder(self.folder) / name).unlink(missing_ok=True)


def read_state(folder: Path) -> dict[str, Any]:
    """The state of a data folder; empty before its first start."""
    path = folder / "state.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def default_folder() -> Path | None:
    """
    The default data folder, for who has named neither folder nor database.

    None where the environment names a database, or no `otklik up` has run here.
    """
    if os.environ.get("OTKLIK_DATABASE_URL") or not (DEFAULT_FOLDER / "state.json").exists():
        return None
    return DEFAULT_FOLDER


def secret_folder(folder: Path) -> Path:
    """The folder of secrets, 0700."""
    made = folder / "secrets"
    made.mkdir(mode=0o700, exist_ok=True)
    return made


def keep_secret(folder: Path, name: str, text: str) -> None:
    """Write a secret so that it is either whole or absent, mode 0600."""
    path = secret_folder(folder) / name
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    # The name as well: what follows relies on the secret, even after the power was cut.
    folder_descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder_descriptor)
    finally:
        os.close(folder_descriptor)


def master_key_file(folder: Path) -> Path:
    """The master key of a data folder, made at its first use; without it nothing sealed opens."""
    path = secret_folder(folder) / "master.key"
    if not path.exists():
        fresh = base64.b64encode(secrets.token_bytes(MASTER_BYTES)).decode()
        keep_secret(folder, "master.key", fresh)
    return path


def operations_token(folder: Path) -> str:
    """The token by which our own scraping and health checks read /metrics."""
    path = secret_folder(folder) / "operations.token"
    if not path.exists():
        keep_secret(folder, "operations.token", secrets.token_urlsafe(32))
    return path.read_text()


def environment(folder: Path, postgres: EmbeddedPostgres) -> dict[str, str]:
    """OTKLIK_* variables under which every process of this data folder runs."""
    name = "postgres"
    return {
        "OTKLIK_DATA": str(folder),
        "OTKLIK_DATABASE_URL": f"postgresql:///{name}?host={postgres.socket_dir}&port={postgres.port}",
        "OTKLIK_ADMIN_DATABASE_URL": postgres.admin_url,
        "OTKLIK_MASTER_KEY_FILE": str(master_key_file(folder)),
        "OTKLIK_OPERATIONS_TOKEN": operations_token(folder),
        "OTKLIK_RUN_FOLDER": str(folder / "run"),
        "OTKLIK_LOG": "table",
        "OTKLIK_ENVIRONMENT": "trial",
        "OTKLIK_POOL_SIZE": "6",
    }


def demo_loaded(folder: Path) -> bool:
    """Whether the demo's history is in."""
    return (folder / "demo.loaded").exists()


def fingerprint(folders: list[Path]) -> str:
    """Digest of all migrations in these trees: while it stays, there is nothing to migrate."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
