"""How the fields of a fact stand in a table: one column a field, typed."""

import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy import ARRAY, BigInteger, Boolean, Column, DateTime, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from otklik_common.events.registry import newest


@dataclass(frozen=True, slots=True)
class Field:
    """
    A field of a fact.

    Attributes:
        base: datetime, int, bool, UUID, str, tuple (of texts) or dict.
        sql: Name of the PostgreSQL type.
        optional: Whether it may be None.
    """

    name: str
    base: type
    sql: str
    optional: bool

    def column(self) -> Column[Any]:
        """The field as a column."""
        return Column(self.name, COLUMN_TYPES[self.sql](), nullable=self.optional)


def _text() -> TypeEngine[Any]:
    # Codes are compared bytewise: faster, and no index depends on a locale.
    return Text(collation="C")


COLUMN_TYPES: Mapping[str, Any] = {
    "timestamptz": lambda: DateTime(timezone=True),
    "bigint": BigInteger,
    "boolean": Boolean,
    "uuid": Uuid,
    "text": _text,
    "text[]": lambda: ARRAY(_text()),
    "jsonb": JSONB,
}

_SQL = {
    datetime: "timestamptz",
    bool: "boolean",
    int: "bigint",
    UUID: "uuid",
    str: "text",
    tuple: "text[]",
    dict: "jsonb",
}


SAID_OTHERWISE: Final = frozenset(("head_line", "reached_by"))
"""Fields without a column of their own: what they say is in `channel` (see `decoding`)."""


def fields_of(kind: str) -> tuple[Field, ...]:
    """
    The fields of the newest contract of `kind`, in the order of the contract.

    Those of SAID_OTHERWISE are not among them.

    Raises:
        TypeError: A field has a type that no column is known for.
    """
    contract = newest(kind)
    hints = get_type_hints(contract, include_extras=True)
    names = [name for name in contract.model_fields if name not in SAID_OTHERWISE]
    return tuple(_field(name, hints[name]) for name in names)


def _field(name: str, annotation: Any) -> Field:
    optional, inner = without_none(annotation)
    base = _base(inner)
    if base not in _SQL:
        raise TypeError(f"no column is known for {name}: {annotation}")
    return Field(name, base, _SQL[base], optional)


def without_none(annotation: Any) -> tuple[bool, Any]:
    if get_origin(annotation) not in (Union, types.UnionType):
        return False, annotation
    kept = [part for part in get_args(annotation) if part is not types.NoneType]
    if len(kept) != 1:
        raise TypeError(f"a fact's field has one type or None, not {annotation}")
    return True, kept[0]


def _base(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    origin = get_origin(annotation)
    if origin is not None:
        return origin
    if annotation is AwareDatetime:
        return datetime
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return str
    return annotation
