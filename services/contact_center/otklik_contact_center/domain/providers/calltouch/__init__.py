"""
Calltouch: calls to tracked numbers, calls back, and requests of forms, with their advertising.

A push is a form, percent-encoded; its owner chooses which fields it has and at which events it is
sent: up to one at each phase of a call, one for a request, and one whenever something of them
changes. Calltouch signs nothing, so what proves a push is a token in the address behind `/hook/`.

Every push is the whole lead as known then. What never changes makes events whose ids are made of
what they say: the same words again are the same event, whatever the phase that told them. What may
change is said by `amended` events: of several the one sent last is right, or, where the time of
sending was not chosen, the one of the latest stage and of those the fullest. `timestamp` is the
call's own and no proof of freshness; a push of yesterday tells what it told then.

Where the fields are from, all of them public:

- Calltouch's own page on webhooks: GET or POST with the chosen parameters, percent-encoded; sent
  when a request comes and when a call begins or ends; three families: leads, deals and chats.
- A customer data platform's list of the fields of Calltouch (60 of them with their values): `id`,
  `leadtype` (call, request), `callphase` (callconnected: a call begins; calldisconnected: it has
  ended), `requestId`, `requestNumber`, `subject`, `phonenumber` (the tracked number),
  `redirectNumber`, `duration` (of the talk), `waiting_time`, `calltime` and `requestDate`
  (YYYY-MM-DD hh:mm:ss), `timestamp` (seconds since 1970), `status` (successful, unsuccessful),
  `unique`, `targetcall`, `uniqtargetcall`, `callback` (callback, non-callback), `uniquerequest`,
  `targetrequest`, `uniqtargetrequest`, `worktime`, `pool`, `rating`, `tags_auto_pr`,
  `tags_auto_af`, `tags_auto_ct`, `tags_auto_pn`, `tags_manual`, `tags_request`, `attribution`,
  `source`, `medium`, the five of utm, `sessionId`, `hostname`, `city`, `device`, `reclink`,
  `manager`.
- A public receiver of these webhooks, with types (2023): `callerphone`, `subPoolName`,
  `statusDetails`, `changedFields`, `yaClientId`, `ctClientId`, `ctGlobalId`, `sendingTimestamp`,
  `tags_auto_gr`, `tags_api`; that `timestamp` is sent of requests too.
- A public queue from Calltouch to Bitrix24: the phases callcompleted and calllost, `ctCallerId`,
  and the text `null` for what is missing.

Not to be confirmed, and so not read: any field of deals and of chats.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from otklik_contact_center.domain.providers.calltouch.lead import Lead, after, lead_of
from otklik_contact_center.domain.providers.pushed import (
    WRONG,
    BadCredentialsError,
    Directions,
    Event,
    Provider,
    Request,
    UnreadableError,
    digits,
    same,
)
from otklik_contact_center.domain.signature import Fault

TOKEN: Final = "token"  # noqa: S105 - the name of one

RUNNING, LOST = "callconnected", "calllost"
OVER: Final = frozenset((LOST, "calldisconnected", "callcompleted"))

TOLD: Final = (
    "source",
    "medium",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "attribution",
    "sessionId",
    "ctCallerId",
    "ctClientId",
    "ctGlobalId",
    "yaClientId",
    "unique",
    "targetcall",
    "uniqtargetcall",
    "callback",
    "uniquerequest",
    "targetrequest",
    "uniqtargetrequest",
    "statusDetails",
    "worktime",
    "pool",
    "subPoolName",
    "rating",
    "tags_auto_pr",
    "tags_auto_af",
    "tags_auto_ct",
    "tags_auto_pn",
    "tags_auto_gr",
    "tags_manual",
    "tags_api",
    "tags_request",
    "hostname",
    "city",
    "device",
    "subject",
    "requestNumber",
)
"""Fields that are passed on as attributes; no names, no addresses, no cookies of the customer."""


def check(credentials: Mapping[str, str]) -> None:
    """Raise BadCredentialsError for a token that would not come as it is in an address."""
    if _IN_ADDRESSES.fullmatch(credentials[TOKEN]) is None:
        raise BadCredentialsError(
            "credentials.token stands in an address: use letters of English, digits, - and _ only",
            "credentials.token стоит в адресе: только английские буквы, цифры, - и _",
        )


_IN_ADDRESSES: Final = re.compile(r"[A-Za-z0-9_-]+")


def fault(request: Request, credentials: Mapping[str, str], _now: datetime) -> Fault | None:
    """What is wrong with a push; None if the token stands in its address."""
    return None if same(request.rest, credentials[TOKEN]) else WRONG


def read(body: bytes, directions: Directions) -> Sequence[Event]:
    """
    The events in a body; none in those about deals, chats and other things.

    Raises:
        UnreadableError: It is neither a form nor JSON, does not say what it is about, names no
            call or request, or says no time.
    """
    lead = lead_of(body, directions.zone)
    reader = _READERS.get(_kind(lead))
    return () if reader is None else list(reader(lead, directions))


def _kind(lead: Lead) -> str:
    """What a push is about; without its type only what no chat and no deal has shows it."""
    kind = lead.text("leadtype")
    if kind is not None:
        return kind
    if lead.text("callphase") is not None or lead.text("calltime") is not None:
        return "call"
    if lead.text("requestDate") is not None:
        return "request"
    raise UnreadableError(
        "leadtype is missing: choose it among the webhook's parameters",
        "нет leadtype: выберите его среди параметров вебхука",
    )


def _call(lead: Lead, directions: Directions) -> Iterator[Event]:
    call = lead.text("id")
    if call is None:
        raise UnreadableError(
            "id is missing: choose it among the webhook's parameters",
            "нет id: выберите его среди параметров вебхука",
        )
    began = lead.instant("timestamp") or lead.moment("calltime")
    if began is None:
        raise UnreadableError(
            "timestamp is missing: choose it among the webhook's parameters",
            "нет timestamp: выберите его среди параметров вебхука",
        )
    called_back = lead.text("callback") == "callback"
    customer, line = lead.phone("callerphone"), lead.phone("phonenumber")
    yield _event(
        call,
        "started",
        began,
        channel="call",
        direction="out" if called_back else "in",
        from_=line if called_back else customer,
        to=customer if called_back else line,
        actor="human" if called_back else None,
    )
    over = _is_over(lead)
    if over:
        yield from _course(lead, call, began, "customer" if called_back else "human")
    link = lead.link("reclink")
    if link is not None:
        yield _event(call, "recording", began, attributes={"recording_url": link})
    yield from _told(lead, call, began, int(over), agent=_agent(lead, directions))


def _is_over(lead: Lead) -> bool:
    """
    Whether a push is of a call that is over, and says how it went.

    Without a phase it is taken for one after the call.
    """
    phase = lead.text("callphase")
    if phase == LOST:
        return True
    told = lead.text("status") is not None or lead.seconds("duration") is not None
    return told and (phase is None or phase in OVER)


def _course(lead: Lead, call: str, began: datetime, actor: str) -> Iterator[Event]:
    """That somebody answered, if so, and the end; without a status whoever talked was answered."""
    waited, talked = lead.seconds("waiting_time"), lead.seconds("duration") or 0
    status = lead.text("status")
    answered = talked > 0 if status is None else status == "successful"
    picked_up = after(began, waited or 0)
    if answered and lead.text("callphase") != LOST:
        unknown = {"answer_time": "unknown"} if waited is None else None
        yield _event(call, "answered", picked_up, channel="call", actor=actor, attributes=unknown)
    yield _event(call, "ended", after(picked_up, talked))


def _agent(lead: Lead, directions: Directions) -> str | None:
    """The manager of the lead, else the number that was called if a direction says whose it is."""
    manager = lead.code("manager")
    number = digits(lead.text("redirectNumber") or "")
    named = (one for one in directions.agents if number and digits(one) == number)
    return manager or next(named, None)


def _request(lead: Lead, _directions: Directions) -> Iterator[Event]:
    request = lead.text("requestId")
    if request is None:
        raise UnreadableError(
            "requestId is missing: choose it among the webhook's parameters",
            "нет requestId: выберите его среди параметров вебхука",
        )
    made = lead.instant("timestamp") or lead.moment("requestDate")
    if made is None:
        raise UnreadableError(
            "timestamp is missing: choose it, or requestDate, among the webhook's parameters",
            "нет timestamp: выберите его или requestDate среди параметров вебхука",
        )
    contact = f"request:{request}"
    phone = lead.phone("callerphone")
    yield _event(contact, "started", made, channel="form", direction="in", from_=phone)
    yield from _told(lead, contact, made, 0, agent=lead.code("manager"))


def _told(
    lead: Lead, contact: str, at: datetime, stage: int, *, agent: str | None
) -> Iterator[Event]:
    """What may change; of several the last sent is understood last, else the fullest."""
    attributes = {name: value for name in TOLD if (value := lead.text(name)) is not None}
    said: Event = {
        "agent": agent,
        "campaign": lead.code("utm_campaign"),
        "attributes": attributes or None,
    }
    said = {name: value for name, value in said.items() if value is not None}
    if not said:
        return
    stage = 2 if lead.changed() else stage
    fullness = f"{stage}:{len(repr(sorted(said.items()))):06d}"
    yield _event(contact, "amended", lead.sent() or at, mark=f"{fullness}:", **said)


def _event(contact: str, kind: str, at: datetime, mark: str = "", **said: Any) -> Event:
    """An event whose id is made of what it says."""
    whole = {"type": kind, "at": at.isoformat()}
    whole |= {name.rstrip("_"): value for name, value in said.items() if value is not None}
    digest = hashlib.sha256(repr(sorted(whole.items())).encode("utf-8", "replace")).hexdigest()[:16]
    return {"contact": contact[:100], "id": f"{contact[:100]}:{kind}:{mark}{digest}", **whole}


_READERS: Final = {"call": _call, "request": _request}

PROVIDER: Final = Provider("calltouch", (TOKEN,), fault, read, check=check)
