"""What agents promise, what they may promise, what is spent on advertising, and coaching."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant, secure

revision = "0016"
down_revision = "0015"
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
    """A promise says itself when it is to be looked at again."""
    op.create_table(
        "promise_kind",
        _code("tenant", nullable=False),
        _code("code", nullable=False),
        sa.Column("body", JSONB, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        _moment("changed_at", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "code"),
        schema=SCHEMA,
        comment="What agents of a company may promise",
    )
    op.create_table(
        "promise",
        _code("tenant", nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        _code("name", nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("void", sa.Boolean, nullable=False),
        _moment("recorded_at", nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        _code("kind", nullable=False),
        _code("agent", nullable=False),
        _code("branch"),
        sa.Column("contact", sa.Uuid, nullable=True),
        _code("state", nullable=False),
        _moment("due_at", nullable=False),
        _moment("next_at"),
        sa.Column("text", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="Promises as published, when each will show something else by itself, and what was"
        " said, sealed; name is the sender's own id",
        postgresql_with={"fillfactor": "80", **CHURNING},
    )
    op.create_index(
        "promise_next",
        "promise",
        ["next_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index("promise_due", "promise", ["tenant", "due_at", "id"], schema=SCHEMA)
    op.create_index(
        "promise_contact",
        "promise",
        ["tenant", "contact"],
        schema=SCHEMA,
        postgresql_where=sa.text("contact IS NOT NULL"),
    )
    # What is at risk lies behind everything that was ever due.
    for name in ("state", "agent"):
        columns = ["tenant", name, "due_at", "id"]
        op.create_index(f"promise_{name}", "promise", columns, schema=SCHEMA)
    op.create_table(
        "ad_spend",
        _code("tenant", nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("void", sa.Boolean, nullable=False),
        _moment("recorded_at", nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        _code("ad_source", nullable=False),
        _code("medium"),
        _code("campaign"),
        _code("agency"),
        _code("branch"),
        _code("currency", nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="What is spent on advertising, by what it is about; taken out where it is void",
    )
    op.create_index("ad_spend_day", "ad_spend", ["tenant", "day", "id"], schema=SCHEMA)
    op.create_table(
        "coaching_item",
        _code("tenant", nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        _code("name", nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("void", sa.Boolean, nullable=False),
        _moment("recorded_at", nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        _code("agent", nullable=False),
        _code("skill", nullable=False),
        _code("branch"),
        _moment("created_at", nullable=False),
        _moment("done_at"),
        sa.Column("task", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="What agents are to learn, as published, and the task, sealed; name is the sender's"
        " own id",
    )
    op.create_index(
        "coaching_item_created", "coaching_item", ["tenant", "created_at", "id"], schema=SCHEMA
    )
    grants = {
        "coaching_item": Grant(api="SIU"),
        "ad_spend": Grant(api="SIU"),
        "promise_kind": Grant(api="SIUD"),
        "promise": Grant(api="SIU", worker="SU"),
    }
    for statement in secure(SCHEMA, grants):
        op.execute(statement)
