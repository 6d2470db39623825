"""What the words of answers say, the companies' topics, and what is still to be read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.db import login
from otklik_common.roles import Grant, secure

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "feedback"

GRANTS = {
    "topic_trees": Grant(api="SI", worker="S"),
    "readings": Grant(api="SIUD", worker="SIUD"),
    "unread": Grant(api="SIUD", worker="SIUD"),
    "reading_sweeps": Grant(api="SIU", worker="SIU"),
}


def upgrade() -> None:
    """Make the tables; answers that are there are found by the first sweep, not from here."""
    op.create_table(
        "topic_trees",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("definition", JSONB(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "version"),
        schema=SCHEMA,
        comment="every version of a company's topics, from 1; without one it has those shipped",
    )
    _readings()
    op.create_table(
        "unread",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("answer", sa.Uuid(), nullable=False),
        sa.Column(
            "lane", sa.Integer(), nullable=False, comment="0 came in just now, 1 is read again"
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "answer"),
        sa.ForeignKeyConstraint(
            ["tenant", "answer"],
            ["feedback.answers.tenant", "feedback.answers.id"],
            name="unread_answer_fkey",
            ondelete="CASCADE",
        ),
        schema=SCHEMA,
        comment="answers whose words are still to be read",
    )
    op.create_index("unread_lane", "unread", ["lane", "recorded_at"], schema=SCHEMA)
    op.create_table(
        "reading_sweeps",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("lexicon", sa.Text(), nullable=False),
        sa.Column("tree", sa.BigInteger(), nullable=False),
        sa.Column("after", sa.Uuid(), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stepped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant"),
        schema=SCHEMA,
        comment="reading again after words or topics have changed: how far",
    )
    for statement in secure(SCHEMA, GRANTS):
        op.execute(statement)
    # Revisions of readings go on after those that were taken out.
    worker = login(SCHEMA, "worker")
    op.execute(f"GRANT SELECT ON {SCHEMA}.retired TO {worker}")
    op.execute(
        f"CREATE POLICY worker ON {SCHEMA}.retired TO {worker} USING (true) WITH CHECK (true)"
    )


def _readings() -> None:
    op.create_table(
        "readings",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("answer", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body_revision", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="keyed, of the words"),
        sa.Column("state", sa.Text(), nullable=False, comment="as shown while the body stands"),
        sa.Column("sentiment", sa.Text(), nullable=True),
        sa.Column("topics", JSONB(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.LargeBinary(), nullable=False, comment="digest of the newest fact"),
        sa.Column("lexicon", sa.Text(), nullable=True),
        sa.Column("tree", sa.BigInteger(), nullable=True),
        sa.Column("said", JSONB(), nullable=True, comment="places of words, never the words"),
        sa.Column("corrected", JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "answer"),
        sa.ForeignKeyConstraint(
            ["tenant", "answer"],
            ["feedback.answers.tenant", "feedback.answers.id"],
            name="readings_answer_fkey",
            ondelete="CASCADE",
        ),
        schema=SCHEMA,
        comment="what the words of answers say, and what people say that they say",
    )
