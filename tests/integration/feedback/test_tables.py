"""The tables themselves: what they are, who may do what, and what nobody may."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from otklik_feedback.module import MODULE
from otklik_feedback.store.columns import metadata
from tests.integration.feedback.conftest import World

pytestmark = pytest.mark.asyncio


async def test_the_migrated_schema_is_the_declared_one(world: World) -> None:
    def differences(connection: Connection) -> list[object]:
        def ours(name: str | None, kind: str, _: object) -> bool:
            return kind != "schema" or name == "feedback"

        def known(_: object, name: str | None, kind: str, reflected: bool, __: object) -> bool:
            return not (kind == "table" and reflected and name == "alembic_version")

        options = {
            "include_schemas": True,
            "include_name": ours,
            "include_object": known,
            "compare_type": True,
        }
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, metadata))

    async with world.api.begin(world.tenant) as tx:
        assert await tx.run_sync(differences) == []


async def test_every_table_has_rights_and_every_company_its_forced_policy(world: World) -> None:
    rows = await world.admin.fetch(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class"
        " WHERE relnamespace = 'feedback'::regnamespace AND relkind = 'r'"
        " AND relname <> 'alembic_version'"
    )
    assert {row["relname"] for row in rows} == set(MODULE.grants)
    for row in rows:
        assert row["forced"] == MODULE.grants[row["relname"]].tenant, row["relname"]


async def test_without_a_company_nothing_is_seen(world: World) -> None:
    survey = await world.survey()
    await world.answer("a-1", survey, {"nps": 4, "comment": "нет"})
    await world.answer("a-1", survey, {"nps": 3, "comment": "нет"})
    seen = ("surveys", "survey_versions", "answers", "answer_versions", "cases", "case_events")
    for tenant, rows in (("", 0), (world.tenant, 1)):
        async with world.api.begin(tenant) as tx:
            for table in seen:
                count = await tx.execute(text(f"SELECT count(*) FROM feedback.{table}"))
                assert count.scalar_one() == rows, (tenant, table)


async def test_steps_of_a_case_can_be_neither_changed_nor_taken_out_alone(world: World) -> None:
    await world.answer("a-1", await world.survey(), {"nps": 3})
    for statement in ("DELETE FROM", "UPDATE"):
        rest = " SET step = 'closed'" if statement == "UPDATE" else ""
        with pytest.raises(DBAPIError, match="permission denied"):
            async with world.api.begin(world.tenant) as tx:
                await tx.execute(text(f"{statement} feedback.case_events{rest}"))
    async with world.api.begin(world.tenant) as tx:
        await tx.execute(text("DELETE FROM feedback.cases"))
    assert await world.count("case_events") == 0


async def test_what_is_personal_is_kept_sealed(world: World) -> None:
    customer = {"phone": PHONE, "email": "canary@example.com", "external_id": "canary-7"}
    values = {"nps": 1, "comment": "канарейка Иванова"}
    await world.answer("a-1", await world.survey(), values, customer=customer)
    case = (await world.call("GET", "/cases")).json()["items"][0]["id"]
    note = {"reason": "reached", "note": "канарейка сказала"}
    assert (await world.call("POST", f"/cases/{case}/contacted", note)).status_code == 200
    canaries = (PHONE[1:], "canary", "канарейка")
    for table in metadata.tables.values():
        rows = (
            await world.admin.fetch(
                f"SELECT t::text, * FROM {table.fullname} t WHERE tenant = $1", world.tenant
            )
            if "tenant" in table.c
            else []
        )
        for row in rows:
            cells = [
                bytes(cell).decode("utf-8", "ignore") if isinstance(cell, bytes) else str(cell)
                for cell in row.values()
            ]
            assert not any(canary in cell for cell in cells for canary in canaries), table.name


PHONE = "+79991234567"
