"""Bodies of many small objects that are no events: what of them is let in, each for itself."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from otklik_contact_center.domain.admission import (
    MalformedError,
    Refusal,
    check_utf8,
    neither,
    split_array,
    split_lines,
)
from otklik_contact_center.domain.events import AHEAD_REFUSED, OLDEST
from otklik_contact_center.domain.explaining import explain

T = TypeVar("T", bound=msgspec.Struct)

Fault = tuple[str, str]
"""Code and detail of what is wrong with an object."""

_raw: Final = msgspec.json.Decoder(msgspec.Raw)

_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_SPACE: Final = b" \t\r\n"


class Taken(msgspec.Struct, Generic[T], frozen=True):
    """An object that is let in, and its place in the body."""

    index: int
    item: T


class Items(NamedTuple, Generic[T]):
    """A body as read, both in its order."""

    taken: list[Taken[T]]
    refused: list[Refusal]


def read_items(
    body: bytes,
    decoder: msgspec.json.Decoder[T],
    checked: Callable[[T], T | Fault],
    *,
    lines: bool = False,
) -> Items[T]:
    """
    The objects in a body: one, an array, or objects on lines of their own.

    Args:
        decoder: Of one object.
        checked: The object as it is kept, or what is wrong with it.
        lines: The sender says it is NDJSON; one object on a line is recognised anyhow.
    Raises:
        MalformedError: It cannot be read at all, or holds more than `MAX_EVENTS`.
    """
    taken: list[Taken[T]] = []
    refused: list[Refusal] = []
    for index, piece in enumerate(_split(body, lines=lines)):
        found = _read(piece, decoder, checked)
        if isinstance(found, tuple):
            refused.append(Refusal(index, *found, piece))
        else:
            taken.append(Taken(index, found))
    return Items(taken, refused)


def wrong_time(at: datetime, now: datetime) -> Fault | None:
    """What is wrong with the time of an object; None if nothing."""
    if at > now + AHEAD_REFUSED:
        return "time_in_future", "at lies more than 24 hours in the future"
    if at < OLDEST:
        return "time_too_old", "at lies before 1990"
    return None


def wrong_text(*texts: str | None) -> Fault | None:
    """What is wrong with texts that are stored as they are; None if nothing."""
    if any("\0" in text for text in texts if text is not None):
        return "malformed", "texts may not hold the character U+0000"
    return None


def _split(body: bytes, *, lines: bool) -> list[bytes]:
    if not lines:
        check_utf8(body)
        start = body.lstrip(_SPACE)[:1]
        if start == b"[":
            return split_array(body)
        if start != b"{":
            raise neither()
        try:
            return [bytes(_raw.decode(body))]
        except _BROKEN:
            pass
    pieces = split_lines(body)
    if len(pieces) < 2 and not lines:
        raise MalformedError(
            "malformed_json", "the body is not valid JSON", "в теле запроса ошибка JSON"
        )
    return pieces


def _read(
    piece: bytes, decoder: msgspec.json.Decoder[T], checked: Callable[[T], T | Fault]
) -> T | Fault:
    try:
        item = decoder.decode(piece)
    except msgspec.ValidationError as wrong:
        return explain(wrong, decoder.type)
    except UnicodeDecodeError:
        return "invalid_utf8", "the object is not valid UTF-8"
    except _BROKEN:
        return "malformed_json", "the object is not valid JSON"
    return checked(item)
