"""A simulated year of asking: nobody gets more than the rules allow, and nothing important starves."""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from otklik_feedback.domain.asking.quarantine import Asked, Quarantine, Rule
from tests.unit.feedback.asking_year import Year, a_programme

DAY = timedelta(days=1)
RULES = Quarantine(14, {"nps": 90}, {})
MICRO_SURVEY = a_programme("micro", priority=10)
QUARTERLY = a_programme("quarterly", priority=90, delay=DAY, wait=30 * DAY)
METRICS = {"micro": "csat", "quarterly": "nps"}


def closest(asked: list[Asked]) -> timedelta:
    """The least time between two invitations."""
    return min((b.at - a.at for a, b in pairwise(asked)), default=timedelta.max)


def broken_rules(year: Year) -> list[str]:
    """Whoever got more than the rules of the year allow."""
    return [
        f"{person}: {what}"
        for person, asked in year.asked.items()
        for what, some, rest in [
            ("any", asked, year.rules.after_any()),
            *(
                (metric, [one for one in asked if one.metric == metric], after)
                for metric in {one.metric for one in asked}
                for after in [year.rules.after_metric(metric)]
            ),
            *(
                (way, [one for one in asked if one.channel == way], after)
                for way in {one.channel for one in asked}
                for after in [year.rules.after_channel(way)]
            ),
        ]
        if closest(some) < rest
    ]


@given(
    person_days=st.integers(0, 40),
    nps_days=st.integers(0, 120),
    csat_days=st.integers(0, 60),
    sms_days=st.integers(0, 60),
    every_days=st.floats(0.5, 30),
    delays=st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20)),
    priorities=st.tuples(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100)),
    wait_days=st.integers(0, 90),
    share=st.integers(1, 1_000_000),
    seed=st.integers(0, 1_000),
)
def test_nobody_is_asked_more_often_than_the_rules_allow(
    *,
    person_days: int,
    nps_days: int,
    csat_days: int,
    sms_days: int,
    every_days: float,
    delays: tuple[int, int, int],
    priorities: tuple[int, int, int],
    wait_days: int,
    share: int,
    seed: int,
) -> None:
    rules = Quarantine(person_days, {"nps": nps_days, "csat": csat_days}, {"sms": sms_days})
    codes = ("micro", "quarterly", "other")
    programmes = [
        a_programme(
            code, delay=delay * DAY, priority=priority, wait=wait_days * DAY, sample_micro=share
        )
        for code, delay, priority in zip(codes, delays, priorities, strict=True)
    ]
    metrics = {**METRICS, "other": "csat"}
    year = Year(programmes, metrics, rules, people=3, every_days=every_days, days=150, seed=seed)
    year.run()
    assert broken_rules(year) == []
    # Everything that was planned is an invitation, or names the rule that stopped it.
    assert len(year.sent) + sum(map(len, year.stopped.values())) == year.planned


def test_a_year_of_thousands_keeps_every_rule_and_names_it() -> None:
    programmes = [
        replace(MICRO_SURVEY, sample_micro=700_000, reminders=(2 * DAY, 5 * DAY)),
        replace(QUARTERLY, reminders=(3 * DAY,)),
    ]
    rules = Quarantine(14, {"nps": 90}, {"sms": 20})
    year = Year(programmes, METRICS, rules, people=2_000, every_days=10, seed=7).run()
    assert year.planned > 100_000
    assert broken_rules(year) == []
    assert len(year.sent) + sum(map(len, year.stopped.values())) == year.planned
    assert max(number for number, _ in year.reminders) == 2
    assert not any(finished for _, finished in year.reminders)
    rulings = {rule for rules in year.stopped.values() for rule in rules}
    assert rulings == {
        Rule.SAMPLED_OUT,
        Rule.QUARANTINE_METRIC,
        Rule.QUARANTINE_PERSON,
        Rule.QUARANTINE_CHANNEL,
        Rule.RESERVED,
    }


def test_a_sample_is_the_share_and_always_the_same_people() -> None:
    programme = replace(MICRO_SURVEY, sample_micro=300_000)
    year = Year([programme], METRICS, Quarantine(0, {}, {}), people=4_000, days=30).run()
    asked = {person for _, person, _ in year.sent}
    out = {person for (_, person), rules in year.stopped.items() if Rule.SAMPLED_OUT in rules}
    assert not asked & out
    assert 0.27 < len(asked) / len(asked | out) < 0.33


def first_moments(year: Year, code: str) -> dict[str, list[datetime]]:
    """When each person was asked by a programme."""
    found = defaultdict(list)
    for programme, person, at in year.sent:
        if programme == code:
            found[person].append(at)
    return found


def test_a_quarterly_nps_is_not_starved_by_a_weekly_micro_survey() -> None:
    year = Year([MICRO_SURVEY, QUARTERLY], METRICS, RULES, people=300, every_days=5).run()
    quarterly = first_moments(year, "quarterly")
    # Four quarters: who comes every five days is asked in each, within the quarantine after it began.
    assert len(quarterly) == 300
    assert all(len(moments) >= 3 for moments in quarterly.values())
    mean = sum(map(len, quarterly.values())) / 300
    assert mean > 3.4
    gaps = [b - a for moments in quarterly.values() for a, b in pairwise(moments)]
    assert min(gaps) >= 90 * DAY
    # Nor does the micro-survey starve.
    assert sum(map(len, first_moments(year, "micro").values())) > 2_000


def a_year_of(micro: int, quarterly: int, wait: timedelta) -> float:
    """How often somebody is asked for the quarterly NPS, planned at once beside the other."""
    beside = [
        replace(MICRO_SURVEY, priority=micro),
        replace(QUARTERLY, priority=quarterly, wait=wait, delay=0 * DAY),
    ]
    year = Year(beside, METRICS, RULES, people=100, every_days=5).run()
    return sum(map(len, first_moments(year, "quarterly").values())) / 100


def test_without_priority_and_waiting_it_is_starved_and_either_saves_it() -> None:
    assert a_year_of(50, 50, 0 * DAY) < 0.1
    assert a_year_of(10, 90, 0 * DAY) > 3.5
    assert a_year_of(50, 50, 30 * DAY) > 3.5
