"""Rollups of points count movements that spent, apart from those that issued."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "metrics"
GRAINS = {"15m": "at timestamptz", "day": "day date"}
ADDED = ("spendings", "spendings_reversed")
COUNTERS = ("movements", "issued", "spent", "issue_reversed", "spend_reversed", *ADDED)


def upgrade() -> None:
    """New columns, and a new type of the rows that are sent: processes of the old build go on."""
    named = ", ".join(f'"{name}" bigint' for name in COUNTERS)
    for grain, at in GRAINS.items():
        for name in ADDED:
            column = sa.Column(name, sa.BigInteger(), nullable=True)
            op.add_column(f"rollup_points_{grain}", column, schema=SCHEMA)
        op.execute(
            f"CREATE TYPE {SCHEMA}.cell_points_{grain}_2 AS (tenant text, version int, "
            f'"set" smallint, {at}, d1 text, d2 text, d3 text, d4 text, {named})'
        )
