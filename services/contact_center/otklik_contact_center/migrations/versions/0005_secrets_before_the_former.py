"""A second new secret within a day no longer ends the one that senders still sign with."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is known of secrets that were replaced before."""
    op.add_column(
        "source",
        sa.Column("older_secret", sa.LargeBinary(), nullable=True),
        schema="contact_center",
    )
    op.add_column(
        "source",
        sa.Column("older_until", sa.DateTime(timezone=True), nullable=True),
        schema="contact_center",
    )
