"""Files over HTTP into the inbox: in parts, again, after crashes; nothing lost, nothing twice."""

import asyncio
import gzip
import hashlib
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient, Response

from otklik_common.ids import short_id
from otklik_common.module import Platform
from otklik_common.runtime import make_platform
from otklik_common.settings import Settings
from otklik_contact_center.actions import imports_reading
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.actions.imports_work import Importing, LeftError
from otklik_contact_center.domain import reading_job
from otklik_contact_center.store import imports
from tests.integration.contact_center.conftest import World, fold_all, now
from tests.unit.contact_center.mapping_builders import a_file, a_mapping_as_json, a_row

IMPORTS = "/contact-center/v1/imports"
CHUNK = reading_job.LEAST_CHUNK

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(scope="session")
async def importing_platform(contact_center_settings: Settings) -> AsyncIterator[Platform]:
    """What a process of workers lends."""
    platform = make_platform(contact_center_settings)
    yield platform
    await platform.close()


@dataclass
class Office:
    """A company that imports files."""

    world: World
    client: AsyncClient
    platform: Platform
    mapping: dict[str, Any] = field(default_factory=a_mapping_as_json)

    async def begin(self, data: bytes, **said: Any) -> Response:
        body = {
            "name": "requests.csv",
            "mapping": self.mapping,
            "file_sha256": hashlib.sha256(data).hexdigest(),
            "size": len(data),
            "chunk_bytes": CHUNK,
            **said,
        }
        return await self.client.post(IMPORTS, json=body)

    async def send(self, job: dict[str, Any], data: bytes) -> None:
        for number in reversed(job["missing_chunks"]):
            part = data[number * CHUNK : (number + 1) * CHUNK]
            answer = await self.client.put(f"{IMPORTS}/{job['id']}/chunks/{number}", content=part)
            assert answer.status_code == 204, answer.text

    async def ready(self, data: bytes, **said: Any) -> dict[str, Any]:
        """An import whose file has come whole and is to be read."""
        job: dict[str, Any] = (await self.begin(data, **said)).json()
        await self.send(job, data)
        answer = await self.client.post(f"{IMPORTS}/{job['id']}/start")
        assert (answer.status_code, answer.json()["state"]) == (202, "ready"), answer.text
        return job

    async def work(self) -> None:
        """Read what is to be read, of this and other companies."""
        importing = Importing(self.platform)
        while await importing.round(asyncio.Event()):
            pass

    async def done(self, data: bytes, **said: Any) -> dict[str, Any]:
        """An import as it is when it was read."""
        job = await self.ready(data, **said)
        await self.work()
        return await self.get(job)

    async def get(self, job: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.client.get(f"{IMPORTS}/{job['id']}")).json()
        return found

    async def refused(self, job: dict[str, Any], limit: int = 2) -> list[tuple[int, str]]:
        rows: list[dict[str, Any]] = []
        params: dict[str, Any] = {"limit": limit}
        while True:
            answer = await self.client.get(f"{IMPORTS}/{job['id']}/refused", params=params)
            page = answer.json()
            rows += page["items"]
            if page["next_cursor"] is None:
                return [(row["line"], row["code"]) for row in rows]
            params["cursor"] = page["next_cursor"]

    async def inbox(self) -> list[tuple[str, str, bytes]]:
        """What lies in the inbox: source, id, hash."""
        rows = await self.world.admin.fetch(
            "SELECT source, id, body_hash FROM contact_center.inbox WHERE tenant = $1 ORDER BY 1, 2",
            self.world.tenant,
        )
        return [tuple(row) for row in rows]


@pytest_asyncio.fixture
async def office(world: World, client: AsyncClient, importing_platform: Platform) -> Office:
    """A company with a key that may do everything."""
    return Office(world, client, importing_platform)


def counts(job: dict[str, Any]) -> tuple[int, ...]:
    """Rows: read, accepted, duplicate, skipped, refused; and new events."""
    names = ("read", "accepted", "duplicate", "skipped", "refused")
    return (*(job[f"rows_{name}"] for name in names), job["events"])


def many(number: int) -> list[list[str]]:
    return [a_row(f"r{n}", closed="" if n % 3 else "2026-03-02 10:00:00") for n in range(number)]


ROWS = [
    a_row("r1"),
    a_row("r2", closed=""),
    a_row("r1"),
    a_row("r1", closed="2026-03-02 11:00:00"),
    a_row("r3", created="soon"),
    a_row("", closed=""),
    a_row("r4", status="+79005550101"),
]


async def test_a_file_becomes_contacts(office: Office, folder: Folder) -> None:
    data = gzip.compress(a_file(*ROWS) + b"short,row\n", mtime=0)
    job = await office.done(data)
    assert (job["state"], job["failure"], job["rows_total"]) == ("done", None, 8)
    assert counts(job) == (8, 3, 1, 0, 4, 5)
    assert await office.refused(job) == [
        (5, "repeated_key"),
        (6, "not_a_time"),
        (7, "missing_key"),
        (9, "wrong_columns"),
    ]
    await fold_all(folder)
    contacts = await office.world.latest("contact")
    assert sorted(contact.outcome for contact in contacts.values()) == [
        "open",
        "resolved",
        "resolved",
    ]
    marks = await office.world.count("dirty")
    assert marks == 0


async def test_imports_go_by_the_bulk_lane(office: Office) -> None:
    await office.done(a_file(a_row("r1", created=now().strftime("%Y-%m-%d 00:00:00"), closed="")))
    lanes = await office.world.admin.fetch(
        "SELECT DISTINCT lane FROM contact_center.dirty WHERE tenant = $1", office.world.tenant
    )
    assert [row["lane"] for row in lanes] == [1]


async def test_the_same_file_is_the_same_import(office: Office) -> None:
    data = a_file(*many(100))
    first = await office.begin(data)
    assert first.status_code == 201
    job = first.json()
    assert job["missing_chunks"] == list(range(job["chunks"]))
    await office.send({**job, "missing_chunks": [0, 2]}, data)
    again = await office.begin(data, name="another name")
    assert (again.status_code, again.json()["id"]) == (200, job["id"])
    assert again.json()["missing_chunks"] == [1, *range(3, job["chunks"])]
    await office.send(job, data)
    done = await office.done(data)
    assert (done["id"], counts(done)) == (job["id"], (100, 100, 0, 0, 0, 134))
    assert (await office.begin(data)).json()["state"] == "done"
    other = await office.begin(
        data, mapping=a_mapping_as_json(key={"columns": ["id"], "prefix": "x"})
    )
    assert (other.status_code, other.json()["id"] != job["id"]) == (201, True)


async def test_a_newer_file_brings_only_what_is_new(office: Office) -> None:
    await office.done(a_file(a_row("r1", closed=""), a_row("r2")))
    before = await office.inbox()
    job = await office.done(a_file(a_row("r1"), a_row("r2"), a_row("r3", closed="")))
    assert counts(job) == (3, 2, 1, 0, 0, 2)
    after = await office.inbox()
    assert set(before) < set(after)
    assert [id_ for _, id_, _ in after if id_ not in {row[1] for row in before}] == [
        "r1:ended",
        "r3:started",
    ]


async def test_a_row_that_contradicts_what_is_known_is_refused_whole(office: Office) -> None:
    await office.done(a_file(a_row("r1", closed="")))
    job = await office.done(a_file(a_row("r1", created="2026-03-02 08:00:00"), a_row("r2")))
    assert counts(job) == (2, 1, 0, 0, 1, 2)
    assert await office.refused(job) == [(2, "event_id_reused")]
    assert [id_ for _, id_, _ in await office.inbox()] == ["r1:started", "r2:ended", "r2:started"]


async def test_pushes_and_imports_know_each_other(office: Office) -> None:
    event = {
        "id": "r1:started",
        "contact": "r1",
        "type": "started",
        "at": "2026-03-02T06:00:00Z",
        "channel": "form",
        "direction": "in",
    }
    pushed = await office.client.post("/contact-center/v1/events", json=event)
    assert pushed.json()["accepted"] == 1
    job = await office.done(a_file(a_row("r1", closed=""), a_row("r2", closed="")))
    assert counts(job) == (2, 1, 1, 0, 0, 1)
    event |= {"id": "r2:started", "contact": "r2"}
    pushed = await office.client.post("/contact-center/v1/events", json=event)
    assert pushed.json()["duplicates"] == 1


@pytest.mark.parametrize("size", [1, 3, 2_000])
async def test_any_batches_give_the_same(
    office: Office, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports_reading, "BATCH_ROWS", size)
    job = await office.done(a_file(*ROWS, *many(10)))
    assert counts(job) == (17, 9, 4, 0, 4, 14)
    assert await office.refused(job) == [
        (5, "repeated_key"),
        (6, "not_a_time"),
        (7, "missing_key"),
        (12, "repeated_key"),
    ]
    assert len(await office.inbox()) == 14


@pytest.mark.parametrize(
    ("repeated", "expected"),
    [
        ("first", (4, 2, 0, 2, 0, 4)),
        ("last", (4, 2, 0, 2, 0, 4)),
        ("merge", (4, 2, 1, 0, 1, 4)),
        ("refuse", (4, 2, 1, 0, 1, 4)),
    ],
)
async def test_rows_of_one_key(office: Office, repeated: str, expected: tuple[int, ...]) -> None:
    office.mapping = a_mapping_as_json(
        key={"columns": ["id"], "repeated": repeated}, skip=[{"column": "status", "in": ["x"]}]
    )
    rows = [a_row("r1"), a_row("r1"), a_row("r1", closed="2026-03-02 12:00:00"), a_row("r2")]
    assert counts(await office.done(a_file(*rows))) == expected


CHILD = """
import asyncio, sys
from otklik_common.runtime import make_platform
from otklik_common.settings import load_settings
from otklik_contact_center.actions import imports_reading
from otklik_contact_center.actions.imports_work import Importing

imports_reading.BATCH_ROWS = 5

async def main():
    importing = Importing(make_platform(load_settings()))
    while await importing.round(asyncio.Event()):
        pass

asyncio.run(main())
"""


async def work_until_killed(settings: Settings, failpoint: str) -> int:
    """Read imports in a process of its own; returns how it ended."""
    assert settings.master_key is not None
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        CHILD,
        env={
            "OTKLIK_DATABASE_URL": settings.database_url_of("contact_center"),
            "OTKLIK_MASTER_KEY": settings.master_key,
            "OTKLIK_ENVIRONMENT": "test",
            "OTKLIK_FAILPOINTS": failpoint,
        },
    )
    return await child.wait()


async def test_a_killed_process_is_followed_by_one_that_goes_on(office: Office) -> None:
    rows = [*many(23), a_row("bad", created="soon"), a_row("r1", closed="2026-03-03 00:00:00")]
    job = await office.ready(a_file(*rows))
    settings = office.world.settings
    assert await work_until_killed(settings, "imports.taken=kill@2") == -9
    found = await office.get(job)
    assert (found["state"], found["rows_total"], found["rows_read"]) == ("running", 25, 5)
    assert await work_until_killed(settings, "imports.committed=kill@2") == -9
    assert (await office.get(job))["rows_read"] == 15
    assert await work_until_killed(settings, "") == 0
    found = await office.get(job)
    assert (found["state"], counts(found)) == ("done", (25, 23, 0, 0, 2, 31))
    assert await office.refused(job) == [(25, "not_a_time"), (26, "repeated_key")]
    assert len(await office.inbox()) == 31
    assert await office.world.count("import_chunk") == 0


async def test_an_import_is_read_by_one_process_at_a_time(office: Office) -> None:
    job = await office.ready(a_file(*many(5)))
    one, other = Importing(office.platform), Importing(office.platform)
    async with one._held(job["id"]) as ours, other._held(job["id"]) as theirs:
        assert (ours, theirs) == (True, False)
        assert not await other.round(asyncio.Event())
    await office.work()
    assert (await office.get(job))["state"] == "done"


async def test_a_worker_reads_until_it_is_told_to_stop(office: Office) -> None:
    job = await office.ready(a_file(*many(5)))
    stop = asyncio.Event()
    running = asyncio.create_task(Importing(office.platform).run(stop))
    async with asyncio.timeout(20):
        while (await office.get(job))["state"] != "done":  # noqa: ASYNC110 - seen over HTTP alone
            await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(running, 5)


async def test_who_is_told_to_stop_leaves_the_rest_to_the_next(office: Office) -> None:
    job = await office.ready(a_file(*many(5)))
    stop = asyncio.Event()
    stop.set()
    await Importing(office.platform).run(stop)
    with pytest.raises(imports_reading.StoppedError):
        await Importing(office.platform).round(stop)
    assert (await office.get(job))["rows_read"] == 0
    await office.work()
    assert (await office.get(job))["state"] == "done"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (a_file(a_row(), header=["id", "created", "status", "status", "extra"]), "missing_columns"),
        (b"\n", "no_header"),
        (gzip.compress(a_file(*many(50)))[:-8], "bad_gzip"),
    ],
)
async def test_a_file_that_cannot_be_read_fails_and_may_be_begun_anew(
    office: Office, data: bytes, code: str
) -> None:
    job = await office.done(data)
    assert (job["state"], job["failure"]["code"]) == ("failed", code)
    assert await office.world.count("import_chunk") == 0
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


async def test_what_files_hold_stays_sealed(office: Office) -> None:
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
    await shows_nothing(office.world, ["import_job", "import_chunk"])
    await office.work()
    assert counts(await office.get(job)) == (4, 1, 0, 0, 3, 2)
    await shows_nothing(office.world, ["import_job", "import_chunk", "import_refused", "inbox"])


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
    office: Office, said: dict[str, Any], status: int, code: str
) -> None:
    assert refusal(await office.begin(b"a\n", **said)) == (status, code)
    assert await office.world.count("import_job") == 0


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


async def test_an_abandoned_upload_is_deleted(office: Office) -> None:
    data = a_file(*many(100))
    job = (await office.begin(data)).json()
    await office.send({**job, "missing_chunks": [0]}, data)
    importing = Importing(office.platform)
    await importing.sweep()
    assert await office.world.count("import_chunk") == 1
    await office.world.admin.execute(
        "UPDATE contact_center.import_job SET changed_at = $2 WHERE tenant = $1",
        office.world.tenant,
        now() - reading_job.ABANDONED_AFTER,
    )
    await importing.sweep()
    assert (await office.get(job))["failure"]["code"] == "abandoned"
    assert await office.world.count("import_chunk") == 0


async def test_only_so_many_refused_rows_are_kept(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_job, "MOST_KEPT_REFUSED", 3)
    monkeypatch.setattr(imports_reading, "BATCH_ROWS", 2)
    job = await office.done(a_file(*(a_row(f"r{n}", created="soon") for n in range(5))))
    assert job["rows_refused"] == 5
    assert [line for line, _ in await office.refused(job)] == [2, 3, 4]


async def test_who_has_a_stale_place_counts_nothing_twice(office: Office) -> None:
    job = await office.ready(a_file(*many(3)))
    importing = Importing(office.platform)
    async with office.world.worker.begin_as_worker() as tx:
        stale = await imports.get(tx, office.world.tenant, job["id"])
    assert stale is not None
    await office.work()
    await office.world.admin.execute(
        "UPDATE contact_center.import_job SET state = 'running' WHERE tenant = $1",
        office.world.tenant,
    )
    with pytest.raises(LeftError):
        await importing._take(stale, [], read=stale.counts.rows, refused=0)
    assert counts(await office.get(job))[0] == 3
