"""Logins, schemas and tables: the only way the structure of a database changes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, event, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from otklik_common.db import Role, connect_arguments, login, url_of
from otklik_common.failpoints import failpoint
from otklik_common.pseudonym import derive_password
from otklik_common.settings import Settings

ROLES: tuple[Role, ...] = ("owner", "api", "worker", "pusher")
MIGRATION_LOCK = 0x6F746B6C
"""Key of the advisory lock that lets one migration run at a time."""

prepared = failpoint("migrate.prepared", "logins and schemas are made, no revision is begun")
begun = failpoint("migrate.begun", "a revision begins, those before it are committed")
applied = failpoint("migrate.applied", "a revision is applied, not committed")
upgraded = failpoint("migrate.upgraded", "a schema is at its newest, the next is not begun")

Progress = Callable[[str], None]


def _silent(_line: str) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One schema and the folder of its Alembic tree."""

    schema: str
    folder: Path


LOG_TREE = Tree("log", Path(__file__).parent / "log" / "migrations")


async def migrate(
    settings: Settings, trees: Iterable[Tree], *, progress: Progress = _silent
) -> None:
    """
    Bring every schema to its newest structure; safe to repeat and to run twice at once.

    Args:
        settings: `admin_database_url` names a user that may create roles and schemas.
        trees: The log's tree comes first of itself where the log is in PostgreSQL.
        progress: Told what is being done, line by line.
    Raises:
        ValueError: No administrator is named.
    """
    if settings.admin_database_url is None:
        raise ValueError("set OTKLIK_ADMIN_DATABASE_URL to a user that may create roles")
    trees = list(trees)
    wanted = [LOG_TREE, *trees]
    admin_url = make_url(settings.admin_database_url)
    admin = await asyncpg.connect(timeout=10, **connect_arguments(admin_url))
    try:
        await admin.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        version = int(await admin.fetchval("SHOW server_version_num"))
        if version < 180000:
            raise ValueError(f"PostgreSQL 18 or newer is needed, the server says {version}")
        for tree in wanted:
            await _prepare(admin, settings, tree.schema)
        for tree in trees:
            # A relay moves facts from its outbox to the log table in one transaction.
            await admin.execute(
                f"GRANT {login(LOG_TREE.schema, 'worker')} TO {login(tree.schema, 'worker')}"
                " WITH INHERIT TRUE, SET FALSE"
            )
        prepared()
        for tree in wanted:
            progress(f"migrating {tree.schema}")
            await _upgrade(settings, tree)
            upgraded()
    finally:
        await admin.close()


_PLAIN = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOINHERIT"
_IS_PLAIN = """
SELECT NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls OR rolinherit)
FROM pg_roles WHERE rolname = $1
"""


async def _prepare(admin: asyncpg.Connection, settings: Settings, schema: str) -> None:
    database = await admin.fetchval("SELECT current_database()")
    # Who may create roles without being a superuser has to become their owners for the schemas.
    await admin.execute("SET createrole_self_grant = 'set, inherit'")
    for role in ROLES:
        name = login(schema, role)
        password = derive_password(settings.master, name)  # letters and digits only
        plain = await admin.fetchval(_IS_PLAIN, name)
        if plain is None:
            await admin.execute(f"CREATE ROLE {name} {_PLAIN} LOGIN PASSWORD '{password}'")
        else:
            # Only a superuser may as much as name what a plain role has not.
            also = "" if plain else _PLAIN
            await admin.execute(f"ALTER ROLE {name} {also} LOGIN PASSWORD '{password}'")
        await admin.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {name}')
    await admin.execute(
        f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {login(schema, 'owner')}"
    )
    for role in ROLES[1:]:
        await admin.execute(f"GRANT USAGE ON SCHEMA {schema} TO {login(schema, role)}")


async def _upgrade(settings: Settings, tree: Tree) -> None:
    engine = create_async_engine(url_of(settings, tree.schema, "owner"), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run, tree)
            await connection.commit()
    finally:
        await engine.dispose()


def _run(connection: Connection, tree: Tree) -> None:
    config = Config()
    config.set_main_option("script_location", str(tree.folder))
    config.attributes["connection"] = connection
    config.attributes["schema"] = tree.schema
    command.upgrade(config, "head")


def run_environment() -> None:
    """What each tree's env.py calls: run the revisions on the connection it was given."""
    config = context.config
    schema = config.attributes["schema"]
    connection: Connection = config.attributes["connection"]
    # Never wait long for a table in use: fail, and be run again.
    connection.exec_driver_sql("SET lock_timeout = '5s'")
    # Alembic leaves a transaction that is open to whoever opened it: all revisions would be one.
    connection.commit()
    event.listen(connection, "begin", lambda _: begun())
    context.configure(
        connection=connection,
        version_table="alembic_version",
        version_table_schema=schema,
        include_schemas=True,
        transaction_per_migration=True,
        on_version_apply=lambda **_: applied(),
    )
    with context.begin_transaction():
        context.run_migrations()
