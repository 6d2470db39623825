"""A column of the history: what is said again in one go is found by what was said first."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCHEMA = "metrics"
TIMED = ("answer", "case", "contact", "lead", "points", "purchase", "reply")


def upgrade() -> None:
    """Only the catalogue changes, in the order in which the history locks its tables."""
    for kind in TIMED:
        op.add_column(
            f"fact_history_{kind}",
            sa.Column("indexed", sa.Boolean(), nullable=False, server_default=sa.true()),
            schema=SCHEMA,
        )
