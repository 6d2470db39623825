"""A policy is edited from a moment on: what was promised before stays promised."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from otklik_access.domain.sla_policies import (
    MOST_BYTES,
    MOST_POLICIES,
    MOST_TERMS,
    Policy,
    check_calendar,
    check_priority,
    edited,
    ended,
    names_calendar,
)
from otklik_common.errors import Conflict, Unprocessable
from otklik_common.events.access import (
    OtherTarget,
    OtherTargetName,
    SlaTarget,
    SlaTerms,
    TargetName,
)
from otklik_common.events.envelope import MAX_FACT_BYTES

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
FIRST = SlaTarget(target=TargetName.FIRST_RESPONSE, seconds=3600)


def terms(**said: Any) -> SlaTerms:
    return SlaTerms(**{"priority": 10, "targets": (FIRST,), **said})


def edit(known: Policy | None, of: SlaTerms, since: datetime = MARCH) -> Policy:
    return edited(known, "usual", of, names={}, since=since)


def test_a_new_policy_promises_from_its_moment_on() -> None:
    assert [(one.since, one.priority) for one in edit(None, terms()).terms] == [(MARCH, 10)]


def test_an_edit_leaves_what_was_promised_before() -> None:
    made = edit(edit(None, terms()), terms(priority=5), MARCH + timedelta(days=9))
    assert [one.priority for one in made.terms] == [10, 5]


def test_an_edit_of_an_earlier_moment_takes_the_place_of_all_after_it() -> None:
    made = edit(edit(None, terms()), terms(priority=5), MARCH + timedelta(days=9))
    assert [one.priority for one in edit(made, terms(priority=7), MARCH).terms] == [7]


def test_the_same_again_is_no_edit() -> None:
    made = edit(None, terms())
    assert edit(made, terms(), MARCH + timedelta(days=1)) == made
    assert edit(made, terms(), MARCH) == made


def test_an_ended_policy_promises_nothing_more_and_can_come_back() -> None:
    over = ended(edit(None, terms()), MARCH + timedelta(days=1))
    assert [one.active for one in over.terms] == [True, False]
    assert ended(over, MARCH + timedelta(days=2)) == over
    back = edit(over, terms(), MARCH + timedelta(days=3))
    assert [one.active for one in back.terms] == [True, False, True]


def test_a_policy_keeps_so_many_terms_and_no_more() -> None:
    made: Policy | None = None
    for number in range(MOST_TERMS):
        made = edit(made, terms(priority=number + 1), MARCH + timedelta(days=number))
    with pytest.raises(Unprocessable) as refused:
        edit(made, terms(priority=99), MARCH + timedelta(days=MOST_TERMS))
    assert refused.value.code == "too_many_terms"


def test_whatever_it_has_become_a_policy_can_be_ended() -> None:
    made: Policy | None = None
    for number in range(MOST_TERMS):
        made = edit(made, terms(priority=number + 1), MARCH + timedelta(days=number))
    assert made is not None
    assert ended(made, MARCH + timedelta(days=MOST_TERMS)).last.active is False
    wide = tuple(f"{'x' * 50}-{number}" for number in range(270))
    large = edit(None, terms(branches=wide))
    over = ended(large, MARCH + timedelta(days=1))
    assert MOST_BYTES // 2 < len(large.fact().said().encode()) < MOST_BYTES
    assert len(over.fact().said().encode()) < MAX_FACT_BYTES


def test_a_policy_that_others_cannot_be_told_of_is_refused() -> None:
    branches = tuple(f"{'x' * 90}-{number}" for number in range(200))
    with pytest.raises(Unprocessable) as refused:
        edit(None, terms(branches=branches))
    assert refused.value.code == "policy_too_large"


def test_two_policies_that_hold_never_have_the_same_priority() -> None:
    usual, vip = edit(None, terms()), Policy("vip", (terms(),))
    with pytest.raises(Conflict, match=r"usual has priority 10 already.*11 is free") as refused:
        check_priority(vip, [usual, Policy("other", (terms(priority=12),))])
    assert refused.value.code == "priority_taken"
    check_priority(vip, [vip])
    over = ended(usual, MARCH + timedelta(days=1))
    with pytest.raises(Conflict):
        check_priority(vip, [over])
    check_priority(edited(None, "vip", terms(), names={}, since=MARCH + timedelta(days=1)), [over])
    check_priority(ended(edit(None, terms()), MARCH + timedelta(days=1)), [vip])


def test_a_priority_that_is_given_up_later_is_taken_until_then() -> None:
    later = MARCH + timedelta(days=30)
    moved = edited(edit(None, terms()), "usual", terms(priority=20), names={}, since=later)
    for priority, since, refused in (
        (10, MARCH, True),
        (10, later - timedelta(seconds=1), True),
        (10, later, False),
        (20, MARCH, True),
        (20, later, True),
        (15, MARCH, False),
    ):
        other = edited(None, "vip", terms(priority=priority), names={}, since=since)
        if refused:
            with pytest.raises(Conflict):
                check_priority(other, [moved])
        else:
            check_priority(other, [moved])


def test_there_are_so_many_policies_and_no_more() -> None:
    many = [
        Policy(f"p{number}", (terms(priority=100 + number),)) for number in range(MOST_POLICIES)
    ]
    with pytest.raises(Unprocessable) as refused:
        check_priority(Policy("one more", (terms(),)), many)
    assert refused.value.code == "too_many_policies"
    check_priority(Policy("p0", (terms(),)), many)


def test_business_time_needs_a_calendar() -> None:
    with pytest.raises(Unprocessable) as refused:
        check_calendar(terms(), [], default=None)
    assert refused.value.code == "no_calendar"
    with pytest.raises(Unprocessable) as refused:
        check_calendar(terms(calendar="night"), ["office"], default="office")
    assert refused.value.code == "unknown_calendar"
    of_reviews = OtherTarget(target=OtherTargetName.REVIEW_REPLY, seconds=3600)
    with pytest.raises(Unprocessable) as refused:
        check_calendar(terms(targets=(), other_targets=(of_reviews,)), [], default=None)
    assert refused.value.code == "no_calendar"
    elapsed = FIRST.model_copy(update={"business": False})
    check_calendar(terms(targets=(elapsed,)), [], default=None)
    check_calendar(terms(calendar="office"), ["office"], default="office")


def test_a_calendar_is_named_by_terms_of_the_past_too() -> None:
    made = edit(edit(None, terms(calendar="old")), terms(), MARCH + timedelta(days=1))
    assert names_calendar([made], "old") == "usual"
    assert names_calendar([made], "new") is None
