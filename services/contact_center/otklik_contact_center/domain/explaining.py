"""What a decoder did not like in a body, said so that its sender can mend it."""

import re
from functools import lru_cache
from typing import Final

import msgspec
import msgspec.inspect

_RULES: Final = (
    (re.compile(r"^Object contains unknown field `(?P<name>.*)`", re.DOTALL), "unknown_field"),
    (re.compile(r"^Object missing required field `(?P<name>\w+)`"), "missing"),
    (re.compile(r"^Expected `datetime` with a timezone"), "time_without_zone"),
    (re.compile(r"^Invalid RFC3339"), "malformed"),
    (re.compile(r"^Invalid enum value"), "not_one_of"),
    (re.compile(r"^Expected `\w+` of length >="), "too_short"),
    (re.compile(r"^Expected `\w+` of length"), "too_long"),
    (re.compile(r"^Expected `\w+` [<>]="), "out_of_range"),
    (re.compile(r"^Expected `"), "wrong_type"),
)

_PLACE: Final = re.compile(r" - at `(?P<part>key` in `)?\$\.?(?P<path>[^`]*)`$")

_DETAILS: Final = {
    "unknown_field": "is unknown",
    "missing": "is missing",
    "time_without_zone": "needs an offset from UTC, like +03:00",
    "malformed": "must be a time of RFC 3339",
    "not_one_of": "has a value that is not in the list",
    "too_short": "is too short",
    "too_long": "is too long",
    "out_of_range": "lies outside its range",
    "wrong_type": "has the wrong type",
}


@lru_cache
def _choices(kind: type[msgspec.Struct]) -> tuple[str, dict[str, str]]:
    """The names of a body's fields, and what each field with a list of values may hold."""
    described = msgspec.inspect.type_info(kind)
    assert isinstance(described, msgspec.inspect.StructType)
    lists: dict[str, str] = {}
    for field in described.fields:
        parts = (
            field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
        )
        for part in parts:
            if isinstance(part, msgspec.inspect.LiteralType):
                lists[field.encode_name] = ", ".join(map(str, part.values))
    return ", ".join(field.encode_name for field in described.fields), lists


def explain(wrong: msgspec.ValidationError, kind: type[msgspec.Struct]) -> tuple[str, str]:
    """
    Code and detail of what the decoder did not like; names fields, shows no values.

    Args:
        kind: What the body should have been; its fields and lists are named.
    """
    fields, lists = _choices(kind)
    text = str(wrong)
    place = _PLACE.search(text)
    path = place["path"] if place else ""
    for rule, code in _RULES:
        found = rule.match(text)
        if found:
            name = found.groupdict().get("name")
            where = ".".join(part for part in (path, name) if part) or "the event"
            # A sender's own names may hold what neither an answer nor a screen can show.
            seen = "".join(one if one.isprintable() else "\ufffd" for one in where[:120])
            detail = f"{seen} {_DETAILS[code]}"
            if code == "unknown_field" and not path:
                detail += f"; fields: {fields}"
            elif code == "not_one_of" and path in lists:
                detail += f": {lists[path]}"
            return code, detail
    return "wrong_type", "the event has the wrong form"
