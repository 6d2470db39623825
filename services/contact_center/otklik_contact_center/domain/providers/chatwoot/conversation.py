"""What a conversation of Chatwoot tells of itself: whose it is, and what has changed in it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from otklik_contact_center.domain.events import MAX_ATTRIBUTE_LENGTH, MAX_CODE
from otklik_contact_center.domain.providers.pushed import Event, inside, number_of, text_of

OPEN, PENDING, RESOLVED, SNOOZED = "open", "pending", "resolved", "snoozed"
STATUSES: Final = (OPEN, RESOLVED, PENDING, SNOOZED)
"""By the number that Chatwoot keeps them under."""

CHANNELS: Final = {
    "WebWidget": "chat",
    "Email": "email",
    "Whatsapp": "messenger",
    "Telegram": "messenger",
    "Line": "messenger",
    "Sms": "messenger",
    "TwilioSms": "messenger",
    "FacebookPage": "social",
    "Instagram": "social",
    "Tiktok": "social",
    "TwitterProfile": "social",
}
"""By what follows `Channel::`; all else is `other`."""

JUST_NOW: Final = timedelta(seconds=5)
"""How long after a customer's message Chatwoot may be in reopening its conversation."""

_MS: Final = timedelta(milliseconds=1)
_SECOND: Final = timedelta(seconds=1)
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""How Chatwoot writes, in seconds, what has not come."""


class Change(NamedTuple):
    """What a field was before and is now; both None where it was not, or is not, set."""

    previous: Any
    current: Any


Changes = Mapping[str, Change]


def status_changed(contact: str, said: Mapping[str, Any]) -> Iterator[Event]:
    """
    A change of status, by what it was and is.

    Pending conversations are a bot's, open ones people's; one that is opened, it is not known out
    of what, counts as reopened.
    """
    changes = changes_of(said)
    change = changes.get("status", Change(None, said.get("status")))
    before, now = _status(change.previous), _status(change.current)
    at = time_of(said, changes)
    if at is None or now is None or before == now:
        return
    for kind in _steps(before, now):
        moment = _reopened_at(said, at) if kind == "reopened" else at
        event = _event(contact, kind, moment, said)
        if kind == "ended":
            event["outcome"] = "resolved"
        yield event


def _steps(before: str | None, now: str) -> Iterator[str]:
    if now == RESOLVED:
        yield "ended"
        return
    if before == RESOLVED or (before is None and now == OPEN):
        yield "reopened"
    if before == SNOOZED:
        yield "unpaused"
    if before == PENDING and now == OPEN:
        yield "queued"
    if now == SNOOZED:
        yield "paused"


def _status(value: object) -> str | None:
    number = number_of(value)
    if number is not None:
        return STATUSES[number] if 0 <= number < len(STATUSES) else None
    return value if isinstance(value, str) and value in STATUSES else None


def _reopened_at(said: Mapping[str, Any], at: datetime) -> datetime:
    """
    When a conversation was reopened, which `at` was seen.

    Chatwoot reopens a moment after the customer's message that asks for it, whose time it may cut
    down to its second. It is told the other way round, or the customer would write into what is
    closed.
    """
    messages = said.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    if not isinstance(last, dict) or str(last.get("message_type")) not in {"0", "incoming"}:
        return at
    written = moment(last.get("created_at"))
    if written is None or not timedelta(0) <= at - written <= JUST_NOW:
        return at
    return written - _MS


def routed(contact: str, said: Mapping[str, Any], changes: Changes) -> Iterator[Event]:
    """A conversation that is given to an agent or a team, at first or by another one."""
    found = [changes[name] for name in ("assignee_id", "team_id") if name in changes]
    agent, team = (
        number_text(changes[name].current) if name in changes else None
        for name in ("assignee_id", "team_id")
    )
    at = time_of(said, changes)
    if at is None or (agent is None and team is None):
        return
    passed_on = any(number_text(change.previous) is not None for change in found)
    kind = "transferred" if passed_on else "assigned"
    event = _event(contact, kind, at, said)
    event["id"] = f"{contact}:{kind}:{agent}:{team}:{at.isoformat()}"
    yield {**event, "agent": agent, "team": _team(said, team)}


def labelled(contact: str, said: Mapping[str, Any], changes: Changes) -> Iterator[Event]:
    """The labels that a conversation now bears, as an attribute."""
    at = time_of(said, changes)
    labels = changes["label_list"].current if "label_list" in changes else None
    if at is None or not isinstance(labels, list):
        return
    words = ", ".join(sorted(label for label in map(text_of, labels) if label))
    yield {
        "id": f"{contact}:labels:{at.isoformat()}",
        "contact": contact,
        "type": "amended",
        "at": at.isoformat(),
        "attributes": {"labels": words[:MAX_ATTRIBUTE_LENGTH]},
    }


def _team(said: Mapping[str, Any], number: str | None) -> str | None:
    """The name of a team, if the conversation is still with it."""
    team = inside(inside(said, "meta"), "team")
    if number is None or number_text(team.get("id")) != number:
        return number
    name = text_of(team.get("name"))
    return number if name is None else name[:MAX_CODE]


def _event(contact: str, kind: str, at: datetime, said: Mapping[str, Any]) -> Event:
    return {
        "id": f"{contact}:{kind}:{at.isoformat()}",
        "contact": contact,
        "type": kind,
        "at": at.isoformat(),
        "channel": channel_of(said),
        "customer": customer_of(said, {}),
        "queue": number_text(said.get("inbox_id")),
    }


def channel_of(conversation: Mapping[str, Any]) -> str | None:
    """Our word for the channel of a conversation."""
    channel = text_of(conversation.get("channel"))
    return None if channel is None else CHANNELS.get(channel.rpartition("::")[2], "other")


def customer_of(
    conversation: Mapping[str, Any], message: Mapping[str, Any]
) -> Mapping[str, str] | None:
    """
    By what the customer of a conversation is known.

    Args:
        message: One of the customer's, whose sender is the customer; else nothing.
    """
    known = inside(inside(conversation, "meta"), "sender") or inside(message, "sender")
    number = number_text(known.get("id"))
    found = {
        "phone": text_of(known.get("phone_number")),
        "email": text_of(known.get("email")),
        "external_id": text_of(known.get("identifier"))
        or (None if number is None else f"chatwoot:{number}"),
    }
    return {name: value for name, value in found.items() if value is not None} or None


def changes_of(said: Mapping[str, Any]) -> Changes:
    """What `changed_attributes` tells: a list of objects of one field each, or one object."""
    told = said.get("changed_attributes")
    parts: Sequence[Any] = told if isinstance(told, list) else [told]
    return {
        name: change
        for part in parts
        if isinstance(part, dict)
        for name, value in part.items()
        if (change := _change(value)) is not None
    }


def _change(value: object) -> Change | None:
    if isinstance(value, dict) and "current_value" in value:
        return Change(value.get("previous_value"), value["current_value"])
    if isinstance(value, list) and len(value) == 2:
        return Change(*value)
    return None


def time_of(said: Mapping[str, Any], changes: Changes) -> datetime | None:
    """
    When a conversation changed.

    Older versions tell only the second of its last activity: a change comes after whatever else
    happened in that second.
    """
    exact = moment(changes["updated_at"].current) if "updated_at" in changes else None
    exact = exact or moment(said.get("updated_at"))
    if exact is not None:
        return exact
    second = moment(said.get("timestamp")) or moment(said.get("last_activity_at"))
    return None if second is None else second.replace(microsecond=0) + (_SECOND - _MS)


def moment(value: object) -> datetime | None:
    """A time as Chatwoot writes it: seconds since 1970, in ISO 8601, or `2020-03-03 13:05:57 UTC`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        try:
            found = datetime.fromtimestamp(float(value), UTC)
        except ValueError:
            found = datetime.fromisoformat(str(value).strip().removesuffix(" UTC"))
        found = found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found > _NEVER else None


def number_text(value: object) -> str | None:
    """One of Chatwoot's own numbers."""
    number = number_of(value)
    return None if number is None else str(number)
