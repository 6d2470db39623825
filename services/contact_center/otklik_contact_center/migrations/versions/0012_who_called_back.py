"""Leads remember the first contact that nobody took, and who worked on them first."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"


def upgrade() -> None:
    """What was pushed before is folded once more, behind everything live."""
    op.add_column("lead", sa.Column("missed", sa.Uuid, nullable=True), schema=SCHEMA)
    op.add_column(
        "lead", sa.Column("attempted_by", sa.Text(collation="C"), nullable=True), schema=SCHEMA
    )
    op.create_index(
        "lead_missed",
        "lead",
        ["tenant", "missed"],
        schema=SCHEMA,
        postgresql_where=sa.text("missed IS NOT NULL"),
    )
    op.execute(
        f"COMMENT ON TABLE {SCHEMA}.lead IS 'What was published of leads, by the contact that"
        " opened them; missed is the first contact of each that nobody took'"
    )
    for table in ("contact", "promises_redo"):
        op.execute(f"ALTER TABLE {SCHEMA}.{table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        f"INSERT INTO {SCHEMA}.promises_redo (tenant, branch, since, phase)"  # noqa: S608
        f" SELECT DISTINCT tenant, '', timestamptz '1900-01-01 00:00Z', 1 FROM {SCHEMA}.contact"
        " ON CONFLICT DO NOTHING"
    )
    for table in ("contact", "promises_redo"):
        op.execute(f"ALTER TABLE {SCHEMA}.{table} FORCE ROW LEVEL SECURITY")
