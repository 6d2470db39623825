"""A plain PostgreSQL 18 on a port of this machine, as the image `postgres:18` offers one."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import asyncpg

from otklik.embedded.account import Account
from otklik.embedded.places import installed_programs, place_programs
from tests.support.kafka import free_ports
from tests.support.postgres import reachable_folder

START_SECONDS = 60


@contextmanager
def plain_postgres(
    *,
    user: str,
    password: str,
    database: str,
    host: str = "127.0.0.1",
    port: int | None = None,
    made_with: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """
    A server with one superuser and one database of its own; the port it listens on.

    Args:
        user: The superuser, who signs in by password over TCP alone.
        made_with: More arguments of initdb.
        settings: Of the server, besides those that make it quick and forgetful.
    """
    account = Account.unprivileged() if os.geteuid() == 0 else Account.own()
    port = port or free_ports(1)[0]
    with reachable_folder() as folder:
        home = folder / "home"
        account.make_folder(home)
        programs = place_programs(installed_programs(), account, system=folder / "system")
        account.write(home / "password", password)
        made = account.run(
            [
                programs / "initdb",
                f"--pgdata={home / 'data'}",
                f"--username={user}",
                f"--pwfile={home / 'password'}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                *made_with,
            ]
        )
        assert made.returncode == 0, made.stderr
        told = {
            "listen_addresses": host,
            "port": str(port),
            "unix_socket_directories": "",
            "fsync": "off",
            **(settings or {}),
        }
        process = subprocess.Popen(
            [
                programs / "postgres",
                "-D",
                home / "data",
                *(part for name, value in told.items() for part in ("-c", f"{name}={value}")),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **account.popen,
        )
        try:
            asyncio.run(_make_database(host, port, user, password, database))
            yield port
        finally:
            # Immediate: nothing of it is kept.
            process.send_signal(signal.SIGQUIT)
            process.wait(START_SECONDS)


async def _make_database(host: str, port: int, user: str, password: str, database: str) -> None:
    connection = await _connect(host, port, user, password)
    try:
        await connection.execute(f'CREATE DATABASE "{database}"')
    finally:
        await connection.close()


async def _connect(host: str, port: int, user: str, password: str) -> asyncpg.Connection:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return await asyncpg.connect(
                host=host, port=port, user=user, password=password, database="postgres"
            )
        except (OSError, asyncpg.CannotConnectNowError):
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
        await asyncio.sleep(0.1)
