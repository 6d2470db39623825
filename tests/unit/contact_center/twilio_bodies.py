"""What Twilio pushes, as it lies beside what reads it, in the bodies that it comes in."""

import json
from typing import Any
from urllib.parse import urlencode

from otklik_contact_center.domain.providers import twilio
from tests.support import providers

NAMES = [
    "forwarded",
    "missed",
    "outgoing",
    "programme",
    "routed",
    "queued",
    "bridged",
    "messages",
    "conversation",
]
"""Pushes that tell of contacts; `other` tells of none."""


def payloads(name: str) -> list[Any]:
    """Pushes in the order they come: fields of a form, or a list of events."""
    return providers.payloads(twilio, name)


def body(said: Any) -> bytes:
    """A form; or JSON, if it is a list."""
    return (json.dumps(said) if isinstance(said, list) else urlencode(said)).encode()
