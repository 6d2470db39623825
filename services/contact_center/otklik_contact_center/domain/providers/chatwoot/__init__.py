"""
Chatwoot: the webhooks of an account.

A push is an object named by `event`. About a message it holds the message and its conversation,
about a conversation the conversation itself; both as they are when the push is made, which may be
moments after what it tells of. So only what cannot change is read: of a message that it was
written, of a conversation its `changed_attributes`.

A contact is a conversation. What it waits for is told by its messages alone: Chatwoot's own clocks
(`waiting_since`, `first_reply_created_at`) are not read, nor is its creation, after which somebody
may first have to write. Each fact is taken from one kind of push: a status from
`conversation_status_changed`, an assignee or a team from `conversation_updated`, which tells of
the status once more.

Account webhooks are signed from 4.11.2 on, see `fault`; for older ones the secret stands in the
address.

Source: Chatwoot's user guide on webhooks; chatwoot/chatwoot, versions 3 and 4: webhook_listener,
webhooks/trigger, Message#webhook_data, Conversations::EventDataPresenter.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from otklik_contact_center.domain.events import MAX_TEXT
from otklik_contact_center.domain.providers.chatwoot.conversation import (
    changes_of,
    channel_of,
    customer_of,
    labelled,
    moment,
    number_text,
    routed,
    status_changed,
)
from otklik_contact_center.domain.providers.pushed import (
    WRONG,
    Directions,
    Event,
    Provider,
    Request,
    UnreadableError,
    a_mapping,
    inside,
    same,
    text_of,
    without_nothing,
)
from otklik_contact_center.domain.signature import TOLERANCE, Fault

CREDENTIAL: Final = "secret"
SIGNATURE: Final = "x-chatwoot-signature"
TIMESTAMP: Final = "x-chatwoot-timestamp"

STALE: Final = Fault(
    "X-Chatwoot-Timestamp lies more than 5 minutes from our clock",
    "X-Chatwoot-Timestamp отличается от наших часов больше чем на 5 минут",
)


def fault(request: Request, credentials: Mapping[str, str], now: datetime) -> Fault | None:
    """
    What is wrong with a push; None if the secret has signed it, or stands in the address.

    The signature is `sha256=` and the hexadecimal HMAC-SHA256 over timestamp, a full stop and the
    body.
    """
    secret = credentials[CREDENTIAL]
    timestamp = request.headers.get(TIMESTAMP, "")
    signed = f"{timestamp}.".encode("utf-8", "surrogateescape") + request.body
    key = secret.encode("utf-8", "surrogateescape")
    expected = f"sha256={hmac.new(key, signed, hashlib.sha256).hexdigest()}"
    by_signature = same(request.headers.get(SIGNATURE, ""), expected)
    by_address = same(request.rest.strip("/"), secret)
    if secret and by_address:
        return None
    if not (secret and by_signature):
        return WRONG
    return None if _is_fresh(timestamp, now) else STALE


def _is_fresh(timestamp: str, now: datetime) -> bool:
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    return abs(now.timestamp() - int(timestamp)) <= TOLERANCE.total_seconds()


def read(body: bytes, _directions: Directions) -> Sequence[Event]:
    """
    The events in a body; none in those about what is no contact.

    Raises:
        UnreadableError: It holds no JSON, no `event`, or names no conversation.
    """
    said = a_mapping(body)
    kind = text_of(said.get("event"))
    if kind is None:
        raise UnreadableError("event is missing", "нет event")
    if kind == "message_created":
        return without_nothing(_message(said))
    if kind == "conversation_status_changed":
        return without_nothing(status_changed(_conversation(said), said))
    if kind == "conversation_updated":
        return without_nothing(_updated(_conversation(said), said))
    return ()


def _conversation(found: Mapping[str, Any]) -> str:
    """The number of a conversation within its account."""
    number = number_text(found.get("id")) or number_text(found.get("display_id"))
    if number is None:
        raise UnreadableError("the id of the conversation is missing", "нет номера (id) разговора")
    return number


def _message(said: Mapping[str, Any]) -> Iterator[Event]:
    conversation = inside(said, "conversation")
    contact, number = _conversation(conversation), number_text(said.get("id"))
    if number is None:
        raise UnreadableError("the id of the message is missing", "нет номера (id) сообщения")
    kind = _KINDS.get(str(said.get("message_type")))
    author = None if kind is None else _author(kind, said)
    if author is None:
        return  # nobody's words: a survey may well come after the end
    at, content = moment(said.get("created_at")), said.get("content")
    yield {
        **author,
        "id": f"{contact}:message:{number}",
        "contact": contact,
        "type": "message",
        "at": None if at is None else at.isoformat(),
        "channel": channel_of(conversation),
        "customer": customer_of(conversation, said if kind == INCOMING else {}),
        "queue": number_text(inside(said, "inbox").get("id"))
        or number_text(conversation.get("inbox_id")),
        "public": False if said.get("private") is True else None,
        "text": content[:MAX_TEXT] if isinstance(content, str) and content.strip() else None,
    }


INCOMING, OUTGOING, TEMPLATE = "incoming", "outgoing", "template"

_KINDS: Final = {
    INCOMING: INCOMING,
    OUTGOING: OUTGOING,
    TEMPLATE: TEMPLATE,
    "0": INCOMING,
    "1": OUTGOING,
    "3": TEMPLATE,
}


def _author(kind: str, said: Mapping[str, Any]) -> Event | None:
    """
    Who wrote; None of greetings, surveys, campaigns, rules and automatic replies by e-mail.

    What an agent writes past Chatwoot, in the app of the messenger itself, comes back as an echo.
    """
    attributes, sender = inside(said, "content_attributes"), inside(said, "sender")
    if kind == INCOMING:
        automatic = inside(attributes, "email").get("auto_reply") is True
        return None if automatic else {"actor": "customer", "direction": "in"}
    if (
        kind == TEMPLATE
        or said.get("content_type") == "input_csat"
        or attributes.get("automation_rule_id")
        or inside(said, "additional_attributes").get("campaign_id")
    ):
        return None
    if not sender:
        return {"actor": "human"} if attributes.get("external_echo") else None
    if text_of(sender.get("type")) not in {None, "user"}:
        return {"actor": "bot"}
    return {"actor": "human", "direction": "out", "agent": number_text(sender.get("id"))}


def _updated(contact: str, said: Mapping[str, Any]) -> Iterator[Event]:
    changes = changes_of(said)
    yield from routed(contact, said, changes)
    yield from labelled(contact, said, changes)


PROVIDER: Final = Provider("chatwoot", (CREDENTIAL,), fault, read)
