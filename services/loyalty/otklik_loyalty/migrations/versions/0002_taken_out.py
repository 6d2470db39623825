"""Purchases and customers can be taken out, and the facts of their movements voided."""

import sqlalchemy as sa
from alembic import op

from otklik_common.db import login
from otklik_common.roles import Grant, secure

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "loyalty"


def upgrade() -> None:
    """Rows stay, void, for their revisions; what is personal or goes with them can be deleted."""
    for table in ("customer", "purchase"):
        op.add_column(
            table,
            sa.Column(
                "void",
                sa.Boolean(),
                nullable=False,
                server_default=sa.text("false"),
                comment="taken out; kept for its revision, so that it may come again",
            ),
            schema=SCHEMA,
        )
    op.create_table(
        "voided_movement",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("transfer", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "transfer"),
        schema=SCHEMA,
        comment="transfers whose facts count no more; the ledger itself never changes",
    )
    for statement in secure(SCHEMA, {"voided_movement": Grant(api="SI")}):
        op.execute(statement)
    api = login(SCHEMA, "api")
    for table in ("identifier", "shared_identifier", "purchase_return"):
        op.execute(f"GRANT DELETE ON {SCHEMA}.{table} TO {api}")
