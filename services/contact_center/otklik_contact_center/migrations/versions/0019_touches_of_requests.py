"""Touches of requests: contacts remember their visitor, leads what was published of their touches."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"


def upgrade() -> None:
    """What was pushed before is folded once more, behind everything live, all of it from its beginning."""
    for table in ("contact", "promises_redo"):
        op.execute(f"ALTER TABLE {SCHEMA}.{table} NO FORCE ROW LEVEL SECURITY")
    # Companies one after the other by an index: there may be millions of contacts of each.
    op.execute(
        f"""
        WITH RECURSIVE company AS (
          (SELECT tenant FROM {SCHEMA}.contact ORDER BY tenant LIMIT 1)
          UNION ALL
          SELECT (SELECT c.tenant FROM {SCHEMA}.contact c WHERE c.tenant > company.tenant
            ORDER BY c.tenant LIMIT 1)
          FROM company WHERE company.tenant IS NOT NULL)
        INSERT INTO {SCHEMA}.promises_redo AS r (tenant, branch, since, phase)
        SELECT tenant, '', timestamptz '1900-01-01 00:00Z', 1 FROM company
        WHERE tenant IS NOT NULL
        ON CONFLICT (tenant, branch) DO UPDATE SET since = least(r.since, excluded.since),
          phase = excluded.phase, place_at = NULL, place_id = NULL
        """  # noqa: S608 - names of our own
    )
    for table in ("contact", "promises_redo"):
        op.execute(f"ALTER TABLE {SCHEMA}.{table} FORCE ROW LEVEL SECURITY")
    op.add_column("contact", sa.Column("brought", sa.LargeBinary, nullable=True), schema=SCHEMA)
    op.add_column("lead", sa.Column("touches", sa.LargeBinary, nullable=True), schema=SCHEMA)
