"""
Twilio: messages, and conversations made of them.

Messages outside of Conversations have no beginning and no end: all between two addresses are one
contact. In a conversation whoever writes from a number or a messenger is the customer; whoever has
a name of Twilio's is one of ours.

Source: Twilio Docs, Event Streams: Messaging inbound and outbound message; Conversations webhooks.
"""

import re
from collections.abc import Iterator
from typing import Final

from otklik_contact_center.domain.providers.pushed import Event, UnreadableError
from otklik_contact_center.domain.providers.twilio.said import Said

_ADDRESS: Final = re.compile(r"(?:(?:whatsapp|messenger|rcs):.+|\+?\d{3,15})")

NUMBERED: Final = ("whatsapp:", "rcs:")
"""What stands before an ordinary number, by which a caller is known as well."""

RECEIVED: Final = "com.twilio.messaging.inbound-message.received"
SENT: Final = "com.twilio.messaging.message.sent"


def of_message(kind: str, said: Said) -> Iterator[Event]:
    """
    The event in a message as Event Streams tells it; of what we write only that it was sent.

    Raises:
        UnreadableError: A message has no id or no addresses.
    """
    if kind not in {RECEIVED, SENT}:
        return
    sid, from_, to = said.text("messageSid"), said.text("from"), said.text("to")
    at = said.moment("timestamp")
    if sid is None or from_ is None or to is None or at is None:
        raise UnreadableError(
            "messageSid, from, to or timestamp is missing: of which message?",
            "нет messageSid, from, to или timestamp: о каком сообщении?",
        )
    received = kind == RECEIVED
    customer, ours = (from_, to) if received else (to, from_)
    yield {
        # A hundred characters each would be too long with what stands between them.
        "contact": f"{customer[:95]}/{ours[:95]}",
        "id": f"{sid}:message",
        "type": "message",
        "at": at.isoformat(),
        "channel": "messenger",
        "direction": "in" if received else "out",
        "from": _number(from_),
        "to": _number(to),
        "actor": "customer" if received else None,
        "text": said.words("body"),
    }


def of_conversation(event_type: str, said: Said) -> Iterator[Event]:
    """
    The events in a webhook of a conversation.

    Raises:
        UnreadableError: It names no conversation.
    """
    conversation = said.text("ConversationSid")
    if conversation is None:
        raise UnreadableError(
            "ConversationSid is missing: of which conversation?",
            "нет ConversationSid: о какой беседе?",
        )
    if event_type == "onMessageAdded":
        yield from _written(conversation, said)
    elif event_type == "onConversationStateUpdated" and said.text("StateTo") == "closed":
        at = said.moment("StateUpdated", "DateUpdated")
        if at is not None:
            yield {
                "contact": conversation,
                "id": f"{conversation}:closed",
                "type": "ended",
                "at": at.isoformat(),
            }


def _written(conversation: str, said: Said) -> Iterator[Event]:
    at, author, sid = said.moment("DateCreated"), said.text("Author"), said.text("MessageSid")
    if at is None or sid is None:
        return
    common = {
        "contact": conversation,
        "id": f"{sid}:message",
        "type": "message",
        "at": at.isoformat(),
        "channel": "messenger",
        "text": said.words("Body", "MessageBody"),
    }
    if author is None or author == "system":
        yield {**common, "actor": "system"}
    elif _ADDRESS.fullmatch(author):
        yield {**common, "direction": "in", "from": _number(author), "actor": "customer"}
    else:
        yield {**common, "direction": "out", "agent": author, "actor": "human"}


def _number(address: str) -> str:
    for prefix in NUMBERED:
        if address.startswith(prefix):
            return address.removeprefix(prefix) or address
    return address
