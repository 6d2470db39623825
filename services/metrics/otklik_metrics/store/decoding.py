"""
Facts decoded by msgspec, several times faster than by their contracts.

The structs are made from the contracts' JSON Schemas, with every bound of theirs. What a struct
refuses is tried again by the contract, which also lifts older versions: so nothing readable is
lost. A test holds the two together over the golden examples and over broken bodies.

What came by the head's line has that as its channel here: `channel_of` the fact.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from otklik_common.events.contact_center import channel_of
from otklik_common.events.registry import newest
from otklik_common.reading import ReadEvent, Unprocessable

Schema = Mapping[str, Any]


class Decoder:
    """Reads the state of one kind of subject."""

    def __init__(self, kind: str) -> None:
        self._version = newest(kind).version
        struct = _struct(kind)
        self._decode = msgspec.json.Decoder(struct).decode
        self._has_line = "head_line" in struct.__struct_fields__
        self._decode_known = msgspec.json.Decoder(_struct(kind, only_known=True)).decode

    def state(self, event: ReadEvent) -> Any:
        """
        The state of a subject: an object with the attributes of the contract.

        Raises:
            Unprocessable: It breaks its contract.
        """
        if event.version == self._version:
            try:
                return self._told(self._decode(event.raw))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                pass
        return self._told(self._decode(event.data().model_dump_json()))

    def _told(self, state: Any) -> Any:
        if self._has_line and state.head_line:
            state.channel = channel_of(state)
        return state

    def kept(self, event: ReadEvent) -> tuple[Any, str]:
        """
        The state of a subject, and its text as it was said, which jsonb can read at any time.

        Older versions of a contract are said as the newest one says them.

        Raises:
            Unprocessable: It breaks its contract, or jsonb could not read it.
        """
        if event.version == self._version:
            try:
                state, text = self._decode_known(event.raw), event.raw.decode()
            except (msgspec.MsgspecError, UnicodeDecodeError):
                pass
            else:
                if "\\" not in text:
                    # No field that the bounds of the contract do not hold for, nothing escaped.
                    return state, text
        state = self.state(event)
        said = event.raw if event.version == self._version else msgspec.json.encode(state)
        return state, _readable(event, said)

    def strictly(self, body: bytes) -> Any:
        """The state in `body`, without asking the contract. Raises msgspec.MsgspecError."""
        return self._told(self._decode(body))


@cache
def decoder(kind: str) -> Decoder:
    """The decoder of `kind`."""
    return Decoder(kind)


def _readable(event: ReadEvent, said: bytes) -> str:
    try:
        msgspec.json.decode(said)
        text = said.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as broken:
        raise Unprocessable(
            event, f"its state is no JSON that can be kept: {type(broken).__name__}"
        ) from None
    if _NUL.search(text):
        raise Unprocessable(event, "its state holds the character NUL")
    return text


_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def _struct(kind: str, *, only_known: bool = False) -> type[msgspec.Struct]:
    contract = newest(kind)
    schema = contract.model_json_schema()
    fields: list[Any] = []
    for name, info in contract.model_fields.items():
        made = _type(schema["properties"][name], schema.get("$defs", {}))
        if info.is_required():
            fields.append((name, made))
        else:
            fields.append((name, made, info.get_default(call_default_factory=True)))
    return msgspec.defstruct(
        f"{kind}_state", fields, kw_only=True, gc=False, forbid_unknown_fields=only_known
    )


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
