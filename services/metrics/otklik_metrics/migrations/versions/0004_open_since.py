"""Contacts that are open again tell since when."""

import sqlalchemy as sa
from alembic import op

from otklik_metrics.migrations.columns_0001 import FIELDS

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "metrics"
HEAD = (
    "tenant text, subject uuid, epoch int, revision bigint, void boolean, "
    "recorded_at timestamptz, person text"
)


def upgrade() -> None:
    """A column, NULL in nearly every row, and a new type of the rows that a batch is sent as."""
    column = sa.Column("open_since", sa.DateTime(timezone=True), nullable=True)
    op.add_column("facts_contact", column, schema=SCHEMA)
    fields = FIELDS["contact"].split()
    fields.insert(fields.index("closed_at:timestamptz") + 1, "open_since:timestamptz")
    named = [field.rstrip("!").partition(":")[::2] for field in fields]
    columns = ", ".join(f'"{name}" {sql}' for name, sql in named)
    op.execute(f"CREATE TYPE {SCHEMA}.fact_contact_2 AS ({HEAD}, {columns})")
