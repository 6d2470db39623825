"""Words that answers say to more questions than one, sealed; older answers have none."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "feedback"


def upgrade() -> None:
    """Two columns, empty at first."""
    for table in ("answers", "answer_versions"):
        op.add_column(table, sa.Column("words", sa.LargeBinary(), nullable=True), schema=SCHEMA)
