"""What of a push is let in: its body read and each of its events judged."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

import msgspec

from otklik_contact_center.domain.events import (
    AHEAD_FLAGGED,
    AHEAD_REFUSED,
    LATE,
    OLDEST,
    Event,
)
from otklik_contact_center.domain.explaining import explain

MAX_EVENTS: Final = 5_000
MAX_BYTES: Final = 5 * 1024 * 1024
LATEST_DUE: Final = timedelta(days=36_525)

LIVE: Final = 0
BULK: Final = 1


class MalformedError(Exception):
    """
    A body that is no push at all.

    Attributes:
        code: malformed_json, invalid_utf8, too_many_events.
        ru: The same text in Russian.
    """

    def __init__(self, code: str, detail: str, ru: str) -> None:
        super().__init__(detail)
        self.code = code
        self.ru = ru


def neither() -> MalformedError:
    """The body is JSON of another kind, or none."""
    return MalformedError(
        "malformed_json",
        "the body is neither a JSON object nor an array",
        "тело запроса – не объект и не массив JSON",
    )


class Refusal(msgspec.Struct, frozen=True):
    """
    An event that is not let in.

    Attributes:
        index: Its place in the push, from 0; blank lines are not counted.
        detail: Where and why, without the sender's values.
        body: The event as it came.
    """

    index: int
    code: str
    detail: str
    body: bytes


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """An event that is let in, its place in the push, and its `canonical` form."""

    index: int
    event: Event
    body: bytes


class Push(msgspec.Struct, frozen=True):
    """A push as read, both in the order of the push."""

    admitted: list[Admitted]
    refused: list[Refusal]


_one = msgspec.json.Decoder(Event)
_many = msgspec.json.Decoder(list[Event])
_encoder = msgspec.json.Encoder(order="deterministic")

FEW_BYTES: Final = 256 * 1024
"""A body of at most so many bytes cannot hold more events than one push may."""


def _at_most(kind: type) -> "msgspec.json.Decoder[msgspec.Struct]":
    """
    A decoder of arrays that stops at the first element too many.

    A list's length is checked when it has been built: of five megabytes of `1,1,1,…` that is
    two and a half million objects. An array that is a struct has as many places as the struct.
    """
    places = [(f"place{number}", kind, None) for number in range(MAX_EVENTS)]
    array = msgspec.defstruct("Array", places, array_like=True, forbid_unknown_fields=True)
    return msgspec.json.Decoder(array)


def _elements(array: msgspec.Struct) -> list[Any]:
    return [one for one in msgspec.structs.astuple(array) if one is not None]


_many_of_many = _at_most(Event)
_pieces = _at_most(msgspec.Raw)

_LINE: Final = re.compile(rb"[^ \t\r\n][^\n]*")

_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_SPACE = b" \t\r\n"


def canonical(event: Event) -> bytes:
    """The event as JSON, the same however the sender ordered and spaced it."""
    return _encoder.encode(event)


def decode_stored(body: bytes | str) -> Event:
    """An event from its `canonical` form."""
    return _one.decode(body)


def read_push(body: bytes, now: datetime, *, lines: bool = False) -> Push:
    """
    The events in a body: one object, an array, or objects on lines of their own.

    Args:
        lines: The sender says it is NDJSON; one object on a line is recognised anyhow.
    Raises:
        MalformedError: It cannot be read at all, or holds more than `MAX_EVENTS`.
    """
    if not lines:
        first = body.lstrip(_SPACE)[:1]
        if first == b"[":
            return _array(body, now)
        if first == b"{":
            try:
                event = _one.decode(body)
            except msgspec.ValidationError as wrong:
                if not _holds_lines(body):
                    _check_whole(body)
                    return _judged([], [_refusal(0, wrong, body)], now)
            except _BROKEN as broken:
                if not _holds_lines(body):
                    raise _malformed(body, broken) from None
            else:
                return _judged_alone(event, now)
        else:
            check_utf8(body)
            raise neither()
    return _lines(body, now)


def _array(body: bytes, now: datetime) -> Push:
    try:
        if len(body) <= FEW_BYTES:
            events = _many.decode(body)
        else:
            events = _elements(_many_of_many.decode(body))
    except msgspec.ValidationError:
        return _piecewise(split_array(body), now)
    except _BROKEN as broken:
        raise _malformed(body, broken) from None
    return _judged(events, [], now)


def split_array(body: bytes) -> list[bytes]:
    """The elements of a JSON array. Raises MalformedError."""
    check_utf8(body)
    try:
        return [bytes(piece) for piece in _elements(_pieces.decode(body))]
    except msgspec.ValidationError:
        raise _too_many() from None
    except _BROKEN as broken:
        raise _malformed(body, broken) from None


def split_lines(body: bytes) -> list[bytes]:
    """The lines of a body that are not blank. Raises MalformedError."""
    found = (line.group() for line in _LINE.finditer(body))
    lines = list(islice(found, MAX_EVENTS + 1))
    if len(lines) > MAX_EVENTS:
        raise _too_many()
    return lines


def _lines(body: bytes, now: datetime) -> Push:
    return _piecewise(split_lines(body), now)


def _piecewise(pieces: Sequence[bytes], now: datetime) -> Push:
    events: list[Event] = []
    places: list[int] = []
    refused: list[Refusal] = []
    for index, piece in enumerate(pieces):
        try:
            events.append(_one.decode(piece))
            places.append(index)
        except (*_BROKEN, msgspec.ValidationError) as wrong:
            refused.append(_refusal(index, wrong, piece))
    return _judged(events, refused, now, places=places)


def _judged(
    events: Sequence[Event],
    refused: list[Refusal],
    now: datetime,
    *,
    places: Sequence[int] | None = None,
) -> Push:
    """Events whose content is sound; the others among the refused."""
    if places is None:
        places = range(len(events))
    judge = Judge(now)
    admitted: list[Admitted] = []
    for index, event in zip(places, events, strict=True):
        body = _encoder.encode(event)
        fault = judge.fault(event, body)
        if fault is None:
            admitted.append(Admitted(index, event, body))
        else:
            refused.append(Refusal(index, *fault, body))
    refused.sort(key=lambda refusal: refusal.index)
    return Push(admitted, refused)


def _judged_alone(event: Event, now: datetime) -> Push:
    body = _encoder.encode(event)
    fault = Judge(now).fault(event, body)
    if fault is None:
        return Push([Admitted(0, event, body)], [])
    return Push([], [Refusal(0, *fault, body)])


class Judge:
    """Says what is wrong with events that have the right form, as of one moment."""

    def __init__(self, now: datetime) -> None:
        self._latest = now + AHEAD_REFUSED
        self._latest_due = now + LATEST_DUE

    def fault(self, event: Event, body: bytes) -> tuple[str, str] | None:
        """
        Code and detail of a fault; None if there is none.

        Args:
            body: The event's `canonical` form.
        """
        if event.at > self._latest:
            return "time_in_future", "at lies more than 24 hours in the future"
        if event.at < OLDEST:
            return "time_too_old", "at lies before 1990"
        due_at = event.due_at
        if due_at is not None and not OLDEST <= due_at <= self._latest_due:
            return "out_of_range", "due_at lies before 1990 or more than 100 years ahead"
        # PostgreSQL cannot keep NUL in text; JSON writes it as an escape.
        if b"\\u0000" in body and _holds_nul(msgspec.json.decode(body)):
            return "malformed", "texts may not hold the character U+0000"
        return None


def _holds_nul(value: object) -> bool:
    if isinstance(value, dict):
        return any(_holds_nul(one) for pair in value.items() for one in pair)
    return isinstance(value, str) and "\0" in value


def is_ahead(event: Event, received_at: datetime) -> bool:
    """Whether an event claims to come from the future, though by less than a day."""
    return event.at > received_at + AHEAD_FLAGGED


def lane_of(event: Event, now: datetime) -> int:
    """Live, or bulk for what happened more than a day ago."""
    return BULK if event.at < now - LATE else LIVE


def _refusal(index: int, wrong: Exception, body: bytes) -> Refusal:
    if isinstance(wrong, msgspec.ValidationError):
        code, detail = explain(wrong, Event)
    elif isinstance(wrong, UnicodeDecodeError):
        code, detail = "invalid_utf8", "the event is not valid UTF-8"
    else:
        code, detail = "malformed_json", "the event is not valid JSON"
    return Refusal(index, code, detail, body)


def _malformed(body: bytes, broken: Exception) -> MalformedError:
    check_utf8(body)
    if isinstance(broken, RecursionError):
        return MalformedError(
            "malformed_json", "the JSON is nested too deeply", "слишком глубокая вложенность JSON"
        )
    if not body.strip(_SPACE):
        return MalformedError("malformed_json", "the body is empty", "тело запроса пусто")
    why = str(broken).lower()[:100]
    return MalformedError(
        "malformed_json",
        f"the body is not valid JSON: {why}",
        f"в теле запроса ошибка JSON: {why}",
    )


def _check_whole(body: bytes) -> None:
    """A wrong field is the sender's mistake in one event; broken JSON breaks the whole body."""
    check_utf8(body)
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except _BROKEN as broken:
        raise _malformed(body, broken) from None


def check_utf8(body: bytes) -> None:
    """Return if the body is UTF-8. Raises MalformedError."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as broken:
        raise MalformedError(
            "invalid_utf8",
            f"the body is not valid UTF-8 at byte {broken.start}",
            f"байт {broken.start} тела запроса не в кодировке UTF-8",
        ) from None


def _too_many() -> MalformedError:
    words = f"more than {MAX_EVENTS} in one push", f"в одном запросе больше {MAX_EVENTS}"
    return MalformedError("too_many_events", *words)


def _holds_lines(body: bytes) -> bool:
    """Whether a body that begins with an object goes on with another one on a new line."""
    first, found, rest = body.strip(_SPACE).partition(b"\n")
    return bool(found) and first.rstrip(_SPACE).endswith(b"}") and rest.lstrip(_SPACE)[:1] == b"{"
