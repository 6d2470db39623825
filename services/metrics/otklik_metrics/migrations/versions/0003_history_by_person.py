"""The history of contacts is found by person, so that the past of some people is read alone."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "metrics"
TABLE = "fact_history_contact"


def upgrade() -> None:
    """
    A column for the first pseudonym: '' where there is none, NULL where a build before wrote.

    Questions about the past wait while what is there is filled in; the numbers do not.
    """
    op.add_column(TABLE, sa.Column("person", sa.Text(collation="C"), nullable=True), schema=SCHEMA)
    # The owner is kept to the policies too, and has none.
    op.execute(f"ALTER TABLE {SCHEMA}.{TABLE} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        f"UPDATE {SCHEMA}.{TABLE} SET person = coalesce(data #>> '{{identifiers,0}}', '')"  # noqa: S608
    )
    op.execute(f"ALTER TABLE {SCHEMA}.{TABLE} FORCE ROW LEVEL SECURITY")
    op.create_index(f"{TABLE}_person", TABLE, ["tenant", "person"], schema=SCHEMA)
