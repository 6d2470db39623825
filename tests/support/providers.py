"""Pushes of other products turned into contacts, the way the hook does it."""

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from otklik_contact_center.domain.admission import read_push
from otklik_contact_center.domain.contact import Contact, fold
from otklik_contact_center.domain.events import Event
from otklik_contact_center.domain.providers.pushed import Directions, Provider

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def payloads(module: ModuleType, name: str) -> list[Any]:
    """Bodies in the folder of a provider: a list of JSON values, in the order they come."""
    assert module.__file__ is not None
    found: list[Any] = json.loads(
        (Path(module.__file__).parent / f"payloads/{name}.json").read_text()
    )
    return found


def as_json(said: Sequence[Any]) -> list[bytes]:
    """Bodies as a product writes them that pushes JSON."""
    return [json.dumps(one, ensure_ascii=False).encode() for one in said]


def events_of(
    provider: Provider, bodies: Sequence[bytes], directions: Directions | None = None
) -> list[Event]:
    """Our events of several pushes, as they are let in; none may be refused, or reuse an id."""
    told = directions or Directions()
    read = [told.placed(event) for one in bodies for event in provider.read(one, told)]
    push = read_push(msgspec.json.encode(read), NOW)
    assert not push.refused, push.refused
    by_id: dict[str, Event] = {}
    for one in push.admitted:
        known = by_id.setdefault(one.event.id, one.event)
        assert known == one.event, f"one id, other words: {known} and {one.event}"
    return [one.event for one in push.admitted]


def contacts_of(
    provider: Provider, bodies: Sequence[bytes], directions: Directions | None = None
) -> dict[str, Contact]:
    """The contacts that pushes tell of, by the product's own id of them."""
    by_contact: dict[str, list[Event]] = {}
    for event in events_of(provider, bodies, directions):
        by_contact.setdefault(event.contact, []).append(event)
    folded = {name: fold(events) for name, events in by_contact.items()}
    return {name: contact for name, contact in folded.items() if contact is not None}


def contact_of(
    provider: Provider, bodies: Sequence[bytes], directions: Directions | None = None
) -> Contact:
    """The only contact that pushes tell of."""
    (contact,) = contacts_of(provider, bodies, directions).values()
    return contact


def in_any_order(bodies: Sequence[bytes], rounds: int = 40) -> list[list[bytes]]:
    """The same pushes shuffled, some of them twice or more."""
    made = []
    for seed in range(rounds):
        dice = random.Random(seed)
        shuffled = [*bodies, *dice.choices(bodies, k=min(7, 2 * len(bodies)))]
        dice.shuffle(shuffled)
        made.append(shuffled)
    return made


def bit_changed(body: bytes, place: int, bit: int) -> bytes:
    """A body of which one bit is another."""
    changed = bytearray(body)
    changed[place % len(changed)] ^= 1 << (bit % 8)
    return bytes(changed)
