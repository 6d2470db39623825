"""A site whose visitors are shown numbers by where they came from."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

import msgspec

from otklik_common.errors import FieldError, Unprocessable
from otklik_contact_center.domain.tracking.rules import Rule

MOST_NUMBERS: Final = 2_000
MOST_RULES: Final = 200
MOST_POOLS: Final = 50
MOST_TRACKERS: Final = 200


class Tracker(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A site, its rules and its numbers; numbers are E.164.

    Attributes:
        rules: In order; the first that fits holds.
        pools: Numbers that are leased, by the pool's name; each number in one pool of one site.
        fallback: Shown to several at a time when a pool has none left; None: the page's own stays.
        ttl_seconds: A lease ends so long after the visitor was last seen.
        heartbeat_seconds: How often a page that is open says so.
        grace_seconds: Then its number rests so long before somebody else gets it.
        window_seconds: So long after its end a lease may still be called.
    """

    code: str
    names: dict[str, str] = {}
    rules: tuple[Rule, ...] = ()
    pools: dict[str, tuple[str, ...]] = {}
    fallback: str | None = None
    ttl_seconds: int = 1_800
    heartbeat_seconds: int = 60
    grace_seconds: int = 1_200
    window_seconds: int = 3_600

    @property
    def ttl(self) -> timedelta:
        """`ttl_seconds` as a span."""
        return timedelta(seconds=self.ttl_seconds)

    @property
    def grace(self) -> timedelta:
        """`grace_seconds` as a span."""
        return timedelta(seconds=self.grace_seconds)

    @property
    def numbers(self) -> dict[str, str]:
        """The pool of each number that is leased."""
        return {number: pool for pool, numbers in self.pools.items() for number in numbers}

    def knows(self, number: str) -> bool:
        """Whether it shows a number to anybody."""
        return number in self.static or number in self.numbers or number == self.fallback

    @property
    def static(self) -> dict[str, Rule]:
        """The rule of each number that stands for one source."""
        return {rule.number: rule for rule in self.rules if rule.number is not None}


class BadTracker(Unprocessable):
    """A tracker by which no number could be shown, or nobody could tell whose call it was."""

    code = "bad_tracker"


def check_tracker(tracker: Tracker) -> None:
    """Return if a site can be tracked by it. Raises BadTracker, every fault as a field error."""
    faults = list(_faults(tracker))[:50]
    if faults:
        raise BadTracker(
            f"the tracker has {len(faults)} faults, the first: {faults[0].field}"
            f" {faults[0].detail}",
            detail_ru=f"в описании сайта ошибок: {len(faults)}, первая: {faults[0].field}"
            f" {faults[0].detail_ru}",
            errors=faults,
        )


def _faults(tracker: Tracker) -> Iterator[FieldError]:
    leased: dict[str, str] = {}
    for pool, numbers in tracker.pools.items():
        for place, number in enumerate(numbers):
            field = f"pools.{pool}.{place}"
            yield from _unclear(field, number, leased)
            leased.setdefault(number, field)
    codes: set[str] = set()
    for place, rule in enumerate(tracker.rules):
        field = f"rules.{place}"
        if rule.code in codes:
            yield FieldError(
                f"{field}.code", "repeated", "another rule has this code", "код уже занят"
            )
        codes.add(rule.code)
        yield from _of_rule(field, rule, tracker)
        yield from _unclear(f"{field}.number", rule.number, leased)
    yield from _unclear("fallback", tracker.fallback, leased)
    if tracker.heartbeat_seconds >= tracker.ttl_seconds:
        yield FieldError(
            "heartbeat_seconds",
            "out_of_range",
            "must be less than ttl_seconds",
            "должно быть меньше ttl_seconds",
        )


def _of_rule(field: str, rule: Rule, tracker: Tracker) -> Iterator[FieldError]:
    if rule.number is not None and rule.pool is not None:
        yield FieldError(
            f"{field}.pool", "invalid", "goes without number", "указывается без number"
        )
    if rule.pool is not None and rule.pool not in tracker.pools:
        yield FieldError(
            f"{field}.pool", "unknown_pool", "names no pool", "такого набора номеров нет"
        )


def _unclear(field: str, number: str | None, leased: Mapping[str, str]) -> Iterator[FieldError]:
    if number is not None and number in leased:
        yield FieldError(
            field,
            "repeated",
            f"is leased in {leased[number]} already: nobody could tell whose call it was",
            f"уже выдаётся в {leased[number]}: было бы неясно, чей звонок",
        )
