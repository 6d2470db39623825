"""The tables of metrics: as declared, closed to other companies, and ahead of the calendar."""

from datetime import UTC, date, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from otklik_metrics.store.tables import GRANTS, HISTORY, KINDS, metadata
from tests.integration.metrics.conftest import World

PARTITIONED = {table.name for table in HISTORY.values()}


@pytest.mark.asyncio
async def test_the_migrated_schema_is_the_declared_one(world: World) -> None:
    def differences(connection: Connection) -> list[object]:
        def ours(name: str | None, kind: str, _: object) -> bool:
            return kind != "schema" or name == "metrics"

        def known(_: object, name: str | None, kind: str, reflected: bool, __: object) -> bool:
            partition = reflected and name not in metadata_names and kind == "table"
            return not partition

        options = {
            "include_schemas": True,
            "include_name": ours,
            "include_object": known,
            "compare_type": True,
        }
        return list(
            compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        )

    metadata_names = {table.name for table in metadata.tables.values()}
    async with world.api.begin(world.tenant) as tx:
        assert await tx.run_sync(differences) == []


@pytest.mark.asyncio
async def test_every_table_of_a_company_is_closed_and_its_rights_are_the_declared_ones(
    world: World,
) -> None:
    rows = await world.admin.fetch(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS closed, relispartition "
        "FROM pg_class WHERE relnamespace = 'metrics'::regnamespace AND relkind IN ('r', 'p')"
    )
    closed = {row["relname"]: row["closed"] for row in rows}
    assert closed.keys() >= GRANTS.keys()
    for row in rows:
        grant = GRANTS.get(row["relname"])
        if row["relname"] != "alembic_version":
            assert row["closed"] == (grant is None or grant.tenant), row["relname"]
            assert row["relispartition"] == (grant is None), row["relname"]


@pytest.mark.asyncio
async def test_a_session_without_a_company_sees_nothing(world: World) -> None:
    await world.admin.execute(
        "INSERT INTO metrics.identity VALUES ($1, 'ph1_x', gen_random_uuid())", world.tenant
    )
    count = text("SELECT count(*) FROM metrics.identity")
    async with world.api.begin("") as tx:
        assert (await tx.execute(count)).scalar_one() == 0
    async with world.api.begin("other234") as tx:
        assert (await tx.execute(count)).scalar_one() == 0
    async with world.api.begin(world.tenant) as tx:
        assert (await tx.execute(count)).scalar_one() == 1


@pytest.mark.asyncio
async def test_history_has_partitions_for_this_month_and_the_next_ones(world: World) -> None:
    month = datetime.now(UTC).strftime("%Y_%m")
    for kind in KINDS:
        names = await world.admin.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass",
            f"metrics.fact_history_{kind}",
        )
        found = {row["name"].removeprefix(f"metrics.fact_history_{kind}_") for row in names}
        assert {"default", month} <= found
        assert len(found) >= 4


@pytest.mark.asyncio
async def test_rows_that_no_partition_was_ready_for_move_into_theirs(world: World) -> None:
    month = date(2031, 5, 1)
    await world.admin.execute(
        "INSERT INTO metrics.fact_history_source (tenant, subject, epoch, revision, recorded_at, void,"
        " data) VALUES ($1, gen_random_uuid(), 1, 1, $2, false, '{}')",
        world.tenant,
        datetime(2031, 5, 9, tzinfo=UTC),
    )
    add = text("SELECT metrics.add_history_partition('source', :month)")
    async with world.worker.begin_as_worker() as tx:
        assert (await tx.execute(add, {"month": month})).scalar_one() is True
        assert (await tx.execute(add, {"month": month + timedelta(days=3)})).scalar_one() is False
    assert await world.count("fact_history_source_2031_05") == 1
    assert await world.count("fact_history_source_default") == 0


@pytest.mark.asyncio
async def test_a_new_month_is_indexed_like_all_others(world: World) -> None:
    async with world.worker.begin_as_worker() as tx:
        await tx.execute(text("SELECT metrics.add_history_partition('contact', '2031-06-01')"))
    indexes = await world.admin.fetch(
        "SELECT c.relname AS of, pg_get_expr(i.indpred, i.indrelid) AS where,"
        " i.indisvalid AS valid, p.inhparent::regclass::text AS part_of"
        " FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        " JOIN pg_inherits p ON p.inhrelid = i.indexrelid"
        " WHERE c.relname IN ('fact_history_contact_2031_06', 'fact_history_contact_default')"
    )
    found = {(one["of"], one["part_of"]): one["where"] for one in indexes if one["valid"]}
    for table in ("fact_history_contact_2031_06", "fact_history_contact_default"):
        for name, where in (("at", "indexed"), ("person", "indexed"), ("pkey", None)):
            assert found[table, f"metrics.fact_history_contact_{name}"] == where
