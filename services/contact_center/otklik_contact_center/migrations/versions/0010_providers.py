"""Sources of providers: what they prove themselves by, how their words are ours, what they pushed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant, secure

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"


def upgrade() -> None:
    """What was pushed is kept as it came, so that a better reader can read it again."""
    op.add_column("source", sa.Column("credentials", sa.LargeBinary, nullable=True), schema=SCHEMA)
    op.add_column(
        "source",
        sa.Column("directions", JSONB, nullable=False, server_default=sa.text("'{}'")),
        schema=SCHEMA,
    )
    op.create_table(
        "hook_body",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("body_hash", sa.LargeBinary, nullable=False),
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=True),
        sa.Column("detail", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "source", "body_hash"),
        schema=SCHEMA,
        comment="What providers pushed, sealed, each once, for 30 days; code says why it was not read",
    )
    op.create_index("hook_body_newest", "hook_body", ["tenant", "number"], schema=SCHEMA)
    op.create_index("hook_body_oldest", "hook_body", ["received_at"], schema=SCHEMA)
    for statement in secure(SCHEMA, {"hook_body": Grant(api="SIU", worker="SD")}):
        op.execute(statement)
