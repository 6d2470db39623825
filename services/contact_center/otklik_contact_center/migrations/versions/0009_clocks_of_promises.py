"""Clocks of promises; contacts keep what clocks are made of, and are folded once more for it."""

import sqlalchemy as sa
from alembic import op

from otklik_common.roles import Grant, secure

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"

CHURNING = {
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_vacuum_cost_delay": "0",
}


def _code(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text(collation="C"), nullable=nullable)


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """What was pushed before is folded once more, behind everything live: it says nothing new."""
    op.add_column("contact", sa.Column("watched", sa.LargeBinary, nullable=True), schema=SCHEMA)
    _clocks()
    _promises()
    grants = {
        "sla_clock": Grant(api="S", worker="SIU"),
        "promises": Grant(worker="SIU"),
        "promises_redo": Grant(worker="SIUD"),
    }
    for statement in secure(SCHEMA, grants):
        op.execute(statement)
    for table in ("contact", "promises_redo"):
        op.execute(f"ALTER TABLE {SCHEMA}.{table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        f"INSERT INTO {SCHEMA}.promises_redo (tenant, branch, since, phase)"  # noqa: S608
        f" SELECT DISTINCT tenant, '', timestamptz '1900-01-01 00:00Z', 1 FROM {SCHEMA}.contact"
    )
    for table in ("contact", "promises_redo"):
        op.execute(f"ALTER TABLE {SCHEMA}.{table} FORCE ROW LEVEL SECURITY")


def _clocks() -> None:
    op.create_table(
        "sla_clock",
        _code("tenant", nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("contact", sa.Uuid, nullable=False),
        _code("target", nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("void", sa.Boolean, nullable=False),
        _moment("recorded_at", nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        _code("branch"),
        _code("state", nullable=False),
        _moment("due_at"),
        _moment("ended_at"),
        _moment("warn_at"),
        _moment("breaches_at"),
        sa.Column(
            "next_at",
            sa.DateTime(timezone=True),
            sa.Computed("coalesce(warn_at, breaches_at)", persisted=True),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="Clocks of promises as published, and when each will show something else by itself",
        postgresql_with={"fillfactor": "80", **CHURNING},
    )
    op.create_index("sla_clock_contact", "sla_clock", ["tenant", "contact"], schema=SCHEMA)
    op.create_index(
        "sla_clock_next",
        "sla_clock",
        ["next_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(
        "sla_clock_open",
        "sla_clock",
        ["tenant", "due_at", "id"],
        schema=SCHEMA,
        postgresql_where=sa.text("ended_at IS NULL AND NOT void"),
    )


def _promises() -> None:
    op.create_table(
        "promises",
        _code("tenant", nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
        schema=SCHEMA,
        comment="How often what a company promises has changed: clocks are made by the newest version",
    )
    op.create_table(
        "promises_redo",
        _code("tenant", nullable=False),
        _code("branch", nullable=False),
        _moment("since", nullable=False),
        sa.Column("phase", sa.SmallInteger, nullable=False),
        _moment("place_at"),
        sa.Column("place_id", sa.Uuid, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "branch"),
        schema=SCHEMA,
        comment="Whose clocks are to be made anew, since when, and how far; branch is '' for all",
    )
