"""Files, parts and callers that are refused; and what files hold stays sealed."""

import gzip
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from httpx import Response

from otklik_common.ids import short_id
from otklik_contact_center.actions import imports_reading
from otklik_contact_center.actions.imports_work import Importing
from otklik_contact_center.domain import reading_job
from tests.integration.contact_center.conftest import World, now
from tests.integration.contact_center.importing import CHUNK, IMPORTS, Office, counts, many
from tests.unit.contact_center.mapping_builders import a_file, a_mapping_as_json, a_row

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (a_file(a_row(), header=["id", "created", "status", "status", "extra"]), "missing_columns"),
        (b"\n", "no_header"),
        (gzip.compress(a_file(*many(50)))[:-8], "bad_gzip"),
    ],
)
async def test_a_file_that_cannot_be_read_fails_and_may_be_begun_anew(
    office: Office, world: World, data: bytes, code: str
) -> None:
    job = await office.done(data)
    assert (job["state"], job["failure"]["code"]) == ("failed", code)
    assert await world.count("import_chunk") == 0
    anew = await office.begin(data)
    assert (anew.status_code, anew.json()["id"] != job["id"]) == (201, True)


async def test_what_came_must_be_what_was_announced(office: Office) -> None:
    data = a_file(*many(5))
    announced = data.replace(b"r1", b"r9")
    job = (await office.begin(announced)).json()
    await office.send(job, data)
    await office.client.post(f"{IMPORTS}/{job['id']}/start")
    await office.work()
    found = await office.get(job)
    assert (found["state"], found["failure"]["code"]) == ("failed", "wrong_hash")
    assert await office.inbox() == []


async def test_an_empty_table_is_done_at_once(office: Office) -> None:
    job = await office.done(a_file())
    assert (job["state"], counts(job)) == ("done", (0, 0, 0, 0, 0, 0))


CANARY = "канарейка+79005550101"


async def test_what_files_hold_stays_sealed(office: Office, world: World) -> None:
    office.mapping = a_mapping_as_json(
        fields={
            "from": {"column": "extra"},
            "channel": {"column": "status", "values": {"Phone": "call"}, "default": "other"},
            "waited_seconds": {"column": "extra", "convert": "seconds"},
        }
    )
    data = a_file(
        a_row("r1", extra=CANARY),
        a_row("r2", created=CANARY),
        a_row(CANARY * 10, extra="1"),
        a_row("r4", extra="1"),
    )
    job = await office.ready(data)
    await shows_nothing(world, ["import_job", "import_chunk"])
    await office.work()
    assert counts(await office.get(job)) == (4, 1, 0, 0, 3, 2)
    await shows_nothing(world, ["import_job", "import_chunk", "import_refused", "inbox"])


async def shows_nothing(world: World, tables: Sequence[str]) -> None:
    for table in tables:
        rows = await world.admin.fetch(
            f"SELECT to_jsonb(t)::text AS shown FROM contact_center.{table} t WHERE tenant = $1",
            world.tenant,
        )
        assert rows or table in {"import_chunk", "inbox"}, table
        shown = "".join(row["shown"] for row in rows)
        for secret in (CANARY, "79005550101", CANARY.encode().hex()):
            assert secret not in shown, table


def refusal(answer: Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


async def test_chunks_that_are_none(office: Office) -> None:
    data = a_file(*many(100))
    job = (await office.begin(data)).json()
    path = f"{IMPORTS}/{job['id']}"

    async def put(number: object, body: bytes) -> tuple[int, str]:
        return refusal(await office.client.put(f"{path}/chunks/{number}", content=body))

    assert await put(0, data[: CHUNK - 1]) == (422, "wrong_chunk")
    assert await put(job["chunks"], b"") == (422, "wrong_chunk")
    assert await put(-1, b"x") == (422, "invalid")
    assert await put("x", b"x") == (422, "invalid")
    assert await put(0, b"x" * (reading_job.MOST_CHUNK + 1)) == (413, "body_too_large")
    started = await office.client.post(f"{path}/start")
    assert refusal(started) == (409, "chunks_missing")
    assert started.json()["missing_chunks"] == job["missing_chunks"]
    await office.send(job, data)
    assert (await office.client.post(f"{path}/start")).status_code == 202
    assert (await office.client.post(f"{path}/start")).status_code == 202
    assert await put(0, data[:CHUNK]) == (409, "import_not_receiving")
    await office.work()
    assert (await office.client.post(f"{path}/start")).json()["state"] == "done"


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"size": 0}, 422, "invalid"),
        ({"size": reading_job.MOST_BYTES + 1}, 422, "invalid"),
        ({"file_sha256": "x"}, 422, "invalid"),
        ({"chunk_bytes": 1}, 422, "invalid"),
        ({"colour": "red"}, 422, "invalid"),
        ({"mapping": {}}, 422, "invalid"),
        ({"mapping": a_mapping_as_json(clock={"zone": "Mars/Olympus"})}, 422, "bad_mapping"),
        ({"source": "nobody2a.x"}, 404, "unknown_source"),
    ],
)
async def test_imports_that_cannot_be_begun(
    office: Office, world: World, said: dict[str, Any], status: int, code: str
) -> None:
    assert refusal(await office.begin(b"a\n", **said)) == (status, code)
    assert await world.count("import_job") == 0


async def test_only_so_many_imports_at_a_time(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_job, "MOST_UNFINISHED", 2)
    for n in range(2):
        assert (await office.begin(a_file(a_row(f"r{n}")))).status_code == 201
    assert refusal(await office.begin(a_file(a_row("r2")))) == (409, "too_many_imports")
    assert (await office.begin(a_file(a_row("r1")))).status_code == 200


async def test_who_may_import(office: Office, world: World) -> None:
    reader, branch = (
        await world.key("contacts:read"),
        await world.key("contacts:write", branches=("omsk",)),
    )
    other = replace(world, tenant=short_id())
    await other.enrol()
    stranger = await other.key("contacts:write")
    data = a_file(*many(3))
    job = await office.ready(data)
    for method, path in (
        ("GET", f"/{job['id']}"),
        ("GET", f"/{job['id']}/refused"),
        ("POST", f"/{job['id']}/start"),
        ("PUT", f"/{job['id']}/chunks/0"),
    ):
        body = data[:CHUNK] if method == "PUT" else None
        for key, expected in (
            (reader, (403, "forbidden")),
            (branch, (403, "forbidden")),
            (stranger, (404, "unknown_import")),
        ):
            headers = {"Authorization": f"Bearer {key}"}
            answer = await office.client.request(
                method, IMPORTS + path, headers=headers, content=body
            )
            assert refusal(answer) == expected, (method, path)
    assert refusal(await office.client.get(f"{IMPORTS}/nothing")) == (404, "unknown_import")


async def test_an_abandoned_upload_is_deleted(office: Office, world: World) -> None:
    data = a_file(*many(100))
    job = (await office.begin(data)).json()
    await office.send({**job, "missing_chunks": [0]}, data)
    importing = Importing(office.platform)
    await importing.sweep()
    assert await world.count("import_chunk") == 1
    await world.admin.execute(
        "UPDATE contact_center.import_job SET changed_at = $2 WHERE tenant = $1",
        world.tenant,
        now() - reading_job.ABANDONED_AFTER,
    )
    await importing.sweep()
    assert (await office.get(job))["failure"]["code"] == "abandoned"
    assert await world.count("import_chunk") == 0


async def test_only_so_many_refused_rows_are_kept(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_job, "MOST_KEPT_REFUSED", 3)
    monkeypatch.setattr(imports_reading, "BATCH_ROWS", 2)
    job = await office.done(a_file(*(a_row(f"r{n}", created="soon") for n in range(5))))
    assert job["rows_refused"] == 5
    assert [line for line, _ in await office.refused(job)] == [2, 3, 4]
