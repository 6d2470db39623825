"""The clocks of claims and reviews: which promise, norm or term holds, and what each shows."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from otklik_common.clocks import sla
from otklik_common.clocks.policies import Choice, Policies, Subject
from otklik_common.clocks.policy_change import EVER
from otklik_common.clocks.shown import Shown, counted, shown
from otklik_common.clocks.sla import Mark, State, Step, Target
from otklik_common.events.feedback_clocks import FeedbackClock
from otklik_common.ids import subject_id

NEVER: Final = EVER - timedelta(days=1)
"""Before any edit that makes clocks anew."""


class Own(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    What holds for a clock without any policy, in elapsed time.

    Attributes:
        law: No policy says otherwise.
    """

    span: timedelta
    warning: timedelta = timedelta()
    law: bool = False


class Watch(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A clock that something may be promised about.

    Attributes:
        target: Which promise.
        key: Which of several of the same target; '' for the only one.
        ended_at: None while it runs.
        cancelled: It ended without what was promised.
        own: None where there is no clock without a policy.
    """

    target: str
    started_at: datetime
    ended_at: datetime | None = None
    cancelled: bool = False
    key: str = ""
    own: Own | None = None


class Watched(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Everything of a claim or a review that clocks are made of.

    What is kept of it outlives every change of policies, calendars and branches.
    """

    matter: UUID
    about: str
    watches: tuple[Watch, ...] = ()
    channel: str | None = None
    party: str | None = None
    branch: str | None = None
    team: str | None = None
    queue: str | None = None
    agent: str | None = None
    segment: str | None = None
    identifiers: tuple[str, ...] = ()

    @property
    def over_at(self) -> datetime | None:
        """When the last of its clocks ended, before all times if it has none; None while one runs."""
        if not self.watches:
            return NEVER
        ends = [watch.ended_at for watch in self.watches]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None


class ClockFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A clock as others may know it: the fields of the contract `feedback_clock`.

    A struct, not the contract's class: clocks are stepped on by the hundred when they fall due.
    """

    matter: UUID
    about: str
    channel: str | None = None
    party: str | None = None
    branch: str | None = None
    team: str | None = None
    queue: str | None = None
    agent: str | None = None
    segment: str | None = None
    identifiers: tuple[str, ...] = ()
    target: str
    policy: str | None = None
    priority: int | None = None
    matched: tuple[str, ...] = ()
    calendar: str | None = None
    target_ms: int
    warning_ms: int = 0
    state: str = State.PENDING.value
    started_at: datetime
    due_at: datetime | None = None
    breached_at: datetime | None = None
    ended_at: datetime | None = None
    used_ms: int | None = None

    def told(self) -> FeedbackClock:
        """The same as its contract."""
        return FeedbackClock.model_validate(msgspec.to_builtins(self), strict=False)


class Kept(NamedTuple):
    """A clock with its subject."""

    id: UUID
    shown: Shown[ClockFact]


def rendered(fact: ClockFact) -> str:
    """A clock's fact as it is kept."""
    return _encode(fact).decode()


def read(data: str) -> ClockFact:
    """A clock's fact out of what `rendered` made."""
    return _clock.decode(data)


def packed(watched: Watched) -> str:
    """What clocks are made of, as it is kept."""
    return _encode(watched).decode()


def unpacked(data: str) -> Watched:
    """The same back."""
    return _watched.decode(data)


_encode: Final = msgspec.json.Encoder().encode
_clock: Final = msgspec.json.Decoder(ClockFact)
_watched: Final = msgspec.json.Decoder(Watched)


def clock_id(tenant: str, matter: UUID, target: str, key: str) -> UUID:
    """Subject of a clock: the claim or review, the target, and which of several."""
    return subject_id(tenant, FeedbackClock.kind, str(matter), target, key)


def clocks(
    tenant: str,
    watched: Watched,
    policies: Policies,
    *,
    now: datetime,
    known: Mapping[UUID, datetime],
) -> Iterator[Kept]:
    """
    Every clock of a claim or a review that a policy, a norm or the law promises something about.

    Args:
        now: What the clocks show is what they show at this moment.
        known: When each clock was recorded last: it never shows an earlier moment again.
    """
    for watch in watched.watches:
        held = promised(watched, watch, policies)
        if held is None:
            continue
        clock = sla.run(_marks(watch), held.target)
        assert clock is not None, "every watch begins"
        id_ = clock_id(tenant, watched.matter, watch.target, watch.key)
        at = max(now, known.get(id_, now), clock.ended_at or now)
        yield Kept(id_, shown(_fact(watched, watch, held, clock, at), clock))


class Promised(NamedTuple):
    """What holds for one watch; no choice where no policy promises it."""

    target: Target
    choice: Choice | None = None
    calendar: str | None = None


def promised(watched: Watched, watch: Watch, policies: Policies) -> Promised | None:
    """
    What holds for a clock: the law, else the policy that held when it began, else the norm.

    A claim or a review without a branch is judged by the company's own calendar.
    """
    own = watch.own
    if own is None or not own.law:
        found = _by_policy(watched, watch, policies)
        if found is not None:
            return found
    return None if own is None else Promised(Target(own.span, own.warning))


def _by_policy(watched: Watched, watch: Watch, policies: Policies) -> Promised | None:
    subject = Subject(
        channel=watched.channel,
        party=watched.party,
        branch=watched.branch,
        queue=watched.queue,
        segment=watched.segment,
    )
    found = policies.promised(subject, watch.target, watch.started_at)
    return None if found is None else Promised(found.target, found.choice, found.calendar)


def _marks(watch: Watch) -> Iterator[Mark]:
    yield Mark(watch.started_at, Step.START)
    if watch.ended_at is not None:
        end = Step.CANCEL if watch.cancelled else Step.STOP
        yield Mark(max(watch.started_at, watch.ended_at), end)


def _fact(
    watched: Watched, watch: Watch, held: Promised, clock: sla.Clock, now: datetime
) -> ClockFact:
    choice = held.choice
    return ClockFact(
        matter=watched.matter,
        about=watched.about,
        channel=watched.channel,
        party=watched.party,
        branch=watched.branch,
        team=watched.team,
        queue=watched.queue,
        agent=watched.agent,
        segment=watched.segment,
        identifiers=watched.identifiers,
        target=watch.target,
        policy=None if choice is None else choice.policy,
        priority=None if choice is None else choice.terms.priority,
        matched=() if choice is None else choice.matched,
        calendar=held.calendar,
        **counted(clock, now),
    )
