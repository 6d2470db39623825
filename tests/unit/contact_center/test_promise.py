"""Promises of agents: what becomes of them with time, and what may still be said of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.events.registry import decode
from otklik_common.events.staff import Promise, PromiseState
from otklik_contact_center.domain.promise import (
    MOST_AHEAD,
    BadDueTime,
    KeptBeforeMade,
    PromiseSettled,
    Terms,
    cancelled,
    edited,
    kept,
    made,
    next_at,
    shown,
    warning_of,
)
from otklik_contact_center.domain.promise_told import read, told

MADE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
DUE = MADE + 24 * HOUR
TICK = timedelta(microseconds=1)
TERMS = Terms("call_back", "petrova", "tyumen", MADE, DUE, HOUR)


def a_promise(now: datetime = MADE, **said: Any) -> Promise:
    return made(replace(TERMS, **said), now)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (MADE, "open"),
        (DUE - HOUR, "open"),
        (DUE - HOUR + TICK, "at_risk"),
        (DUE, "at_risk"),
        (DUE + TICK, "broken"),
    ],
)
def test_time_alone_warns_of_a_promise_and_then_breaks_it(now: datetime, state: str) -> None:
    assert shown(a_promise(), now).state == state


def test_it_is_looked_at_again_when_it_warns_and_when_it_breaks() -> None:
    opened = a_promise()
    assert next_at(opened) == DUE - HOUR
    at_risk = shown(opened, DUE - HOUR + TICK)
    assert next_at(at_risk) == DUE
    assert next_at(shown(at_risk, DUE + TICK)) is None


def test_a_warning_is_never_given_before_the_promise() -> None:
    short = a_promise(due_at=MADE + HOUR / 2)
    assert (short.warn_at, warning_of(short)) == (MADE, HOUR / 2)


def test_without_a_warning_it_breaks_at_once() -> None:
    bare = a_promise(warning=timedelta())
    assert next_at(bare) == DUE
    assert shown(bare, DUE + TICK).state == "broken"


@pytest.mark.parametrize(("at", "state"), [(DUE, "kept"), (DUE + TICK, "kept_late")])
def test_kept_at_the_due_time_is_in_time(at: datetime, state: str) -> None:
    assert kept(a_promise(), at, at).state == state


def test_whoever_says_it_late_may_say_that_it_was_kept_in_time() -> None:
    broken = shown(a_promise(), DUE + HOUR)
    assert kept(broken, DUE - HOUR, DUE + HOUR).state == "kept"


def test_the_last_word_on_when_it_was_kept_holds() -> None:
    first = kept(a_promise(), DUE + HOUR, DUE + HOUR)
    assert kept(first, DUE, DUE + HOUR).state == "kept"


def test_nothing_is_kept_before_it_is_promised() -> None:
    with pytest.raises(KeptBeforeMade):
        kept(a_promise(), MADE - TICK, DUE)


def test_what_is_broken_cannot_be_cancelled() -> None:
    with pytest.raises(PromiseSettled, match="broken"):
        cancelled(shown(a_promise(), DUE + TICK), DUE + TICK)
    with pytest.raises(PromiseSettled, match="kept"):
        cancelled(kept(a_promise(), MADE + HOUR, MADE + HOUR), MADE + 2 * HOUR)


def test_what_is_cancelled_stays_so_and_cannot_be_kept() -> None:
    given_up = cancelled(a_promise(), MADE + HOUR)
    assert cancelled(given_up, DUE + HOUR) == given_up
    assert (given_up.state, next_at(given_up)) == ("cancelled", None)
    with pytest.raises(PromiseSettled, match="cancelled"):
        kept(given_up, MADE + HOUR, MADE + HOUR)


def test_it_may_be_put_off_until_it_is_due_and_that_is_counted() -> None:
    at_risk = shown(a_promise(), DUE - HOUR / 2)
    later = edited(at_risk, replace(TERMS, due_at=DUE + 24 * HOUR), DUE - HOUR / 2)
    assert (later.state, later.postponed) == ("open", 1)
    sooner = edited(later, TERMS, DUE - HOUR / 2)
    assert (sooner.state, sooner.postponed) == ("at_risk", 1)


def test_times_stand_once_it_is_due_and_whose_it_is_may_still_be_put_right() -> None:
    broken = shown(a_promise(), DUE + TICK)
    with pytest.raises(PromiseSettled):
        edited(broken, replace(TERMS, due_at=DUE + HOUR), DUE + TICK)
    # Nor does it help that no worker has looked yet.
    with pytest.raises(PromiseSettled):
        edited(a_promise(), replace(TERMS, due_at=DUE + HOUR), DUE + TICK)
    with pytest.raises(PromiseSettled):
        edited(kept(a_promise(), DUE, DUE), replace(TERMS, made_at=MADE - HOUR), DUE)
    put_right = edited(broken, replace(TERMS, agent="ivanov", warning=2 * HOUR), DUE + TICK)
    assert (put_right.agent, put_right.state) == ("ivanov", "broken")
    assert put_right.warn_at == broken.warn_at


@pytest.mark.parametrize("due", [MADE, MADE - HOUR, MADE + MOST_AHEAD + TICK])
def test_it_is_due_after_it_is_made_and_within_a_year(due: datetime) -> None:
    with pytest.raises(BadDueTime):
        a_promise(due_at=due)
    with pytest.raises(BadDueTime):
        edited(a_promise(), replace(TERMS, due_at=due), MADE)


def test_one_of_the_past_is_broken_as_it_is_made() -> None:
    late = a_promise(now=DUE + HOUR)
    assert (late.state, next_at(late)) == (PromiseState.BROKEN, None)


Steps = st.lists(st.integers(0, 72), max_size=8).map(sorted)


@given(Steps, st.integers(1, 48), st.integers(0, 48))
def test_however_often_it_is_looked_at_it_shows_the_same_in_the_end(
    looks: list[int], due: int, warning: int
) -> None:
    promise = a_promise(due_at=MADE + due * HOUR, warning=warning * HOUR)
    end = MADE + 73 * HOUR
    seen = promise
    for hours in looks:
        seen = shown(seen, MADE + hours * HOUR)
    assert shown(seen, end) == shown(promise, end)
    assert next_at(shown(seen, end)) is None


@given(st.integers(1, 48), st.integers(0, 48), st.integers(0, 80))
def test_nothing_happens_to_it_between_the_moments_that_it_names(
    due: int, warning: int, after: int
) -> None:
    promise = a_promise(due_at=MADE + due * HOUR, warning=warning * HOUR)
    now = shown(promise, MADE + after * HOUR)
    moment = next_at(now)
    if moment is not None:
        assert shown(now, moment).state == now.state
        assert shown(now, moment + TICK).state != now.state


def test_it_travels_as_the_contract_says_and_is_told_once() -> None:
    subject, promise = UUID(int=1), a_promise()
    new = told("acme2abc", subject, None, promise, MADE + TICK)
    assert new is not None
    event = decode(new.announcement.payload)
    assert (event.revision, event.verb, event.time, event.data) == (1, "made", MADE, promise)
    assert read(new.step.data) == promise
    assert told("acme2abc", subject, new.step.emitted, promise, DUE) is None
    broken = told("acme2abc", subject, new.step.emitted, shown(promise, DUE + TICK), DUE + HOUR)
    assert broken is not None
    event = decode(broken.announcement.payload)
    assert (event.revision, event.verb, event.time) == (2, "broken", DUE)
