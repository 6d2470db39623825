"""What a clock shows to others, and when it will show something else by itself."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from otklik_common.clocks.sla import Clock, State

F = TypeVar("F", bound=msgspec.Struct)
"""The fact of a clock, with the fields of `counted`."""


class Shown(NamedTuple, Generic[F]):
    """
    What a clock shows.

    Attributes:
        warn_at, breaches_at: Moments still to come; None where nothing will come of them.
    """

    fact: F
    warn_at: datetime | None
    breaches_at: datetime | None

    @property
    def next_at(self) -> datetime | None:
        """After which moment it is to be looked at again; None: never."""
        return self.warn_at or self.breaches_at


def counted(clock: Clock, now: datetime) -> dict[str, Any]:
    """What every fact of a clock says of its time; moments are UTC, spans milliseconds."""
    state = clock.state(now)
    broken = state in _BROKEN
    ended_at = clock.ended_at
    return {
        "target_ms": _ms(clock.target.span),
        "warning_ms": _ms(clock.target.warning),
        "state": state.value,
        "started_at": _utc(clock.started_at),
        "due_at": None if clock.due_at is None else _utc(clock.due_at),
        "breached_at": _utc(clock.breaches_at) if broken and clock.breaches_at else None,
        "ended_at": None if ended_at is None else _utc(ended_at),
        "used_ms": None if ended_at is None else _ms(clock.used(ended_at)),
    }


_BROKEN: Final = frozenset((State.BREACHING, State.BREACHED))


def shown(fact: F, clock: Clock) -> Shown[F]:
    """What a clock shows by the fact that was made of it."""
    said: Any = fact
    if said.ended_at is not None or said.state == State.BREACHING.value:
        return Shown(fact, None, None)
    pending = said.state == State.PENDING.value
    warn_at = clock.warn_at if pending and not clock.is_paused else None
    breaches_at = None if clock.is_paused else clock.breaches_at
    return Shown(fact, warn_at, breaches_at)


def stepped(known: Shown[F], now: datetime) -> Shown[F]:
    """What a clock shows at a later moment, if nothing happened to it but time."""
    fact, warn_at, breaches_at = known
    if breaches_at is not None and now > breaches_at:
        broken = {"state": State.BREACHING.value, "breached_at": _utc(breaches_at)}
        return Shown(msgspec.structs.replace(fact, **broken), None, None)
    if warn_at is not None and now >= warn_at:
        soon = msgspec.structs.replace(fact, state=State.IMMINENT.value)
        return Shown(soon, None, breaches_at)
    return known


def verb(fact: Any) -> str:
    """What the newest state of a clock is about, for readers of the log."""
    if fact.ended_at is not None:
        return "stopped"
    return "started" if fact.state == State.PENDING.value else "due"


def time_of(fact: Any, recorded_at: datetime) -> datetime:
    """When what a clock shows became so; a warning has no time but that of its record."""
    moment: datetime = fact.breached_at or fact.started_at
    if fact.ended_at is not None:
        moment = fact.ended_at
    elif fact.state == State.IMMINENT.value:
        moment = recorded_at
    return moment


def _ms(span: timedelta) -> int:
    """Whole milliseconds of a span."""
    return span // _MILLISECOND


_MILLISECOND: Final = timedelta(milliseconds=1)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
