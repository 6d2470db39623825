"""A source may belong to a branch: what comes by it is that branch's and nobody else's."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Sources made so far belong to the whole company."""
    op.add_column(
        "source",
        sa.Column("branch", sa.Text(collation="C"), nullable=True),
        schema="contact_center",
    )
