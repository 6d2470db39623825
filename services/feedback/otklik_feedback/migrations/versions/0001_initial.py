"""Surveys, answers and cases."""

import sqlalchemy as sa
from alembic import op
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant, secure
from otklik_common.tables import COMMON_GRANTS, create_common

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "feedback"

GRANTS = {
    **COMMON_GRANTS,
    "surveys": Grant(api="SIUD"),
    "survey_versions": Grant(api="SID"),
    "answers": Grant(api="SIUD", worker="SU"),
    "answer_versions": Grant(api="SID"),
    "cases": Grant(api="SIUD", worker="SU"),
    "case_events": Grant(api="SI"),
    "contact_dims": Grant(api="SIU", worker="SIU"),
    "retired": Grant(api="SIU"),
}


def upgrade() -> None:
    """Make everything."""
    create_common(Operations(op.get_context()), SCHEMA)
    _surveys()
    _answers()
    _cases()
    _known()
    for statement in secure(SCHEMA, GRANTS):
        op.execute(statement)


def _surveys() -> None:
    op.create_table(
        "surveys",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("definition", JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="the newest version of each survey",
    )
    op.create_index(
        "surveys_created_at", "surveys", ["tenant", "created_at", "id"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "survey_versions",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("survey", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("definition", JSONB(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "survey", "version"),
        schema=SCHEMA,
        comment="every version: answers remember theirs",
    )


def _answers() -> None:
    op.create_table(
        "answers",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "reference", sa.Text(collation="C"), nullable=False, comment="the sender's own id"
        ),
        sa.Column("survey", sa.Uuid(), nullable=False),
        sa.Column("survey_version", sa.BigInteger(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("anonymous", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column(
            "digest", sa.LargeBinary(), nullable=False, comment="keyed, of the body as it was meant"
        ),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body_revision", sa.BigInteger(), nullable=False),
        sa.Column("body_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contact", sa.Uuid(), nullable=True),
        sa.Column("source", sa.Uuid(), nullable=True),
        sa.Column("customer", sa.Uuid(), nullable=True),
        sa.Column("said", JSONB(), nullable=False),
        sa.Column("dimensions", JSONB(), nullable=False),
        sa.Column("own_identifiers", JSONB(), nullable=False),
        sa.Column("identifiers", JSONB(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("touchpoint", sa.Text(), nullable=True),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("comment", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("external", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="the newest revision of each answer",
    )
    op.create_index(
        "answers_answered_at",
        "answers",
        ["tenant", "answered_at", "id"],
        unique=False,
        schema=SCHEMA,
    )
    op.create_index(
        "answers_contact",
        "answers",
        ["tenant", "contact"],
        unique=False,
        schema=SCHEMA,
        postgresql_where=sa.text("contact IS NOT NULL"),
    )
    op.create_index(
        "answers_demo",
        "answers",
        ["tenant", "id"],
        unique=False,
        schema=SCHEMA,
        postgresql_where=sa.text("starts_with(reference, 'demo-')"),
    )
    op.create_table(
        "answer_versions",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("answer", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("survey", sa.Uuid(), nullable=False),
        sa.Column("survey_version", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("dimensions", JSONB(), nullable=False),
        sa.Column("comment", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "answer", "revision"),
        schema=SCHEMA,
        comment="bodies that a later one has taken the place of",
    )


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Uuid(), nullable=False),
        sa.Column("contact", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "person",
            sa.Text(collation="C"),
            nullable=False,
            comment="a pseudonym, or what else is known",
        ),
        sa.Column(
            "place",
            sa.Text(collation="C"),
            nullable=False,
            comment="the touchpoint; blank for none",
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("dimensions", JSONB(), nullable=False),
        sa.Column("identifiers", JSONB(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contacted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL)", name="cases_closed_check"
        ),
        sa.CheckConstraint("state IN ('open', 'contacted', 'closed')", name="cases_state_check"),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
    )
    op.create_index("cases_answer", "cases", ["tenant", "answer"], unique=False, schema=SCHEMA)
    op.create_index(
        "cases_one_open",
        "cases",
        ["tenant", "person", "place"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("state <> 'closed'"),
    )
    op.create_index(
        "cases_opened_at", "cases", ["tenant", "opened_at", "id"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "case_events",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("case", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("answer", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "case"],
            ["feedback.cases.tenant", "feedback.cases.id"],
            name="case_events_case_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant", "case", "number"),
        schema=SCHEMA,
        comment="what happened to each case, from 1 upwards",
    )
    op.create_index(
        "case_events_answer",
        "case_events",
        ["tenant", "answer"],
        unique=False,
        schema=SCHEMA,
        postgresql_where=sa.text("answer IS NOT NULL"),
    )


def _known() -> None:
    op.create_table(
        "contact_dims",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("contact", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("dimensions", JSONB(), nullable=False),
        sa.Column("identifiers", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "contact"),
        schema=SCHEMA,
        comment="what contact_center says of contacts; epoch 0 holds the place of one not yet heard of",
    )
    op.create_table(
        "retired",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subject"),
        schema=SCHEMA,
        comment="subjects taken out: who makes one again goes on from its last revision",
    )
