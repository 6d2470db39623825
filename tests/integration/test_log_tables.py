"""The log's tables: as declared, and out of reach of whoever has no business there."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from otklik_common.db import Database
from otklik_common.log.tables import SCHEMA, metadata
from otklik_common.settings import Settings
from tests.support.log_probe.probe import TENANT, probe_database
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.asyncio

DATABASE = "log_tables"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(postgres: PostgresServer) -> AsyncIterator[Settings]:
    """Settings of a migrated database."""
    yield await probe_database(postgres, DATABASE)
    await postgres.drop_database(DATABASE)


async def test_the_migrated_schema_is_the_declared_one(settings: Settings) -> None:
    def differences(connection: Connection) -> list[object]:
        def ours(name: str | None, kind: str, _: object) -> bool:
            return kind != "schema" or name == SCHEMA

        def known(_: object, name: str | None, kind: str, reflected: bool, __: object) -> bool:
            made_by_hand = name == "alembic_version" or str(name).startswith("records_")
            return not (kind == "table" and reflected and made_by_hand)

        options = {
            "include_schemas": True,
            "include_name": ours,
            "include_object": known,
            "compare_type": True,
        }
        return list(
            compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        )

    owner = Database(settings, SCHEMA, "owner")
    async with owner.begin(TENANT) as tx:
        assert await tx.run_sync(differences) == []
    await owner.close()


async def test_ranges_of_offsets_have_no_gaps(settings: Settings, postgres: PostgresServer) -> None:
    admin = await asyncpg.connect(postgres.url(DATABASE))
    bounds = await admin.fetch(
        "SELECT pg_get_expr(relpartbound, oid) AS bound FROM pg_class"
        " WHERE relispartition AND relkind = 'r' AND relnamespace = 'log'::regnamespace"
        " ORDER BY relname"
    )
    await admin.close()
    expected = [
        f"FOR VALUES FROM ('{n * 4_000_000}') TO ('{(n + 1) * 4_000_000}')" for n in range(16)
    ]
    assert [row["bound"] for row in bounds] == [*expected, "DEFAULT"]


@pytest.mark.parametrize(
    ("schema", "role", "statement", "may"),
    [
        ("probe", "worker", "SELECT count(*) FROM log.records", True),
        ("probe", "worker", "DELETE FROM log.records", False),
        ("probe", "worker", "UPDATE log.records SET value = ''", False),
        ("probe", "worker", "TRUNCATE log.records", False),
        ("probe", "worker", "DELETE FROM log.topics", False),
        ("probe", "api", "SELECT count(*) FROM log.records", False),
        ("probe", "pusher", "SELECT count(*) FROM log.records", False),
        ("log", "api", "SELECT count(*) FROM log.records", False),
        ("log", "worker", "SELECT count(*) FROM probe.outbox", False),
        ("probe", "api", "SELECT count(*) FROM probe.outbox", False),
        ("probe", "api", "DELETE FROM probe.outbox", False),
        ("probe", "api", "SELECT setval('probe.recorded_floor', 1)", False),
        ("probe", "api", "SELECT last_value FROM probe.recorded_floor", True),
        ("probe", "api", "SELECT count(*) FROM probe.dead_letter", False),
    ],
)
async def test_who_may_what(
    settings: Settings, schema: str, role: str, statement: str, may: bool
) -> None:
    db = Database(settings, schema, role)  # type: ignore[arg-type]  # a row of the table above
    said = ""
    try:
        async with db.begin(TENANT) as tx:
            await tx.execute(text(statement))
    except ProgrammingError as refused:
        said = str(refused)
    await db.close()
    assert ("permission denied" in said) is not may
