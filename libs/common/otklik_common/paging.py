"""
Lists in parts: keyset paging with opaque cursors that fit only the query they came from.

A cursor holds the sort key of the last row, encrypted and authenticated (AES-256-GCM): it may be
logged by proxies, and a sort key may be a name. It is bound to route, company and filters, since
a place in one list means nothing in another.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Final, Generic, Self, TypeVar
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Select, UnaryExpression, and_, literal, or_, tuple_
from sqlalchemy.sql import operators

from otklik_common.edge import route_of
from otklik_common.errors import BadRequest
from otklik_common.pseudonym import derive
from otklik_common.settings import Settings

MOST_ITEMS: Final = 200
DEFAULT_ITEMS: Final = 50
MOST_CHARACTERS: Final = 2000
_DIGEST_BYTES: Final = 16
_NONCE_BYTES: Final = 12

T = TypeVar("T")
R = TypeVar("R")

Key = tuple[Any, ...]
"""Values of the sort columns of one row: numbers, texts, times, dates, UUIDs; never None."""


class BadCursor(BadRequest):
    """Not a cursor of ours, or one that was changed."""

    code = "bad_cursor"


class CursorOfAnotherQuery(BadRequest):
    """A cursor goes with the route and the filters that gave it."""

    code = "cursor_of_another_query"


class Page(BaseModel, Generic[T]):
    """A part of a list."""

    items: list[T]
    next_cursor: str | None = Field(
        default=None, description="send it as `cursor` with the same filters; null at the end"
    )


# --- Cursors ------------------------------------------------------------------------------------


class Cursors:
    """Writes and reads cursors under a key that all processes share."""

    def __init__(self, master: bytes) -> None:
        self._cipher = AESGCM(derive(master, "cursor"))

    def write(self, key: Key, bound: bytes) -> str:
        """A cursor that stands behind the row with `key`, in the list named by `bound`."""
        nonce = os.urandom(_NONCE_BYTES)
        body = _digest(bound) + orjson.dumps([_written(value) for value in key])
        return base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, body, None)).decode()

    def read(self, text: str, bound: bytes) -> Key:
        """
        The key in a cursor.

        Raises:
            BadCursor: It is none of ours.
            CursorOfAnotherQuery: It belongs to another list.
        """
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
            body = self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
        except (binascii.Error, InvalidTag, ValueError):
            raise BadCursor(
                "the cursor is not one of ours", detail_ru="курсор не распознан"
            ) from None
        if body[:_DIGEST_BYTES] != _digest(bound):
            raise CursorOfAnotherQuery(
                "the cursor belongs to another query: keep route and filters as they were",
                detail_ru="курсор от другого запроса: путь и фильтры должны быть прежними",
            )
        return tuple(_read(value) for value in orjson.loads(body[_DIGEST_BYTES:]))


def _digest(bound: bytes) -> bytes:
    return hashlib.sha256(bound).digest()[:_DIGEST_BYTES]


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "t": datetime.fromisoformat,
    "d": date.fromisoformat,
    "u": UUID,
    "n": Decimal,
}


def _written(value: Any) -> Any:
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, datetime):
        return ["t", value.isoformat()]
    if isinstance(value, date):
        return ["d", value.isoformat()]
    if isinstance(value, UUID):
        return ["u", str(value)]
    if isinstance(value, Decimal):
        return ["n", str(value)]
    raise TypeError(f"{type(value).__name__} cannot stand in a sort key")


def _read(value: Any) -> Any:
    return _READERS[value[0]](value[1]) if isinstance(value, list) else value


# --- Parts of a list ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """
    Which part of a list is wanted, for the store; and the page made of what it found.

    Attributes:
        limit: Items of the page; `keyset` asks for one row more, to know whether more follow.
        after: Sort key of the last row of the page before; None: from the start.
    """

    limit: int
    after: Key | None
    _cursors: Cursors
    _bound: bytes

    def page(
        self, rows: Sequence[R], *, key: Callable[[R], Key], item: Callable[[R], T]
    ) -> Page[T]:
        """
        The answer.

        Args:
            rows: What the statement of `keyset` brought, in its order.
            key: Values of the sort columns of a row, as in the statement's `order`.
            item: What the caller sees of a row.
        """
        shown = rows[: self.limit]
        more = len(rows) > self.limit
        return Page(
            items=[item(row) for row in shown],
            next_cursor=self._cursors.write(key(shown[-1]), self._bound) if more else None,
        )


class Paging:
    """The caller's `limit` and `cursor`, before the company is known."""

    def __init__(self, cursors: Cursors, limit: int, cursor: str | None, bound: bytes) -> None:
        self._cursors = cursors
        self._limit = limit
        self._cursor = cursor
        self._bound = bound

    @classmethod
    def of(cls, request: Request, *, limit: int, cursor: str | None, query: object = None) -> Self:
        """
        Paging of a route that reads `limit` and `cursor` from its body.

        Args:
            query: The rest of the body, as JSON knows it: the cursor is bound to it.
        """
        settings: Settings = request.app.state.http_settings
        return cls(_cursors(settings.master), limit, cursor, _bound(request, query))

    def part(self, tenant: str) -> Part:
        """The part of one company's list. Raises BadCursor, CursorOfAnotherQuery."""
        bound = tenant.encode() + b"\n" + self._bound
        after = None if self._cursor is None else self._cursors.read(self._cursor, bound)
        return Part(self._limit, after, self._cursors, bound)


@lru_cache(4)
def _cursors(master: bytes) -> Cursors:
    return Cursors(master)


def _bound(request: Request, query: object) -> bytes:
    filters = sorted(
        pair for pair in request.query_params.multi_items() if pair[0] not in {"limit", "cursor"}
    )
    return orjson.dumps(
        [
            request.method,
            route_of(request.scope),
            sorted(request.path_params.items(), key=lambda pair: pair[0]),
            filters,
            query,
        ],
        default=str,
        option=orjson.OPT_SORT_KEYS,
    )


Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="items of one page")]
CursorText = Annotated[
    str | None,
    Query(max_length=MOST_CHARACTERS, description="`next_cursor` of the page before"),
]


async def _paging(
    request: Request, limit: Limit = DEFAULT_ITEMS, cursor: CursorText = None
) -> Paging:
    return Paging.of(request, limit=limit, cursor=cursor)


Pages = Annotated[Paging, Depends(_paging)]
"""FastAPI dependency: `limit` and `cursor` out of the query, bound to route and filters."""


# --- SQL ----------------------------------------------------------------------------------------

Order = ColumnElement[Any] | UnaryExpression[Any]


def keyset(statement: Select[Any], part: Part, *, order: Sequence[Order]) -> Select[Any]:
    """
    A statement for one part of a list: rows behind `part.after` in `order`, one more than wanted.

    Args:
        order: Columns that are never null and together name one row, each ascending or
            `.desc()`. An index in this order makes every page cost the same.
    """
    statement = statement.order_by(*order).limit(part.limit + 1)
    if part.after is None:
        return statement
    if len(part.after) != len(order):
        raise BadCursor(
            "the cursor is of an older version of this list",
            detail_ru="курсор от прежней версии этого списка",
        )
    columns = [_column(one) for one in order]
    falling = [_is_falling(one) for one in order]
    values = [
        literal(value, column.type) for column, value in zip(columns, part.after, strict=True)
    ]
    if len(set(falling)) == 1:
        # A comparison of rows is one range of the index.
        rows, last = tuple_(*columns), tuple_(*values)
        return statement.where(rows < last if falling[0] else rows > last)
    return statement.where(_behind(columns, values, falling))


def _behind(
    columns: Sequence[ColumnElement[Any]], values: Sequence[Any], falling: Sequence[bool]
) -> ColumnElement[bool]:
    ways = []
    for place, column in enumerate(columns):
        same = [columns[i] == values[i] for i in range(place)]
        step = column < values[place] if falling[place] else column > values[place]
        ways.append(and_(*same, step))
    # The first column alone lets the index skip what lies before.
    head = columns[0] <= values[0] if falling[0] else columns[0] >= values[0]
    return and_(head, or_(*ways))


def _is_falling(one: Order) -> bool:
    return isinstance(one, UnaryExpression) and one.modifier is operators.desc_op


def _column(one: Order) -> ColumnElement[Any]:
    if isinstance(one, UnaryExpression) and one.modifier in {operators.desc_op, operators.asc_op}:
        return one.element
    return one
