"""`otklik import` against a running service: sent, resumed, reported, refused rows put beside."""

import asyncio
import csv
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient, ConnectError

from otklik.client import Client
from otklik.commands import importing
from otklik_common.runtime import create_app, make_platform, serve_app
from otklik_common.settings import Settings
from otklik_contact_center.actions.imports_work import Importing
from otklik_contact_center.module import MODULE
from tests.integration.contact_center.conftest import World
from tests.support.kafka import free_ports
from tests.unit.contact_center.mapping_builders import HEADER, a_file, a_mapping_as_json, a_row

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(scope="module")
async def url(contact_center_settings: Settings) -> AsyncIterator[str]:
    """The service as its processes run it: routes, and the worker that reads files."""
    platform = make_platform(contact_center_settings)
    [port] = free_ports(1)
    stop = asyncio.Event()
    app = create_app([MODULE], platform)
    async with asyncio.TaskGroup() as group:
        group.create_task(serve_app(app, host="127.0.0.1", port=port, stop=stop))
        group.create_task(Importing(platform).run(stop))
        async with AsyncClient(base_url=f"http://127.0.0.1:{port}") as http, asyncio.timeout(20):
            while not await answers(http):  # noqa: ASYNC110 - another task's socket
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
        stop.set()


async def answers(http: AsyncClient) -> bool:
    try:
        return (await http.get("/livez")).is_success
    except ConnectError:
        return False


@dataclass
class Desk:
    """Somebody at the command line."""

    url: str
    key: str
    folder: Path
    capture: pytest.CaptureFixture[str]

    async def run(self, data: bytes, mapping: Any = None, *, as_json: bool = True) -> str:
        """What the command prints; its exit status is raised."""
        file, meaning = self.folder / "requests.csv", self.folder / "mapping.json"
        file.write_bytes(data)
        meaning.write_text(json.dumps(mapping or a_mapping_as_json()))
        await asyncio.to_thread(
            importing.import_contacts,
            self.url,
            self.key,
            file=file,
            mapping=meaning,
            source=None,
            as_json=as_json,
        )
        return self.capture.readouterr().out

    async def report(self, data: bytes, mapping: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.run(data, mapping))
        return found


@pytest_asyncio.fixture
async def desk(world: World, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A company with a key."""
    await world.enrol()
    return Desk(url, await world.key("contacts:write"), tmp_path, capsys)


async def test_a_file_is_imported_and_reported(desk: Desk, world: World) -> None:
    data = a_file(a_row("r1"), a_row("r2", closed=""), a_row("r1"))
    report = await desk.report(data)
    assert report["state"] == "done"
    assert not report["imported_before"]
    assert report["rows"] == {
        "read": 3,
        "accepted": 2,
        "duplicates": 1,
        "skipped": 0,
        "refused": 0,
    }
    assert (report["events"], report["refused_file"]) == (3, None)
    assert await world.count("inbox") == 3
    again = await desk.report(data)
    assert (again["imported_before"], again["import"]) == (True, report["import"])
    assert "imported before" in await desk.run(data, as_json=False)


def rows_of(path: str) -> list[list[str]]:
    with Path(path).open(encoding="windows-1251", newline="") as opened:
        return list(csv.reader(opened, delimiter=";"))


async def test_refused_rows_stand_beside_the_file(desk: Desk) -> None:
    mapping = a_mapping_as_json(format={"encoding": "windows-1251", "delimiter": ";"})
    rows = [HEADER, a_row("r1"), a_row("r2", created="скоро", status='две\n"строки"'), ["r3", "x"]]
    text = "".join(
        ";".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows
    )
    report = await desk.report(text.encode("windows-1251"), mapping)
    assert report["refused_by_code"] == {"not_a_time": 1, "wrong_columns": 1}
    assert report["refused_file"] == str(desk.folder / "requests.csv.refused.csv")
    found = rows_of(report["refused_file"])
    assert found[0] == [*importing.ADDED, *HEADER]
    assert found[1][:3] == ["3", "created", "not_a_time"]
    assert found[1][4:] == a_row("r2", created="скоро", status='две\n"строки"')
    assert found[2][0] == "5"
    assert found[2][4:] == ["r3", "x"]
    # Put right there, the file can be imported by the same mapping.
    found[1][5] = "2026-03-02 09:00:00"
    text = "".join(
        ";".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in found[:2]
    )
    report = await desk.report(text.encode("windows-1251"), mapping)
    assert (report["rows"]["accepted"], report["rows"]["refused"]) == (1, 0)


async def test_the_report_for_people(desk: Desk) -> None:
    shown = await desk.run(a_file(a_row("r1"), a_row("r2", created="soon")), as_json=False)
    assert "accepted             1   with 2 new events" in shown
    assert "1 not_a_time in created" in shown
    assert "requests.csv.refused.csv" in shown


async def test_what_was_sent_before_is_not_sent_again(
    desk: Desk, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK_BYTES", 1024)
    data = a_file(*(a_row(f"r{n}") for n in range(100)))
    report = await desk.report(data)
    job = report["import"]
    chunks = -(-len(data) // 1024)
    # As if the command had been broken off after the first part.
    await world.admin.execute(
        "UPDATE contact_center.import_job SET state = 'receiving', rows = 0, accepted = 0,"
        " events = 0 WHERE tenant = $1",
        world.tenant,
    )
    sent: list[str] = []
    plain = Client.call

    def counting(self: Client, method: str, path: str, **arguments: Any) -> Any:
        if method == "PUT":
            sent.append(path)
        return plain(self, method, path, **arguments)

    async with AsyncClient(
        base_url=desk.url, headers={"Authorization": f"Bearer {desk.key}"}
    ) as http:
        path = f"/contact-center/v1/imports/{job}/chunks/0"
        assert (await http.put(path, content=data[:1024])).status_code == 204
    monkeypatch.setattr(Client, "call", counting)
    again = await desk.report(data)
    assert len(sent) == chunks - 1
    assert (again["import"], again["rows"]["duplicates"]) == (job, 100)


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"version": 1}, "is no mapping"),
        (a_mapping_as_json(clock={"zone": "Mars/Olympus"}), "mapping.clock.zone"),
        (a_mapping_as_json(key={"columns": ["nowhere"]}), "missing_columns"),
    ],
)
async def test_what_fails_ends_with_1_and_says_why(
    desk: Desk, mapping: dict[str, Any], words: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        await desk.run(a_file(a_row()), mapping, as_json=False)
    assert ended.value.code == 1
    assert words in desk.capture.readouterr().err


async def test_a_key_without_the_scope(desk: Desk, world: World) -> None:
    desk.key = await world.key("contacts:read")
    with pytest.raises(SystemExit) as ended:
        await desk.run(a_file(a_row()))
    assert ended.value.code == 1
    assert "403" in desk.capture.readouterr().err


async def test_an_empty_file(desk: Desk) -> None:
    with pytest.raises(SystemExit):
        await desk.run(b"")
    assert "is empty" in desk.capture.readouterr().err
