"""All that a definition written naively knows: facts, who is who, the time; and what it gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from otklik_common.events.envelope import Fact

Facts = list[tuple[UUID, Any]]
SPACE = UUID("00000000-0000-5000-8000-00000000000a")


@dataclass
class Known:
    """
    All that there is.

    Attributes:
        identity: The customer behind each pseudonym.
        now: What "now" means.
        zone: The company's.
    """

    facts: dict[str, Facts] = field(default_factory=dict)
    identity: dict[str, UUID] = field(default_factory=dict)
    now: datetime = datetime(2026, 5, 10, 12, tzinfo=UTC)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Berlin"))

    def person(self, fact: Any) -> str | None:
        """Who a fact is about."""
        if not fact.identifiers:
            return None
        first = fact.identifiers[0]
        return str(self.identity.get(first, first))


def events_of(known: Known) -> Sequence[tuple[UUID, Fact]]:
    """Every fact with its subject."""
    return [pair for facts in known.facts.values() for pair in facts]


Number = Fraction | int
Cell = tuple[Number | None, int]
"""A value, and how many facts it rests on."""
Naive = Callable[[Known, Facts, Mapping[str, Any]], Cell]


def share_of(inside: int, of: int) -> Cell:
    """A part of something; none where there is nothing."""
    return (Fraction(inside, of), of) if of else (None, 0)
