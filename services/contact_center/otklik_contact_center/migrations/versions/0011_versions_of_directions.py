"""Directions of sources are kept version by version; bodies say by which they were read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant, secure

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"


def upgrade() -> None:
    """What is in force stays in the source's row; what was before is for people to look at."""
    op.add_column(
        "source",
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        schema=SCHEMA,
    )
    op.add_column("hook_body", sa.Column("version", sa.Integer, nullable=True), schema=SCHEMA)
    op.create_table(
        "source_directions",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("principal", sa.Text(collation="C"), nullable=False),
        sa.Column("directions", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "source", "version"),
        schema=SCHEMA,
        comment="Every version of how a source is read, with who set it and since when",
    )
    for statement in secure(SCHEMA, {"source_directions": Grant(api="SI", worker="SD")}):
        op.execute(statement)
    # Bodies whose push broke off are read by the worker.
    op.create_index(
        "hook_body_waiting",
        "hook_body",
        ["received_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("code = 'waiting'"),
    )
    op.execute(f"GRANT UPDATE ON {SCHEMA}.hook_body TO otklik_{SCHEMA}_worker")
    # A replay of bodies tells their events anew.
    op.execute(f"GRANT UPDATE, DELETE ON {SCHEMA}.inbox TO otklik_{SCHEMA}_api")
    op.execute(
        f"COMMENT ON TABLE {SCHEMA}.inbox IS 'Every event as it was pushed, sealed; only appended"
        " to, but for sources taken out whole and bodies read anew'"
    )
