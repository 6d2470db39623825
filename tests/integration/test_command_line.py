"""The command line as its user meets it: a process, its output and its exit code."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import typer

from otklik.__main__ import app
from tests.support.app import migrated_database, settings_of
from tests.support.deployment import Process
from tests.support.kafka import free_ports
from tests.support.postgres import PostgresServer


def ended(process: Process) -> int:
    """Run to the end; the exit code."""
    process.start()
    assert process.running is not None
    return process.running.wait(60)


@pytest.mark.parametrize(
    "command", [["up"], ["doctor"], ["rebuild", "--check"], ["migrate"], ["reset-password", "a@b"]]
)
def test_a_postgresql_that_cannot_run_is_a_line_and_not_a_traceback(
    command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "state.json").write_text("{}")
    (tmp_path / "postgres").symlink_to("/nowhere")
    (port,) = free_ports(1)
    process = Process([*command, "--data", str(tmp_path)], {"OTKLIK_PORT": str(port)})
    assert ended(process) == 1
    assert process.said().splitlines()[-1].endswith("leads nowhere: /nowhere is missing")
    assert "Traceback" not in process.said()


def test_a_command_takes_the_folder_of_the_start_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nowhere, here = Process(["doctor"], {}), Process(["doctor"], {})
    assert ended(nowhere) == 1
    assert nowhere.said().startswith("name a data folder by --data or OTKLIK_DATA, or set OTKLIK_")
    (tmp_path / ".otklik").mkdir()
    (tmp_path / ".otklik" / "state.json").write_text("{}")
    (tmp_path / ".otklik" / "postgres").symlink_to("/nowhere")
    assert ended(here) == 1
    first, last = here.said().splitlines()
    assert first == "data folder: .otklik"
    assert last.endswith("leads nowhere: /nowhere is missing")


def test_a_data_folder_that_is_none_is_a_line_and_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    process = Process(["up", "--data", str(tmp_path / "data")], {})
    assert ended(process) == 1
    assert process.said() == f"cannot keep data in {tmp_path / 'data'}: File exists\n"


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


def test_every_command_has_json() -> None:
    found = dict(_commands(typer.main.get_command(app)))
    assert ("demo", "run") in found
    for name, command in found.items():
        assert any("--json" in parameter.opts for parameter in command.params), name


async def _told(postgres: PostgresServer) -> dict[str, str]:
    settings = settings_of(await migrated_database(postgres, "command_line"))
    assert settings.master_key is not None
    return {
        "OTKLIK_DATABASE_URL": settings.database_url,
        "OTKLIK_MASTER_KEY": settings.master_key,
        "OTKLIK_POOL_SIZE": "4",
    }


@pytest.mark.asyncio
async def test_a_process_says_as_json_where_it_answers(postgres: PostgresServer) -> None:
    told = await _told(postgres)
    for arguments, option, word in (
        (["serve", "access"], "--port", "url"),
        (["work", "access"], "--ops-port", "operations"),
    ):
        (port,) = free_ports(1)
        process = Process([*arguments, option, str(port), "--json"], told)
        process.start()
        said = json.loads(process.first_line())
        assert said == {"service": "access", word: f"http://127.0.0.1:{port}"}
        answer = await asyncio.to_thread(httpx.get, f"{said[word]}/livez")
        assert answer.status_code == 200
        assert process.terminate() == 0
        assert process.output().count("\n") == 1


@pytest.mark.asyncio
async def test_the_doctor_says_one_json_object(postgres: PostgresServer) -> None:
    doctor = Process(["doctor", "--json"], await _told(postgres))
    code = ended(doctor)
    said = json.loads(doctor.output())
    assert set(said) == {"ok", "checks"}
    assert said["ok"] == all(one["ok"] for one in said["checks"]) == (code == 0)
    assert {"check", "ok", "value", "advice"} == set(said["checks"][0])


@pytest.mark.asyncio
async def test_the_doctor_names_sources_that_are_silent(postgres: PostgresServer) -> None:
    told = await _told(postgres)

    def checked() -> dict[str, Any]:
        doctor = Process(["doctor", "--json"], told)
        ended(doctor)
        checks = {one["check"]: one for one in json.loads(doctor.output())["checks"]}
        found: dict[str, Any] = checks["contact-center sources"]
        return found

    assert checked() == {
        "check": "contact-center sources",
        "ok": True,
        "value": "0 of 0 are silent",
        "advice": "`GET /contact-center/v1/sources/{id}/health` says since when, and what to do",
    }
    admin = await asyncpg.connect(told["OTKLIK_DATABASE_URL"])
    await admin.executemany(
        "INSERT INTO contact_center.source (tenant, id, name, kind, secret, require_signature,"
        " created_at, revision, recorded_at, silent_since)"
        " VALUES ('demo2abc', $1, 'pbx', 'generic', '', false, now(), 1, now(), $2)",
        [("demo2abc.heard", None), ("demo2abc.silent", datetime(2026, 3, 4, 9, tzinfo=UTC))],
    )
    await admin.close()
    silent = checked()
    assert (silent["ok"], silent["value"]) == (False, "1 of 2 are silent: demo2abc.silent")
