"""The demo's source is known by a mark, not by a name that anybody may choose."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Until now the name was the mark."""
    op.add_column(
        "source",
        sa.Column("demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="contact_center",
    )
    # The owner sees no rows; nobody else sees the table until this is committed.
    op.execute("ALTER TABLE contact_center.source NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE contact_center.source SET demo = true WHERE name = 'demo'")
    op.execute("ALTER TABLE contact_center.source FORCE ROW LEVEL SECURITY")
