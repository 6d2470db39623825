"""Touches of requests: contacts remember their visitor, leads what was published of their touches."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"


def upgrade() -> None:
    """What was pushed before is folded once more, behind everything live."""
    op.add_column("contact", sa.Column("brought", sa.LargeBinary, nullable=True), schema=SCHEMA)
    op.add_column("lead", sa.Column("touches", sa.LargeBinary, nullable=True), schema=SCHEMA)
    op.create_index(
        "number_lease_visitor", "number_lease", ["tenant", "visitor", "begins"], schema=SCHEMA
    )
    for table in ("contact", "promises_redo"):
        op.execute(f"ALTER TABLE {SCHEMA}.{table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        f"INSERT INTO {SCHEMA}.promises_redo (tenant, branch, since, phase)"  # noqa: S608
        f" SELECT DISTINCT tenant, '', timestamptz '1900-01-01 00:00Z', 1 FROM {SCHEMA}.contact"
        " ON CONFLICT DO NOTHING"
    )
    for table in ("contact", "promises_redo"):
        op.execute(f"ALTER TABLE {SCHEMA}.{table} FORCE ROW LEVEL SECURITY")
