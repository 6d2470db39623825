"""Tables of the event log that is kept in PostgreSQL."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from otklik_common.roles import Grant

SCHEMA: Final = "log"

GRANTS: Final = {
    "topics": Grant(worker="SIU", tenant=False),
    "records": Grant(worker="SI", tenant=False),
    "watermarks": Grant(worker="SIU", tenant=False),
}
"""Service workers are members of the log's worker role: they move facts in one transaction."""

metadata = MetaData(schema=SCHEMA)

topics = Table(
    "topics",
    metadata,
    Column("topic", Text(collation="C"), primary_key=True),
    Column("first", ARRAY(BigInteger), nullable=False),
    Column("next", ARRAY(BigInteger), nullable=False),
    comment="By partition: the first offset still kept and the next one to be given",
    # Updated with every batch: room for the new version on the same page.
    postgresql_with={"fillfactor": "20", "autovacuum_vacuum_threshold": "500"},
)

records = Table(
    "records",
    metadata,
    Column("topic", Text(collation="C"), primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text(collation="C"), nullable=False),
    Column("value", LargeBinary, nullable=False),
    comment="The log: offsets of a partition have no holes, and a record never changes",
    postgresql_partition_by='RANGE ("offset")',
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("topic", Text(collation="C"), primary_key=True),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("ends", ARRAY(BigInteger), nullable=False),
    comment="By partition: every fact recorded before `time` stands below this offset",
    postgresql_with={"fillfactor": "20", "autovacuum_vacuum_threshold": "500"},
)
