"""
What a body of Amazon Connect holds, however it came.

Firehose wraps: `{"requestId", "timestamp", "records": [{"data"}]}`; a Kinesis stream by way of a
pipe gives `[{"data", "sequenceNumber", …}]`. `data` is base64 of one JSON object or of several, one
behind the other or on lines of their own. EventBridge sends an event as it is.

Source: Amazon Data Firehose, developer guide, HTTP endpoint delivery request and response
specifications; Amazon EventBridge, user guide, Kinesis stream as a source.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from otklik_contact_center.domain.providers.pushed import UnreadableError

DEEPEST: Final = 6
"""A push, its list, a record of it, a list within that, what is in the list; and one to spare."""

_scan: Final = json.JSONDecoder().raw_decode


def objects(body: bytes) -> Iterator[Mapping[str, Any]]:
    """The JSON objects in a body, unwrapped. Raises UnreadableError."""
    for value in _values(body):
        yield from _unwrapped(value, DEEPEST)


def _unwrapped(value: object, depth: int) -> Iterator[Mapping[str, Any]]:
    if depth == 0:
        raise UnreadableError("what is wrapped is wrapped again", "обёртка внутри обёртки")
    if isinstance(value, list):
        for one in value:
            yield from _unwrapped(one, depth - 1)
        return
    if not isinstance(value, dict):
        raise UnreadableError("the JSON is no object", "JSON – не объект")
    if isinstance(value.get("records"), list):
        yield from _unwrapped(value["records"], depth - 1)
    elif isinstance(value.get("data"), str):
        for inner in _values(_from_base64(value["data"])):
            yield from _unwrapped(inner, depth - 1)
    else:
        yield value


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableError("data is no base64", "data – не base64") from None


def _values(text: bytes) -> Iterator[Any]:
    """JSON values one behind the other."""
    try:
        yield msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield from _several(text)


def _several(text: bytes) -> Iterator[Any]:
    try:
        rest = text.decode().strip()
        if not rest:
            raise ValueError
        while rest:
            _, end = _scan(rest)
            # Read again: the other decoder lets halves of characters pass.
            yield msgspec.json.decode(rest[:end])
            rest = rest[end:].lstrip()
    except (ValueError, RecursionError):
        raise UnreadableError("the body holds no JSON", "в теле нет JSON") from None
