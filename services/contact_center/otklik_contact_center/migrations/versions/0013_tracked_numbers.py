"""Tracked numbers: sites, the numbers that they lease, and who was shown which."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant, secure

revision = "0013"
down_revision = "0012"
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
    """Two active leases of one number are impossible: a unique index says so."""
    op.create_table(
        "number_tracker",
        _code("tenant", nullable=False),
        _code("code", nullable=False),
        sa.Column("body", JSONB, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        _moment("changed_at", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "code"),
        schema=SCHEMA,
        comment="Sites whose visitors are shown numbers by where they came from",
    )
    op.create_table(
        "number_slot",
        _code("tenant", nullable=False),
        _code("number", nullable=False),
        _code("tracker", nullable=False),
        _code("pool", nullable=False),
        sa.Column("lease", sa.Uuid, nullable=True),
        sa.Column("visitor", sa.LargeBinary, nullable=True),
        _moment("ends_at"),
        _moment("free_from", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number"),
        schema=SCHEMA,
        comment="Numbers that are leased, each once in a company: who has it, and from when it is"
        " free",
        postgresql_with={"fillfactor": "70", **CHURNING},
    )
    op.create_index(
        "number_slot_free", "number_slot", ["tenant", "tracker", "pool", "free_from"], schema=SCHEMA
    )
    op.create_index("number_slot_lease", "number_slot", ["tenant", "lease"], schema=SCHEMA)
    op.create_index(
        "number_slot_visitor", "number_slot", ["tenant", "tracker", "visitor"], schema=SCHEMA
    )
    op.create_table(
        "number_lease",
        _code("tenant", nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        _code("tracker", nullable=False),
        _code("pool", nullable=False),
        _code("number"),
        sa.Column("visitor", sa.LargeBinary, nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        _code("rule", nullable=False),
        sa.Column("touch", JSONB, nullable=False),
        _moment("begins", nullable=False),
        _moment("seen_at", nullable=False),
        _moment("ended_at"),
        sa.Column("ttl_seconds", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="Which visitor was shown which number, and what had brought them",
    )
    op.create_index(
        "number_lease_active",
        "number_lease",
        ["tenant", "number"],
        schema=SCHEMA,
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL AND NOT shared"),
    )
    op.create_index(
        "number_lease_of", "number_lease", ["tenant", "number", "begins"], schema=SCHEMA
    )
    op.create_index(
        "number_lease_begun", "number_lease", ["tenant", "tracker", "begins"], schema=SCHEMA
    )
    grants = {
        "number_tracker": Grant(api="SIUD", worker="S"),
        "number_slot": Grant(api="SIUD", worker="S"),
        "number_lease": Grant(api="SIU", worker="SD"),
    }
    for statement in secure(SCHEMA, grants):
        op.execute(statement)
