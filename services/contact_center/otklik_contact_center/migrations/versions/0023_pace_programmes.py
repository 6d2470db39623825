"""By when requests are to come from step to step."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant, secure

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"


def _code(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(collation="C"), nullable=False)


def upgrade() -> None:
    """Nothing of them was ever kept before."""
    op.create_table(
        "pace_programme",
        _code("tenant"),
        _code("code"),
        sa.Column("body", JSONB, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "code"),
        schema=SCHEMA,
        comment="By when requests are to come from step to step, with all that was ever said of it",
    )
    for statement in secure(SCHEMA, {"pace_programme": Grant(api="SIU", worker="SD")}):
        op.execute(statement)
