"""
Genesys Cloud: detail events of conversations, and the record of a conversation.

Detail events come through EventBridge, `{"detail-type", "source", "detail": {"topicName",
"eventBody"}}`, or as notifications, `{"topicName", "eventBody"}`. A record is what the analytics
API answers for a conversation; several come as `{"conversations": […]}` or as a list.

Source: Genesys Cloud Developer Center, notifications, available topics, and Platform API,
analytics; Genesys Cloud Resource Center, Amazon EventBridge integration.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from otklik_contact_center.domain.providers.genesys import detail, live
from otklik_contact_center.domain.providers.genesys.fields import id_of
from otklik_contact_center.domain.providers.pushed import (
    WRONG,
    Directions,
    Event,
    Provider,
    Request,
    UnreadableError,
    inside,
    same,
    without_nothing,
)
from otklik_contact_center.domain.signature import Fault

TOKEN: Final = "token"  # noqa: S105  a name, no secret


def fault(request: Request, credentials: Mapping[str, str], _now: datetime) -> Fault | None:
    """What is wrong with a push; None if it bears the token."""
    token = credentials[TOKEN]
    right = same(request.headers.get("authorization", ""), f"Bearer {token}")
    return None if token and right else WRONG


def read(body: bytes, _directions: Directions) -> Sequence[Event]:
    """
    The events in a body; none in those about what is no conversation with a customer.

    Raises:
        UnreadableError: It holds no JSON, or something that names no conversation.
    """
    return without_nothing(event for said in _objects(body) for event in _told(said))


def _objects(body: bytes) -> Sequence[Mapping[str, Any]]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnreadableError("the body holds no JSON", "в теле нет JSON") from None
    if isinstance(found, dict) and isinstance(found.get("conversations"), list):
        found = found["conversations"]
    several = found if isinstance(found, list) else [found]
    if not all(isinstance(one, dict) for one in several):
        raise UnreadableError("the JSON is no object", "JSON – не объект")
    return several


def _told(said: Mapping[str, Any]) -> Iterator[Event]:
    notified = inside(said, "detail") or said
    topic = notified.get("topicName")
    if isinstance(topic, str):
        kind = live.kind_of(topic)
        if kind is not None:
            yield from live.events_of(kind, inside(notified, "eventBody"))
        return
    conversation = id_of(notified.get("conversationId"))
    if conversation is None:
        raise UnreadableError(
            "neither topicName nor conversationId is there: of which conversation?",
            "нет ни topicName, ни conversationId: о каком разговоре?",
        )
    yield from detail.events_of(conversation, notified)


PROVIDER: Final = Provider("genesys", (TOKEN,), fault, read)
