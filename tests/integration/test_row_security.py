"""Every row of every table belongs to a company, and the database itself keeps companies apart."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import asyncpg
import httpx
import pytest
import pytest_asyncio

from otklik_common.db import Role, connect_arguments, url_of
from otklik_common.settings import Settings
from tests.support.app import migrated_database, running_app, settings_of
from tests.support.catalogue import (
    ALL_PRIVILEGES,
    POLICIES,
    Filler,
    Table,
    changes_one_row,
    declared,
    expected_rights,
    fillers,
    found_rights,
    logins,
    loosen,
    refused,
    schemas,
    tables,
)
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.asyncio

A, B, C = "alpha222", "bravo222", "charl222"

PUSHER = {
    ("contact_center", "inbox"): "SI",
    ("contact_center", "refused"): "I",
    ("contact_center", "dirty"): "I",
    ("contact_center", "backlog"): "S",
    ("contact_center", "source_hour"): "SIU",
    ("contact_center", "source_delay"): "SIU",
    ("contact_center", "intake_hour"): "SIU",
}
"""Whatever else a pusher may do is too much."""

DEFINERS = {"metrics.add_history_partition(text,date)"}
"""Functions that run with their owner's rights: each one is a hole, and is looked at."""


@dataclass
class Ground:
    """A migrated database with one row of A and one of B in every table that has companies."""

    settings: Settings
    admin: asyncpg.Connection
    tables: list[Table]
    fillers: dict[tuple[str, str], Filler]

    async def session(self, schema: str, role: Role) -> asyncpg.Connection:
        """A connection as one of the roles."""
        return await asyncpg.connect(**connect_arguments(url_of(self.settings, schema, role)))

    def tenanted(self, schema: str, role: str, letter: str) -> list[Table]:
        """Tables with companies on which the role has a right, as the code says."""
        return [
            table
            for table in self.tables
            if table.schema == schema
            and table.has_tenant
            and not table.is_part
            and letter in getattr(declared()[table.schema, table.name], role)
        ]


@pytest_asyncio.fixture(scope="module")
async def ground(postgres: PostgresServer) -> AsyncIterator[Ground]:
    """The catalogue as migrated, read before rows are made in ways that no code of ours could."""
    url = await migrated_database(postgres, "row_security")
    admin = await asyncpg.connect(url)
    found = await tables(admin)
    whole = [table for table in found if table.has_tenant and not table.is_part]
    made = await fillers(admin, whole)
    await loosen(admin)
    for filler in made:
        for tenant in (A, B):
            await admin.execute(filler.insert, tenant)
    yield Ground(
        settings_of(url), admin, found, {(one.table.schema, one.table.name): one for one in made}
    )
    await admin.close()


# --- The catalogue ------------------------------------------------------------------------------


async def test_every_table_is_declared_and_those_with_companies_force_row_security(
    ground: Ground,
) -> None:
    assert {table.kind for table in ground.tables} <= {"r", "p"}, "views run with others' rights"
    whole = {
        (table.schema, table.name): table.has_tenant
        for table in ground.tables
        if not table.is_part and table.name != "alembic_version"
    }
    assert whole == {place: grant.tenant for place, grant in declared().items()}
    bare = [
        table.full
        for table in ground.tables
        if table.has_tenant and not (table.enabled and table.forced)
    ]
    assert not bare


async def test_policies_are_those_that_follow_from_the_declared_rights(ground: Ground) -> None:
    rows = await ground.admin.fetch(
        "SELECT * FROM pg_policies WHERE schemaname = ANY ($1)", schemas()
    )
    found = {
        (
            row["schemaname"],
            row["tablename"],
            row["policyname"],
            tuple(row["roles"]),
            row["cmd"],
            row["permissive"],
            row["qual"],
            row["with_check"],
        )
        for row in rows
    }
    assert found == {
        (
            schema,
            table,
            role,
            (f"otklik_{schema}_{role}",),
            "ALL",
            "PERMISSIVE",
            rows_of_role,
            rows_of_role,
        )
        for (schema, table), grant in declared().items()
        for role, rows_of_role in POLICIES.items()
        if grant.tenant and getattr(grant, role)
    }


async def test_rights_are_exactly_the_declared_ones(ground: Ground) -> None:
    found = await found_rights(ground.admin)
    owners = {
        (f"otklik_{table.schema}_owner", table.schema, table.name, privilege)
        for table in ground.tables
        for privilege in ALL_PRIVILEGES
    }
    assert owners <= found
    assert found - owners == expected_rights()


async def test_pushers_may_do_what_the_architecture_says_and_nothing_else() -> None:
    assert {place: grant.pusher for place, grant in declared().items() if grant.pusher} == PUSHER
    inbox = declared()["contact_center", "inbox"]
    assert inbox.pusher_columns == ("tenant", "source", "id", "body_hash")


async def test_no_role_stands_above_the_policies(ground: Ground) -> None:
    raised = await ground.admin.fetch(
        """
        SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)
        AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
        """,
        logins(),
    )
    assert not raised
    memberships = await ground.admin.fetch(
        """
        SELECT m.rolname AS member, g.rolname AS of, a.admin_option, a.set_option
        FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid
        WHERE m.rolname = ANY ($1)
        """,
        logins(),
    )
    assert {tuple(row.values()) for row in memberships} == {
        (f"otklik_{schema}_worker", "otklik_log_worker", False, False)
        for schema in schemas()
        if schema != "log"
    }
    owners = await ground.admin.fetch(
        """
        SELECT n.nspname, pg_get_userbyid(n.nspowner) AS schema_owner,
               array_agg(DISTINCT pg_get_userbyid(c.relowner)::text) AS table_owners
        FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
        WHERE n.nspname = ANY ($1) GROUP BY 1, 2
        """,
        schemas(),
    )
    assert {(row["schema_owner"], *row["table_owners"]) for row in owners} == {
        (f"otklik_{schema}_owner", f"otklik_{schema}_owner") for schema in schemas()
    }


async def test_schemas_are_open_to_their_own_roles_alone(ground: Ground) -> None:
    rows = await ground.admin.fetch(
        """
        SELECT l.login, s.schema, p.privilege
        FROM unnest($1::text[]) AS l(login), unnest($2::text[]) AS s(schema),
             unnest(ARRAY['USAGE', 'CREATE']) AS p(privilege)
        WHERE has_schema_privilege(l.login, s.schema, p.privilege)
        """,
        [*logins(), "public"],
        schemas(),
    )
    expected = {
        (f"otklik_{schema}_{role}", schema, "USAGE")
        for schema in schemas()
        for role in ("owner", "api", "worker", "pusher")
    }
    expected |= {(f"otklik_{schema}_owner", schema, "CREATE") for schema in schemas()}
    expected |= {(f"otklik_{schema}_worker", "log", "USAGE") for schema in schemas()}
    assert {tuple(row.values()) for row in rows} == expected


async def test_functions_that_run_as_their_owner_are_known_and_closed(ground: Ground) -> None:
    rows = await ground.admin.fetch(
        """
        SELECT p.oid::regprocedure::text AS name, p.proconfig,
               has_function_privilege('public', p.oid, 'EXECUTE') AS open
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = ANY ($1) AND p.prosecdef
        """,
        schemas(),
    )
    assert {row["name"] for row in rows} == DEFINERS
    for row in rows:
        assert not row["open"], row["name"]
        # Without it a caller could put tables of their own in the way.
        assert any(said.startswith("search_path=") for said in row["proconfig"] or ()), row["name"]


async def test_no_unique_key_tells_of_other_companies(ground: Ground) -> None:
    """A key without the company refuses one company's row for the sake of another's."""
    rows = await ground.admin.fetch(
        """
        SELECT i.indexrelid::regclass::text AS name
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
             JOIN pg_namespace n ON n.oid = c.relnamespace
             JOIN pg_attribute first ON first.attrelid = c.oid AND first.attnum = i.indkey[0]
        WHERE n.nspname = ANY ($1) AND i.indisunique
          AND EXISTS (SELECT FROM pg_attribute a
                      WHERE a.attrelid = c.oid AND a.attname = 'tenant')
          AND first.attname <> 'tenant' AND first.attidentity = ''
        """,
        schemas(),
    )
    assert not [row["name"] for row in rows]


# --- What sessions see --------------------------------------------------------------------------


async def test_requests_see_and_change_rows_of_their_company_alone(ground: Ground) -> None:
    seen = 0
    for schema in schemas():
        session = await ground.session(schema, "api")
        for table in ground.tenanted(schema, "api", "S"):
            count = f"SELECT tenant, count(*) AS n FROM {table.full} GROUP BY 1"
            assert await session.fetch(count) == [], table.full
            for tenant, expected in ((A, [(A, 1)]), (C, []), ("", []), (f"{A},{B}", [])):
                async with session.transaction():
                    await session.execute("SELECT set_config('app.tenant', $1, true)", tenant)
                    found = [(row["tenant"], row["n"]) for row in await session.fetch(count)]
                    assert found == expected, (table.full, tenant)
            # The setting ends with its transaction, though the connection lives on.
            assert await session.fetch(count) == [], table.full
            seen += 1
        await session.close()
    assert seen > 40


async def test_requests_write_rows_of_their_company_alone(ground: Ground) -> None:
    for schema in schemas():
        session = await ground.session(schema, "api")
        for table in ground.tenanted(schema, "api", "I"):
            insert = ground.fillers[table.schema, table.name].insert
            for company in (A, ""):
                await refused(session, "app.tenant", company, insert, B if company else "")
        for letter, change in (("U", "UPDATE {} SET tenant = tenant"), ("D", "DELETE FROM {}")):
            for table in ground.tenanted(schema, "api", letter):
                await changes_one_row(session, A, change.format(table.full))
        for table in ground.tenanted(schema, "api", "U"):
            await refused(session, "app.tenant", A, f"UPDATE {table.full} SET tenant = '{B}'")
        await session.close()


async def test_owners_see_no_row_and_workers_only_the_tables_named_for_them(
    ground: Ground,
) -> None:
    for schema in schemas():
        owner = await ground.session(schema, "owner")
        worker = await ground.session(schema, "worker")
        for table in ground.tables:
            if table.schema != schema or not table.has_tenant:
                continue
            count = f"SELECT count(*) FROM {table.full}"
            assert await owner.fetchval(count) == 0, table.full
            grant = declared().get((schema, table.name))
            if grant is not None and "S" in grant.worker:
                assert await worker.fetchval(count) == 2, table.full
            else:
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                    await worker.fetchval(count)
        await owner.close()
        await worker.close()


async def test_pushers_reach_the_named_companies_and_the_named_columns(ground: Ground) -> None:
    session = await ground.session("contact_center", "pusher")
    inbox = "SELECT tenant FROM contact_center.inbox ORDER BY 1"
    assert await session.fetch(inbox) == []
    async with session.transaction():
        await session.execute("SELECT set_config('app.tenants', $1, true)", f"{A},{C}")
        assert [row["tenant"] for row in await session.fetch(inbox)] == [A]
        for table in ("refused", "dirty"):
            await session.execute(ground.fillers["contact_center", table].insert, C)
    for table in ("inbox", "refused", "dirty"):
        insert = ground.fillers["contact_center", table].insert
        await refused(session, "app.tenants", f"{A},{C}", insert, B)
    for forbidden in (
        "SELECT body FROM contact_center.inbox",
        "SELECT tenant FROM contact_center.refused",
        "DELETE FROM contact_center.inbox",
        "UPDATE contact_center.inbox SET tenant = tenant",
        "SELECT 1 FROM contact_center.contact",
        "TRUNCATE contact_center.inbox",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await session.execute(forbidden)
    await ground.admin.execute("DELETE FROM contact_center.refused WHERE tenant = $1", C)
    await ground.admin.execute("DELETE FROM contact_center.dirty WHERE tenant = $1", C)
    await session.close()


# --- Many at once, on few connections -----------------------------------------------------------

REQUESTS, AT_ONCE = 500, 24


async def test_mixed_and_broken_off_requests_on_two_connections_show_nothing_foreign(
    postgres: PostgresServer,
) -> None:
    chance = random.Random(7)
    async with running_app(postgres, "row_security_mixed", pool_size=2) as running:
        keys: dict[str, str] = {}
        async with running.at_work():
            for _ in range(3):
                made = await running.company()
                assert made.key is not None
                keys[made.tenant] = made.key
        told: Counter[str] = Counter()
        turn = asyncio.Semaphore(AT_ONCE)

        async def ask(tenant: str) -> None:
            others = [other for other in keys if other != tenant]
            paths = ("/access/v1/companies/current", "/access/v1/staff", "/access/v1/keys")
            path = chance.choice((*paths, "/feedback/v1/surveys", "/contact-center/v1/sources"))
            bearer = {"Authorization": f"Bearer {keys[tenant]}"}
            async with turn:
                request = asyncio.create_task(running.client.get(path, headers=bearer))
                if chance.random() < 0.3:
                    await asyncio.sleep(chance.random() * 0.02)
                    request.cancel()
                with suppress(asyncio.CancelledError):
                    told[_checked(await request, tenant, others)] += 1

        await asyncio.gather(*(ask(chance.choice(list(keys))) for _ in range(REQUESTS)))
        assert told["answered"] > REQUESTS * 0.6, told
        assert told["answered"] < REQUESTS, "nothing was broken off"
        idle = await running.admin.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'otklik%' AND state LIKE 'idle in transaction%'"
        )
        assert idle == 0, "a broken-off request holds its transaction"
        for tenant in keys:
            await ask(tenant)


def _checked(answer: httpx.Response, tenant: str, others: list[str]) -> str:
    if answer.status_code == 503:
        return "busy"  # two connections, many requests: said so, and nothing told
    assert answer.status_code == 200, answer.text
    assert tenant in answer.text or '"items":[]' in answer.text.replace(" ", ""), answer.text
    assert not any(other in answer.text for other in others)
    return "answered"
