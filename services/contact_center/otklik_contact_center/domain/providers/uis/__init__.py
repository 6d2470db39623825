"""
UIS and CoMagic: notifications of its virtual exchange, whose bodies their owner writes.

Our page tells which bodies to write: JSON with our own `event` and `token` in it, and with UIS's
macros, which become JSON values. A contact is a `call_session_id`. Times are those of the account's
zone and say none.

Source: UIS, notifications of events: kinds of events and their macros.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from otklik_contact_center.domain.mapping_times import (
    NotATimeError,
    WallClock,
    compile_format,
    read_any,
    zone_of,
)
from otklik_contact_center.domain.providers.pushed import (
    WRONG,
    Directions,
    Event,
    Provider,
    Request,
    UnreadableError,
    a_mapping,
    same,
    text_of,
)
from otklik_contact_center.domain.signature import Fault

TOKEN: Final = "token"  # noqa: S105 - the name of one

ZONE: Final = "Europe/Moscow"
"""Of accounts that say no other."""

_FORMATS: Final = [
    compile_format(one) for one in ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "iso", "epoch")
]


def fault(request: Request, credentials: Mapping[str, str], _now: datetime) -> Fault | None:
    """What is wrong with a push; None if its body holds the token."""
    try:
        shown = text_of(a_mapping(request.body).get(TOKEN))
    except UnreadableError:
        shown = None
    return None if same(shown or "", credentials[TOKEN]) else WRONG


def read(body: bytes, directions: Directions) -> Sequence[Event]:
    """
    The events in a body; none in those about other things.

    Raises:
        UnreadableError: It is no JSON, names no call, or says no time.
    """
    said = a_mapping(body)
    event = text_of(said.get("event"))
    reader = _READERS.get(event or "")
    if reader is None:
        if event is None:
            raise UnreadableError(
                "event is missing: is the body the one of our page?",
                "нет event: тело уведомления взято с нашей страницы?",
            )
        return ()
    call = text_of(said.get("call_session_id"))
    if call is None:
        raise UnreadableError(
            "call_session_id is missing: of which call?", "нет call_session_id: о каком звонке?"
        )
    at = _moment(said.get("notification_time"), directions.zone or ZONE)
    return [{"contact": call, "at": at.isoformat(), **one} for one in reader(call, said, at)]


def _moment(value: object, zone: str) -> datetime:
    found = zone_of(zone)
    assert found is not None, zone
    clock = WallClock(found, ambiguous="first", nonexistent="shift")
    try:
        return clock.moment(read_any(_FORMATS, text_of(value) or ""))
    except (NotATimeError, OverflowError):
        raise UnreadableError(
            "notification_time is missing, or no time", "notification_time нет, или это не время"
        ) from None


def _common(said: Mapping[str, Any], *, outbound: bool | None = None) -> Event:
    """Who is in touch with which number of ours."""
    line, customer = (
        text_of(said.get(name)) for name in ("virtual_phone_number", "contact_phone_number")
    )
    out = outbound if outbound is not None else _is_out(said)
    from_, to = (line, customer) if out else (customer, line)
    return {"channel": "call", "direction": "out" if out else "in", "from": from_, "to": to}


def _is_out(said: Mapping[str, Any]) -> bool:
    return text_of(said.get("direction")) == "out"


def _agent(said: Mapping[str, Any]) -> str | None:
    return text_of(said.get("employee_id"))


def _incoming(call: str, said: Mapping[str, Any], _at: datetime) -> Iterator[Event]:
    yield {**_common(said, outbound=False), "id": f"{call}:started", "type": "started"}


def _outgoing(call: str, said: Mapping[str, Any], _at: datetime) -> Iterator[Event]:
    human = {"actor": "human", "agent": _agent(said)}
    yield {**_common(said, outbound=True), **human, "id": f"{call}:started", "type": "started"}


def _ringing(call: str, said: Mapping[str, Any], at: datetime) -> Iterator[Event]:
    if not _is_out(said):
        leg = text_of(said.get("leg_id")) or _mark(at)
        common = _common(said)
        yield {**common, "id": f"{call}:ringing:{leg}", "type": "ringing", "agent": _agent(said)}


def _answered(call: str, said: Mapping[str, Any], at: datetime) -> Iterator[Event]:
    actor = "customer" if _is_out(said) else "human"
    yield {
        **_common(said),
        "id": f"{call}:answered:{_mark(at)}",
        "type": "answered",
        "agent": _agent(said),
        "actor": actor,
    }


def _ended(call: str, said: Mapping[str, Any], _at: datetime) -> Iterator[Event]:
    yield {**_common(said), "id": f"{call}:ended", "type": "ended"}


def _recorded(call: str, said: Mapping[str, Any], at: datetime) -> Iterator[Event]:
    link = text_of(said.get("file_link"))
    attributes = {"recording_url": link} if link else None
    yield {"id": f"{call}:recorded:{_mark(at)}", "type": "recording", "attributes": attributes}


def _mark(at: datetime) -> str:
    return str(round(at.timestamp() * 1000))


_READERS: Final = {
    "incoming": _incoming,
    "outgoing": _outgoing,
    "ringing": _ringing,
    "answered": _answered,
    "ended": _ended,
    "recorded": _recorded,
}

PROVIDER: Final = Provider("uis", (TOKEN,), fault, read)
