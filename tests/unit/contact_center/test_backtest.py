"""The past under other promises agrees with running every clock, one after the other."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otklik_common.clocks import sla
from otklik_common.clocks.policies import Policies
from otklik_common.clocks.told import policies_of
from otklik_common.errors import Unprocessable
from otklik_common.events.access import (
    Calendar,
    CalendarRules,
    PauseName,
    SlaPolicy,
    SlaTarget,
    SlaTerms,
    TargetName,
)
from otklik_contact_center.domain.backtest import OF_STATE, Backtest, Flip, Sample
from otklik_contact_center.domain.clock import About, promised
from otklik_contact_center.domain.contact import SILENT, fold
from otklik_contact_center.domain.events import in_order
from otklik_contact_center.domain.other_policies import OtherHours, Otherwise, otherwise
from otklik_contact_center.domain.watch import called_back, marks, watched
from tests.unit.contact_center.builders import a_call, an_event, at, contact_id, events

HOUR = timedelta(hours=1)
NOW = datetime(2026, 4, 1, tzinfo=UTC)
DAY = ("09:00-18:00",)
WEEK = (DAY, DAY, DAY, DAY, DAY, (), ())
OFFICE = Calendar(code="office", default=True, rules=(CalendarRules(timezone="UTC", week=WEEK),))
HOURS = {"office": OFFICE}


def terms(
    seconds: int = 3_600, *, business: bool = True, priority: int = 10, **more: Any
) -> SlaTerms:
    targets = tuple(
        SlaTarget(target=name, seconds=seconds, business=business, pauses=(PauseName.PAUSED,))
        for name in TargetName
    )
    return SlaTerms(priority=priority, targets=targets, **more)


def policy(of: SlaTerms | None = None, code: str = "usual") -> dict[str, SlaPolicy]:
    return {code: SlaPolicy(code=code, terms=(of or terms(),))}


def sample(told: list[Any], name: str = "c", channel: str = "call") -> Sample | None:
    contact = fold(told)
    if contact is None:
        return None
    found = watched(contact, [e for e in in_order(told) if e.type not in SILENT])
    about = About(source=contact_id("s"), channel=channel, branch="tyumen")
    whole = called_back(found, awaited=True, at=None, by=None, only=False)
    return Sample(contact_id(name), contact.at, about, whole)


def straight(one: Sample, policies: Policies, now: datetime) -> list[str]:
    """Every clock by itself, as the contact centre runs it."""
    words = []
    for watch in one.watched.watches:
        found = promised(one.about, watch, one.watched, policies)
        if found is None:
            words.append("none")
            continue
        clock = sla.run(marks(watch, one.watched.pauses, found.promise.pauses), found.target)
        assert clock is not None
        words.append(OF_STATE[clock.state(max(now, clock.ended_at or now))])
    return words


@pytest.mark.simulation
@settings(max_examples=60)
@given(
    st.lists(st.lists(events(minutes=600), min_size=1, max_size=9), max_size=8),
    st.integers(1, 7_200),
)
def test_it_agrees_with_running_every_clock(told: list[list[Any]], seconds: int) -> None:
    samples = [one for n, many in enumerate(told) if (one := sample(many, f"c{n}"))]
    before = policies_of(policy(), HOURS, {})
    wanted = Otherwise({"usual": terms(seconds)}, {"office": OtherHours(breaks=("12:00-13:00",))})
    after = otherwise(policy(), HOURS, {}, wanted)
    test = Backtest(before, after, NOW)
    flips = test.take(samples)
    expected: list[tuple[UUID, str, str]] = []
    counts: dict[str, Counter[str]] = {}
    for one in samples:
        sides = straight(one, before, NOW), straight(one, after, NOW)
        for watch, old, new in zip(one.watched.watches, *sides, strict=True):
            if (old, new) == ("none", "none"):
                continue
            counts.setdefault(watch.target, Counter())[new] += 1
            if old != new:
                expected.append((one.id, watch.target, watch.key))
    assert sorted((f.contact, f.target, f.key) for f in flips) == sorted(expected)
    assert {name: outcomes.after for name, outcomes in test.targets.items()} == counts
    assert sum(outcomes.flips for outcomes in test.targets.values()) == len(flips)
    assert [flip.place for flip in flips] == sorted(flip.place for flip in flips)


def tried(*told: list[Any], wanted: Otherwise, facts: Any = None) -> list[Flip]:
    said = policy() if facts is None else facts
    test = Backtest(policies_of(said, HOURS, {}), otherwise(said, HOURS, {}, wanted), NOW)
    found = [sample(one, f"c{number}") for number, one in enumerate(told)]
    return test.take([one for one in found if one is not None])


SATURDAY = timedelta(days=5)


def a_saturday_call() -> list[Any]:
    """Asked on a Saturday at nine, answered on Monday at half past nine."""
    first = SATURDAY.total_seconds()
    return [
        an_event("queued", first, channel="call", direction="in"),
        an_event("answered", first + 2 * 86_400 + 1_800, agent="petrova"),
        an_event("ended", first + 2 * 86_400 + 1_900),
    ]


def test_who_waited_over_a_saturday_flips_once_saturdays_are_worked() -> None:
    wanted = Otherwise(calendars={"office": OtherHours(week={5: DAY})})
    flips = tried(a_saturday_call(), a_call(), wanted=wanted)
    assert [(f.target, f.before and f.before.state, f.after and f.after.state) for f in flips] == [
        ("first_resolution", "achieved", "breached"),
        ("first_response", "achieved", "breached"),
        ("resolution", "achieved", "breached"),
    ]
    response = flips[1]
    assert response.before is not None
    assert response.after is not None
    assert response.after.due_at == at(SATURDAY.total_seconds()) + HOUR
    assert response.before.due_at == at(SATURDAY.total_seconds()) + timedelta(days=2) + HOUR


def test_a_policy_may_be_left_out_or_added() -> None:
    (first, *_) = tried(a_call(), wanted=Otherwise({"usual": None}))
    assert (first.before is not None, first.after) == (True, None)
    stricter = Otherwise({"strict": terms(5, priority=1, channels=("call",), business=False)})
    flips = tried(a_call(), wanted=stricter)
    assert {flip.after.policy for flip in flips if flip.after} == {"strict"}


def test_hours_that_are_left_out_stay_and_days_are_added() -> None:
    closed = OtherHours(exceptions={date(2026, 3, 9): ()})
    after = otherwise(policy(), HOURS, {}, Otherwise(calendars={"office": closed}))
    one = sample(a_saturday_call())
    assert one is not None
    found = promised(one.about, one.watched.watches[0], one.watched, after)
    assert found is not None
    assert found.target.calendar is not None
    assert found.target.calendar.day(date(2026, 3, 9)).windows == ()
    assert found.target.calendar.day(date(2026, 3, 10)).windows != ()


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (Otherwise({"unheard": None}), "unknown_policy"),
        (Otherwise(calendars={"unheard": OtherHours()}), "unknown_calendar"),
        (Otherwise({"usual": terms(calendar="unheard")}), "unknown_calendar"),
        (Otherwise({"other": terms(priority=10)}), "priority_taken"),
        (
            Otherwise(calendars={"office": OtherHours(week=dict.fromkeys(range(7), ()))}),
            "never_opens",
        ),
    ],
)
def test_what_cannot_be_tried_is_refused(wanted: Otherwise, code: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        otherwise(policy(), HOURS, {}, wanted)
    assert refused.value.code == code


def test_holidays_are_kept_unless_it_is_said_otherwise() -> None:
    with_holidays = OFFICE.model_copy(
        update={"rules": (OFFICE.rules[0].model_copy(update={"holidays": "RU"}),)}
    )
    for edit, expected in (
        (OtherHours(breaks=("13:00-14:00",)), "RU"),
        (OtherHours(keep_holidays=False), None),
    ):
        after = otherwise(
            policy(), {"office": with_holidays}, {}, Otherwise(calendars={"office": edit})
        )
        one = sample(a_call())
        assert one is not None
        found = promised(one.about, one.watched.watches[0], one.watched, after)
        assert found is not None
        assert found.target.calendar is not None
        assert found.target.calendar.rules[0].holidays == expected


def test_a_large_one_counts_what_was_planted() -> None:
    """Waits that are known one by one: half of the calls waits longer than is promised."""
    rng = random.Random(4)
    waits = [rng.choice((10.0, 30.0)) for _ in range(2_000)]
    samples = [sample(a_call(answered=wait), f"c{n}") for n, wait in enumerate(waits)]
    before = policies_of(policy(terms(60, business=False)), {}, {})
    after = policies_of(policy(terms(20, business=False)), {}, {})
    test = Backtest(before, after, NOW)
    flips = test.take([one for one in samples if one is not None])
    assert sum(flip.target == "first_response" for flip in flips) == waits.count(30.0)
    assert test.targets["first_response"].after == Counter(
        kept=waits.count(10.0), broken=waits.count(30.0)
    )
