"""The common tables, a subject to lock, and what a consumer has seen."""

import sqlalchemy as sa
from alembic import op

from otklik_common.roles import Grant, secure
from otklik_common.tables import COMMON_GRANTS, create_common

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    create_common(op, "probe")
    op.create_table(
        "subject",
        sa.Column("tenant", sa.Text(collation="C"), primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        schema="probe",
    )
    op.create_table(
        "seen",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Uuid, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        schema="probe",
    )
    grants = {
        **COMMON_GRANTS,
        "subject": Grant(api="SIU", worker="SIU"),
        "seen": Grant(worker="SIUD"),
    }
    for statement in secure("probe", grants):
        op.execute(statement)
