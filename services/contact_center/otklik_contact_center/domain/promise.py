"""What agents promise: who, what and by when; and what becomes of it with time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from otklik_common.errors import Conflict, Unprocessable
from otklik_common.events.contact_center import said_of
from otklik_common.events.staff import Promise, PromiseState
from otklik_common.ids import subject_id

WARNING: Final = timedelta(hours=1)
"""How long before its due time a promise is at risk, where nobody says otherwise."""

MOST_WARNING: Final = timedelta(days=2)
MOST_AHEAD: Final = timedelta(days=366)
"""From the making of a promise to its due time."""

MOST_TEXT: Final = 2_000
MOST_KINDS: Final = 200
"""Kinds of promises of a company."""

_ALIVE: Final = frozenset((PromiseState.OPEN, PromiseState.AT_RISK))


class PromiseSettled(Conflict):
    """What was to become of the promise has: it is past due, kept or cancelled."""

    code = "promise_settled"


class BadDueTime(Unprocessable):
    """A promise is due after it is made, and within a year."""

    code = "bad_due_time"


class KeptBeforeMade(Unprocessable):
    """Nobody keeps what is not yet promised."""

    code = "kept_before_made"


@dataclass(frozen=True, slots=True)
class Kind:
    """
    What may be promised: one of the company's own list.

    Attributes:
        names: By language.
        warning_seconds: How long before their due time such promises are at risk.
    """

    code: str
    names: dict[str, str]
    warning_seconds: int

    @property
    def warning(self) -> timedelta:
        """The same as a span."""
        return timedelta(seconds=self.warning_seconds)


@dataclass(frozen=True, slots=True)
class Terms:
    """
    What was promised.

    Attributes:
        contact: In which it was, with the channel and the party of it, as far as they are known.
    """

    kind: str
    agent: str
    branch: str | None
    made_at: datetime
    due_at: datetime
    warning: timedelta
    contact: UUID | None = None
    channel: str | None = None
    party: str | None = None

    def check(self) -> None:
        """Raises BadDueTime."""
        if self.due_at <= self.made_at:
            raise BadDueTime(
                f"it is due at {self.due_at.isoformat()}, not after {self.made_at.isoformat()}",
                detail_ru=f"срок {self.due_at.isoformat()} не позже {self.made_at.isoformat()}",
            )
        if self.due_at > self.made_at + MOST_AHEAD:
            raise BadDueTime(
                f"it is due more than {MOST_AHEAD.days} days after it is made",
                detail_ru=f"до срока больше {MOST_AHEAD.days} дней",
            )


def promise_subject(tenant: str, name: str) -> UUID:
    """The subject of the promise that its sender calls `name`."""
    return subject_id(tenant, "promise", name)


def made(terms: Terms, now: datetime) -> Promise:
    """A new promise. Raises BadDueTime."""
    terms.check()
    promise = Promise(
        promise_kind=terms.kind,
        agent=terms.agent,
        branch=terms.branch,
        contact=terms.contact,
        party=terms.party,
        **_channel(terms),
        made_at=terms.made_at,
        warn_at=_warn_at(terms),
        due_at=terms.due_at,
    )
    return shown(promise, now)


def edited(known: Promise, terms: Terms, now: datetime) -> Promise:
    """
    A promise under other terms; its times stand once it is past due, kept or cancelled.

    Raises:
        BadDueTime.
        PromiseSettled: Other times are asked for too late.
    """
    moved = terms.due_at != known.due_at or terms.made_at != known.made_at
    settled = known.state not in _ALIVE or now > known.due_at
    if moved and settled:
        raise _settled(known, "its times stand", "сроки уже не меняются")
    terms.check()
    times = {
        "made_at": terms.made_at,
        "due_at": terms.due_at,
        "warn_at": _warn_at(terms),
        "postponed": known.postponed + (terms.due_at > known.due_at),
    }
    about = {
        "promise_kind": terms.kind,
        "agent": terms.agent,
        "branch": terms.branch,
        "contact": terms.contact,
        "party": terms.party,
        **_channel(terms),
    }
    return shown(known.model_copy(update=about if settled else about | times), now)


def _channel(terms: Terms) -> dict[str, Any]:
    if terms.channel is None:
        return {"channel": None, "head_line": False}
    channel, head_line = said_of(terms.channel)
    return {"channel": channel, "head_line": head_line}


def kept(known: Promise, at: datetime, now: datetime) -> Promise:
    """
    A promise that was kept at a moment, in time or late; said again, the last word holds.

    Raises:
        KeptBeforeMade.
        PromiseSettled: It was cancelled.
    """
    if known.cancelled_at is not None:
        raise _settled(known, "nobody waits for it", "его уже не ждут")
    if at < known.made_at:
        raise KeptBeforeMade(
            f"kept at {at.isoformat()}, made at {known.made_at.isoformat()}",
            detail_ru=f"выполнено в {at.isoformat()}, а обещано в {known.made_at.isoformat()}",
        )
    return shown(known.model_copy(update={"kept_at": at}), now)


def cancelled(known: Promise, now: datetime) -> Promise:
    """
    A promise that is not waited for any more; what is cancelled stays so.

    Raises:
        PromiseSettled: It was kept, or is broken: that stays true.
    """
    if known.cancelled_at is not None:
        return known
    if known.kept_at is not None or now > known.due_at:
        raise _settled(known, "that stays true", "это уже не отменить")
    return shown(known.model_copy(update={"cancelled_at": now}), now)


def shown(promise: Promise, now: datetime) -> Promise:
    """What a promise shows at a moment, if nothing but time has happened to it."""
    return promise.model_copy(update={"state": _state(promise, now)})


def next_at(promise: Promise) -> datetime | None:
    """After which moment it shows something else by itself; None: never."""
    if promise.state is PromiseState.OPEN:
        return min(promise.warn_at, promise.due_at)
    return promise.due_at if promise.state is PromiseState.AT_RISK else None


def warning_of(promise: Promise) -> timedelta:
    """How long before its due time it is at risk."""
    return promise.due_at - promise.warn_at


def verb(promise: Promise) -> str:
    """What its newest state is about, for readers of the log."""
    return _VERBS[promise.state]


def time_of(promise: Promise, recorded_at: datetime) -> datetime:
    """When what it shows became so; of a promise at risk, when that was recorded."""
    if promise.state is PromiseState.AT_RISK:
        return recorded_at
    if promise.state is PromiseState.BROKEN:
        return promise.due_at
    return promise.cancelled_at or promise.kept_at or promise.made_at


_VERBS: Final = {
    PromiseState.OPEN: "made",
    PromiseState.AT_RISK: "due",
    PromiseState.BROKEN: "broken",
    PromiseState.KEPT: "kept",
    PromiseState.KEPT_LATE: "kept",
    PromiseState.CANCELLED: "cancelled",
}


def _state(promise: Promise, now: datetime) -> PromiseState:
    if promise.cancelled_at is not None:
        return PromiseState.CANCELLED
    if promise.kept_at is not None:
        in_time = promise.kept_at <= promise.due_at
        return PromiseState.KEPT if in_time else PromiseState.KEPT_LATE
    # At the very moment of its due time it can still be kept, as a clock can.
    if now > promise.due_at:
        return PromiseState.BROKEN
    return PromiseState.AT_RISK if now > promise.warn_at else PromiseState.OPEN


def _warn_at(terms: Terms) -> datetime:
    return max(terms.made_at, terms.due_at - terms.warning)


def _settled(known: Promise, why: str, why_ru: str) -> PromiseSettled:
    return PromiseSettled(
        f"the promise is {known.state.value}: {why}",
        detail_ru=f"обещание уже {_RU[known.state]}: {why_ru}",
    )


_RU: Final = {
    PromiseState.OPEN: "открыто",
    PromiseState.AT_RISK: "на грани срыва",
    PromiseState.BROKEN: "сорвано",
    PromiseState.KEPT: "выполнено",
    PromiseState.KEPT_LATE: "выполнено с опозданием",
    PromiseState.CANCELLED: "отменено",
}
