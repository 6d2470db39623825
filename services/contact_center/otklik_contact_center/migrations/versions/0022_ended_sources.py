"""Sources that take nothing more."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"


def upgrade() -> None:
    """All that are known go on."""
    op.add_column("source", sa.Column("ended_at", sa.DateTime(timezone=True)), schema=SCHEMA)
