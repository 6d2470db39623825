"""Requests sent twice, on a real PostgreSQL: one effect, one answer, in one transaction."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter, Depends, FastAPI, Header, Response
from prometheus_client import CollectorRegistry
from sqlalchemy import Column, Integer, MetaData, Row, Table, Text, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import http
from otklik_common.db import Database
from otklik_common.idempotency import sweep
from otklik_common.migrate import Tree, migrate
from otklik_common.paging import Cursors, Order, Part
from otklik_common.settings import Settings
from tests.support.postgres import PostgresServer

ENV = "from otklik_common.migrate import run_environment\n\nrun_environment()\n"
INITIAL = """
from alembic import op
from otklik_common.roles import Grant, secure
from otklik_common.tables import COMMON_GRANTS, create_common

revision, down_revision = "0001", None


def upgrade() -> None:
    create_common(op, "things")
    op.execute('CREATE TABLE things.grant_ (tenant text COLLATE "C" NOT NULL, n integer, note text)')
    grants = {**COMMON_GRANTS, "grant_": Grant(api="SI")}
    for statement in secure("things", grants):
        op.execute(statement)
"""

metadata = MetaData(schema="things")
grants = Table(
    "grant_", metadata, Column("tenant", Text), Column("n", Integer), Column("note", Text)
)


@dataclass(frozen=True)
class Who:
    tenant: str
    principal: str


async def caller(x_who: Annotated[str, Header()] = "demo2abc/key:1") -> Who:
    tenant, _, principal = x_who.partition("/")
    return Who(tenant, principal)


class GrantBody(http.StrictModel):
    n: int
    note: str | None = None
    pause: float = 0


async def grant(db: Database, who: Who, once: http.Once, body: GrantBody) -> http.Reply:
    """An action as services write them."""
    async with db.begin(who.tenant) as tx:
        kept = await once.replay(tx, who)
        if kept is not None:
            return kept
        await asyncio.sleep(body.pause)
        if body.n < 0:
            raise http.Unprocessable(f"{body.n} is no number of points")
        if body.n == 13:
            raise RuntimeError("a fault")
        row = {"tenant": who.tenant, "n": body.n, "note": body.note}
        await tx.execute(grants.insert().values(row))
        return await once.keep(tx, http.Reply.json(201, {"id": str(uuid4())}, location="/x"))


def make_app(settings: Settings, db: Database) -> FastAPI:
    app = FastAPI()
    http.install(app, settings, CollectorRegistry())
    router = APIRouter(prefix="/things/v1")
    Caller = Annotated[Who, Depends(caller)]  # noqa: N806 - a type

    @router.post("/grants/{account}")
    async def post(account: str, body: GrantBody, who: Caller, once: http.OnceOnly) -> Response:
        return (await grant(db, who, once, body)).response()

    @router.post("/free")
    async def free(body: GrantBody, who: Caller, once: http.OnceIfKeyed) -> Response:
        return (await grant(db, who, once, body)).response()

    app.include_router(router)
    return app


@pytest_asyncio.fixture(scope="module")
async def settings(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    url = await postgres.create_database("idempotency")
    folder = tmp_path_factory.mktemp("tree")
    await asyncio.to_thread(write_tree, folder)
    made = Settings(
        database_url=url,
        admin_database_url=url,
        master_key=base64.b64encode(b"k" * 32).decode(),
        pool_size=20,
    )
    await migrate(made, [Tree("things", folder)])
    return made


def write_tree(folder: Path) -> None:
    (folder / "versions").mkdir()
    (folder / "env.py").write_text(ENV)
    (folder / "versions" / "0001_initial.py").write_text(INITIAL)


@pytest_asyncio.fixture(scope="module")
async def db(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings, "things", "api")
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="module")
async def client(settings: Settings, db: Database) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app(settings, db))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def effects(db: Database, n: int, tenant: str = "demo2abc") -> int:
    async with db.begin(tenant) as tx:
        return len((await tx.execute(select(grants.c.n).where(grants.c.n == n))).all())


def keyed(key: str, who: str = "demo2abc/key:1") -> dict[str, str]:
    return {"Idempotency-Key": key, "X-Who": who}


@pytest.mark.asyncio
async def test_the_second_request_gets_the_first_answer(
    client: httpx.AsyncClient, db: Database
) -> None:
    first = await client.post("/things/v1/grants/a", json={"n": 1}, headers=keyed("k-1"))
    # The same JSON in another order and with other spaces is the same request.
    again = await client.post(
        "/things/v1/grants/a",
        content=b'{ "pause" : 0.0, "n":1}',
        headers={**keyed('"k-1"'), "Content-Type": "application/json"},
    )
    assert again.status_code == 422  # a field more is another request
    again = await client.post(
        "/things/v1/grants/a",
        content=b'{  "n"  : 1  }',
        headers={**keyed('"k-1"'), "Content-Type": "application/json"},
    )
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"] == "/x"
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await effects(db, 1) == 1


@pytest.mark.asyncio
async def test_a_hundred_at_once_have_one_effect(client: httpx.AsyncClient, db: Database) -> None:
    body = {"n": 2, "pause": 0.3}
    answers = await asyncio.gather(
        *(client.post("/things/v1/grants/a", json=body, headers=keyed("k-2")) for _ in range(100))
    )
    told = {(answer.status_code, answer.json().get("code")) for answer in answers}
    assert told <= {(201, None), (409, "idempotency_in_progress")}
    done = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in done}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in done) == 1
    assert all(
        answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 409
    )
    assert await effects(db, 2) == 1
    late = await client.post("/things/v1/grants/a", json=body, headers=keyed("k-2"))
    assert late.content == done[0].content


@pytest.mark.asyncio
async def test_another_request_under_the_same_key_is_refused(
    client: httpx.AsyncClient, db: Database
) -> None:
    assert (
        await client.post("/things/v1/grants/a", json={"n": 3}, headers=keyed("k-3"))
    ).status_code == 201
    for path, body in (("/things/v1/grants/a", {"n": 4}), ("/things/v1/grants/b", {"n": 3})):
        answer = await client.post(path, json=body, headers=keyed("k-3"))
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert (await effects(db, 3), await effects(db, 4)) == (1, 0)


@pytest.mark.asyncio
async def test_the_key_itself_is_not_kept(client: httpx.AsyncClient, db: Database) -> None:
    """Senders make keys of whatever they have at hand: here a phone."""
    for _ in range(2):
        done = await client.post(
            "/things/v1/grants/a", json={"n": 8}, headers=keyed("+79991234567")
        )
        assert done.status_code == 201
    async with db.begin("demo2abc") as tx:
        rows = (await tx.execute(text("SELECT i::text FROM things.idempotency i"))).scalars().all()
    assert rows
    assert not any("9991234567" in row for row in rows)


@pytest.mark.asyncio
async def test_keys_of_others_and_of_other_routes_are_other_keys(
    client: httpx.AsyncClient, db: Database
) -> None:
    for path, who in (
        ("/things/v1/grants/a", "demo2abc/key:1"),
        ("/things/v1/grants/a", "demo2abc/key:2"),
        ("/things/v1/grants/a", "other2ab/key:1"),
        ("/things/v1/free", "demo2abc/key:1"),
    ):
        answer = await client.post(path, json={"n": 5}, headers=keyed("k-5", who))
        assert answer.status_code == 201
        assert "idempotent-replayed" not in answer.headers
    assert (await effects(db, 5), await effects(db, 5, "other2ab")) == (3, 1)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 400, "idempotency_key_missing"),
        ({"Idempotency-Key": ""}, 400, "idempotency_key_malformed"),
        ({"Idempotency-Key": '""'}, 400, "idempotency_key_malformed"),
        ({"Idempotency-Key": "a b"}, 400, "idempotency_key_malformed"),
        ({"Idempotency-Key": "x" * 256}, 400, "idempotency_key_malformed"),
        ({"Idempotency-Key": "x" * 300}, 422, "invalid"),
    ],
)
async def test_a_key_is_needed_and_well_formed(
    client: httpx.AsyncClient, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await client.post("/things/v1/grants/a", json={"n": 6}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.asyncio
async def test_a_body_nested_without_end_is_refused_and_not_a_fault(
    client: httpx.AsyncClient,
) -> None:
    deep = '{"n":1,"note":' + "[" * 300 + "]" * 300 + "}"
    headers = {"idempotency-key": "deep", "content-type": "application/json"}
    answer = await client.post("/things/v1/free", content=deep, headers=headers)
    assert answer.status_code == 422


@pytest.mark.asyncio
async def test_where_no_key_is_needed_every_request_counts(
    client: httpx.AsyncClient, db: Database
) -> None:
    for _ in range(2):
        assert (await client.post("/things/v1/free", json={"n": 7})).status_code == 201
    assert await effects(db, 7) == 2


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("body", "status"), [({"n": "x"}, 422), ({"n": -1}, 422), ({"n": 13}, 500)]
)
async def test_refusals_and_faults_are_not_kept(
    client: httpx.AsyncClient, db: Database, body: dict[str, object], status: int
) -> None:
    key = f"k-8-{body['n']}"
    for _ in range(2):
        answer = await client.post("/things/v1/grants/a", json=body, headers=keyed(key))
        assert answer.status_code == status
        assert "idempotent-replayed" not in answer.headers
    answer = await client.post("/things/v1/grants/a", json={"n": 8}, headers=keyed(key))
    assert answer.status_code == 201


@pytest.mark.asyncio
async def test_a_caller_who_hangs_up_leaves_no_lock(
    client: httpx.AsyncClient, db: Database
) -> None:
    body = {"n": 9, "pause": 0.2}
    request = asyncio.create_task(
        client.post("/things/v1/grants/a", json=body, headers=keyed("k-9"))
    )
    await asyncio.sleep(0.1)
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    again = await client.post("/things/v1/grants/a", json=body, headers=keyed("k-9"))
    assert again.status_code == 201
    assert await effects(db, 9) == 1


AGING = "demo2abc/key:aging"


@pytest.mark.asyncio
async def test_after_seven_days_a_key_is_free_again(
    client: httpx.AsyncClient, db: Database, settings: Settings
) -> None:
    await client.post("/things/v1/grants/a", json={"n": 10}, headers=keyed("k-10", AGING))
    await age(db, "7 days")
    again = await client.post("/things/v1/grants/a", json={"n": 11}, headers=keyed("k-10", AGING))
    assert again.status_code == 201
    assert "idempotent-replayed" not in again.headers
    await age(db, "6 days 23 hours")
    kept = await client.post("/things/v1/grants/a", json={"n": 11}, headers=keyed("k-10", AGING))
    assert kept.headers["idempotent-replayed"] == "true"
    worker = Database(settings, "things", "worker")
    try:
        assert await sweep(worker) == 0
        await age(db, "2 hours")
        assert await sweep(worker) == 1
    finally:
        await worker.close()


async def age(db: Database, by: str) -> None:
    """Make the answers kept for AGING older."""
    async with db.begin("demo2abc") as tx:
        await tx.execute(
            text(
                "UPDATE things.idempotency SET created_at = created_at - CAST(:by AS interval)"
                " WHERE principal = 'key:aging'"
            ).bindparams(by=by)
        )


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "order",
    [
        (grants.c.n, grants.c.note),
        (grants.c.n.desc(), grants.c.note.desc()),
        (grants.c.n.desc(), grants.c.note),
        (grants.c.n, grants.c.note.desc()),
    ],
)
async def test_pages_show_every_row_once_in_any_order(
    db: Database, order: tuple[Order, ...]
) -> None:
    tenant = "page2abc"
    cursors = Cursors(b"m" * 32)
    async with db.begin(tenant) as tx:
        rows = [
            {"tenant": tenant, "n": n, "note": note} for n in range(5) for note in ("a", "b", "в")
        ]
        await tx.execute(grants.insert(), rows)
        whole = (await tx.execute(select(grants.c.n, grants.c.note).order_by(*order))).all()
        for limit in (1, 2, 4, 15, 20):
            assert await walk(tx, cursors, order, limit) == [tuple(row) for row in whole]
        await tx.rollback()


def pair(row: Row[int, str]) -> tuple[int, str]:
    return row[0], row[1]


async def walk(
    tx: AsyncConnection, cursors: Cursors, order: tuple[Order, ...], limit: int
) -> list[tuple[int, str]]:
    seen: list[tuple[int, str]] = []
    cursor: str | None = None
    while True:
        after = None if cursor is None else cursors.read(cursor, b"x")
        part = Part(limit, after, cursors, b"x")
        found = await tx.execute(http.keyset(select(grants.c.n, grants.c.note), part, order=order))
        page = part.page(found.all(), key=tuple, item=pair)
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            return seen
