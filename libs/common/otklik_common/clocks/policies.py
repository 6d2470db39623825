"""
Which promise holds: policies by priority, the terms of a moment, and the calendar.

Of the policies whose terms of a moment are active, fit, and promise anything about such a thing (a
contact, a claim, a review), the one with the lowest priority number holds, for every target; what it
does not promise is not promised.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from otklik_common.clocks.calendar import Calendar
from otklik_common.clocks.sla import Target

ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
"""Since when the first terms of a policy are true."""

CONDITIONS: Final = (
    "channel",
    "party",
    "branch",
    "group",
    "queue",
    "segment",
    "service_level",
)
"""By what a policy may be limited, in the order in which a choice is explained."""


CONTACT: Final = "contact"
CLAIM: Final = "claim"
REVIEW: Final = "review"

_ABOUT: Final = {"claim_reaction": CLAIM, "claim_answer": CLAIM, "review_reply": REVIEW}


def about(target: str) -> str:
    """What a target is promised about: a claim, a review, or else a contact."""
    return _ABOUT.get(target, CONTACT)


class Subject(NamedTuple):
    """Of a contact, a claim or a review: what a policy may depend on."""

    channel: str | None = None
    party: str | None = None
    branch: str | None = None
    queue: str | None = None
    segment: str | None = None
    service_level: str | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """
    One target of a policy.

    Attributes:
        pauses: Which pauses hold its clock.
    """

    span: timedelta
    warning: timedelta = timedelta()
    business: bool = True
    pauses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Terms:
    """
    What a policy promises from a moment on.

    Attributes:
        conditions: By name of `CONDITIONS`, which values fit; a condition left out fits all.
        calendar: Code of the calendar; None for the branch's, else the company's.
        promises: By name of the target.
        about: What they promise anything about.
    """

    since: datetime
    priority: int
    conditions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    calendar: str | None = None
    promises: Mapping[str, Promise] = field(default_factory=dict)
    active: bool = True
    about: frozenset[str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "about", frozenset(map(about, self.promises)))


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy with all its terms, by `since`."""

    code: str
    terms: Sequence[Terms]

    def at(self, moment: datetime) -> Terms | None:
        """The terms that are true at a moment; None before the first."""
        place = bisect_right(self.terms, moment, key=lambda one: one.since)
        return self.terms[place - 1] if place else None


class Choice(NamedTuple):
    """
    The policy that holds, and why.

    Attributes:
        matched: The conditions by which it is limited, all of which fit.
    """

    policy: str
    terms: Terms
    matched: tuple[str, ...]


class Promised(NamedTuple):
    """
    What a policy promises about one clock.

    Attributes:
        calendar: Code of the calendar by which it counts; None for elapsed time.
    """

    choice: Choice
    target: Target
    promise: Promise
    calendar: str | None


class Verdict(NamedTuple):
    """What became of one policy in a choice; `failed` names the first condition that did not fit."""

    policy: str
    priority: int
    failed: str | None


class Policies:
    """
    The policies of a company, with the calendars and branches that they name.

    Args:
        calendars: By code.
        default: Code of the company's own calendar; None before its first.
        branch_calendars: By branch, where it has a calendar of its own.
        groups: By branch.
    """

    def __init__(
        self,
        policies: Sequence[Policy] = (),
        *,
        calendars: Mapping[str, Calendar] | None = None,
        default: str | None = None,
        branch_calendars: Mapping[str, str] | None = None,
        groups: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self._policies = policies
        self._calendars = calendars or {}
        self._default = default
        self._branch_calendars = branch_calendars or {}
        self._groups = groups or {}
        self._target = lru_cache(4096)(self._make_target)

    def __bool__(self) -> bool:
        return bool(self._policies)

    def with_policies(self, policies: Sequence[Policy]) -> "Policies":
        """Other policies by the same calendars, of the same branches."""
        return Policies(
            policies,
            calendars=self._calendars,
            default=self._default,
            branch_calendars=self._branch_calendars,
            groups=self._groups,
        )

    def choose(self, subject: Subject, at: datetime, about: str = CONTACT) -> Choice | None:
        """
        The policy that holds for what began at a moment; None if none does.

        Args:
            about: What it is: policies that promise nothing about such are not asked.
        """
        found: Choice | None = None
        for policy in self._policies:
            terms = policy.at(at)
            if terms is None or not terms.active or about not in terms.about:
                continue
            if found is not None and _rank(found.terms, found.policy) < _rank(terms, policy.code):
                continue
            if self._failed(terms, subject) is None:
                matched = tuple(name for name in CONDITIONS if name in terms.conditions)
                found = Choice(policy.code, terms, matched)
        return found

    def promised(self, subject: Subject, name: str, at: datetime) -> Promised | None:
        """
        What holds for the target `name` of something that began at a moment.

        None where no policy holds, where that which does promises nothing of it, and where it counts
        business time and the calendar is unknown.
        """
        choice = self.choose(subject, at, about(name))
        promise = None if choice is None else choice.terms.promises.get(name)
        if choice is None or promise is None:
            return None
        calendar = self.calendar_of(choice.terms, subject.branch) if promise.business else None
        target = self.target(promise, calendar)
        return None if target is None else Promised(choice, target, promise, calendar)

    def explain(self, subject: Subject, at: datetime, about: str = CONTACT) -> list[Verdict]:
        """Every policy that was asked at a moment, in the order in which they are."""
        asked = [(policy.code, policy.at(at)) for policy in self._policies]
        true = [
            (code, terms)
            for code, terms in asked
            if terms is not None and terms.active and about in terms.about
        ]
        true.sort(key=lambda one: _rank(one[1], one[0]))
        return [Verdict(code, one.priority, self._failed(one, subject)) for code, one in true]

    def calendar_of(self, terms: Terms, branch: str | None) -> str | None:
        """Code of the calendar by which terms count for a branch; None while there is none."""
        if terms.calendar is not None:
            return terms.calendar if terms.calendar in self._calendars else None
        own = None if branch is None else self._branch_calendars.get(branch)
        return own if own in self._calendars else self._default

    def target(self, promise: Promise, calendar: str | None) -> Target | None:
        """A promise by a calendar; None where it counts business time and the calendar is unknown."""
        if not promise.business:
            calendar = None
        elif calendar not in self._calendars:
            return None
        return self._target(promise, calendar)

    def _make_target(self, promise: Promise, calendar: str | None) -> Target:
        hours = None if calendar is None else self._calendars[calendar]
        return Target(promise.span, promise.warning, hours)

    def _failed(self, terms: Terms, subject: Subject) -> str | None:
        conditions = terms.conditions
        if not conditions:
            return None
        for name in CONDITIONS:
            allowed = conditions.get(name)
            if allowed is None:
                continue
            if name == "group":
                branch = subject.branch
                mine = frozenset[str]() if branch is None else self._groups.get(branch, frozenset())
                if allowed.isdisjoint(mine):
                    return name
            elif getattr(subject, name) not in allowed:
                return name
        return None


def _rank(terms: Terms, code: str) -> tuple[int, str]:
    """Two priorities are never equal at one time, but may have been: the code decides then."""
    return terms.priority, code
