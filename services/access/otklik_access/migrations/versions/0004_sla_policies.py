"""Policies of service, and branches with hours of their own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant, secure

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "access"


def upgrade() -> None:
    """Of the policies that hold, no two have the same priority."""
    op.add_column("branch", sa.Column("calendar", sa.Text(collation="C")), schema=SCHEMA)
    op.create_table(
        "sla_policy",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("names", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("active", sa.Boolean, server_default=sa.text("true"), nullable=False),
        sa.Column("terms", JSONB, nullable=False),
        sa.Column("void", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "code"),
        schema=SCHEMA,
        comment="Policies of service with all that they ever promised; priority is that of the"
        " last terms",
    )
    op.create_index(
        "sla_policy_priority",
        "sla_policy",
        ["tenant", "priority"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("active AND NOT void"),
    )
    for statement in secure(SCHEMA, {"sla_policy": Grant(api="SIU")}):
        op.execute(statement)
