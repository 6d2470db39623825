"""An edit of what is promised tells whose clocks are to be made anew, and since when."""

from datetime import UTC, date, datetime

from otklik_common.clocks.policies import CLAIM, CONTACT, REVIEW
from otklik_common.clocks.policy_change import EVER, EVERYBODY, Facts, redone
from otklik_common.events.access import (
    Branch,
    Calendar,
    CalendarRules,
    OtherTarget,
    OtherTargetName,
    SlaPolicy,
    SlaTarget,
    SlaTerms,
    TargetName,
)
from otklik_common.events.envelope import Fact

MARCH, MAY = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
DAY = ("09:00-18:00",)
WEEK = (DAY, DAY, DAY, DAY, DAY, (), ())
SIX = (*WEEK[:5], DAY, ())
ANSWERED = SlaTarget(target=TargetName.RESOLUTION, seconds=60)
REPLIED = OtherTarget(target=OtherTargetName.REVIEW_REPLY, seconds=60)
CLAIMED = OtherTarget(target=OtherTargetName.CLAIM_ANSWER, seconds=60)


def facts(*said: Fact) -> Facts:
    return {(fact.kind, fact.code): fact for fact in said}  # type: ignore[attr-defined]


def policy(*since: datetime | None, priority: int = 1) -> SlaPolicy:
    terms = tuple(
        SlaTerms(since=one, priority=priority + n, targets=(ANSWERED,))
        for n, one in enumerate(since)
    )
    return SlaPolicy(code="usual", terms=terms)


def calendar(*rules: tuple[date | None, tuple[tuple[str, ...], ...]], **more: object) -> Calendar:
    made = tuple(CalendarRules(since=day, timezone="UTC", week=week) for day, week in rules)  # type: ignore[arg-type]
    return Calendar(code="office", rules=made, **more)  # type: ignore[arg-type]


OFFICE = calendar((None, WEEK))


def contacts(before: Facts, after: Facts) -> dict[str, datetime]:
    return redone(before, after, (CONTACT,))


def since(before: Facts, after: Facts) -> datetime | None:
    found = contacts(before, after)
    assert found.keys() <= {EVERYBODY}
    return found.get(EVERYBODY)


def test_where_nothing_is_promised_nothing_is_made_anew() -> None:
    assert contacts(facts(), facts(OFFICE, Branch(code="tyumen", calendar="office"))) == {}


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
    assert contacts(facts(policy(MARCH)), facts(named)) == {}


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
    assert contacts(before, facts(promised, Branch(code="tyumen"))) == {"tyumen": EVER}
    named = Branch(code="tyumen", groups=("own",), names={"en": "Tyumen"})
    assert contacts(before, facts(promised, named)) == {}
    assert contacts(facts(promised), facts(promised, Branch(code="omsk"))) == {}
    both = facts(policy(MARCH, MAY), Branch(code="tyumen", calendar="x"))
    assert contacts(before, both) == {EVERYBODY: MAY, "tyumen": EVER}


def test_what_is_promised_about_others_makes_nothing_anew() -> None:
    def said(*moments: datetime, **targets: object) -> Facts:
        terms = [SlaTerms(since=one, priority=1, **targets) for one in moments]  # type: ignore[arg-type]
        return facts(SlaPolicy(code="usual", terms=tuple(terms)))

    def after(before: Facts, edit: Facts, **changes: object) -> Facts:
        (old,), (new,) = before.values(), edit.values()
        assert isinstance(old, SlaPolicy)
        assert isinstance(new, SlaPolicy)
        terms = new.terms[0].model_copy(update=changes)
        return facts(old.model_copy(update={"terms": (*old.terms, terms)}))

    both = said(MARCH, targets=(ANSWERED,), other_targets=(REPLIED, CLAIMED))
    longer = ANSWERED.model_copy(update={"seconds": 90})
    of_contacts = after(both, said(MAY, targets=(longer,), other_targets=(REPLIED, CLAIMED)))
    assert contacts(both, of_contacts) == {EVERYBODY: MAY}
    assert redone(both, of_contacts, (CLAIM, REVIEW)) == {}
    of_claims = after(both, said(MAY, targets=(ANSWERED,), other_targets=(REPLIED,)))
    assert contacts(both, of_claims) == {}
    assert redone(both, of_claims, (CLAIM, REVIEW)) == {EVERYBODY: MAY}
    assert redone(both, of_claims, (REVIEW,)) == {}
    first = after(of_contacts, said(MAY, other_targets=(CLAIMED,)), priority=2)
    assert contacts(of_contacts, first) == {EVERYBODY: MAY}
    still = after(both, said(MAY, targets=(ANSWERED,), other_targets=(REPLIED,)), active=False)
    assert contacts(both, still) == redone(both, still, (REVIEW,)) == {EVERYBODY: MAY}
    calls = said(MARCH, targets=(ANSWERED,))
    with_hours = facts(*calls.values(), OFFICE)
    assert contacts(calls, with_hours) == {EVERYBODY: EVER}
    assert redone(calls, with_hours, (CLAIM, REVIEW)) == {}
