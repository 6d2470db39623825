"""Clocks of claims and reviews."""

import sqlalchemy as sa
from alembic import op

from otklik_common.roles import Grant, secure

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "feedback"

GRANTS = {
    "watched": Grant(api="SIUD", worker="SU"),
    "clock": Grant(api="SIUD", worker="SIU"),
    "promises": Grant(api="S", worker="SIU"),
    "promises_redo": Grant(worker="SIUD"),
}


def _code(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text(collation="C"), nullable=nullable)


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """
    Make everything.

    Policies heard before need no word of theirs: nothing that they promise stands yet, and what
    comes is made by what is heard by then.
    """
    _clocks()
    _promises()
    for statement in secure(SCHEMA, GRANTS):
        op.execute(statement)


def _clocks() -> None:
    op.create_table(
        "watched",
        _code("tenant", nullable=False),
        sa.Column("matter", sa.Uuid, nullable=False),
        _code("branch"),
        _moment("over_at"),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "matter"),
        schema=SCHEMA,
        comment="what clocks of each claim and review are made of; over_at is when the last of them ended",
    )
    op.create_table(
        "clock",
        _code("tenant", nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("matter", sa.Uuid, nullable=False),
        _code("target", nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("void", sa.Boolean, nullable=False),
        _moment("recorded_at", nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        _code("state", nullable=False),
        _moment("due_at"),
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
        comment="clocks as published, and when each will show something else by itself",
    )
    op.create_index("clock_matter", "clock", ["tenant", "matter"], schema=SCHEMA)
    op.create_index(
        "clock_next",
        "clock",
        ["next_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )


def _promises() -> None:
    op.create_table(
        "promises",
        _code("tenant", nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
        schema=SCHEMA,
        comment="how often what a company promises has changed: clocks are made by the newest version",
    )
    op.create_table(
        "promises_redo",
        _code("tenant", nullable=False),
        _code("branch", nullable=False),
        _moment("since", nullable=False),
        sa.Column("place", sa.Uuid, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "branch"),
        schema=SCHEMA,
        comment="whose clocks are to be made anew, since when, and how far; branch is '' for all",
    )
