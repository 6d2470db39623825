"""Companies that push faster than their events are folded are noted, and sent away."""

import sqlalchemy as sa
from alembic import op

from otklik_common.roles import Grant, secure

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"


def upgrade() -> None:
    """The worker notes, whoever takes pushes reads."""
    op.create_table(
        "backlog",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
        schema=SCHEMA,
        comment="Companies with too many contacts waiting to be folded, and when that was seen",
    )
    for statement in secure(SCHEMA, {"backlog": Grant(worker="SIUD", pusher="S")}):
        op.execute(statement)
