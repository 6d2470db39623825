"""What the tables of contact_center are made of: their schema and the kinds of their columns."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

SCHEMA: Final = "contact_center"

metadata = MetaData(schema=SCHEMA)

CHURNING: Final = {
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_vacuum_cost_delay": "0",
}


def tenant(*, primary_key: bool = True) -> Column[str]:
    return Column("tenant", Text(collation="C"), primary_key=primary_key, nullable=False)


def key(name: str) -> Column[str]:
    return Column(name, Text(collation="C"), primary_key=True, nullable=False)


def code(name: str, *, nullable: bool = True) -> Column[str]:
    return Column(name, Text(collation="C"), nullable=nullable)


def moment(name: str, *, nullable: bool = True, **more: Any) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable, **more)


def number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


def documents(name: str, *, comment: str, versions: str) -> tuple[Table, Table]:
    """
    The tables of documents that are kept in all their versions: heads, and the versions.

    Args:
        comment: Of the heads.
        versions: Comment of the versions.
    """
    heads = Table(
        name,
        metadata,
        tenant(),
        key("code"),
        Column("version", Integer, nullable=False),
        Column("retired", Boolean, nullable=False),
        Column("revision", Integer, nullable=False),
        moment("changed_at", nullable=False),
        comment=comment,
    )
    bodies = Table(
        f"{name}_version",
        metadata,
        tenant(),
        key("code"),
        Column("version", Integer, primary_key=True, autoincrement=False, nullable=False),
        Column("body", JSONB, nullable=False),
        moment("made_at", nullable=False),
        code("made_by", nullable=False),
        comment=versions,
    )
    return heads, bodies


def published() -> list[Column[Any]]:
    """What an aggregate remembers of the fact it published last: see domain/emission.py."""
    return [
        Column("revision", Integer, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        Column("void", Boolean, nullable=False),
        moment("recorded_at", nullable=False),
        Column("data", Text, nullable=False),
    ]
