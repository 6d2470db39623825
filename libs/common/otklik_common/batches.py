"""Bodies with many items: an array, or NDJSON; one bad item spoils none of the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson
from pydantic import BaseModel, Field, ValidationError

from otklik_common.errors import BadRequest, Refused, TooLarge, Unprocessable
from otklik_common.http import field_errors

M = TypeVar("M", bound=BaseModel)

MOST_ITEMS: Final = 5_000


class Malformed(BadRequest):
    """The body is neither an array nor NDJSON."""

    code = "malformed_json"


class TooManyItems(TooLarge):
    """More items than one batch takes."""

    code = "too_many_items"


class RefusedItem(BaseModel):
    """An item that was not kept; the others were."""

    index: int = Field(description="from 0; blank lines are not counted")
    code: str
    detail: str


class BatchOut(BaseModel):
    """What became of a batch."""

    accepted: int = Field(description="kept: new, or another body of a known id")
    duplicates: int = Field(description="known already, word for word")
    refused: list[RefusedItem]


@dataclass(frozen=True, slots=True)
class NotJson:
    """A line that is not JSON, in its place."""


def items_of(body: bytes) -> list[Any]:
    """
    The items of a body: of an array, or one from each line that is not blank.

    Raises:
        Malformed: It is neither: empty, blank, truncated, not UTF-8, one value over several lines.
        TooManyItems: More than 5,000.
    """
    start = body.lstrip(b" \t\r\n")[:1]
    if not start:
        raise Malformed(
            "the body is empty: an array or NDJSON is expected",
            detail_ru="тело запроса пусто: нужен массив JSON или NDJSON",
        )
    if start == b"[":
        try:
            items = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise Malformed(
                "the body is not a JSON array", detail_ru="тело запроса – не массив JSON"
            ) from None
        return _bounded(items)
    if start != b"{":
        raise Malformed(
            "the body is neither an array nor NDJSON", detail_ru="нужен массив JSON или NDJSON"
        )
    lines = _bounded([line for line in body.split(b"\n") if line.strip()])
    items = [_line(line) for line in lines]
    if all(isinstance(item, NotJson) for item in items):
        raise Malformed("no line of the body is JSON", detail_ru="ни одна строка – не JSON")
    return items


def _line(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return NotJson()


def _bounded(items: list[Any]) -> list[Any]:
    if len(items) > MOST_ITEMS:
        raise TooManyItems(
            f"{len(items)} items; one batch takes {MOST_ITEMS}",
            detail_ru=f"{len(items)} записей; в одном запросе до {MOST_ITEMS}",
        )
    return items


def parsed(model: type[M], item: Any) -> M:
    """One item as a model. Raises Refused with the code of the first thing that is wrong."""
    if isinstance(item, NotJson):
        raise Malformed("the line is not JSON", detail_ru="строка – не JSON")
    try:
        return model.model_validate(item)
    except ValidationError as wrong:
        errors = field_errors(wrong)
        first = errors[0]
        raise Unprocessable(
            "; ".join(f"{error.field}: {error.detail}" for error in errors[:3]), code=first.code
        ) from None


def refusals(refused: Sequence[tuple[int, Refused]]) -> list[RefusedItem]:
    """Refused items for the answer, in the order of the batch."""
    ordered = sorted(refused, key=lambda pair: pair[0])
    return [RefusedItem(index=index, code=no.code, detail=no.detail) for index, no in ordered]
