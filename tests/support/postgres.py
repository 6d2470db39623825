"""A real PostgreSQL for the tests: one server for each pytest process, thrown away at the end."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from otklik.embedded import EmbeddedPostgres

# The settings that show a forgotten transaction or a lock cycle soon, not after minutes.
IMPATIENT = {
    "deadlock_timeout": "200ms",
    "log_lock_waits": "on",
    "idle_in_transaction_session_timeout": "10s",
    "shared_buffers": "128MB",
    "max_connections": "400",
}


@dataclass(frozen=True)
class PostgresServer:
    """
    A running server.

    Attributes:
        admin_url: `postgresql://…` of the superuser, on the database `postgres`.
    """

    admin_url: str

    def url(self, database: str) -> str:
        """The superuser's address of one database."""
        return urlsplit(self.admin_url)._replace(path=f"/{database}").geturl()

    async def create_database(self, name: str, template: str | None = None) -> str:
        """
        Make an empty database, or a copy of `template`, which nobody may be connected to.

        A database of that name is dropped first, connections and all. Returns its address.
        """
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute(f'drop database if exists "{name}" with (force)')
            source = template or "template1"
            await connection.execute(f'create database "{name}" template "{source}"')
        finally:
            await connection.close()
        return self.url(name)

    async def drop_database(self, name: str) -> None:
        """Drop a database, connections and all; nothing if there is none."""
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute(f'drop database if exists "{name}" with (force)')
        finally:
            await connection.close()


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A folder that the server's unprivileged user can reach too; pytest's own are 0700."""
    folder = Path(tempfile.mkdtemp(prefix="otklik-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def running_postgres(*, fsync: bool = False) -> Iterator[PostgresServer]:
    """A server of its own; with `fsync` for tests that kill it."""
    with reachable_folder() as folder:
        server = EmbeddedPostgres.start(
            folder / "data", fsync=fsync, settings=IMPATIENT, system=folder / "system"
        )
        try:
            yield PostgresServer(server.admin_url)
        finally:
            server.stop()
