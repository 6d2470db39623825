"""
Telegram: what customers write to a bot, or to a business account that a bot is connected to.

A push is an Update: `update_id` and the one thing that is new. It is proved by the secret token
that was named when the webhook was set. Dates are seconds since 1970, ids of messages belong to
their chat. What a bot sends by itself comes in no Update; of its messages only those are seen
whose buttons are pressed.

A contact is a private chat. Telegram knows no end of one, so it is never over: all that the
customer ever asks are gaps of the same contact.

Source: Telegram Bot API 7.2 and later, Update, Message, CallbackQuery, setWebhook.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from otklik_contact_center.domain.events import MAX_ATTRIBUTE_LENGTH, MAX_TEXT
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
    number_of,
    same,
    text_of,
    without_nothing,
)
from otklik_contact_center.domain.signature import Fault

PROOF: Final = "secret_token"
HEADER: Final = "x-telegram-bot-api-secret-token"

WRITTEN: Final = ("message", "business_message")
EDITED: Final = ("edited_message", "edited_business_message")

CONTENTS: Final = frozenset(
    (
        "animation",
        "audio",
        "caption",
        "checklist",
        "contact",
        "dice",
        "document",
        "game",
        "location",
        "paid_media",
        "photo",
        "poll",
        "sticker",
        "story",
        "text",
        "venue",
        "video",
        "video_note",
        "voice",
    )
)
"""What somebody can say; all else is a notice of Telegram's, say that a message was pinned."""

START: Final = "/start"
"""What the button that opens a chat with a bot writes in the customer's name."""


def fault(request: Request, credentials: Mapping[str, str], _now: datetime) -> Fault | None:
    """What is wrong with a push; None if it shows the secret token."""
    shown = request.headers.get(HEADER, "")
    return None if same(shown, credentials[PROOF]) and shown else WRONG


def read(body: bytes, _directions: Directions) -> Sequence[Event]:
    """
    The events in a body; none in those about what is no private chat.

    Raises:
        UnreadableError: It holds no JSON, no `update_id`, or a message of no chat.
    """
    said = a_mapping(body)
    update = number_of(said.get("update_id"))
    if update is None:
        raise UnreadableError("update_id is missing", "нет update_id")
    return without_nothing(_events(str(update), said))


def _events(update: str, said: Mapping[str, Any]) -> Iterator[Event]:
    for name in WRITTEN:
        if name in said:
            yield from _message(inside(said, name))
    for name in EDITED:
        if name in said:
            yield from _edited(update, inside(said, name))
    if "callback_query" in said:
        yield from _pressed(inside(said, "callback_query"))


def _message(message: Mapping[str, Any]) -> Iterator[Event]:
    """Words of the customer, of the business account, or of what answers for it."""
    chat = _private(message)
    if chat is None or not CONTENTS & message.keys():
        return
    words = _words(message)
    if words is not None and words.partition(" ")[0] == START:
        yield from _opened(message, chat, words.partition(" ")[2])
        return
    yield {
        **_common(message, chat),
        **_author(message, chat),
        "id": _id(message, chat),
        "type": "message",
        "text": words,
    }


def _opened(message: Mapping[str, Any], chat: str, parameter: str) -> Iterator[Event]:
    """A chat that is opened by a link: what the link says; nothing has been asked yet."""
    parameter = parameter.strip()
    if parameter:
        yield {
            "contact": _contact(message, chat),
            "at": moment_of(message.get("date")),
            "id": _id(message, chat),
            "type": "amended",
            "attributes": {"start": parameter[:MAX_ATTRIBUTE_LENGTH]},
        }


def _edited(update: str, message: Mapping[str, Any]) -> Iterator[Event]:
    """Other words for a message: they ask and answer nothing anew."""
    chat, words = _private(message), _words(message)
    if chat is None or words is None:
        return
    yield {
        "contact": _contact(message, chat),
        "at": moment_of(message.get("edit_date")),
        "id": f"{_id(message, chat)}:edited:{update}",
        "type": "amended",
        "text": words,
    }


def _pressed(query: Mapping[str, Any]) -> Iterator[Event]:
    """
    That a bot had written what is pressed now.

    The press itself brings no time. The words may have changed since, so they are left out: each
    press of one message tells the same.
    """
    message = inside(query, "message")
    if not message or inside(message, "from").get("is_bot") is not True:
        return  # of an inline message, or of one that Telegram shows no more
    if "business_connection_id" in message:
        return  # it has come by itself
    chat = _private(message)
    if chat is None:
        return
    yield {
        **_common(message, chat),
        "id": f"{_id(message, chat)}:bot",
        "type": "message",
        "actor": "bot",
    }


def _private(message: Mapping[str, Any]) -> str | None:
    """The id of a private chat, which is that of the customer; None in groups and channels."""
    chat = inside(message, "chat")
    number = number_of(chat.get("id"))
    if number is None or number_of(message.get("message_id")) is None:
        raise UnreadableError(
            "a message without chat.id or message_id: of which chat?",
            "сообщение без chat.id или message_id: о каком чате?",
        )
    return str(number) if chat.get("type") == "private" else None


def _contact(message: Mapping[str, Any], chat: str) -> str:
    """The same customer writes to the bot and to each business account in chats of their own."""
    connection = text_of(message.get("business_connection_id"))
    return chat if connection is None else f"{connection}:{chat}"


def _id(message: Mapping[str, Any], chat: str) -> str:
    return f"{_contact(message, chat)}:{number_of(message.get('message_id'))}"


def _common(message: Mapping[str, Any], chat: str) -> Event:
    return {
        "contact": _contact(message, chat),
        "at": moment_of(message.get("date")),
        "channel": "messenger",
        "customer": {"external_id": f"telegram:{chat}", **_phone(message, chat)},
    }


def _phone(message: Mapping[str, Any], chat: str) -> Mapping[str, str]:
    """The customer's phone, if it is the customer's own card that the customer sends."""
    card = inside(message, "contact")
    phone = text_of(card.get("phone_number"))
    if phone is None or not chat == _who(card.get("user_id")) == _sender(message, chat):
        return {}
    return {"phone": phone}


def _author(message: Mapping[str, Any], chat: str) -> Event:
    """
    Who wrote.

    In a business chat whoever is not the customer is the business account; what a connected bot
    sends for it, and greetings, notices of absence and scheduled messages, no person writes.
    """
    if "sender_business_bot" in message or inside(message, "from").get("is_bot") is True:
        return {"actor": "bot"}
    sender = _sender(message, chat)
    if sender == chat:
        return {"actor": "customer", "direction": "in", "from": f"telegram:{chat}"}
    if message.get("is_from_offline") is True:
        return {"actor": "system"}
    return {"actor": "human", "direction": "out", "agent": sender}


def _sender(message: Mapping[str, Any], chat: str) -> str:
    return _who(inside(message, "from").get("id")) or chat


def _who(value: object) -> str | None:
    number = number_of(value)
    return None if number is None else str(number)


def _words(message: Mapping[str, Any]) -> str | None:
    for name in ("text", "caption"):
        words = message.get(name)
        if isinstance(words, str) and words.strip():
            return words[:MAX_TEXT]
    return None


PROVIDER: Final = Provider("telegram", (PROOF,), fault, read)
