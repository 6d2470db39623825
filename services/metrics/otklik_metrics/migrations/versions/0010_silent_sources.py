"""Sources tell whether they are silent, since when, and how long is usual."""

import sqlalchemy as sa
from alembic import op

from otklik_metrics.migrations.columns_0001 import FIELDS

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SCHEMA = "metrics"
HEAD = (
    "tenant text, subject uuid, epoch int, revision bigint, void boolean, "
    "recorded_at timestamptz, person text"
)


def upgrade() -> None:
    """Columns, and a new type of the rows that a batch is sent as; the build before names neither."""
    for column in (
        sa.Column("silent", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("silent_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("usual_gap_ms", sa.BigInteger, nullable=True),
    ):
        op.add_column("facts_source", column, schema=SCHEMA)
    fields = [
        *FIELDS["source"].split(),
        "silent:boolean!",
        "silent_since:timestamptz",
        "usual_gap_ms:bigint",
    ]
    named = [field.rstrip("!").partition(":")[::2] for field in fields]
    columns = ", ".join(f'"{name}" {sql}' for name, sql in named)
    op.execute(f"CREATE TYPE {SCHEMA}.fact_source_2 AS ({HEAD}, {columns})")
