"""The demo can be taken out again: by the worker, which may delete what it brought."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.db import login
from otklik_common.roles import Grant, secure

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"


def upgrade() -> None:
    """One job a company, and rights to delete for the worker alone."""
    op.create_table(
        "demo_removal",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("sources", JSONB(), nullable=False),
        sa.Column("principal", sa.Text(collation="C"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contacts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("events", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("agent_states", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refused", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
        schema=SCHEMA,
        comment="Demos on their way out, and how far; swept once nobody can push into them",
    )
    for statement in secure(SCHEMA, {"demo_removal": Grant(api="SIU", worker="SU")}):
        op.execute(statement)
    # These had no rows that the worker may see.
    fresh = {
        "refused": Grant(worker="SD"),
        "agent": Grant(worker="SIU"),
        "agent_state": Grant(worker="SU"),
    }
    for statement in secure(SCHEMA, fresh):
        op.execute(statement)
    for table in ("inbox", "source"):
        op.execute(f"GRANT DELETE ON {SCHEMA}.{table} TO {login(SCHEMA, 'worker')}")
    op.create_table_comment(
        "inbox",
        "Every event as it was pushed, sealed; only appended to, but for sources taken out whole",
        existing_comment="Every event as it was pushed, sealed; only ever appended to",
        schema=SCHEMA,
    )
