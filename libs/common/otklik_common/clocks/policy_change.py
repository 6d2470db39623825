"""What of the past an edit of policies, calendars or branches changes: since when, and whose."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple, TypeVar

from otklik_common.clocks.policies import about
from otklik_common.events.access import Branch, Calendar, SlaPolicy, SlaTerms
from otklik_common.events.envelope import Fact

EVER: Final = datetime(1900, 1, 1, tzinfo=UTC)
"""Before anything that is counted."""

EVERYBODY: Final = ""
"""Stands for all branches."""

_ZONES: Final = timedelta(days=1)
"""No day begins earlier than so long before its midnight in UTC."""

T = TypeVar("T")

Facts = Mapping[tuple[str, str], Fact]
"""What a company says, by kind and code."""


def redone(before: Facts, after: Facts, matters: Collection[str]) -> dict[str, datetime]:
    """
    Whose clocks are to be made anew after a change, and since when.

    Args:
        before, after: Policies, calendars and branches; what was removed is not among them.
        matters: What the clocks are of: `contact`, `claim`, `review`; what is promised about others
            is nothing to them.
    Returns:
        By branch, `EVERYBODY` first of all; nothing where nothing is promised, now or before.
    """
    policies = [fact for fact in [*before.values(), *after.values()] if isinstance(fact, SlaPolicy)]
    if not any(_promised(policy, matters) for policy in policies):
        return {}
    found: dict[str, datetime] = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        since = _since(old, new, matters)
        if since is None:
            continue
        whose = key[1] if key[0] == "branch" else EVERYBODY
        found[whose] = min(since, found.get(whose, since))
    return found


def _since(old: Fact | None, new: Fact | None, matters: Collection[str]) -> datetime | None:
    """Since when one says something else than the other; None where they promise the same."""
    either = old or new
    if isinstance(either, SlaPolicy):
        assert old is None or isinstance(old, SlaPolicy)
        assert new is None or isinstance(new, SlaPolicy)
        differing = _first_difference(_promised(old, matters), _promised(new, matters))
        return _earliest(one.since for one in differing)
    if isinstance(either, Calendar):
        assert old is None or isinstance(old, Calendar)
        assert new is None or isinstance(new, Calendar)
        return EVER if old is None or new is None else _since_calendar(old, new)
    if isinstance(either, Branch):
        assert old is None or isinstance(old, Branch)
        assert new is None or isinstance(new, Branch)
        mine = [None if one is None else (set(one.groups), one.calendar) for one in (old, new)]
        was, is_ = (one or (set(), None) for one in mine)
        return None if was == is_ else EVER
    return None


class _Promised(NamedTuple):
    since: datetime
    terms: SlaTerms | None


def _promised(policy: SlaPolicy | None, matters: Collection[str]) -> list[_Promised]:
    """What a policy promises about such things, from when on; None: nothing any more."""
    found: list[_Promised] = []
    for terms in () if policy is None else policy.terms:
        mine = tuple(one for one in terms.targets if about(one.target) in matters)
        others = tuple(one for one in terms.other_targets if about(one.target) in matters)
        said = None
        if terms.active and (mine or others):
            changes = {"since": None, "targets": mine, "other_targets": others}
            said = terms.model_copy(update=changes)
        if said != (found[-1].terms if found else None):
            found.append(_Promised(terms.since or EVER, said))
    return found


def _since_calendar(old: Calendar, new: Calendar) -> datetime | None:
    if old.default != new.default:
        return EVER
    rules = (rules.since for rules in _first_difference(old.rules, new.rules))
    days = [day or date(1900, 1, 2) for day in rules]
    days += [
        day
        for day in old.exceptions.keys() | new.exceptions.keys()
        if old.exceptions.get(day) != new.exceptions.get(day)
    ]
    return _earliest(datetime.combine(day, time(), UTC) - _ZONES for day in days)


def _first_difference(old: Sequence[T], new: Sequence[T]) -> list[T]:
    """Of two lists: what stands where they first differ."""
    for place in range(max(len(old), len(new))):
        mine, theirs = old[place : place + 1], new[place : place + 1]
        if list(mine) != list(theirs):
            return [*mine, *theirs]
    return []


def _earliest(moments: Iterable[datetime]) -> datetime | None:
    return min(moments, default=None)


KINDS: Final[Mapping[str, Any]] = {"sla_policy": SlaPolicy, "calendar": Calendar, "branch": Branch}
"""Facts that clocks depend on."""
