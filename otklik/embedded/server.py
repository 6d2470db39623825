"""One PostgreSQL per `--data`: made once, started or adopted, stopped by the last who uses it."""

import fcntl
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import quote

from otklik.embedded import configuration
from otklik.embedded.account import ENVIRONMENT, EmbeddedPostgresError
from otklik.embedded.lease import Lease, bequeath, bequeathed
from otklik.embedded.places import OWNER, PORT, SYSTEM, Places, find_places
from otklik.embedded.postmaster import Postmaster, anyone_works_in, locked_by, works_in

SUPERUSER = "otklik"
_START_SECONDS = 60.0
_FAST_STOP_SECONDS = 60.0
_STEP_SECONDS = 0.05
_OLDEST_VERSION = 180000
# What a start says while backends of a killed server still live; they notice and go.
_BUSY = re.compile(
    r"shared memory block|another postmaster|another postgres|lock file .* already exists"
)


@dataclass
class EmbeddedPostgres:
    """
    A running PostgreSQL 18 that listens on a private socket and on nothing else.

    Attributes:
        socket_dir: The folder of its socket: give it as `host`.
        port: Part of the socket's name; no TCP port is open.
        admin_url: `postgresql://…` of the superuser, password included, for libpq and asyncpg; for
            SQLAlchemy say `postgresql+asyncpg://`.
        pid: Of the postmaster.
        started_by_us: False if it ran already; then `stop` leaves it alone, unless its starter left
            it to whoever is the last to use it.
    """

    socket_dir: Path
    port: int
    pid: int
    started_by_us: bool
    admin_url: str = field(repr=False)
    _data: Path = field(repr=False)
    _cluster: Path = field(repr=False)
    _lease: Lease | None = field(repr=False)
    _process: subprocess.Popen[bytes] | None = field(repr=False, default=None)

    @classmethod
    def start(
        cls,
        data: Path,
        *,
        fsync: bool = True,
        settings: Mapping[str, str] | None = None,
        system: Path = SYSTEM,
    ) -> Self:
        """
        Start the server of `--data`, or adopt the one that runs; returns when it answers.

        Blocks for up to a minute: call it before an event loop runs, or in a thread.

        Args:
            fsync: False for tests that throw the data away.
            settings: Added to `otklik.conf`; ignored by a server that already runs.
            system: Where root puts what the unprivileged user could not reach otherwise.

        Raises:
            EmbeddedPostgresError: No server can run here; the message says why.
        """
        places = find_places(data, system=system)
        with _only_one(places.data):
            deadline = time.monotonic() + _START_SECONDS
            adopted = _adopt(places, deadline)
            if adopted is not None:
                return cls._of(places, adopted, None)
            if not (places.cluster / "PG_VERSION").exists():
                _initialise(places, fsync=fsync)
            places.account.write(places.cluster / OWNER, f"{places.data}\n")
            text = configuration.render(fsync=fsync, settings=settings or {})
            places.account.write(places.cluster / configuration.FILE, text)
            process = _launch(places, deadline)
            found = Postmaster(pid=process.pid, port=PORT, socket_dir=places.sockets)
            return cls._of(places, found, process)

    @classmethod
    def _of(
        cls, places: Places, found: Postmaster, process: subprocess.Popen[bytes] | None
    ) -> Self:
        password = quote(_password(places), safe="")
        host = quote(str(found.socket_dir), safe="/")
        return cls(
            socket_dir=found.socket_dir,
            port=found.port,
            pid=found.pid,
            started_by_us=process is not None,
            admin_url=f"postgresql://{SUPERUSER}:{password}@/postgres?host={host}&port={found.port}",
            _data=places.data,
            _cluster=places.cluster,
            _lease=Lease.take(places.data),
            _process=process,
        )

    @property
    def running(self) -> bool:
        """Whether the postmaster lives."""
        if self._process is not None:
            return self._process.poll() is None
        return works_in(self.pid, self._cluster)

    def stop(self) -> None:
        """
        Leave the server; a second time changes nothing.

        The last who uses it shuts it down fast: open transactions are rolled back. A starter that
        leaves earlier leaves it to them. One that ran without anybody before is left running.
        """
        lease, self._lease = self._lease, None
        if lease is None:
            return
        with _only_one(self._data):
            last = lease.give_back()
            ours = self.started_by_us or bequeathed(self._data, self.pid)
            if not ours or not self.running:
                return
            if last:
                self._shut_down()
            else:
                bequeath(self._data, self.pid)

    def _shut_down(self) -> None:
        # Immediate after fast: the next start recovers from the log, as after a crash.
        for signum in (signal.SIGINT, signal.SIGQUIT):
            with suppress(ProcessLookupError):
                os.kill(self.pid, signum)
            deadline = time.monotonic() + _FAST_STOP_SECONDS
            while time.monotonic() < deadline:
                if not self.running:
                    return
                time.sleep(_STEP_SECONDS)
        raise EmbeddedPostgresError(f"PostgreSQL {self.pid} on {self._cluster} does not end")


@contextmanager
def _only_one(data: Path) -> Iterator[None]:
    """One who starts or leaves at a time for each `--data`; the second starter adopts."""
    descriptor = os.open(data / "postgres.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _adopt(places: Places, deadline: float) -> Postmaster | None:
    """The server that lives on the cluster, once it answers; None if there is none."""
    while True:
        text = places.account.read(places.cluster / "postmaster.pid")
        pid = None if text is None else locked_by(text)
        if text is None or pid is None:
            return None
        if not works_in(pid, places.cluster):
            _clear_stale_locks(places)
            return None
        found = Postmaster.parse(text)
        version = None if found is None else _version(places, found)
        if found is not None and version is not None:
            if version < _OLDEST_VERSION:
                raise EmbeddedPostgresError(f"{places.cluster} runs PostgreSQL {version}, not 18")
            return found
        # It is starting, recovering or about to end: all of these pass.
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(f"PostgreSQL {pid} on {places.cluster} does not answer")
        time.sleep(_STEP_SECONDS)


def _clear_stale_locks(places: Places) -> None:
    """
    Remove locks whose process is dead, though its id is not free.

    In a restarted container ids come again, and a killed server that nobody waits for keeps its id:
    PostgreSQL would believe either for ever. While any old backend works in the cluster the locks
    stay: they are what keeps the data from two servers.
    """
    if anyone_works_in(places.cluster):
        return
    for lock in (places.cluster / "postmaster.pid", places.sockets / f".s.PGSQL.{PORT}.lock"):
        text = places.account.read(lock)
        if text is not None and locked_by(text) is not None:
            places.account.remove(lock)


def _initialise(places: Places, *, fsync: bool) -> None:
    """Make the cluster with SCRAM for everybody; a half-made one of an earlier try is removed."""
    partial = places.cluster.with_name(f"{places.cluster.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    places.account.make_folder(partial)
    password = secrets.token_urlsafe(32)
    # macOS does not know C.UTF-8; there the built-in provider alone has to know letters.
    locale = "C" if sys.platform == "darwin" else "C.UTF-8"
    done = places.account.run(
        [
            # Through a pipe of the account's own: it may not open one that root made.
            "/bin/sh",
            "-c",
            'cat | "$@"',
            "sh",
            places.programs / "initdb",
            f"--pgdata={partial}",
            f"--username={SUPERUSER}",
            "--auth=scram-sha-256",
            "--pwfile=/dev/stdin",
            "--encoding=UTF8",
            f"--locale={locale}",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
            *([] if fsync else ["--no-sync"]),
        ],
        text=f"{password}\n",
    )
    if done.returncode != 0:
        raise EmbeddedPostgresError(f"initdb failed: {done.stderr.strip()}")
    own = places.account.read(partial / "postgresql.conf") or ""
    places.account.write(partial / "postgresql.conf", own + configuration.INCLUDES)
    _keep_password(places, password)
    partial.rename(places.cluster)
    link = places.data / "postgres"
    if link != places.cluster:
        link.symlink_to(places.cluster)


def _keep_password(places: Places, password: str) -> None:
    # Before the cluster gets its name: a cluster without a password would be lost for good.
    new = places.password_file.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password)
        file.flush()
        os.fsync(file.fileno())
    new.replace(places.password_file)


def _password(places: Places) -> str:
    try:
        return places.password_file.read_text().strip()
    except OSError as error:
        raise EmbeddedPostgresError(f"the password is gone: {error}") from error


def _launch(places: Places, deadline: float) -> subprocess.Popen[bytes]:
    """Start the postmaster; tries again while backends of a killed one still hold the memory."""
    while True:
        process = _spawn(places)
        if _answers(places, process, deadline):
            return process
        said = _last_words(places, process.pid)
        if time.monotonic() > deadline or not _BUSY.search(said):
            raise EmbeddedPostgresError(f"PostgreSQL did not start: {said or places.start_log}")
        time.sleep(4 * _STEP_SECONDS)
        _clear_stale_locks(places)


def _last_words(places: Places, pid: int) -> str:
    """What this process said on its way: before its log was open, and in the log."""
    said = places.start_log.read_text(errors="replace")
    current = places.account.read(places.cluster / "current_logfiles") or ""
    for line in current.splitlines():
        said += places.account.tail(places.cluster / line.partition(" ")[2])
    return "\n".join(line for line in said.splitlines() if f"[{pid}]" in line)


def _spawn(places: Places) -> subprocess.Popen[bytes]:
    # On the command line, where no file and no ALTER SYSTEM can open the server to others.
    fixed = {
        "listen_addresses": "",
        "unix_socket_directories": str(places.sockets),
        "port": str(PORT),
    }
    command = [str(places.programs / "postgres"), "-D", str(places.cluster)]
    command += [part for name, value in fixed.items() for part in ("-c", f"{name}={value}")]
    with places.start_log.open("wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # A session of its own: a terminal's Ctrl-C must not end it before its clients.
            start_new_session=True,
            **places.account.popen,
        )


def _answers(places: Places, process: subprocess.Popen[bytes], deadline: float) -> bool:
    """Wait until this very process serves queries; False if it ended instead."""
    expected = Postmaster(pid=process.pid, port=PORT, socket_dir=places.sockets)
    while process.poll() is None:
        version = _version(places, expected)
        if version is not None and process.poll() is None:
            return True
        if time.monotonic() > deadline:
            process.send_signal(signal.SIGQUIT)
            process.wait(_FAST_STOP_SECONDS)
            said = _last_words(places, process.pid)
            raise EmbeddedPostgresError(f"PostgreSQL does not answer: {said}")
        time.sleep(_STEP_SECONDS)
    return False


def _version(places: Places, server: Postmaster) -> int | None:
    """Its server_version_num, asked with our password; None while it does not answer."""
    asked = subprocess.run(
        [
            places.programs / "psql",
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--command=show server_version_num",
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={
            **ENVIRONMENT,
            "PGHOST": str(server.socket_dir),
            "PGPORT": str(server.port),
            "PGUSER": SUPERUSER,
            "PGDATABASE": "postgres",
            "PGPASSWORD": _password(places),
            "PGCONNECT_TIMEOUT": "5",
        },
    )
    if "password authentication failed" in asked.stderr:
        raise EmbeddedPostgresError(f"{places.password_file} is not the password of this server")
    return int(asked.stdout) if asked.returncode == 0 else None
