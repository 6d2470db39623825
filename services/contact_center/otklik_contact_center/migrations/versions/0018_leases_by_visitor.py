"""Leases are found by their visitor: in a revision of its own, so that nothing else waits for it."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"


def upgrade() -> None:
    """While the index is made nobody leases a number; a page without an answer shows its own."""
    op.create_index(
        "number_lease_visitor", "number_lease", ["tenant", "visitor", "begins"], schema=SCHEMA
    )
