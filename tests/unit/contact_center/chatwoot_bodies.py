"""What Chatwoot pushes, as it lies beside what reads it."""

from typing import Any

from otklik_contact_center.domain.providers import chatwoot
from tests.support import providers

CONTACTS = (
    "answered",
    "bot_then_customer",
    "handed_over",
    "reopened",
    "reopened_to_bot",
    "outgoing",
    "automatic",
    "older",
)
"""Bodies of one contact each; `other` tells of none."""


def payloads(name: str) -> list[Any]:
    """Bodies in the order they come."""
    return providers.payloads(chatwoot, name)
