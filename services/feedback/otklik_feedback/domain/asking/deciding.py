"""Whether somebody is asked now, later, or not: one decision, and the rule behind it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from otklik_feedback.domain.asking.programme import AskChannel, Programme, reachable, sampled
from otklik_feedback.domain.asking.quarantine import (
    Asked,
    Quarantine,
    Rule,
    Until,
    channel_until,
    metric_until,
    person_until,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """
    An invitation that is to be decided on.

    Attributes:
        person: The strongest of the identifiers; None if nobody is named.
        due_at: When it was to be sent, before any waiting.
        turn_at: When it was to be looked at, after any waiting.
    """

    id: UUID
    tenant: str
    person: str | None
    identifiers: tuple[str, ...]
    due_at: datetime
    turn_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """Another plan for the same person, and the first moment at which it may be decided on."""

    plan: UUID
    at: datetime
    priority: int
    metric: str
    channels: tuple[AskChannel, ...]


@dataclass(frozen=True, slots=True)
class Invite:
    """Ask; the ways in the order in which they are tried."""

    channels: tuple[AskChannel, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again at `until`."""

    until: datetime
    rule: Rule
    because: UUID


@dataclass(frozen=True, slots=True)
class Stop:
    """Do not ask; `because` is the invitation or plan that stands in the way, if one does."""

    rule: Rule
    because: UUID | None = None


Decision = Invite | Wait | Stop


def stopped_early(plan: Plan, programme: Programme) -> Stop | None:
    """What can be said before the moment comes: nobody to reach, or not among the sample."""
    if plan.person is None or not reachable(programme.channels, plan.identifiers):
        return Stop(Rule.NO_ADDRESS)
    if not sampled(plan.tenant, programme.code, plan.person, share_micro=programme.sample_micro):
        return Stop(Rule.SAMPLED_OUT)
    return None


def decide(
    plan: Plan,
    programme: Programme,
    metric: str,
    *,
    rules: Quarantine,
    asked: Sequence[Asked],
    waiting: Iterable[Waiting],
    opted_out: bool,
    now: datetime,
) -> Decision:
    """
    Whether to ask somebody now.

    Of two rules that stand in the way the one that is looked at first is named. Quotas come after
    this: what is stopped uses nothing up.

    Args:
        metric: Template of the programme's survey.
        asked: What they were asked before, under any of their pseudonyms.
        waiting: Other plans for them.
        now: At or after the plan's moment.
    """
    if not programme.active:
        return Stop(Rule.PROGRAMME_OFF)
    if now > plan.turn_at + programme.late:
        return Stop(Rule.TOO_LATE)
    early = stopped_early(plan, programme)
    if early is not None:
        return early
    if opted_out:
        return Stop(Rule.OPTED_OUT)
    same = metric_until(rules, asked, metric, now)
    if same is not None:
        return Stop(Rule.QUARANTINE_METRIC, same.because)
    anything = person_until(rules, asked, now)
    if anything is not None:
        return _later(plan, programme, anything, Rule.QUARANTINE_PERSON)
    held = [
        (channel, channel_until(rules, asked, channel, now))
        for channel in reachable(programme.channels, plan.identifiers)
    ]
    free = tuple(channel for channel, until in held if until is None)
    if not free:
        first = min((until for _, until in held if until), key=lambda end: (end.at, end.because))
        return _later(plan, programme, first, Rule.QUARANTINE_CHANNEL)
    before = _in_the_way(plan, programme, metric, free, rules, asked, waiting, now)
    return Invite(free) if before is None else Stop(Rule.RESERVED, before)


def _later(plan: Plan, programme: Programme, until: Until, rule: Rule) -> Decision:
    if until.at <= plan.due_at + programme.wait:
        return Wait(until.at, rule, until.because)
    return Stop(rule, until.because)


def _in_the_way(
    plan: Plan,
    programme: Programme,
    metric: str,
    channels: Sequence[AskChannel],
    rules: Quarantine,
    asked: Sequence[Asked],
    waiting: Iterable[Waiting],
    now: datetime,
) -> UUID | None:
    """The more important plan that this one would keep from its turn, if it were sent now."""
    for other in sorted(waiting, key=lambda one: (one.at, one.plan)):
        if other.plan == plan.id or other.priority <= programme.priority:
            continue
        quiet = [rules.after_any()]
        if other.metric == metric:
            quiet.append(rules.after_metric(metric))
        if set(other.channels) <= {channels[0]}:
            quiet.append(rules.after_channel(channels[0]))
        turn = max(other.at, now)
        asks = metric_until(rules, asked, other.metric, turn) is None
        if asks and turn < now + max(quiet, default=timedelta()):
            return other.plan
    return None
