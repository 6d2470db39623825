"""What the tables of feedback are made of: their schema and the kinds of their columns."""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, LargeBinary, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

SCHEMA = "feedback"

metadata = MetaData(schema=SCHEMA)


def moment(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def id_(name: str = "id", *, nullable: bool = False) -> Column[Any]:
    return Column(name, Uuid, nullable=nullable)


def code(name: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, Text(collation="C"), nullable=nullable)


def number(name: str) -> Column[Any]:
    return Column(name, BigInteger, nullable=False)


def json(name: str) -> Column[Any]:
    return Column(name, JSONB, nullable=False)


def sealed(name: str) -> Column[Any]:
    return Column(name, LargeBinary, nullable=True)
