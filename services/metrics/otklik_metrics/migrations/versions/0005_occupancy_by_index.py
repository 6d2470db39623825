"""When agents were in contact, and when they stood ready, is read by index."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "metrics"


def upgrade() -> None:
    """Three indexes, made while facts are not written: some seconds a million facts."""
    for name, table, column, where in (
        ("facts_contact_answered_at", "facts_contact", "answered_at", "answered_at IS NOT NULL"),
        ("facts_agent_state_from_at", "facts_agent_state", "from_at", None),
        ("facts_agent_state_open", "facts_agent_state", "from_at", "NOT void AND to_at IS NULL"),
    ):
        op.create_index(
            name,
            table,
            ["tenant", column],
            schema=SCHEMA,
            postgresql_where=None if where is None else sa.text(where),
        )
