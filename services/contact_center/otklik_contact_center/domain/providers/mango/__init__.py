"""
Mango Office: the events of its virtual exchange.

A push is a form of `vpbx_api_key`, `json` and `sign`, the hexadecimal SHA-256 of key, json and salt
one behind the other. Numbers come as numbers or as texts. A contact is an `entry_id`: all legs of
one call, through the menu, the queue and to whoever is asked. Legs tell how it goes on; that it is
over only the summary tells, and of whoever receives summaries alone it tells the whole call.

Source: Mango Office, API of the virtual exchange, version 1.9, chapters 3.1 to 3.5.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs

from otklik_contact_center.domain.providers.pushed import (
    WRONG,
    Directions,
    Event,
    Provider,
    Request,
    UnreadableError,
    a_mapping,
    inside,
    moment_of,
    needed,
    number_of,
    same,
    text_of,
    without_nothing,
)
from otklik_contact_center.domain.signature import Fault

KEY, SALT = "key", "salt"

INTERNAL, INBOUND, OUTBOUND = 0, 1, 2

MOST_FIELDS: Final = 20


def _form(body: bytes) -> Mapping[str, str]:
    try:
        fields = parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            max_num_fields=MOST_FIELDS,
        )
    except (UnicodeDecodeError, ValueError):
        return {}
    return {name: values[0] for name, values in fields.items() if len(values) == 1}


def fault(request: Request, credentials: Mapping[str, str], _now: datetime) -> Fault | None:
    """What is wrong with a push; None if it is signed by the key and salt."""
    form = _form(request.body)
    key, json, sign = (form.get(name, "") for name in ("vpbx_api_key", "json", "sign"))
    whole = f"{credentials[KEY]}{json}{credentials[SALT]}"
    expected = hashlib.sha256(whole.encode("utf-8", "surrogateescape")).hexdigest()
    # Both, whatever the first says: the time of the answer tells nothing.
    right = same(key, credentials[KEY]), same(sign.lower(), expected)
    return None if all(right) else WRONG


def read(body: bytes, _directions: Directions) -> Sequence[Event]:
    """
    The events in a body; none in those about what is no contact.

    Raises:
        UnreadableError: It holds no JSON, or names no call.
    """
    said = a_mapping(_form(body).get("json", ""))
    entry = text_of(said.get("entry_id"))
    if entry is None:
        if "command_id" in said or "key" in said:
            return ()  # the end of a command, or of a report
        raise UnreadableError(
            "entry_id is missing: of which call?", "нет entry_id: о каком звонке?"
        )
    if "call_state" in said:
        return without_nothing(_leg(entry, said))
    if "entry_result" in said:
        return without_nothing(_summary(entry, said))
    if "recording_id" in said:
        return without_nothing(_recording(entry, said))
    return ()


def _leg(entry: str, said: Mapping[str, Any]) -> Iterator[Event]:
    """What happened on a leg: it appears, connects, is held, is handed on."""
    from_, to = inside(said, "from"), inside(said, "to")
    caller, called = text_of(from_.get("extension")), text_of(to.get("extension"))
    if caller is not None and called is not None:
        return  # from one of ours to another
    state, place = text_of(said.get("call_state")), text_of(said.get("location"))
    common = {
        "contact": entry,
        "at": needed(moment_of(said.get("timestamp")), "timestamp"),
        "channel": "call",
        **_sides(from_, to, outbound=caller is not None),
    }
    leg = f"{text_of(said.get('call_id'))}:{text_of(said.get('seq'))}"
    with_person = place == "abonent"
    agent = caller or called if with_person else None
    if state == "Appeared":
        kind = "started" if caller is not None else _APPEARED.get(place or "", "started")
        queue = text_of(to.get("acd_group")) if kind == "queued" else None
        human = {"actor": "human"} if caller is not None else {}
        yield {
            **common,
            **human,
            "id": f"{leg}:{kind}",
            "type": kind,
            "agent": agent,
            "queue": queue,
        }
    elif state == "Connected" and with_person:
        # Who comes back from a hold is connected anew.
        actor = "human" if caller is None else "customer"
        yield {
            **common,
            "id": f"{leg}:answered",
            "type": "answered",
            "agent": agent,
            "actor": actor,
        }
        yield {**common, "id": f"{leg}:resumed", "type": "resumed", "agent": agent}
    elif state == "OnHold" and with_person:
        yield {**common, "id": f"{leg}:held", "type": "held", "agent": agent}
    elif state == "Disconnected" and with_person and _handed_on(from_, to):
        yield {**common, "id": f"{leg}:transferred", "type": "transferred", "agent": agent}


_APPEARED: Final = {"ivr": "started", "queue": "queued", "abonent": "ringing"}


def _handed_on(from_: Mapping[str, Any], to: Mapping[str, Any]) -> bool:
    return from_.get("was_transferred") is True or to.get("was_transferred") is True


def _sides(from_: Mapping[str, Any], to: Mapping[str, Any], *, outbound: bool) -> Event:
    """Who is in touch with which number of ours."""
    if outbound:
        return {
            "direction": "out",
            "from": text_of(from_.get("number")),
            "to": text_of(to.get("number")),
        }
    line = text_of(to.get("line_number")) or text_of(from_.get("line_number"))
    return {"direction": "in", "from": text_of(from_.get("number")), "to": line}


def _summary(entry: str, said: Mapping[str, Any]) -> Iterator[Event]:
    """A call that is over: when it began, was answered, and ended."""
    direction = number_of(said.get("call_direction"))
    if direction not in {INBOUND, OUTBOUND}:
        return
    from_, to = inside(said, "from"), inside(said, "to")
    outbound = direction == OUTBOUND
    ours = text_of((from_ if outbound else to).get("extension"))
    common = {"contact": entry, "channel": "call", **_sides(from_, to, outbound=outbound)}
    line = text_of(said.get("line_number"))
    if not outbound:
        common["to"] = line or common["to"]
    human = {"actor": "human", "agent": ours} if outbound else {}
    began, answered, ended = (
        moment_of(said.get(name)) for name in ("create_time", "talk_time", "end_time")
    )
    began, ended = needed(began, "create_time"), needed(ended, "end_time")
    yield {**common, **human, "id": f"{entry}:began", "type": "started", "at": began}
    yield {
        **common,
        "id": f"{entry}:talked",
        "type": "answered",
        "at": answered,
        "agent": ours,
        "actor": "customer" if outbound else "human",
    }
    yield {**common, "id": f"{entry}:ended", "type": "ended", "at": ended}


def _recording(entry: str, said: Mapping[str, Any]) -> Iterator[Event]:
    """A recording that is complete, or can be fetched."""
    if text_of(said.get("recording_state")) not in {None, "Completed"}:
        return
    recording = text_of(said.get("recording_id"))
    what = "recorded" if "recording_state" in said else "added"
    yield {
        "contact": entry,
        "id": f"{recording}:{what}",
        "type": "recording",
        "at": needed(moment_of(said.get("timestamp")), "timestamp"),
        "attributes": {"recording_id": recording} if recording else None,
    }


PROVIDER: Final = Provider("mango", (KEY, SALT), fault, read)
