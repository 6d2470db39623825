"""Clocks of claims and reviews, and reviews themselves; cases that no answer opened."""

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
    "reviews": Grant(api="SIUD"),
    "review_versions": Grant(api="SID"),
    "review_replies": Grant(api="SIU"),
    "review_steps": Grant(api="SI"),
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
    _reviews()
    _work()
    op.alter_column("cases", "answer", nullable=True, schema=SCHEMA)
    for name in ("review", "claim"):
        op.add_column("cases", sa.Column(name, sa.Uuid, nullable=True), schema=SCHEMA)
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


def _reviews() -> None:
    op.create_table(
        "reviews",
        _code("tenant", nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        _code("source", nullable=False),
        _code("reference", nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        _moment("written_at", nullable=False),
        _moment("received_at", nullable=False),
        sa.Column("stars", sa.SmallInteger),
        sa.Column("has_text", sa.Boolean, nullable=False),
        sa.Column("alike", sa.LargeBinary, comment="keyed digest of the words of the text"),
        _code("branch"),
        _code("agent"),
        _code("assignee"),
        sa.Column("replies", sa.Integer, nullable=False),
        _moment("replied_at"),
        _moment("removed_at"),
        _code("state", nullable=False),
        _moment("recorded_at", nullable=False),
        sa.Column("body_revision", sa.BigInteger, nullable=False),
        _moment("body_at", nullable=False),
        *_sealed("text", "author", "url"),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="the newest revision of each review",
    )
    op.create_index("reviews_written_at", "reviews", ["tenant", "written_at", "id"], schema=SCHEMA)
    op.create_index(
        "reviews_demo",
        "reviews",
        ["tenant", "id"],
        schema=SCHEMA,
        postgresql_where=sa.text("starts_with(reference, 'demo-')"),
    )
    op.create_index(
        "reviews_alike",
        "reviews",
        ["tenant", "alike"],
        schema=SCHEMA,
        postgresql_where=sa.text("alike IS NOT NULL"),
    )
    op.create_table(
        "review_versions",
        _code("tenant", nullable=False),
        sa.Column("review", sa.Uuid, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        _moment("written_at", nullable=False),
        _moment("recorded_at", nullable=False),
        sa.Column("stars", sa.SmallInteger),
        *_sealed("text"),
        sa.PrimaryKeyConstraint("tenant", "review", "revision"),
        schema=SCHEMA,
        comment="bodies that a later one has taken the place of",
    )


def _work() -> None:
    op.create_table(
        "review_replies",
        _code("tenant", nullable=False),
        sa.Column("review", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("elsewhere", sa.Boolean, nullable=False),
        _moment("drafted_at", nullable=False),
        sa.Column("drafted_by", sa.Text, nullable=False),
        _moment("published_at"),
        sa.Column("published_by", sa.Text),
        *_sealed("text"),
        sa.PrimaryKeyConstraint("tenant", "review", "number"),
        _of_review("review_replies"),
        schema=SCHEMA,
        comment="what we answer to reviews, from 1 upwards",
    )
    op.create_table(
        "review_steps",
        _code("tenant", nullable=False),
        sa.Column("review", sa.Uuid, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        _moment("at", nullable=False),
        _moment("recorded_at", nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        _code("assignee"),
        sa.Column("reason", sa.Text),
        *_sealed("note"),
        sa.PrimaryKeyConstraint("tenant", "review", "revision"),
        _of_review("review_steps"),
        schema=SCHEMA,
        comment="what was done about reviews, by the revision that it made; never changed",
    )


def _sealed(*names: str) -> list[sa.Column[bytes]]:
    return [sa.Column(name, sa.LargeBinary, nullable=True) for name in names]


def _of_review(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant", "review"],
        ["feedback.reviews.tenant", "feedback.reviews.id"],
        name=f"{table}_review_fkey",
        ondelete="CASCADE",
    )
