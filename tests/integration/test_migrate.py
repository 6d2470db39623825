"""Revisions one by one: what was migrated before a fault stays, and the next try goes on there."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from otklik_common.migrate import Tree, migrate
from tests.support.app import settings_of
from tests.support.postgres import PostgresServer

ENV = "from otklik_common.migrate import run_environment\n\nrun_environment()\n"
REVISION = """
from alembic import op

revision, down_revision = {number!r}, {former!r}


def upgrade() -> None:
    op.execute("SET search_path = parts")
    op.execute({statement!r})
"""


def write(folder: Path, *statements: str) -> None:
    """A tree with a revision of each statement."""
    (folder / "versions").mkdir(exist_ok=True)
    (folder / "env.py").write_text(ENV)
    for number, statement in enumerate(statements):
        text = REVISION.format(
            number=str(number), former=str(number - 1) if number else None, statement=statement
        )
        (folder / "versions" / f"{number}.py").write_text(text)


@pytest.mark.asyncio
async def test_a_revision_that_fails_takes_none_of_those_before_it_along(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = await postgres.create_database("migrate_parts")
    settings, tree = settings_of(url), Tree("parts", tmp_path)
    first, second = "CREATE TABLE one ()", "CREATE TABLE two ()"
    await asyncio.to_thread(write, tmp_path, first, second, "CREATE TABLE one ()")
    with pytest.raises(DBAPIError, match="already exists"):
        await migrate(settings, [tree])
    admin = await asyncpg.connect(url)
    assert await admin.fetchval("SELECT version_num FROM parts.alembic_version") == "1"
    await asyncio.to_thread(write, tmp_path, first, second, "CREATE TABLE three ()")
    await migrate(settings, [tree])
    tables = await admin.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'parts'")
    assert sorted(row["tablename"] for row in tables) == ["alembic_version", "one", "three", "two"]
    await admin.close()
