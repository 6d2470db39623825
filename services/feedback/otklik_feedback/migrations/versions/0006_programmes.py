"""Programmes of asking: whom they plan to ask, whom they asked, and how often that may be."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.db import login
from otklik_common.roles import Grant, secure

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "feedback"

GRANTS = {
    "programmes": Grant(api="SIU", worker="S"),
    "quarantines": Grant(api="SIU", worker="S"),
    "invitations": Grant(api="SU", worker="SIUD"),
    "asked_people": Grant(api="SIU", worker="SIU"),
    "quotas": Grant(api="SIU", worker="SIU"),
}


def _tenant() -> sa.Column[str]:
    return sa.Column("tenant", sa.Text(collation="C"), nullable=False)


def _code(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(collation="C"), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "programmes",
        _tenant(),
        _code("code"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("tenant", "code"),
        schema=SCHEMA,
        comment="after what people are asked, and how",
    )
    op.create_table(
        "quarantines",
        _tenant(),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("tenant"),
        schema=SCHEMA,
        comment="how often one person may be asked; one row of a company",
    )
    _invitations()
    op.create_table(
        "asked_people",
        _tenant(),
        _code("pseudonym"),
        sa.Column("body", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "pseudonym"),
        schema=SCHEMA,
        comment="what each pseudonym was asked, and whether it wants to be",
    )
    op.create_table(
        "quotas",
        _tenant(),
        _code("programme"),
        _code("counter"),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "programme", "counter"),
        schema=SCHEMA,
        comment="counters that quotas are held to",
    )
    for statement in secure(SCHEMA, GRANTS):
        op.execute(statement)
    # Whoever asks has to know whether the survey is still open, and what it is for.
    to = login(SCHEMA, "worker")
    op.execute(f"GRANT SELECT ON feedback.surveys TO {to}")
    op.execute('DROP POLICY IF EXISTS "worker" ON feedback.surveys')
    op.execute(f'CREATE POLICY "worker" ON feedback.surveys TO {to} USING (true) WITH CHECK (true)')


def _invitations() -> None:
    op.create_table(
        "invitations",
        _tenant(),
        sa.Column("id", sa.Uuid(), nullable=False),
        _code("programme"),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("occasion", sa.Uuid(), nullable=False),
        _code("person", nullable=True),
        sa.Column("branch", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), comment="what stopped it"),
        sa.Column("because", sa.Uuid(), comment="the invitation that stood in its way"),
        _moment("due_at"),
        _moment("next_at", nullable=True),
        _moment("planned_at"),
        _moment("decided_at", nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _moment("recorded_at", nullable=True),
        sa.Column("body", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        sa.CheckConstraint(
            "(state = 'stopped') = (rule IS NOT NULL)", name="invitations_rule_check"
        ),
        sa.CheckConstraint(
            "(revision > 0) = (state NOT IN ('planned', 'stopped'))", name="invitations_sent_check"
        ),
        schema=SCHEMA,
        comment="planned, stopped by a rule, or sent",
    )
    op.create_index(
        "invitations_next_at",
        "invitations",
        ["next_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(
        "invitations_waiting",
        "invitations",
        ["tenant", "person"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'planned'"),
    )
    op.create_index(
        "invitations_of_programme",
        "invitations",
        ["tenant", "programme", "due_at", "id"],
        schema=SCHEMA,
    )
