"""The tables of access themselves: what they refuse, whoever asks."""

from datetime import timedelta

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from otklik_access.actions import housekeeping
from otklik_access.domain.signers import RENEWED_AFTER
from otklik_access.store.tables import GRANTS, metadata
from otklik_common.events.access import Key, KeyPurpose
from otklik_common.roles import PRIVILEGES
from tests.integration.access.conftest import World

pytestmark = pytest.mark.asyncio


async def test_the_migrated_schema_is_the_declared_one(world: World) -> None:
    def differences(connection: Connection) -> list[object]:
        def ours(name: str | None, kind: str, _: object) -> bool:
            return kind != "schema" or name == "access"

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

    async with world.platform.database("access", "api").begin(world.tenant) as tx:
        assert await tx.run_sync(differences) == []


async def test_every_table_has_the_declared_rights_and_forced_policies(world: World) -> None:
    rows = await world.admin.fetch(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class"
        " WHERE relnamespace = 'access'::regnamespace AND relkind = 'r'"
        " AND relname <> 'alembic_version'"
    )
    assert {row["relname"] for row in rows} == set(GRANTS)
    for row in rows:
        assert row["forced"] == GRANTS[row["relname"]].tenant, row["relname"]
    found = {
        (row["table_name"], row["grantee"], row["privilege_type"])
        for row in await world.admin.fetch(
            "SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants"
            " WHERE table_schema = 'access' AND grantee <> 'otklik_access_owner'"
        )
    }
    assert found == {
        (table, f"otklik_access_{role}", PRIVILEGES[letter])
        for table, grant in GRANTS.items()
        for role in ("api", "worker", "pusher")
        for letter in getattr(grant, role)
    }
    policies = {
        (row["tablename"], row["policyname"])
        for row in await world.admin.fetch(
            "SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'access'"
        )
    }
    assert policies == {
        (table, role)
        for table, grant in GRANTS.items()
        for role in ("api", "worker", "pusher")
        if grant.tenant and getattr(grant, role)
    }


async def test_without_a_company_nothing_is_seen(world: World) -> None:
    api = world.platform.database("access", "api")
    for tenant, seen in ((world.tenant, True), ("", False), ("other2ab", False)):
        async with api.begin(tenant) as tx:
            for table, grant in GRANTS.items():
                if grant.tenant and "S" in grant.api and table in {"company", "member", "audit"}:
                    found = await tx.execute(text(f"SELECT count(*) FROM access.{table}"))
                    assert bool(found.scalar_one()) is seen, table


async def test_a_row_of_another_company_is_refused(world: World) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with world.platform.database("access", "api").begin("other2ab") as tx:
            await tx.execute(
                text(
                    "INSERT INTO access.audit (tenant, at, principal, action, object_kind,"
                    " object_id) VALUES (:tenant, now(), 'x', 'x', 'x', 'x')"
                ),
                {"tenant": world.tenant},
            )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access.audit SET principal = 'x'",
        "DELETE FROM access.audit",
        "TRUNCATE access.audit",
    ],
)
async def test_the_audit_trail_is_never_changed(world: World, statement: str) -> None:
    with pytest.raises(asyncpg.RestrictViolationError, match="only grows"):
        await world.admin.execute(statement)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with world.platform.database("access", "api").begin(world.tenant) as tx:
            await tx.execute(text(statement))


async def test_signing_keys_are_renewed_once_half_of_their_life_is_over(world: World) -> None:
    async def signers() -> list[Key]:
        facts = [event.data for event in await world.facts("key")]
        return [key for key in facts if isinstance(key, Key) and key.public_key is not None]

    now = world.platform.now()
    await housekeeping.renew_signers(world.platform, now)
    assert len(await signers()) in {0, 2}  # the relay may have taken them away already
    count = "SELECT count(*) FROM access.signer WHERE tenant = $1 AND purpose = 'session'"
    assert await world.admin.fetchval(count, world.tenant) == 1
    await housekeeping.renew_signers(world.platform, now + RENEWED_AFTER)
    assert await world.admin.fetchval(count, world.tenant) == 2
    purposes = [key.purpose for key in await signers()]
    assert set(purposes) <= {KeyPurpose.SESSION, KeyPurpose.CUSTOMER}


async def test_what_expired_is_forgotten_a_week_later(world: World) -> None:
    now = world.platform.now()
    await housekeeping.forget_expired(world.platform, now)
    count = "SELECT count(*) FROM access.signer WHERE tenant = $1"
    assert await world.admin.fetchval(count, world.tenant) == 2
    await world.admin.execute(
        "UPDATE access.signer SET expires_at = $2 WHERE tenant = $1",
        world.tenant,
        now - housekeeping.KEPT_AFTER - timedelta(seconds=1),
    )
    await housekeeping.forget_expired(world.platform, now)
    assert await world.admin.fetchval(count, world.tenant) == 0
