"""Tables that every service has: facts on their way out, positions in the log, what access says."""

from typing import Final, Protocol

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.db import login
from otklik_common.roles import Grant

MAX_PAYLOAD_BYTES: Final = 262_144
"""A last barrier far above the size of a fact: one giant record would hold up all behind it."""

FLOOR: Final = "recorded_floor"
"""Sequence with the newest promised moment, in microseconds since 1970: see outbox.py."""

COMMON_GRANTS: Final = {
    "outbox": Grant(api="I", worker="SID"),
    "positions": Grant(worker="SIUD", tenant=False),
    "dead_letter": Grant(worker="SIUD"),
    "idempotency": Grant(api="SIU", worker="SD"),
    "directory": Grant(api="S", worker="SIUD"),
}
"""Rights to the common tables; merge them into the GRANTS of a service."""

_CHURNING: Final = {
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "500",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    "autovacuum_vacuum_cost_delay": "0",
}


def tenant_column(*, primary_key: bool = False, nullable: bool = False) -> Column[str]:
    """Short id of the company; compared bytewise, so that its indexes never depend on a locale."""
    return Column("tenant", Text(collation="C"), primary_key=primary_key, nullable=nullable)


def common_tables(metadata: MetaData) -> None:
    """Add the tables that every service has to the metadata of its schema."""
    _outbox(metadata)
    _positions(metadata)
    _dead_letter(metadata)
    _idempotency(metadata)
    _directory(metadata)


class Operations(Protocol):
    """What is needed of `alembic.op`."""

    def get_bind(self) -> Connection:
        """The connection that the revision runs on."""


def create_common(operations: Operations, schema: str) -> None:
    """
    Make the common tables, for the first revision of a service: `create_common(op, "feedback")`.

    Rights to the tables come with `secure(schema, {**COMMON_GRANTS, …})`; the sequence has its
    own here. A later change of a common table is a new function, called by a new revision of
    every service: a merged revision is never edited.
    """
    metadata = MetaData(schema=schema)
    common_tables(metadata)
    connection = operations.get_bind()
    metadata.create_all(connection, checkfirst=False)
    floor = f'"{schema}".{FLOOR}'
    connection.exec_driver_sql(f"CREATE SEQUENCE {floor} AS bigint MINVALUE 0 START 0")
    connection.exec_driver_sql(f"GRANT SELECT ON {floor} TO {login(schema, 'api')}")
    connection.exec_driver_sql(f"GRANT SELECT, UPDATE ON {floor} TO {login(schema, 'worker')}")


def _created_at() -> Column[object]:
    return Column(
        "created_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.clock_timestamp(),
    )


def _outbox(metadata: MetaData) -> None:
    Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True, cache=1), primary_key=True),
        tenant_column(),
        Column("key", Text(collation="C"), nullable=False),
        Column("payload", LargeBinary, nullable=False),
        _created_at(),
        CheckConstraint(
            f"octet_length(payload) <= {MAX_PAYLOAD_BYTES}", name="outbox_payload_size"
        ),
        comment="Facts that are true and not yet on the log; the relay deletes what it has sent",
        postgresql_with=_CHURNING,
    )


def _positions(metadata: MetaData) -> None:
    Table(
        "positions",
        metadata,
        Column("consumer", Text(collation="C"), primary_key=True),
        Column("topic", Text(collation="C"), primary_key=True),
        Column("partition", Integer, primary_key=True, autoincrement=False),
        Column("next", BigInteger, nullable=False),
        comment="Offset of the first record that a consumer has not yet taken in",
        postgresql_with={"fillfactor": "50", **_CHURNING},
    )


def _dead_letter(metadata: MetaData) -> None:
    table = Table(
        "dead_letter",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        tenant_column(nullable=True),
        Column("consumer", Text(collation="C"), nullable=False),
        Column("topic", Text(collation="C"), nullable=False),
        Column("partition", Integer, nullable=False),
        Column("offset", BigInteger, nullable=False),
        Column("key", Text(collation="C"), nullable=True),
        Column("reason", Text, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column(
            "recorded_at",
            DateTime(timezone=True),
            nullable=False,
            server_default=func.clock_timestamp(),
        ),
        Column("redriven_at", DateTime(timezone=True), nullable=True),
        comment="Records that could not be taken in, with the reason; tenant is null if unreadable",
    )
    Index(
        "dead_letter_place",
        table.c.consumer,
        table.c.topic,
        table.c.partition,
        table.c.offset,
    )


def _idempotency(metadata: MetaData) -> None:
    table = Table(
        "idempotency",
        metadata,
        tenant_column(primary_key=True),
        Column("principal", Text(collation="C"), primary_key=True),
        Column("route", Text(collation="C"), primary_key=True),
        Column("key", Text(collation="C"), primary_key=True),
        Column("request_hash", LargeBinary, nullable=False),
        Column("status", SmallInteger, nullable=False),
        Column("headers", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
        Column("body", LargeBinary, nullable=False),
        _created_at(),
        comment="Answers to unsafe requests, kept so that the same request is answered the same",
    )
    Index("idempotency_age", table.c.created_at)


def _directory(metadata: MetaData) -> None:
    table = Table(
        "directory",
        metadata,
        tenant_column(primary_key=True),
        Column("kind", Text(collation="C"), primary_key=True),
        Column("subject", Uuid, primary_key=True),
        Column("code", Text(collation="C"), nullable=True),
        Column("revision", BigInteger, nullable=False),
        Column("epoch", Integer, nullable=False),
        Column("void", Boolean, nullable=False),
        Column("data", JSONB, nullable=False),
        comment="What access says of companies, branches, staff and keys, newest revision of each",
    )
    Index("directory_code", table.c.tenant, table.c.kind, table.c.code)
