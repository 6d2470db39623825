"""Files over HTTP into the inbox: in parts, again, after crashes; nothing lost, nothing twice."""

import asyncio
import dataclasses
import gzip

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from otklik_common.ids import short_id
from otklik_contact_center.actions import imports_reading
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.actions.imports_work import Importing, LeftError, Reading
from otklik_contact_center.domain.reading_job import Counts
from otklik_contact_center.store import imports
from tests.integration.contact_center.conftest import World, fold_all, now
from tests.integration.contact_center.importing import Office, counts, many
from tests.unit.contact_center.mapping_builders import a_file, a_mapping_as_json, a_row

pytestmark = pytest.mark.asyncio


ROWS = [
    a_row("r1"),
    a_row("r2", closed=""),
    a_row("r1"),
    a_row("r1", closed="2026-03-02 11:00:00"),
    a_row("r3", created="soon"),
    a_row("", closed=""),
    a_row("r4", status="+79005550101"),
]


async def test_a_file_becomes_contacts(office: Office, world: World, folder: Folder) -> None:
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
    contacts = await world.latest("contact")
    assert sorted(contact.outcome for contact in contacts.values()) == [
        "open",
        "resolved",
        "resolved",
    ]
    marks = await world.count("dirty")
    assert marks == 0


async def test_imports_go_by_the_bulk_lane(office: Office, world: World) -> None:
    await office.done(a_file(a_row("r1", created=now().strftime("%Y-%m-%d 00:00:00"), closed="")))
    lanes = await world.admin.fetch(
        "SELECT DISTINCT lane FROM contact_center.dirty WHERE tenant = $1", world.tenant
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


async def test_an_import_is_read_by_one_process_at_a_time(office: Office) -> None:
    await office.work()  # what other tests have left
    job = await office.ready(a_file(*many(5)))
    one, other = Importing(office.platform), Importing(office.platform)
    held = await one._lock(job["id"])
    assert held is not None
    assert await other._lock(job["id"]) is None
    assert not await other.round(asyncio.Event())
    await held.close()
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


async def test_who_has_a_stale_place_counts_nothing_twice(office: Office, world: World) -> None:
    job = await office.ready(a_file(*many(3)))
    importing = Importing(office.platform)
    async with world.worker.begin_as_worker() as tx:
        stale = await imports.get(tx, world.tenant, job["id"])
    assert stale is not None
    await office.work()
    await world.admin.execute(
        "UPDATE contact_center.import_job SET state = 'running' WHERE tenant = $1",
        world.tenant,
    )
    with pytest.raises(LeftError):
        await importing._take(Reading(stale, stale.counts.rows, 0), [])
    assert counts(await office.get(job))[0] == 3


async def test_what_was_ended_by_another_is_not_ended_again(office: Office, world: World) -> None:
    """A process that lost its lock finds the file's parts gone, and calls it unreadable."""
    job = await office.ready(a_file(*many(3)))
    async with world.worker.begin_as_worker() as tx:
        stale = await imports.get(tx, world.tenant, job["id"])
    assert stale is not None
    await office.work()
    async with world.worker.begin_as_worker() as tx:
        for rows in (0, 3):
            assert not await imports.finish(
                tx, stale, rows=rows, state="failed", now=now(), code="chunk_lost"
            )
    found = await office.get(job)
    assert (found["state"], found["failure"]) == ("done", None)


async def test_who_has_read_less_than_another_ends_nothing(office: Office, world: World) -> None:
    job = await office.ready(a_file(*many(3)))
    async with world.worker.begin_as_worker() as tx:
        stale = await imports.get(tx, world.tenant, job["id"])
        assert stale is not None
        await imports.begin(tx, stale, 3, now())
        await imports.advance(tx, stale, Counts(rows=2), now())
        assert not await imports.finish(tx, stale, rows=0, state="failed", now=now())
    assert (await office.get(job))["state"] == "running"
    assert await world.count("import_chunk") > 0
    await office.work()
    assert (await office.get(job))["state"] == "done"


async def test_a_small_file_waits_for_no_large_one_of_another_company(
    office: Office, world: World, contact_center_app: FastAPI
) -> None:
    await office.work()  # what other tests have left
    other = dataclasses.replace(world, tenant=short_id())
    await other.enrol()
    headers = {"Authorization": f"Bearer {await other.key()}"}
    transport = ASGITransport(app=contact_center_app)
    async with AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        second = Office(other.tenant, other.admin, client, office.platform)
        large = await office.ready(a_file(*many(20_000)))
        small = await second.ready(a_file(*many(5)))
        importing, stop = Importing(office.platform), asyncio.Event()
        while (await second.get(small))["state"] != "done":
            assert await importing.round(stop)
        assert (await office.get(large))["state"] in {"ready", "running"}
        while await importing.round(stop):
            pass
    assert (await office.get(large))["state"] == "done"
