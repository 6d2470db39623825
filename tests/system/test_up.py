"""`otklik up`: starts, says who may enter, ends at Ctrl-C, and loses nothing by any of it."""

import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from otklik.data import read_state
from otklik.embedded import EmbeddedPostgres
from tests.support.deployment import (
    SERVICES,
    START_SECONDS,
    Client,
    Deployment,
    Process,
    data_folder,
)
from tests.support.kafka import free_ports
from tests.system.scenario import CALLS, until_counted

pytestmark = pytest.mark.system

STOP_SECONDS = int(os.environ.get("OTKLIK_TEST_STOP_SECONDS", "20"))
"""Ten are promised; `make test-long` holds us to that."""


def _up(folder: str, port: int, *more: str) -> Process:
    arguments = ["up", "--no-demo", "--json", "--port", str(port), "--data", folder, *more]
    return Process(arguments, {})


def test_a_second_start_finds_everything_as_it_was() -> None:
    with data_folder() as folder:
        (port,) = free_ports(1)
        up = _up(folder, port)
        up.start()
        first = json.loads(up.first_line())
        assert set(first) == {"url", "company", "admin", "key"}
        assert set(first["admin"]) == {"login", "password"}
        client = Client(dict.fromkeys(SERVICES, first["url"]), first["key"])
        assert client.ok("POST", "/contact-center/v1/events", json=CALLS)["accepted"] == len(CALLS)

        stopping = time.monotonic()
        assert up.interrupt() == 0, up.last_words()
        assert time.monotonic() - stopping < STOP_SECONDS
        up = _up(folder, port, "--host", "::")
        up.start()
        second = json.loads(up.first_line())
        _listens_where_told(up, "::", port)
        assert second == {
            "url": f"http://[::1]:{port}",
            "company": first["company"],
            "admin": {"login": first["admin"]["login"]},
        }
        client.close()
        urls = dict.fromkeys(SERVICES, second["url"])
        deployment = Deployment("one process", urls, "", "", "", first["key"], {})
        until_counted(deployment, "contacts_offered", 9)
        client = deployment.client()

        reset = Process(["reset-password", first["admin"]["login"], "--data", folder, "--json"], {})
        reset.start()
        shown = json.loads(reset.whole_output())
        assert shown["password"] != first["admin"]["password"]
        assert "token" in client.ok("POST", "/access/v1/sign-in", json=shown)
        again = client.ok("POST", "/contact-center/v1/events", json=CALLS)
        assert again == {"accepted": 0, "duplicates": len(CALLS), "refused": []}
        assert up.terminate() == 0, up.last_words()
        deployment.close()


def test_a_start_for_a_person_is_quiet_and_its_lines_work_when_pasted() -> None:
    with data_folder() as folder:
        (port,) = free_ports(1)
        up = Process(["up", "--no-demo", "--port", str(port), "--data", folder], {})
        up.start()
        _wait(lambda: "Ctrl-C ends it" in up.output(), "banner", up)
        lines = [line.strip() for line in up.output().splitlines()]
        pasted = [one for one in lines if one.startswith(("export ", "curl ", "sleep "))]
        script = "\n".join(one + (" && echo" if "curl" in one else "") for one in pasted)
        shell = ["sh", "-ec", script]
        said = subprocess.run(shell, capture_output=True, text=True, check=True, timeout=60)
        pushed, fast, silent = map(json.loads, said.stdout.splitlines())
        assert pushed == {"accepted": 2, "duplicates": 0, "refused": []}
        level = fast["rows"][0]["service_level"]
        assert (level["numerator"], level["denominator"]) == (0, 1)
        assert silent["rows"][0]["not_called_back"]["value"] == 1

        # A terminal sends Ctrl-C to everybody in the foreground.
        assert up.running is not None
        os.killpg(up.running.pid, signal.SIGINT)
        assert up.running.wait(20) == 0, up.last_words()
        assert up.said().splitlines()[-1] == "Otklik has stopped"
        assert "{" not in up.said()
        assert "Traceback" not in up.said()


def test_ctrl_c_while_children_begin_leaves_no_traceback() -> None:
    with data_folder() as folder:
        (port,) = free_ports(1)
        up = _up(folder, port)
        up.start()
        assert up.running is not None
        supervisor = psutil.Process(up.running.pid)
        _wait(lambda: "preparing the database" in up.said(), "preparing", up)
        _wait(
            lambda: any("prepare" in " ".join(one.cmdline()) for one in supervisor.children()),
            "begun",
            up,
        )
        os.killpg(up.running.pid, signal.SIGINT)
        assert up.running.wait(20) == 0, up.last_words()
        assert "Traceback" not in up.said()


def test_secrets_that_nobody_saw_are_shown_by_the_next_start() -> None:
    with data_folder() as folder:
        (port,) = free_ports(1)
        up = _up(folder, port)
        up.start()
        _wait(lambda: "company" in read_state(Path(folder)), "prepared", up)
        assert up.output() == ""
        up.kill_tree(Path(folder))

        kept = Path(folder) / "secrets" / "first-start.json"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        up = _up(folder, port)
        up.start()
        shown = json.loads(up.first_line())
        assert set(shown["admin"]) == {"login", "password"}
        headers = {"Authorization": f"Bearer {shown['key']}"}
        assert httpx.get(f"{shown['url']}/access/v1/me", headers=headers).status_code == 200
        _wait(lambda: not kept.exists(), "forgotten", up)
        assert up.interrupt() == 0, up.last_words()


def test_a_stop_while_the_database_is_prepared_is_quick_and_loses_no_secrets() -> None:
    with data_folder() as folder:
        (port,) = free_ports(1)
        up = _up(folder, port)
        up.start()
        _wait((Path(folder) / "secrets" / "first-start.json").exists, "kept", up)
        assert up.terminate() == 0, up.last_words()
        up = _up(folder, port)
        up.start()
        assert set(json.loads(up.first_line())) == {"url", "company", "admin", "key"}
        assert up.interrupt() == 0, up.last_words()


def test_who_may_enter_is_said_at_once_though_the_demo_cannot_be_loaded() -> None:
    with data_folder() as folder:
        (Path(folder) / "demo.position").write_text("broken")
        (port,) = free_ports(1)
        up = Process(["up", "--port", str(port), "--data", folder], {})
        up.start()
        _wait(lambda: "password" in up.output(), "entrance", up)
        assert "curl" not in up.output()
        assert "shown once" not in up.output()
        _wait(lambda: "curl" in up.output(), "banner", up)
        assert "the demo could not be loaded" in up.said()
        assert up.interrupt() == 0, up.last_words()


def _wait(true: Callable[[], bool], what: str, up: Process) -> None:
    assert up.running is not None
    deadline = time.monotonic() + START_SECONDS
    while not true():
        assert up.running.poll() is None, up.last_words()
        assert time.monotonic() < deadline, f"never {what}: {up.last_words()}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Running:
    """An `otklik up` that found its PostgreSQL started by a command."""

    up: Process
    command: EmbeddedPostgres
    folder: str
    port: int
    first: dict[str, Any]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """Started with `--host 0.0.0.0` while a command has PostgreSQL running; ends well."""
    with data_folder() as folder:
        (port,) = free_ports(1)
        command = EmbeddedPostgres.start(Path(folder), fsync=False)
        up = _up(folder, port, "--host", "0.0.0.0")
        try:
            up.start()
            yield Running(up, command, folder, port, json.loads(up.first_line()))
        finally:
            command.stop()
            if up.running is not None and up.running.poll() is None:
                assert up.interrupt() == 0, up.last_words()


def test_a_folder_in_use_is_said_so(running: Running) -> None:
    (other,) = free_ports(1)
    second = _up(running.folder, other)
    second.start()
    assert second.running is not None
    assert second.running.wait(60) == 1
    in_use = f"{running.folder} is in use by another otklik up; stop it, or choose another --data"
    assert second.said().splitlines() == [in_use]


def test_the_api_listens_where_it_is_told_to_and_the_worker_on_this_machine(
    running: Running,
) -> None:
    url = running.first["url"]
    assert url == f"http://127.0.0.1:{running.port}"
    assert httpx.get(f"{url}/readyz").status_code == 200
    _listens_where_told(running.up, "0.0.0.0", running.port)


def _listens_where_told(up: Process, host: str, port: int) -> None:
    assert up.running is not None
    listening: set[tuple[str, int]] = set()
    for child in psutil.Process(up.running.pid).children(recursive=True):
        # A start has children that live for a moment only: by now one may be gone.
        with suppress(psutil.NoSuchProcess):
            listening |= {
                (found.laddr.ip, found.laddr.port)
                for found in child.net_connections("tcp")
                if found.status == psutil.CONN_LISTEN
            }
    assert {address for address, at in listening if at == port} == {host}
    assert {address for address, at in listening if at != port} == {"127.0.0.1"}


def test_a_command_that_started_postgresql_does_not_take_it_away_from_a_start(
    running: Running,
) -> None:
    running.command.stop()
    assert running.command.running
    headers = {"Authorization": f"Bearer {running.first['key']}"}
    sources = f"{running.first['url']}/contact-center/v1/sources"
    assert httpx.get(sources, headers=headers).status_code == 200
    # The last of the module: with the start its PostgreSQL ends too.
    assert running.up.interrupt() == 0, running.up.last_words()
    assert not running.command.running


def test_a_host_that_is_not_ours_is_said_so_at_once() -> None:
    with data_folder() as folder:
        (port,) = free_ports(1)
        up = _up(folder, port, "--host", "192.0.2.1")  # for documentation: nobody's
        up.start()
        assert up.running is not None
        assert up.running.wait(20) == 1
        assert f"cannot listen on 192.0.2.1 port {port}" in up.last_words()


def test_a_postgresql_that_dies_is_started_again() -> None:
    with data_folder() as folder:
        (port,) = free_ports(1)
        up = _up(folder, port)
        up.start()
        first = json.loads(up.first_line())
        client = Client(dict.fromkeys(SERVICES, first["url"]), first["key"])
        for times in (1, 2):
            killed = _postmaster(Path(folder))
            killed.kill()
            _wait(lambda: up.said().count("is gone; starting") == times, "seen", up)  # noqa: B023
            _wait(lambda: _answers(client), "back", up)
            assert _postmaster(Path(folder)) != killed
        client.close()
        last = _postmaster(Path(folder))
        assert up.interrupt() == 0, up.last_words()
        assert not last.is_running()


def _postmaster(data: Path) -> psutil.Process:
    lock = data / "postgres" / "postmaster.pid"
    return psutil.Process(int(lock.read_text().split()[0]))


def _answers(client: Client) -> bool:
    return all(
        client.call("GET", path).status_code == 200
        for path in ("/contact-center/v1/sources", "/access/v1/staff", "/feedback/v1/surveys")
    )


def test_children_end_with_a_killed_parent_and_the_next_start_works() -> None:
    with data_folder() as folder:
        (port,) = free_ports(1)
        up = _up(folder, port)
        up.start()
        key = json.loads(up.first_line())["key"]
        assert up.running is not None
        up.running.kill()
        up.running.wait(10)
        up = _up(folder, port)
        up.start()
        url = json.loads(up.first_line())["url"]
        me = httpx.get(f"{url}/access/v1/me", headers={"Authorization": f"Bearer {key}"})
        assert me.status_code == 200
        assert up.interrupt() == 0
        _end_adopted(Path(folder))


def _end_adopted(data: Path) -> None:
    """Who adopts a live PostgreSQL never stops it; a test leaves nothing running."""
    postmaster = _postmaster(data)
    postmaster.terminate()
    postmaster.wait(20)
