"""
Events of mod_callcenter, `callcenter::info`: what happens to members of queues.

A contact is a `CC-Member-Session-UUID`, the channel of the caller. The moment is
`Event-Date-Timestamp`, microseconds since 1970. None of them ends a call: whoever leaves a queue
may be led elsewhere, and after an agent another may take over.

Source: FreeSWITCH documentation, mod_callcenter, Events; mod_callcenter.c.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from otklik_contact_center.domain.providers.freeswitch.words import of_micros, outcome_of, said
from otklik_contact_center.domain.providers.pushed import Event, UnreadableError

_TYPES: Final = {
    "member-queue-start": "started",
    "member-queue-resume": "started",
    "agent-offering": "ringing",
    "bridge-agent-start": "answered",
    "member-queue-end": "amended",
}


def events_of(found: Mapping[str, Any]) -> Iterator[Event]:
    """
    Our events in one of mod_callcenter.

    Raises:
        UnreadableError: It is about a member, but does not say which, or when.
    """
    kind = _TYPES.get(said(found, "CC-Action") or "")
    if kind is None:
        return
    contact, member = said(found, "CC-Member-Session-UUID"), said(found, "CC-Member-UUID")
    if contact is None:
        raise UnreadableError(
            "CC-Member-Session-UUID is missing: which call?",
            "нет CC-Member-Session-UUID: какой звонок?",
        )
    stamp = said(found, "Event-Date-Timestamp")
    at = of_micros(stamp)
    if at is None:
        raise UnreadableError(
            "Event-Date-Timestamp is missing: when?", "нет Event-Date-Timestamp: когда?"
        )
    agent = said(found, "CC-Agent")
    common = {
        # Offered to all at once, several agents ring in one microsecond.
        "id": f"{member or contact}:{kind}:{stamp}:{agent or ''}",
        "contact": contact,
        "type": kind,
        "at": at,
        "channel": "call",
        "direction": "in",
    }
    if kind != "amended":
        yield {
            **common,
            "queue": said(found, "CC-Queue"),
            "agent": agent,
            "actor": "customer" if kind == "started" else "human",
            "from": said(found, "CC-Member-CID-Number"),
            "to": said(found, "CC-Member-DNIS"),
        }
    elif (said(found, "CC-Cause") or "").lower() == "cancel":
        key = said(found, "variable_cc_exit_key")
        yield {**common, "outcome": outcome_of(said(found, "CC-Cancel-Reason"), key)}
