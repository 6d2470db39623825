"""
Asterisk: lines of its queue log, events of its manager interface (AMI) and of ARI.

Asterisk pushes nothing itself: a forwarder of a few lines (see README.md) posts what it reads. A
body is text of lines, each one of `queue_log` or a JSON object, or a JSON array of either. A token
in `authorization: Bearer …` proves the forwarder.

Source: Asterisk documentation, versions 16 to 22: Operation, Logging, Queue Logs; API
Documentation, AMI Events; API Documentation, Asterisk REST Interface, Events REST API.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from otklik_contact_center.domain.providers.asterisk import ari, manager, queue_log
from otklik_contact_center.domain.providers.pushed import (
    WRONG,
    Directions,
    Event,
    Provider,
    Request,
    UnreadableError,
    a_mapping,
    same,
)
from otklik_contact_center.domain.signature import Fault

TOKEN = "token"  # noqa: S105  a name, no secret

Piece = str | Mapping[str, Any]
"""A line of the queue log, or an event of AMI or ARI."""


def fault(request: Request, credentials: Mapping[str, str], _now: datetime) -> Fault | None:
    """What is wrong with a push; None if it bears the token."""
    scheme, _, shown = request.headers.get("authorization", "").strip().partition(" ")
    right = same(shown.strip(), credentials[TOKEN])
    return None if right and scheme.lower() == "bearer" else WRONG


def read(body: bytes, _directions: Directions) -> Sequence[Event]:
    """
    The events in a body; none in those about what is no contact.

    Raises:
        UnreadableError: Something in it is no line of a queue log and no event, or an event that
            matters names no call or no time. It is then read as a whole or not at all, so that
            nothing is lost unseen.
    """
    pieces = _pieces(body.decode("utf-8", "replace").lstrip("\ufeff").strip())
    events: list[Event] = []
    for number, piece in enumerate(pieces, 1):
        try:
            events += _events(piece)
        except UnreadableError as no:
            raise UnreadableError(f"piece {number}: {no}", f"часть {number}: {no.ru}") from None
    if not pieces:
        raise UnreadableError("the body is empty", "тело пусто")
    return events


def _pieces(text: str) -> Sequence[Any]:
    if text.startswith("["):
        try:
            found = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise UnreadableError("the array is no JSON", "массив – не JSON") from None
        assert isinstance(found, list)
        return found
    lines = [line for line in text.split("\n") if line.strip()]
    if text.startswith("{") and len(lines) > 1 and lines[0].strip() == "{":
        return [a_mapping(text)]  # one object, printed over several lines
    return lines


def _events(piece: object) -> Iterator[Event]:
    if isinstance(piece, str):
        line = piece.strip()
        if not line.startswith("{"):
            return queue_log.events_of(line)
        piece = a_mapping(line)
    if isinstance(piece, dict):
        # Libraries of AMI write names as Asterisk does, or in lower case.
        said = {name.lower(): value for name, value in piece.items()}
        if "event" in said:
            return manager.events_of(said)
        if "type" in said:
            return ari.events_of(said)
        if "response" in said:
            return iter(())  # what AMI answers to an action
    raise UnreadableError(
        "neither a line of queue_log nor an event of AMI or ARI",
        "ни строка queue_log, ни событие AMI или ARI",
    )


PROVIDER: Final = Provider("asterisk", (TOKEN,), fault, read)
