"""From nothing to the newest structure, revision by revision."""

from otklik_access.module import MODULE as ACCESS
from otklik_common.migrate import LOG_TREE, Tree, migrate
from otklik_common.settings import Settings
from otklik_loyalty.module import MODULE as LOYALTY
from tests.integration.failpoints.stage import Scenario, Stage

TREES = [Tree(one.schema, one.migrations) for one in (ACCESS, LOYALTY)]

STRUCTURE = """
    SELECT table_schema, table_name, column_name, data_type, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema IN ('log', 'access', 'loyalty')
    UNION ALL
    SELECT schemaname, tablename, indexname, indexdef, '', '' FROM pg_indexes
    WHERE schemaname IN ('log', 'access', 'loyalty')
    UNION ALL
    SELECT schemaname, tablename, policyname, array_to_string(roles, ','), cmd, qual
    FROM pg_policies
    UNION ALL
    SELECT table_schema, table_name, grantee, privilege_type, '', ''
    FROM information_schema.role_table_grants WHERE table_schema IN ('log', 'access', 'loyalty')
    ORDER BY 1, 2, 3, 4, 5, 6"""

WAITS = """
    SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
        WHERE locktype = 'advisory' AND NOT granted AND datname = current_database())"""


async def nothing(_: Settings) -> None:
    """A database as the server makes it."""


async def migrate_all(settings: Settings) -> None:
    """The log, access and loyalty."""
    await migrate(settings, TREES)


async def all_is_migrated(stage: Stage) -> None:
    """Every schema is at its head, and just like one that was migrated without a break."""
    for tree in (LOG_TREE, *TREES):
        newest = max(path.name[:4] for path in (tree.folder / "versions").glob("[0-9]*.py"))
        rows = await stage.admin.fetch(f"SELECT version_num FROM {tree.schema}.alembic_version")
        assert [row["version_num"] for row in rows] == [newest], tree.schema
    before = await stage.admin.fetch(STRUCTURE)
    for schema in ("loyalty", "access", "log"):
        await stage.admin.execute(f"DROP SCHEMA {schema} CASCADE")
    await migrate_all(stage.settings)
    assert before == await stage.admin.fetch(STRUCTURE)


MIGRATED = Scenario("migrated", nothing, migrate_all, all_is_migrated, waits=WAITS)
