"""
Records of legs by mod_json_cdr, and the event that a channel has hung up.

A leg is the telephone of one side. The caller's tells the call: when it began, joined a queue, was
bridged to somebody, ended. Of the others only an agent's leg from a queue is read, for its holds.
A contact is the `uuid` of the caller's leg, which an agent's names as `cc_member_session_uuid`.

Times are microseconds since 1970 (`…_uepoch`) or seconds (`…_epoch`), 0 for never; those of queues
are seconds only. `direction` is as the exchange sees it: a telephone of ours that calls out comes
in to it. So who is authenticated as a user is ours, unless `call_direction` (FusionPBX) says it.

Source: FreeSWITCH documentation, mod_json_cdr, Channel Variables; mod_json_cdr.c, mod_callcenter.c.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from otklik_contact_center.domain.providers.freeswitch.words import (
    of_micros,
    of_seconds,
    outcome_of,
    said,
)
from otklik_contact_center.domain.providers.pushed import (
    Event,
    UnreadableError,
    digits,
    inside,
)

Variables = Mapping[str, Any]

_HOLD: Final = re.compile(r"\{([0-9]{10,18}),([0-9]{10,18})\}")
"""Within `hold_events`, `{{from,until},{from,until}}`, microseconds."""

_TRANSFER: Final = re.compile(r"([0-9]{9,11}):[^:|]*:(?:bl|att)_xfer")
"""Within `transfer_history`: seconds, an id, how."""

_USER: Final = re.compile(r"(?:^|[,|:\]])user/([^@,|:\s]{1,100})")
"""Within the argument of the application `bridge`."""

MOST_OF_A_KIND: Final = 100
"""Holds or transfers of one leg."""

SHORTEST_NUMBER: Final = 7
"""Shorter ones are extensions."""


def events_of(found: Mapping[str, Any]) -> Iterator[Event]:
    """
    The events in a record.

    Raises:
        UnreadableError: It does not say of which leg it is.
    """
    variables = inside(found, "variables")
    leg = said(variables, "uuid")
    if leg is None:
        raise UnreadableError("variables.uuid is missing: which leg?", "нет variables.uuid: чей?")
    if said(variables, "cc_side") == "agent":
        contact = said(variables, "cc_member_session_uuid")
        if contact is not None:
            yield from _holds(variables, leg, contact, said(variables, "cc_agent"))
    elif not _is_called(variables):
        yield from _call(variables, leg, _first_profile(found))


def hangup_of(found: Mapping[str, Any]) -> Iterator[Event]:
    """
    The end in an event CHANNEL_HANGUP_COMPLETE, if it is a caller's in a queue.

    Raises:
        UnreadableError: It is, but does not say which call has ended.
    """
    prefix = "variable_"
    variables = {
        name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)
    }
    if said(variables, "cc_side") != "member":
        return
    leg = said(variables, "uuid") or said(found, "Unique-ID")
    if leg is None:
        raise UnreadableError("Unique-ID is missing: which call?", "нет Unique-ID: какой звонок?")
    yield _ended(variables, leg, "caller")


def _is_called(variables: Variables) -> bool:
    """Whether it is the leg of whoever was called."""
    return any(said(variables, name) for name in ("originating_leg_uuid", "originator"))


def _first_profile(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Who called whom, before the call was led on; the latest stands first in `callflow`."""
    flow = found.get("callflow")
    if not isinstance(flow, list) or not flow or not isinstance(flow[-1], dict):
        return {}
    return inside(flow[-1], "caller_profile")


def _call(variables: Variables, leg: str, profile: Mapping[str, Any]) -> Iterator[Event]:
    queue = said(variables, "cc_queue")
    from_, to = (
        said(profile, name) or said(variables, name)
        for name in ("caller_id_number", "destination_number")
    )
    direction = "in" if queue is not None else _direction(variables, to)
    if direction is None:
        return
    outbound = direction == "out"
    user = said(variables, "user_name") or said(variables, "sip_auth_username")
    caller = user if outbound else None
    common = {"contact": leg, "channel": "call", "direction": direction, "from": from_, "to": to}
    yield {
        **common,
        "id": f"{leg}:started",
        "type": "started",
        "at": _at(variables, "start"),
        "actor": "human" if outbound else "customer",
        "agent": caller,
    }
    if queue is None:
        answered = _at(variables, "bridge") or (_at(variables, "answer") if outbound else None)
        agent = caller or _bridged_to(variables)
    else:
        joined = of_seconds(said(variables, "cc_queue_joined_epoch"))
        yield {**common, "id": f"{leg}:queued", "type": "queued", "at": joined, "queue": queue}
        answered = of_seconds(said(variables, "cc_queue_answered_epoch"))
        agent = said(variables, "cc_agent")
    yield {
        **common,
        "id": f"{leg}:answered",
        "type": "answered",
        "at": answered,
        "actor": "customer" if outbound else "human",
        "agent": agent,
        "queue": queue,
    }
    if outbound:
        yield from _holds(variables, leg, leg, caller)
    yield from _transfers(variables, leg, answered)
    yield from _rest(variables, leg, outcome=None if answered else _outcome(variables))
    yield _ended(variables, leg, "agent" if outbound else "caller")


def _direction(variables: Variables, to: str | None) -> str | None:
    """Of a call outside queues; None from one of ours to another."""
    told = said(variables, "call_direction")
    if told is not None:
        return {"inbound": "in", "outbound": "out"}.get(told.lower())
    if said(variables, "user_name") or said(variables, "sip_auth_username"):
        return "out" if len(digits(to or "")) >= SHORTEST_NUMBER else None
    return "out" if said(variables, "direction") == "outbound" else "in"


def _at(variables: Variables, what: str) -> str | None:
    return of_micros(said(variables, f"{what}_uepoch")) or of_seconds(
        said(variables, f"{what}_epoch")
    )


def _bridged_to(variables: Variables) -> str | None:
    """The user whom a caller was bridged to, if it was one only."""
    users = set(_USER.findall(_long(variables, "last_arg")))
    return users.pop() if said(variables, "last_app") == "bridge" and len(users) == 1 else None


def _outcome(variables: Variables) -> str | None:
    """Why nobody answered, if it is known."""
    if said(variables, "last_app") == "voicemail":
        return "voicemail"
    if of_seconds(said(variables, "cc_queue_canceled_epoch")) is None:
        return None
    return outcome_of(said(variables, "cc_cancel_reason"), said(variables, "cc_exit_key"))


def _holds(variables: Variables, leg: str, contact: str, agent: str | None) -> Iterator[Event]:
    for span in _HOLD.findall(_long(variables, "hold_events"))[:MOST_OF_A_KIND]:
        for kind, micros in zip(("held", "resumed"), span, strict=True):
            yield {
                "id": f"{leg}:{kind}:{micros}",
                "contact": contact,
                "type": kind,
                "at": of_micros(micros),
                "channel": "call",
                "agent": agent,
            }


def _long(variables: Variables, name: str) -> str:
    """A text that may be longer than others, as lists are."""
    text = variables.get(name)
    return unquote(text) if isinstance(text, str) else ""


def _transfers(variables: Variables, leg: str, answered: str | None) -> Iterator[Event]:
    """Hand-overs after the answer; before it, the dialplan leads a call on in the same way."""
    told = dict.fromkeys(_TRANSFER.findall(_long(variables, "transfer_history")))
    for seconds in list(told)[:MOST_OF_A_KIND]:
        at = of_seconds(seconds)
        if answered is not None and at is not None and at > answered:
            yield {
                "id": f"{leg}:transferred:{seconds}",
                "contact": leg,
                "type": "transferred",
                "at": at,
                "channel": "call",
                "actor": "human",
            }


def _rest(variables: Variables, leg: str, *, outcome: str | None) -> Iterator[Event]:
    """What neither begins nor ends a call."""
    common = {"contact": leg, "at": _at(variables, "end"), "channel": "call"}
    if outcome is not None:
        yield {**common, "id": f"{leg}:outcome", "type": "amended", "outcome": outcome}
    recording = said(variables, "cc_record_filename") or said(variables, "record_name")
    if recording is not None:
        yield {
            **common,
            "id": f"{leg}:recording",
            "type": "recording",
            "attributes": {"recording_id": recording},
        }


def _ended(variables: Variables, leg: str, owner: str) -> Event:
    """
    The end of a call: in the same words, whether a record tells it or an event.

    Args:
        owner: Whose leg it is.
    """
    attributes = {}
    cause = said(variables, "hangup_cause")
    if cause is not None:
        attributes["hangup_cause"] = cause
    if (said(variables, "sip_hangup_disposition") or "").startswith("recv_"):
        attributes["ended_by"] = owner
    return {
        "id": f"{leg}:ended",
        "contact": leg,
        "type": "ended",
        "at": _at(variables, "end"),
        "channel": "call",
        "attributes": attributes or None,
    }
