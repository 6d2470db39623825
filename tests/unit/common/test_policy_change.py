"""An edit of what is promised tells whose clocks are to be made anew, and since when."""

from datetime import UTC, date, datetime

from otklik_common.clocks.policy_change import EVER, EVERYBODY, Facts, redone
from otklik_common.events.access import Branch, Calendar, CalendarRules, SlaPolicy, SlaTerms
from otklik_common.events.envelope import Fact

MARCH, MAY = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
DAY = ("09:00-18:00",)
WEEK = (DAY, DAY, DAY, DAY, DAY, (), ())
SIX = (*WEEK[:5], DAY, ())


def facts(*said: Fact) -> Facts:
    return {(fact.kind, fact.code): fact for fact in said}  # type: ignore[attr-defined]


def policy(*since: datetime | None, priority: int = 1) -> SlaPolicy:
    terms = tuple(SlaTerms(since=one, priority=priority + n) for n, one in enumerate(since))
    return SlaPolicy(code="usual", terms=terms)


def calendar(*rules: tuple[date | None, tuple[tuple[str, ...], ...]], **more: object) -> Calendar:
    made = tuple(CalendarRules(since=day, timezone="UTC", week=week) for day, week in rules)  # type: ignore[arg-type]
    return Calendar(code="office", rules=made, **more)  # type: ignore[arg-type]


OFFICE = calendar((None, WEEK))


def since(before: Facts, after: Facts) -> datetime | None:
    found = redone(before, after)
    assert found.keys() <= {EVERYBODY}
    return found.get(EVERYBODY)


def test_where_nothing_is_promised_nothing_is_made_anew() -> None:
    assert redone(facts(), facts(OFFICE, Branch(code="tyumen", calendar="office"))) == {}


def test_terms_count_since_the_first_that_differ() -> None:
    assert since(facts(), facts(policy(MARCH))) == MARCH
    assert since(facts(policy(MARCH)), facts(policy(MARCH, MAY))) == MAY
    assert since(facts(policy(MARCH, MAY)), facts(policy(MARCH))) == MAY
    assert since(facts(policy(MARCH)), facts(policy(MAY))) == MARCH
    assert since(facts(policy(MARCH)), facts(policy(MARCH, priority=2))) == MARCH
    assert since(facts(policy(MARCH)), facts()) == MARCH
    assert since(facts(policy(None)), facts()) == EVER


def test_another_name_promises_nothing_else() -> None:
    named = policy(MARCH).model_copy(update={"names": {"en": "Usual"}})
    assert redone(facts(policy(MARCH)), facts(named)) == {}


def test_hours_count_since_the_day_that_differs_wherever_it_begins_first() -> None:
    promised = policy(MARCH)
    later = calendar((None, WEEK), (date(2026, 5, 1), SIX))
    assert since(facts(promised, OFFICE), facts(promised, later)) == datetime(
        2026, 4, 30, tzinfo=UTC
    )
    closed = calendar((None, WEEK), exceptions={date(2026, 3, 9): ()})
    assert since(facts(promised, OFFICE), facts(promised, closed)) == datetime(
        2026, 3, 8, tzinfo=UTC
    )
    assert since(facts(promised, OFFICE), facts(promised, calendar((None, SIX)))) == EVER
    assert (
        since(facts(promised, OFFICE), facts(promised, calendar((None, WEEK), default=True)))
        == EVER
    )
    assert since(facts(promised), facts(promised, OFFICE)) == EVER


def test_a_branch_counts_for_itself_alone() -> None:
    promised = policy(MARCH)
    before = facts(promised, Branch(code="tyumen", groups=("own",)))
    assert redone(before, facts(promised, Branch(code="tyumen"))) == {"tyumen": EVER}
    named = Branch(code="tyumen", groups=("own",), names={"en": "Tyumen"})
    assert redone(before, facts(promised, named)) == {}
    assert redone(facts(promised), facts(promised, Branch(code="omsk"))) == {}
    both = facts(policy(MARCH, MAY), Branch(code="tyumen", calendar="x"))
    assert redone(before, both) == {EVERYBODY: MAY, "tyumen": EVER}
