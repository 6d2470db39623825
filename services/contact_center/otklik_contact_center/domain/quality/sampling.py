"""
Which contacts are to be evaluated: picked by a keyed hash, so that nobody can choose.

A contact's place among the others depends on a key of the company that no person knows and on its
id alone. Editing a rule, asking again, or evaluating more draws no other lots.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from otklik_contact_center.domain.events import Channel

MOST_RULES: Final = 1_000
MOST_CONTACTS: Final = 200_000
"""Of a week that a rule looks at; more are narrowed by queue or channel."""

SPACE: Final = 2**64
"""Places are whole numbers from 0 to this, evenly."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What is to be evaluated; exactly one of `percent` and `per_agent` is set.

    Attributes:
        form: By which.
        percent: Of every agent's contacts, on the average.
        per_agent: So many of each agent and week, or all where there are fewer.
        channels, queues: Only these; none: all.
        least_talked_seconds: Only contacts in which people talked for so long.
    """

    code: str
    form: str
    names: dict[str, str] = {}
    percent: int | None = None
    per_agent: int | None = None
    channels: tuple[Channel, ...] = ()
    queues: tuple[str, ...] = ()
    least_talked_seconds: int | None = None


class Candidate(NamedTuple):
    """A contact that a rule looks at."""

    contact: UUID
    agent: str


class Week(NamedTuple):
    """A week from Monday to Monday in a company's zone: `begins` is in it, `ends` is not."""

    monday: date
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Coverage:
    """
    How far an agent's part of a sample is.

    Attributes:
        contacts: What could have been picked.
        wanted: What was.
        evaluated: Of these, with an evaluation that was released.
        drafted: Of these, with one that was not yet.
        besides: Evaluations of contacts that were not picked, released.
    """

    agent: str
    contacts: int = 0
    wanted: int = 0
    evaluated: int = 0
    drafted: int = 0
    besides: int = 0


def place(key: bytes, contact: UUID) -> int:
    """A contact's place among all, from 0 to `SPACE`, under a company's key of 32 bytes."""
    hashed = hashlib.blake2b(contact.bytes, key=key, digest_size=8).digest()
    return int.from_bytes(hashed, "big")


def picked(rule: Rule, key: bytes, candidates: Iterable[Candidate]) -> frozenset[UUID]:
    """
    The contacts that are to be evaluated.

    Args:
        candidates: What fits the rule, in any order.
    """
    placed = [(place(key, one.contact), one) for one in candidates]
    if rule.percent is not None:
        below = rule.percent * SPACE
        return frozenset(one.contact for at, one in placed if at * 100 < below)
    assert rule.per_agent is not None, "a rule says how many"
    by_agent: dict[str, list[tuple[int, UUID]]] = {}
    for at, one in placed:
        by_agent.setdefault(one.agent, []).append((at, one.contact))
    return frozenset(
        contact for mine in by_agent.values() for _, contact in sorted(mine)[: rule.per_agent]
    )


def week_of(day: date, zone: ZoneInfo) -> Week:
    """The week that a day lies in."""
    monday = day - timedelta(days=day.weekday())
    begins, ends = (
        datetime(one.year, one.month, one.day, tzinfo=zone).astimezone(UTC)
        for one in (monday, monday + timedelta(days=7))
    )
    return Week(monday, begins, ends)


def last_week(now: datetime, zone: ZoneInfo) -> Week:
    """The last week that is over."""
    return week_of(now.astimezone(zone).date() - timedelta(days=7), zone)


def coverage(
    candidates: Iterable[Candidate], wanted: frozenset[UUID], released: Mapping[UUID, bool]
) -> list[Coverage]:
    """
    How far each agent's part is, by agent.

    Args:
        released: By contact that has an evaluation by the form: whether it was released.
    """
    found: dict[str, dict[str, int]] = {}
    for contact, agent in candidates:
        mine = found.setdefault(agent, dict.fromkeys(_COUNTED, 0))
        mine["contacts"] += 1
        state = released.get(contact)
        if contact in wanted:
            mine["wanted"] += 1
            mine["evaluated"] += state is True
            mine["drafted"] += state is False
        else:
            mine["besides"] += state is True
    return [Coverage(agent, **counts) for agent, counts in sorted(found.items())]


_COUNTED: Final = ("contacts", "wanted", "evaluated", "drafted", "besides")
