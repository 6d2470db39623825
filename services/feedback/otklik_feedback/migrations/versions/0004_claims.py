"""Claims, what happened to them, and legal terms by kind."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant, secure

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "feedback"

GRANTS = {
    "claims": Grant(api="SIUD"),
    "claim_steps": Grant(api="SI"),
    "claim_kinds": Grant(api="SIU"),
}


def _code(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text(collation="C"), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, JSONB, nullable=False)


def upgrade() -> None:
    """Make everything."""
    op.create_table(
        "claims",
        _code("tenant", nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        _code("reference", nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        _code("claim_kind", nullable=False),
        _code("severity", nullable=False),
        _code("topic"),
        _code("wish"),
        _code("currency"),
        sa.Column("amount_minor", sa.BigInteger),
        _json("dimensions"),
        sa.Column("contact", sa.Uuid, nullable=True),
        _json("identifiers"),
        _code("branch"),
        _code("agent"),
        _code("state", nullable=False),
        _moment("received_at"),
        _moment("reacted_at", nullable=True),
        _code("outcome"),
        _json("openings"),
        sa.Column("term_days", sa.Integer),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("steps", sa.Integer, nullable=False),
        _moment("last_at"),
        _moment("recorded_at"),
        *(
            sa.Column(name, sa.LargeBinary, nullable=True)
            for name in ("text", "phone", "email", "external")
        ),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="claims as they stand; openings say when each waited for us and until when",
    )
    op.create_index("claims_received_at", "claims", ["tenant", "received_at", "id"], schema=SCHEMA)
    op.create_index(
        "claims_demo",
        "claims",
        ["tenant", "id"],
        schema=SCHEMA,
        postgresql_where=sa.text("starts_with(reference, 'demo-')"),
    )
    op.create_table(
        "claim_steps",
        _code("tenant", nullable=False),
        sa.Column("claim", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        _moment("at"),
        _moment("recorded_at"),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("note", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "claim", "number"),
        sa.ForeignKeyConstraint(
            ["tenant", "claim"],
            ["feedback.claims.tenant", "feedback.claims.id"],
            name="claim_steps_claim_fkey",
            ondelete="CASCADE",
        ),
        schema=SCHEMA,
        comment="what happened to each claim, from 1 upwards; never changed",
    )
    op.create_table(
        "claim_kinds",
        _code("tenant", nullable=False),
        _code("code", nullable=False),
        sa.Column(
            "days", sa.Integer, comment="calendar days of the legal term; none: there is no term"
        ),
        _moment("recorded_at"),
        sa.PrimaryKeyConstraint("tenant", "code"),
        schema=SCHEMA,
        comment="legal terms that a company declared; those shipped stand in the code",
    )
    for statement in secure(SCHEMA, GRANTS):
        op.execute(statement)
