"""The head's own phones and mailboxes."""

import sqlalchemy as sa
from alembic import op

from otklik_common.roles import Grant, secure

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"


def upgrade() -> None:
    """A table of its own."""
    op.create_table(
        "head_line",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("line", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "line"),
        schema=SCHEMA,
        comment="Phones and mailboxes of the head, as they are compared",
    )
    for statement in secure(SCHEMA, {"head_line": Grant(api="SID", worker="S")}):
        op.execute(statement)
