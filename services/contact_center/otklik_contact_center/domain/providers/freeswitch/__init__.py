"""
FreeSWITCH: records of calls by mod_json_cdr, and events of mod_callcenter while calls go on.

mod_json_cdr posts a record of each leg once it is over, as JSON or as a form with the field `cdr`.
Events come by a forwarder (see README.md), as JSON objects: one, a line each, or an array. Both
prove themselves by basic authentication, and either tells of calls without the other; where both
come, they agree: events say that a call `started` in a queue, records when it was `queued`, and
its end is told by both in the same words.

Source: FreeSWITCH documentation, mod_json_cdr, mod_callcenter (Events), Event List; the sources
mod_json_cdr.c and mod_callcenter.c of FreeSWITCH 1.10.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from otklik_contact_center.domain.providers.freeswitch import queue_event, record
from otklik_contact_center.domain.providers.pushed import (
    WRONG,
    Directions,
    Event,
    Provider,
    Request,
    UnreadableError,
    a_mapping,
    same,
    without_nothing,
)
from otklik_contact_center.domain.signature import Fault

USER, PASSWORD = "user", "password"

FORM: Final = "cdr="


def fault(request: Request, credentials: Mapping[str, str], _now: datetime) -> Fault | None:
    """What is wrong with a push; None if it names the user and the password."""
    scheme, _, encoded = request.headers.get("authorization", "").strip().partition(" ")
    try:
        shown = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        shown = b""
    expected = f"{credentials[USER]}:{credentials[PASSWORD]}"
    right = same(shown.decode("utf-8", "surrogateescape"), expected)
    return None if right and scheme.lower() == "basic" else WRONG


def read(body: bytes, _directions: Directions) -> Sequence[Event]:
    """
    The events in a body; none in those about what is no contact.

    Raises:
        UnreadableError: Something in it is neither a record nor an event, or names no call.
    """
    text = body.decode("utf-8", "replace").lstrip("\ufeff").strip()
    if text.startswith(FORM):
        text = _of_form(text.removeprefix(FORM))
    return without_nothing(event for said in _objects(text) for event in _events(said))


def _of_form(value: str) -> str:
    """What a field holds: JSON that is percent-encoded, or in base64."""
    text = unquote(value).strip()
    if text.startswith("{"):
        return text
    try:
        return base64.b64decode(text).decode("utf-8", "replace").strip()
    except (binascii.Error, ValueError):
        return ""


def _objects(text: str) -> Sequence[Any]:
    if text.startswith("["):
        try:
            found = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise UnreadableError("the array is no JSON", "массив – не JSON") from None
        assert isinstance(found, list)
        return found
    try:
        return [a_mapping(text)]
    except UnreadableError:
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2:
            raise
        return [a_mapping(line) for line in lines]


def _events(said: object) -> Iterator[Event]:
    if isinstance(said, dict):
        if isinstance(said.get("variables"), dict):
            return record.events_of(said)
        if "CC-Action" in said:
            return queue_event.events_of(said)
        if said.get("Event-Name") == "CHANNEL_HANGUP_COMPLETE":
            return record.hangup_of(said)
        if "Event-Name" in said:
            return iter(())
    raise UnreadableError(
        "neither a record (variables) nor an event (Event-Name, CC-Action)",
        "ни запись о звонке (variables), ни событие (Event-Name, CC-Action)",
    )


PROVIDER: Final = Provider("freeswitch", (USER, PASSWORD), fault, read)
