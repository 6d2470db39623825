"""What was said is kept as text, and becomes jsonb when it is read."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "metrics"
KINDS = (
    "contact",
    "reply",
    "lead",
    "agent_state",
    "source",
    "survey",
    "answer",
    "case",
    "customer",
    "purchase",
    "points",
)


def upgrade() -> None:
    """Every partition is written anew: some seconds a million revisions, in which none is added."""
    for kind in KINDS:
        op.execute(
            f"ALTER TABLE {SCHEMA}.fact_history_{kind} ALTER COLUMN data TYPE text USING data::text"
        )
