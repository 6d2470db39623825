"""Claims: their states, their three clocks, and legal terms in calendar days."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.clocks.policies import Policies
from otklik_common.events.claims import ClaimState, Severity
from otklik_feedback.domain.case import BadStep
from otklik_feedback.domain.claim import (
    MOST_REOPENINGS,
    MOST_STEPS,
    Change,
    Claim,
    ClaimInWork,
    ClaimOpen,
    ClaimWorkedOff,
    NewClaim,
    TooManySteps,
    changed,
    digest_of,
    reacted,
    received,
    reopened,
    term_of,
    watched_of,
    worked_off,
)
from otklik_feedback.domain.claim_case import case_of
from otklik_feedback.domain.clock import clocks

MOSCOW = "Europe/Moscow"
MONDAY = datetime(2026, 3, 2, 6, 4, 5, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEY = b"k" * 32


def a_body(**said: Any) -> NewClaim:
    usual: dict[str, Any] = {"reference": "c-1", "received_at": MONDAY, "text": "Верните задаток"}
    return NewClaim(id=UUID(int=1), **usual | said)


def a_claim(days: int | None = 10, zone: str = MOSCOW, **said: Any) -> Claim:
    new = a_body(**said)
    return received(
        new,
        digest=digest_of(KEY, new),
        sender="key:k",
        dimensions=new.said,
        identifiers=new.identifiers,
        term_days=days,
        zone=zone,
    )


def shown(claim: Claim, at: datetime) -> dict[str, str]:
    """State by target and number of the opening."""
    found = clocks("demo2abc", watched_of(claim), Policies(), now=at, known={})
    states: dict[str, str] = {}
    for kept in found:
        name = kept.shown.fact.target
        states[f"{name}+" if name in states else name] = kept.shown.fact.state
    return states


def test_a_term_ends_with_the_last_of_its_days_where_the_branch_is() -> None:
    end = term_of(MONDAY, 10, MOSCOW)
    assert end == datetime(2026, 3, 12, 21, tzinfo=UTC)
    assert term_of(MONDAY, 10, "Asia/Kamchatka") == datetime(2026, 3, 12, 12, tzinfo=UTC)
    # 22:30 in UTC is the next day in Moscow.
    late = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    assert term_of(late, 10, MOSCOW) == datetime(2026, 3, 13, 21, tzinfo=UTC)
    assert term_of(MONDAY, None, MOSCOW) is None


@given(
    at=st.integers(0, 100_000).map(lambda hours: MONDAY + hours * HOUR),
    days=st.integers(1, 366),
    zone=st.sampled_from([MOSCOW, "Asia/Kamchatka", "Europe/Berlin", "America/New_York", "UTC"]),
)
def test_a_term_leaves_at_least_all_of_its_days(at: datetime, days: int, zone: str) -> None:
    end = term_of(at, days, zone)
    assert end is not None
    hour_of_the_clock = HOUR
    assert days * DAY - hour_of_the_clock <= end - at <= (days + 1) * DAY + hour_of_the_clock


def test_without_policies_the_norm_and_the_law_hold() -> None:
    claim = a_claim()
    assert shown(claim, MONDAY) == {"claim_answer": "pending", "claim_term": "pending"}
    assert shown(claim, MONDAY + 21 * HOUR)["claim_answer"] == "imminent"
    assert shown(claim, MONDAY + 25 * HOUR)["claim_answer"] == "breaching"
    assert shown(claim, MONDAY + 9 * DAY)["claim_term"] == "imminent"
    assert shown(claim, MONDAY + 11 * DAY)["claim_term"] == "breaching"
    assert "claim_term" not in shown(a_claim(None), MONDAY)


def test_a_claim_is_received_in_work_and_worked_off() -> None:
    claim = a_claim()
    assert claim.state is ClaimState.RECEIVED
    taken = reacted(claim, MONDAY + HOUR)
    assert taken.state is ClaimState.IN_WORK
    done = worked_off(taken, MONDAY + 2 * HOUR, outcome="refunded")
    assert (done.state, done.outcome, done.steps) == (ClaimState.WORKED_OFF, "refunded", 3)
    assert set(shown(done, MONDAY + 20 * DAY).values()) == {"achieved"}


def test_who_works_a_claim_off_at_once_has_reacted() -> None:
    done = worked_off(a_claim(), MONDAY + HOUR, outcome="refunded")
    assert done.reacted_at == MONDAY + HOUR


def test_a_reopened_claim_waits_anew_and_what_was_before_stays_judged() -> None:
    done = worked_off(a_claim(), MONDAY + HOUR, outcome="refused")
    again = reopened(done, MONDAY + 3 * DAY)
    assert (again.state, again.outcome, again.reopenings) == (ClaimState.IN_WORK, None, 1)
    later = MONDAY + 5 * DAY
    assert shown(again, later) == {
        "claim_answer": "achieved",
        "claim_term": "achieved",
        "claim_answer+": "breaching",
        "claim_term+": "pending",
    }
    closed = worked_off(again, MONDAY + 3 * DAY + HOUR, outcome="refunded")
    assert set(shown(closed, later).values()) == {"achieved"}
    assert again.openings[1].term_at == term_of(MONDAY + 3 * DAY, 10, MOSCOW)


def test_steps_come_in_order_and_where_they_make_sense() -> None:
    claim = a_claim()
    with pytest.raises(BadStep):
        reacted(claim, MONDAY - timedelta.resolution)
    taken = reacted(claim, MONDAY + 2 * HOUR)
    with pytest.raises(ClaimInWork):
        reacted(taken, MONDAY + 3 * HOUR)
    with pytest.raises(BadStep):
        worked_off(taken, MONDAY + HOUR, outcome="refunded")
    with pytest.raises(ClaimOpen):
        reopened(taken, MONDAY + 3 * HOUR)
    done = worked_off(taken, MONDAY + 3 * HOUR, outcome="refunded")
    moves: tuple[Callable[[], Claim], ...] = (
        lambda: reacted(done, MONDAY + DAY),
        lambda: worked_off(done, MONDAY + DAY, outcome="x"),
        lambda: changed(done, Change(topic="x"), MONDAY + DAY),
    )
    for move in moves:
        with pytest.raises(ClaimWorkedOff):
            move()


def test_reopenings_are_bounded() -> None:
    claim = a_claim()
    for number in range(MOST_REOPENINGS):
        claim = worked_off(claim, MONDAY + number * HOUR, outcome="refused")
        claim = reopened(claim, MONDAY + number * HOUR)
    claim = worked_off(claim, MONDAY + DAY, outcome="refused")
    with pytest.raises(TooManySteps):
        reopened(claim, MONDAY + DAY)


def test_a_change_moves_a_claim_and_leaves_the_rest() -> None:
    claim = a_claim(said={"branch": "tyumen", "party": "buyer"})
    moved = changed(claim, Change(severity=Severity.HIGH, branch="perm"), MONDAY)
    assert moved.dimensions == {"branch": "perm", "party": "buyer"}
    assert (moved.severity, moved.topic, moved.steps) == (Severity.HIGH, None, 2)
    assert watched_of(moved).branch == "perm"


def test_the_same_claim_has_the_same_digest_and_another_has_not() -> None:
    assert digest_of(KEY, a_body()) == digest_of(KEY, a_body())
    for other in ({"text": "x"}, {"severity": Severity.LOW}, {"said": {"branch": "perm"}}):
        assert digest_of(KEY, a_body(**other)) != digest_of(KEY, a_body())


def test_a_case_is_of_the_customer_or_of_the_claim() -> None:
    nameless, named = a_claim(), a_claim(identifiers=("ph1_abc",), said={"segment": "loyal"})
    assert case_of(UUID(int=2), nameless).person == f"claim/{nameless.id}"
    case = case_of(UUID(int=2), named)
    assert (case.person, case.reason, case.touchpoint) == ("claim/ph1_abc", "claim", "claim")
    assert case.place == case_of(UUID(int=2), nameless).dimensions.get("branch", "")
    assert case.due_at == MONDAY + DAY


def test_a_claim_with_many_steps_is_changed_no_more_and_still_worked_off() -> None:
    claim = a_claim()
    for _ in range(MOST_STEPS - 1):
        claim = changed(claim, Change(topic="x"), MONDAY)
    with pytest.raises(TooManySteps):
        changed(claim, Change(topic="y"), MONDAY)
    done = worked_off(reacted(claim, MONDAY), MONDAY, outcome="refunded")
    assert (done.state, done.steps) == (ClaimState.WORKED_OFF, MOST_STEPS + 2)
    assert reopened(done, MONDAY).state is ClaimState.IN_WORK
