"""A mark says since when it waits: how far folding is behind is then known at any moment."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Marks that wait now count from now: their own moment was never written down."""
    # now() is one moment for all rows, so the table is not written anew.
    op.add_column(
        "dirty",
        sa.Column(
            "marked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        schema="contact_center",
    )
