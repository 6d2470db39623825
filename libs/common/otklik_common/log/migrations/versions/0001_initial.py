"""The event log in PostgreSQL: topics, records by range of offset, watermarks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from otklik_common.log.tables import GRANTS
from otklik_common.roles import secure

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WIDTH = 4_000_000
RANGES = 16


def upgrade() -> None:
    """Make the tables, the ranges of records, and the rights."""
    op.create_table(
        "topics",
        sa.Column("topic", sa.Text(collation="C"), primary_key=True),
        sa.Column("first", postgresql.ARRAY(sa.BigInteger), nullable=False),
        sa.Column("next", postgresql.ARRAY(sa.BigInteger), nullable=False),
        comment="By partition: the first offset still kept and the next one to be given",
        schema="log",
        postgresql_with={"fillfactor": "20", "autovacuum_vacuum_threshold": "500"},
    )
    op.create_table(
        "records",
        sa.Column("topic", sa.Text(collation="C"), primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("offset", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        comment="The log: offsets of a partition have no holes, and a record never changes",
        schema="log",
        postgresql_partition_by='RANGE ("offset")',
    )
    for number in range(RANGES):
        op.execute(
            f"CREATE TABLE log.records_{number:03d} PARTITION OF log.records"
            f" FOR VALUES FROM ({number * WIDTH}) TO ({(number + 1) * WIDTH})"
        )
    op.execute("CREATE TABLE log.records_rest PARTITION OF log.records DEFAULT")
    op.create_table(
        "watermarks",
        sa.Column("topic", sa.Text(collation="C"), primary_key=True),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends", postgresql.ARRAY(sa.BigInteger), nullable=False),
        comment="By partition: every fact recorded before `time` stands below this offset",
        schema="log",
        postgresql_with={"fillfactor": "20", "autovacuum_vacuum_threshold": "500"},
    )
    for statement in secure("log", GRANTS):
        op.execute(statement)
