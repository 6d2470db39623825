"""The tables themselves: as declared, and closed to whoever names no company."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from otklik_contact_center.store.columns import SCHEMA, metadata
from otklik_contact_center.store.tables import GRANTS
from tests.integration.contact_center.conftest import World


@pytest.mark.asyncio
async def test_the_migrated_schema_is_the_declared_one(world: World) -> None:
    def differences(connection: Connection) -> list[object]:
        def ours(name: str | None, kind: str, _: object) -> bool:
            return kind != "schema" or name == SCHEMA

        def known(_: object, name: str | None, kind: str, reflected: bool, __: object) -> bool:
            return not (kind == "table" and reflected and name == "alembic_version")

        options = {
            "include_schemas": True,
            "include_name": ours,
            "include_object": known,
            "compare_type": True,
        }
        return list(
            compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        )

    async with world.api.begin(world.tenant) as tx:
        assert await tx.run_sync(differences) == []


@pytest.mark.asyncio
async def test_every_table_is_granted_and_closed(world: World) -> None:
    assert {table.name for table in metadata.tables.values()} == set(GRANTS)
    rows = await world.admin.fetch(
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class"
        " WHERE relnamespace = 'contact_center'::regnamespace AND relkind = 'r'"
    )
    secured = {
        row["relname"] for row in rows if row["relrowsecurity"] and row["relforcerowsecurity"]
    }
    assert secured == {name for name, grant in GRANTS.items() if grant.tenant}


@pytest.mark.asyncio
async def test_the_pusher_sees_no_bodies(world: World) -> None:
    connection = await world.pusher.connect()
    try:
        allowed = await connection.fetch(
            "SELECT column_name FROM information_schema.column_privileges"
            " WHERE table_name = 'inbox' AND privilege_type = 'SELECT'"
            " AND grantee = 'otklik_contact_center_pusher'"
        )
        tables = await connection.fetch(
            "SELECT table_name, privilege_type FROM information_schema.table_privileges"
            " WHERE grantee = 'otklik_contact_center_pusher'"
        )
    finally:
        await connection.close()
    assert {row["column_name"] for row in allowed} == {"tenant", "source", "id", "body_hash"}
    assert {tuple(row) for row in tables} == {
        ("inbox", "INSERT"),
        ("dirty", "INSERT"),
        ("backlog", "SELECT"),
        ("refused", "INSERT"),
    } | {
        (table, privilege)
        for table in ("source_hour", "source_delay", "intake_hour")
        for privilege in ("SELECT", "INSERT", "UPDATE")
    }
