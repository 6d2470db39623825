"""What a migrated database says of tables, rights and policies, and rows for every table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

import asyncpg
import pytest

from otklik_common.log.tables import GRANTS as LOG_GRANTS
from otklik_common.roles import PRIVILEGES, Grant
from tests.support.app import all_modules

ROLES = ("owner", "api", "worker", "pusher")
ALL_PRIVILEGES = (
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "REFERENCES",
    "TRIGGER",
    "MAINTAIN",
)

# As PostgreSQL writes them back; said here once more, apart from the code that makes them.
POLICIES = {
    "api": "((tenant <> ''::text) AND (tenant = current_setting('app.tenant'::text, true)))",
    "worker": "true",
    "pusher": (
        "(tenant = ANY (string_to_array(current_setting('app.tenants'::text, true), ','::text)))"
    ),
}

Right = tuple[str, str, str, str]
"""Login, schema, table, privilege; a column's is `SELECT (column)`."""


@dataclass(frozen=True)
class Table:
    """A table or a part of one, as the database knows it."""

    schema: str
    name: str
    kind: str
    has_tenant: bool
    enabled: bool
    forced: bool
    is_part: bool

    @property
    def full(self) -> str:
        """Its name with its schema, quoted."""
        return f'"{self.schema}"."{self.name}"'


def declared() -> dict[tuple[str, str], Grant]:
    """What the code says: schema and table → rights."""
    services = {module.schema: module.grants for module in all_modules()}
    found: Mapping[str, Mapping[str, Grant]] = {"log": LOG_GRANTS, **services}
    return {
        (schema, table): grant
        for schema, grants in found.items()
        for table, grant in grants.items()
    }


def schemas() -> list[str]:
    """Every schema of ours."""
    return ["log", *(module.schema for module in all_modules())]


def logins() -> list[str]:
    """Every login of ours."""
    return [f"otklik_{schema}_{role}" for schema, role in product(schemas(), ROLES)]


async def tables(admin: asyncpg.Connection) -> list[Table]:
    """Everything in our schemas that holds or shows rows."""
    rows = await admin.fetch(
        """
        SELECT n.nspname AS schema, c.relname AS name, c.relkind::text AS kind,
               EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
                       AND a.attname = 'tenant' AND NOT a.attisdropped) AS has_tenant,
               c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
               c.relispartition AS is_part
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        ORDER BY 1, 2
        """,
        schemas(),
    )
    return [Table(**dict(row)) for row in rows]


def expected_rights() -> set[Right]:
    """Rights that follow from the declarations, without those of owners."""
    found: set[Right] = set()
    workers = [f"otklik_{schema}_worker" for schema in schemas()]
    for (schema, table), grant in declared().items():
        for role in ("api", "worker", "pusher"):
            for letter in getattr(grant, role):
                privilege = PRIVILEGES[letter]
                # Every relay moves facts to the log: all workers are members of the log's.
                inherits = schema == "log" and role == "worker"
                for login in workers if inherits else [f"otklik_{schema}_{role}"]:
                    if role == "pusher" and letter == "S" and grant.pusher_columns:
                        found |= {
                            (login, schema, table, f"SELECT ({column})")
                            for column in grant.pusher_columns
                        }
                    else:
                        found.add((login, schema, table, privilege))
    return found


async def found_rights(admin: asyncpg.Connection) -> set[Right]:
    """Rights that our logins have in the database, however they came by them."""
    whole = await admin.fetch(
        """
        SELECT l.login, n.nspname AS schema, c.relname AS name, p.privilege
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
             unnest($1::text[]) AS l(login), unnest($2::text[]) AS p(privilege)
        WHERE n.nspname = ANY ($3) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND has_table_privilege(l.login, c.oid, p.privilege)
        """,
        [*logins(), "public"],
        list(ALL_PRIVILEGES),
        schemas(),
    )
    by_column = await admin.fetch(
        """
        SELECT l.login, n.nspname AS schema, c.relname AS name,
               p.privilege || ' (' || a.attname || ')' AS privilege
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped,
             unnest($1::text[]) AS l(login), unnest($2::text[]) AS p(privilege)
        WHERE n.nspname = ANY ($3) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND has_column_privilege(l.login, c.oid, a.attnum, p.privilege)
          AND NOT has_table_privilege(l.login, c.oid, p.privilege)
        """,
        [*logins(), "public"],
        ["SELECT", "INSERT", "UPDATE", "REFERENCES"],
        schemas(),
    )
    return {
        (row["login"], row["schema"], row["name"], row["privilege"]) for row in [*whole, *by_column]
    }


# --- Rows ---------------------------------------------------------------------------------------

_LITERALS = {
    "text": "'x'",
    "uuid": "gen_random_uuid()",
    "bigint": "1",
    "integer": "1",
    "smallint": "1",
    "numeric": "1",
    "double precision": "1",
    "boolean": "false",
    "timestamp with time zone": "now()",
    "date": "current_date",
    "interval": "'1 s'",
    "jsonb": "'{}'",
    "bytea": "'\\x00'",
}


@dataclass(frozen=True)
class Filler:
    """How to insert a row into a table: `INSERT … VALUES` with the tenant as $1."""

    table: Table
    insert: str


async def fillers(admin: asyncpg.Connection, wanted: Iterable[Table]) -> list[Filler]:
    """An insert for each table, whatever columns it has."""
    found = []
    for table in wanted:
        columns = await admin.fetch(
            """
            SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type
            FROM pg_attribute a LEFT JOIN pg_attrdef d
                 ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped
              AND a.attidentity = '' AND a.attgenerated = '' AND a.attname <> 'tenant'
              AND a.attnotnull AND d.adbin IS NULL
            """,
            table.full,
        )
        names = ", ".join(["tenant", *(f'"{column["name"]}"' for column in columns)])
        values = ", ".join(["$1::text", *(_literal(column["type"]) for column in columns)])
        found.append(Filler(table, f"INSERT INTO {table.full} ({names}) VALUES ({values})"))
    return found


def _literal(kind: str) -> str:
    return "'{}'" if kind.endswith("[]") else _LITERALS[kind]


async def loosen(admin: asyncpg.Connection) -> None:
    """
    Take away what would refuse made-up rows: checks and foreign keys, triggers for this session.

    Policies and rights stay as they are; only in a database that is thrown away.
    """
    rows = await admin.fetch(
        """
        SELECT n.nspname AS schema, c.relname AS name, k.conname AS held
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
             JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY ($1) AND k.contype IN ('c', 'f') AND NOT c.relispartition
        """,
        schemas(),
    )
    for row in rows:
        await admin.execute(
            f'ALTER TABLE "{row["schema"]}"."{row["name"]}"'
            f' DROP CONSTRAINT IF EXISTS "{row["held"]}" CASCADE'
        )
    triggers = await admin.fetch(
        """
        SELECT n.nspname AS schema, c.relname AS name, t.tgname AS held
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
             JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY ($1) AND NOT t.tgisinternal
        """,
        schemas(),
    )
    for row in triggers:
        await admin.execute(
            f'DROP TRIGGER IF EXISTS "{row["held"]}" ON "{row["schema"]}"."{row["name"]}"'
        )


# --- Attempts ------------------------------------------------------------------------------------


async def refused(
    session: asyncpg.Connection, setting: str, company: str, statement: str, *values: str
) -> None:
    """A statement that row security refuses to a session of these companies."""
    attempt = session.transaction()
    await attempt.start()
    await session.execute("SELECT set_config($1, $2, true)", setting, company)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await session.execute(statement, *values)
    await attempt.rollback()


async def changes_one_row(session: asyncpg.Connection, tenant: str, change: str) -> None:
    """Of two companies' rows a change meets the one of `tenant`, and without a company none."""
    attempt = session.transaction()
    await attempt.start()
    assert (await session.execute(change)).endswith(" 0"), change
    await session.execute("SELECT set_config('app.tenant', $1, true)", tenant)
    assert (await session.execute(change)).endswith(" 1"), change
    await attempt.rollback()
