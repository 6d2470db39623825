"""The history's indexes hold only what is to be found by them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCHEMA = "metrics"
FOUND_BY = (
    ("answer", "at"),
    ("case", "at"),
    ("contact", "at"),
    ("contact", "person"),
    ("lead", "at"),
    ("points", "at"),
    ("purchase", "at"),
    ("reply", "at"),
)


def upgrade() -> None:
    """
    New ones are made while the past is asked, and no revision is added: some seconds a million.

    A process of the build before asks without the new column, rightly, but without an index.
    """
    for kind, column in FOUND_BY:
        table = f"fact_history_{kind}"
        op.create_index(
            f"{table}_{column}_new",
            table,
            ["tenant", column],
            schema=SCHEMA,
            postgresql_where=sa.text("indexed"),
        )
    for kind, column in FOUND_BY:
        name = f"fact_history_{kind}_{column}"
        op.drop_index(name, table_name=f"fact_history_{kind}", schema=SCHEMA)
        op.execute(f"ALTER INDEX {SCHEMA}.{name}_new RENAME TO {name}")
