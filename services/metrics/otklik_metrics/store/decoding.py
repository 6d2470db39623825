"""
Facts decoded by msgspec, several times faster than by their contracts.

The structs are made from the contracts' JSON Schemas, with every bound of theirs. What a struct
refuses is tried again by the contract, which also lifts older versions: so nothing readable is
lost. A test holds the two together over the golden examples and over broken bodies.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from otklik_common.events.registry import newest
from otklik_common.reading import ReadEvent

Schema = Mapping[str, Any]


class Decoder:
    """Reads the state of one kind of subject."""

    def __init__(self, kind: str) -> None:
        self._version = newest(kind).version
        self._decode = msgspec.json.Decoder(_struct(kind)).decode

    def state(self, event: ReadEvent) -> Any:
        """
        The state of a subject: an object with the attributes of the contract.

        Raises:
            Unprocessable: It breaks its contract.
        """
        if event.version == self._version:
            try:
                return self._decode(event.raw)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                pass
        return self._decode(event.data().model_dump_json())

    def strictly(self, body: bytes) -> Any:
        """The state in `body`, without asking the contract. Raises msgspec.MsgspecError."""
        return self._decode(body)


@cache
def decoder(kind: str) -> Decoder:
    """The decoder of `kind`."""
    return Decoder(kind)


def _struct(kind: str) -> type[msgspec.Struct]:
    contract = newest(kind)
    schema = contract.model_json_schema()
    fields: list[Any] = []
    for name, info in contract.model_fields.items():
        made = _type(schema["properties"][name], schema.get("$defs", {}))
        if info.is_required():
            fields.append((name, made))
        else:
            fields.append((name, made, info.get_default(call_default_factory=True)))
    return msgspec.defstruct(f"{kind}_state", fields, kw_only=True, gc=False)


def _type(schema: Schema, defs: Schema) -> Any:
    """The type for msgspec that takes no more than what fits `schema`."""
    if "$ref" in schema:
        return _type(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema:
        some = [part for part in schema["anyOf"] if part.get("type") != "null"]
        assert len(some) == 1, f"a field of a fact has one type or null, not {schema}"
        return _type(some[0], defs) | None
    if "enum" in schema:
        return Literal[tuple(schema["enum"])]
    return _TYPES[schema["type"]](schema, defs)


def _string(schema: Schema, _: Schema) -> Any:
    if schema.get("format") == "uuid":
        return UUID
    if schema.get("format") == "date-time":
        return Annotated[datetime, msgspec.Meta(tz=True)]
    bounds = _bounds(schema, min_length="minLength", max_length="maxLength", pattern="pattern")
    if "pattern" in bounds:
        # Python's $ also stands before a last line feed, where the contract's does not.
        bounds["pattern"] = bounds["pattern"].removesuffix("$") + r"\Z"
    return _with(str, bounds)


def _integer(schema: Schema, _: Schema) -> Any:
    return _with(int, _bounds(schema, ge="minimum", le="maximum"))


def _boolean(_: Schema, __: Schema) -> Any:
    return bool


def _array(schema: Schema, defs: Schema) -> Any:
    items: Any = _type(schema["items"], defs)
    return _with(tuple[items, ...], _bounds(schema, max_length="maxItems"))


def _object(schema: Schema, defs: Schema) -> Any:
    values: Any = _type(schema["additionalProperties"], defs)
    return _with(dict[str, values], _bounds(schema, max_length="maxProperties"))


_TYPES = {
    "string": _string,
    "integer": _integer,
    "boolean": _boolean,
    "array": _array,
    "object": _object,
}


def _bounds(schema: Schema, **names: str) -> dict[str, Any]:
    return {ours: schema[theirs] for ours, theirs in names.items() if theirs in schema}


def _with(made: Any, bounds: dict[str, Any]) -> Any:
    return Annotated[made, msgspec.Meta(**bounds)] if bounds else made
