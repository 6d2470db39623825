"""Calendars of opening hours, by which business time is told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant, secure

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "access"


def upgrade() -> None:
    """One default calendar a company, and no more."""
    op.create_table(
        "calendar",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("names", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("is_default", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("rules", JSONB, nullable=False),
        sa.Column("exceptions", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("void", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "code"),
        schema=SCHEMA,
        comment="Opening hours with all that they ever were, and days with hours of their own",
    )
    op.create_index(
        "calendar_default",
        "calendar",
        ["tenant"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("is_default AND NOT void"),
    )
    for statement in secure(SCHEMA, {"calendar": Grant(api="SIU")}):
        op.execute(statement)
