"""The tables themselves: what they refuse, whoever asks."""

from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from otklik_loyalty.domain.ledger import Movement, Transfer, account_of, by_hand, programme
from otklik_loyalty.store import ledger
from otklik_loyalty.store.tables import GRANTS, metadata
from tests.integration.loyalty.conftest import World

NOW = datetime(2026, 3, 2, tzinfo=UTC)


async def grant(world: World, points: int = 100) -> Transfer:
    customer = uuid4()
    moved = Transfer(
        uuid4(),
        customer,
        Movement.ISSUED,
        "goodwill",
        NOW,
        by_hand(world.tenant, customer, points),
    )
    async with world.api.begin(world.tenant) as tx:
        await ledger.lock(tx, world.tenant, [customer])
        await ledger.add(tx, world.tenant, [moved], actor="key:test", recorded_at=NOW)
    return moved


@pytest.mark.asyncio
async def test_the_migrated_schema_is_the_declared_one(world: World) -> None:
    def differences(connection: Connection) -> list[object]:
        def ours(name: str | None, kind: str, _: object) -> bool:
            return kind != "schema" or name == "loyalty"

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
async def test_every_table_has_rights_and_every_company_its_forced_policy(world: World) -> None:
    rows = await world.admin.fetch(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class"
        " WHERE relnamespace = 'loyalty'::regnamespace AND relkind = 'r'"
        " AND relname <> 'alembic_version'"
    )
    assert {row["relname"] for row in rows} == set(GRANTS)
    for row in rows:
        assert row["forced"] == GRANTS[row["relname"]].tenant, row["relname"]


@pytest.mark.asyncio
async def test_without_a_company_nothing_is_seen(world: World) -> None:
    await grant(world)
    async with world.api.begin("") as tx:
        for table in ("account", "transfer", "entry", "customer", "purchase", "identifier"):
            seen = await tx.execute(text(f"SELECT count(*) FROM loyalty.{table}"))
            assert seen.scalar_one() == 0, table


@pytest.mark.asyncio
async def test_another_company_is_neither_seen_nor_written(world: World) -> None:
    await grant(world)
    async with world.api.begin("other2ab") as tx:
        assert (await tx.execute(text("SELECT count(*) FROM loyalty.entry"))).scalar_one() == 0
    with pytest.raises(DBAPIError, match="row-level security"):
        async with world.api.begin("other2ab") as tx:
            await tx.execute(
                text("INSERT INTO loyalty.setting VALUES (:tenant, '[]')"), {"tenant": world.tenant}
            )


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "statement", ["UPDATE loyalty.{} SET tenant = 'x'", "DELETE FROM loyalty.{}"]
)
@pytest.mark.parametrize("table", ["transfer", "entry"])
async def test_the_ledger_is_never_changed(world: World, table: str, statement: str) -> None:
    await grant(world)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with world.api.begin(world.tenant) as tx:
            await tx.execute(text(statement.format(table)))
    with pytest.raises(asyncpg.RestrictViolationError, match="only grows"):
        await world.admin.execute(statement.format(table))
    with pytest.raises(asyncpg.RestrictViolationError, match="only grows"):
        await world.admin.execute("TRUNCATE loyalty.transfer, loyalty.entry")


async def insert_transfer(world: World, amounts: list[int]) -> None:
    id_ = uuid4()
    async with world.api.begin(world.tenant) as tx:
        await tx.execute(
            text(
                "INSERT INTO loyalty.transfer (tenant, id, customer, movement, reason, actor,"
                " moved_at, recorded_at) VALUES (:tenant, :id, :id, 'issued', 'x', 'x', now(), now())"
            ),
            {"tenant": world.tenant, "id": id_},
        )
        for amount in amounts:
            await tx.execute(
                text("INSERT INTO loyalty.entry VALUES (:tenant, :transfer, :account, :amount)"),
                {
                    "tenant": world.tenant,
                    "transfer": id_,
                    "account": uuid4(),
                    "amount": amount,
                },
            )
        await tx.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        # No balance follows from these entries: kept, they would be a fault of the ledger.
        await tx.rollback()


@pytest.mark.asyncio
@pytest.mark.parametrize("amounts", [[], [5], [5, -4], [1, 1, 1]])
async def test_entries_that_do_not_add_up_are_refused(world: World, amounts: list[int]) -> None:
    with pytest.raises(DBAPIError, match="entries that add up to"):
        await insert_transfer(world, amounts)
    await insert_transfer(world, [5, -3, -2])


@pytest.mark.asyncio
async def test_an_entry_cannot_join_a_transfer_later(world: World) -> None:
    moved = await grant(world)
    with pytest.raises(DBAPIError, match="3 entries that add up to 1"):
        async with world.api.begin(world.tenant) as tx:
            await tx.execute(
                text("INSERT INTO loyalty.entry VALUES (:tenant, :transfer, :account, 1)"),
                {"tenant": world.tenant, "transfer": moved.id, "account": uuid4()},
            )


@pytest.mark.asyncio
async def test_an_entry_of_nothing_is_refused(world: World) -> None:
    with pytest.raises(IntegrityError, match="entry_amount_check"):
        await insert_transfer(world, [0, 0])


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("holder", "balance"), [("customer", -1), ("debt", 1), ("programme", 1), ("customer", None)]
)
async def test_a_balance_out_of_bounds_is_refused(
    world: World, holder: str, balance: int | None
) -> None:
    customer = None if holder == "programme" else uuid4()
    with pytest.raises(asyncpg.CheckViolationError):
        await world.admin.execute(
            "INSERT INTO loyalty.account VALUES ($1, $2, $3, $4, $5)",
            world.tenant,
            uuid4(),
            holder,
            customer,
            balance,
        )


@pytest.mark.asyncio
async def test_who_forgets_to_look_cannot_overdraw(world: World) -> None:
    moved = await grant(world, 10)
    too_much = Transfer(
        uuid4(),
        moved.customer,
        Movement.SPENT,
        "order",
        NOW,
        by_hand(world.tenant, moved.customer, -11),
    )
    with pytest.raises(AssertionError, match="fall below 0"):
        async with world.api.begin(world.tenant) as tx:
            await ledger.add(tx, world.tenant, [too_much], actor="key:test", recorded_at=NOW)
    async with world.api.begin(world.tenant) as tx:
        assert (await ledger.balance_of(tx, world.tenant, moved.customer)).points == 10


@pytest.mark.asyncio
async def test_a_company_has_one_programme(world: World) -> None:
    await grant(world)
    await grant(world)
    rows = await world.admin.fetch(
        "SELECT id, holder, balance FROM loyalty.account WHERE tenant = $1 AND customer IS NULL",
        world.tenant,
    )
    assert [(row["id"], row["balance"]) for row in rows] == [(programme(world.tenant).id, None)]
    assert account_of(world.tenant, uuid4()).id != programme(world.tenant).id
