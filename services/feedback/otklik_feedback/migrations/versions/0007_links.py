"""Links to surveys, and the complete answers that they brought."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant, secure

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCHEMA = "feedback"

GRANTS = {
    "links": Grant(api="SIU", worker="SIU"),
    "link_uses": Grant(api="SI"),
}


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "links",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(collation="C")),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the token"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("survey", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(collation="C")),
        sa.Column(
            "invited", sa.Boolean(), nullable=False, comment="the invitation of its id brought it"
        ),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("most", sa.BigInteger()),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        sa.CheckConstraint("most IS NULL OR used <= most", name="links_most_check"),
        sa.CheckConstraint("kind = 'anonymous' OR used <= 1", name="links_once_check"),
        schema=SCHEMA,
    )
    op.create_index("links_digest", "links", ["tenant", "digest"], unique=True, schema=SCHEMA)
    op.create_index("links_made_at", "links", ["tenant", "made_at", "id"], schema=SCHEMA)
    op.create_table(
        "link_uses",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("link", sa.Uuid(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "link", "place"),
        schema=SCHEMA,
        comment="complete answers that links brought; a link for one person has one place",
    )
    op.create_index(
        "link_uses_answer", "link_uses", ["tenant", "link", "answer"], unique=True, schema=SCHEMA
    )
    for statement in secure(SCHEMA, GRANTS):
        op.execute(statement)
