"""What Genesys Cloud pushes, as it lies beside what reads it."""

from typing import Any

from otklik_contact_center.domain.providers import genesys
from tests.support import providers

NAMES = (
    "answered",
    "transferred",
    "abandoned",
    "outgoing",
    "callback",
    "chat",
    "menu",
    "events",
    "outgoing_events",
)
"""Bodies that tell of contacts; `other` tells of none."""


def payloads(name: str) -> list[Any]:
    """Bodies in the order they come."""
    return providers.payloads(genesys, name)
