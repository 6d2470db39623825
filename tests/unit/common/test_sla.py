"""A clock agrees with a count of minutes, whatever happens to it, and its states follow from that."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from otklik_common.clocks.calendar import ALWAYS, Calendar, Rules
from otklik_common.clocks.hours import Window
from otklik_common.clocks.sla import Clock, Mark, State, Step, Target, run

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
NINE_TO_SIX = (Window(540, 1080),)
OFFICE = Calendar(
    (
        Rules(
            ALWAYS,
            "UTC",
            (NINE_TO_SIX, NINE_TO_SIX, NINE_TO_SIX, NINE_TO_SIX, NINE_TO_SIX, (), ()),
        ),
    )
)
FOUR_HOURS = Target(4 * HOUR, HOUR, OFFICE)


def at(hours: float, day: int = 0) -> datetime:
    """A moment of the week that begins on 2 March 2026."""
    return MONDAY + timedelta(days=day, hours=hours)


def made(*marks: tuple[datetime, str], target: Target = FOUR_HOURS) -> Clock:
    clock = run([Mark(when, Step(step)) for when, step in marks], target)
    assert clock is not None
    return clock


def test_a_clock_is_pending_then_imminent_then_breaching() -> None:
    clock = made((at(16), "start"))
    assert (clock.due_at, clock.warn_at) == (at(11, 1), at(10, 1))
    for moment, state in (
        (at(16), State.PENDING),
        (at(9.99, 1), State.PENDING),
        (at(10, 1), State.IMMINENT),
        (at(11, 1), State.IMMINENT),
        (at(11, 1) + timedelta(microseconds=1), State.BREACHING),
        (at(9, 4), State.BREACHING),
    ):
        assert clock.state(moment) is state, moment


def test_exactly_the_target_is_kept_and_a_moment_more_is_not() -> None:
    kept, missed = (
        made((at(9), "start"), (at(13), "stop")),
        made((at(9), "start"), (at(13.01), "stop")),
    )
    assert kept.state(at(20)) is State.ACHIEVED
    assert missed.state(at(20)) is State.BREACHED


def test_who_gives_up_mends_nothing_that_was_broken_before() -> None:
    early = made((at(9), "start"), (at(12), "cancel"))
    late = made((at(9), "start"), (at(13.01), "cancel"))
    assert (early.state(at(20)), late.state(at(20))) == (State.CANCELLED, State.BREACHED)


def test_who_answers_while_all_is_closed_answers_in_time() -> None:
    clock = made((at(14), "start"), (at(23), "stop"))
    assert (clock.due_at, clock.breaches_at) == (at(18), at(9, 1))
    assert made((at(14), "start")).state(at(23)) is State.IMMINENT
    assert clock.state(at(22)) is State.IMMINENT
    assert clock.state(at(23)) is State.ACHIEVED


def test_a_pause_holds_the_clock_and_survives_another_target() -> None:
    happened = ((at(10), "start"), (at(11), "pause"), (at(16, 2), "resume"))
    clock = made(*happened)
    assert clock.due_at == at(10, 3)
    assert clock.used(at(16, 2)) == HOUR
    longer = made(*happened, target=Target(6 * HOUR, calendar=OFFICE))
    elapsed = made(*happened, target=Target(6 * HOUR))
    assert (longer.due_at, elapsed.due_at) == (at(12, 3), at(21, 2))


def test_a_clock_that_was_stopped_in_time_still_says_when_it_was_due() -> None:
    clock = made((at(9), "start"), (at(10), "stop"))
    assert (clock.due_at, clock.warn_at, clock.breaches_at) == (at(13), at(12), at(13))
    assert clock.state(at(12, 1)) is State.ACHIEVED


def test_a_paused_clock_has_no_due_time_unless_it_came_before() -> None:
    paused = made((at(10), "start"), (at(11), "pause"))
    assert paused.is_paused
    assert (paused.due_at, paused.breaches_at) == (None, None)
    assert paused.state(at(9, 4)) is State.PENDING
    late = made((at(9), "start"), (at(15), "pause"))
    assert late.due_at == late.breaches_at == at(13)
    assert late.state(at(16)) is State.BREACHING


def test_a_pause_at_the_very_end_holds_the_breach_back() -> None:
    happened = ((at(9), "start"), (at(13), "pause"))
    clock, resumed = made(*happened), made(*happened, (at(15), "resume"))
    assert (clock.due_at, clock.breaches_at) == (at(13), None)
    assert (resumed.due_at, resumed.breaches_at) == (at(13), at(15))
    assert clock.state(at(17)) is State.IMMINENT
    assert resumed.state(at(17)) is State.BREACHING


def test_a_clock_that_is_stopped_while_it_is_paused_has_used_what_it_ran() -> None:
    clock = made((at(10), "start"), (at(11), "pause"), (at(9, 3), "stop"))
    assert (clock.due_at, clock.breaches_at) == (None, None)
    assert clock.used(at(10, 4)) == HOUR
    assert clock.state(at(10, 4)) is State.ACHIEVED


def test_of_one_moment_a_pause_outlasts_a_resumption_unless_its_place_says_otherwise() -> None:
    before = [Mark(at(9), Step.START), Mark(at(10), Step.PAUSE)]
    again = [Mark(at(11), Step.RESUME), Mark(at(11), Step.PAUSE)]
    for marks in (before + again, before + again[::-1]):
        clock = run(marks, FOUR_HOURS)
        assert clock is not None
        assert clock.is_paused
        assert clock.used(at(17)) == HOUR
    placed = [Mark(at(11), Step.PAUSE, 1), Mark(at(11), Step.RESUME, 2)]
    resumed = run(before + placed, FOUR_HOURS)
    assert resumed is not None
    assert not resumed.is_paused


def test_a_warning_of_the_whole_target_comes_with_the_start() -> None:
    clock = made((at(20), "start"), (at(21), "pause"), target=Target(HOUR, HOUR, OFFICE))
    assert clock.warn_at == at(20)
    assert clock.state(at(20)) is State.IMMINENT


def test_a_target_longer_than_ten_years_is_refused() -> None:
    Target(timedelta(days=3_660))
    with pytest.raises(ValueError, match="3661 days is longer than 3660"):
        Target(timedelta(days=3_661))


def test_a_cancelled_clock_says_so_and_nothing_follows_an_end() -> None:
    clock = made((at(10), "start"), (at(11), "cancel"), (at(12), "resume"), (at(13), "stop"))
    assert (clock.ended_at, clock.state(at(17))) == (at(11), State.CANCELLED)
    assert clock.state(at(10.5)) is State.PENDING


def test_what_no_start_began_is_no_clock() -> None:
    assert run([Mark(at(9), Step.STOP), Mark(at(8), Step.RESUME)], FOUR_HOURS) is None


def test_a_target_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a target of nothing"):
        Target(timedelta())
    with pytest.raises(ValueError, match="a warning comes before"):
        Target(HOUR, 2 * HOUR)


def test_where_the_calendar_stays_closed_nothing_is_due() -> None:
    closing = Calendar(
        (*OFFICE.rules, Rules(date(2026, 3, 3), "UTC", ((), (), (), (), (), (), ())))
    )
    clock = made((at(16), "start"), target=Target(4 * HOUR, HOUR, closing))
    assert (clock.due_at, clock.breaches_at) == (None, None)
    assert clock.state(at(9, 300)) is State.PENDING


@pytest.mark.parametrize("seed", range(10))
def test_a_clock_agrees_with_a_count_of_minutes(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(30):
        span = dice.randint(1, 1500) * MINUTE
        target = Target(span, calendar=OFFICE if dice.random() < 0.7 else None)
        steps = [Step.START, *dice.choices([Step.PAUSE, Step.RESUME], k=dice.randint(0, 6))]
        if dice.random() < 0.6:
            steps.append(Step.STOP)
        moments = sorted(dice.sample(range(7 * 1440), len(steps)))
        marks = [Mark(MONDAY + m * MINUTE, s) for m, s in zip(moments, steps, strict=True)]
        used = counted(marks, office=target.calendar is OFFICE)
        clock = run(dice.sample(marks, len(marks)), target)
        assert clock is not None
        for minute in (*moments, *dice.choices(range(moments[0], len(used)), k=20)):
            assert clock.used(MONDAY + minute * MINUTE) == used[minute] * MINUTE, marks
            now = MONDAY + minute * MINUTE
            if not clock.ended_at:
                late = used[minute] * MINUTE > span
                assert clock.state(now) is (State.BREACHING if late else State.PENDING), marks
        kept = [minute for minute, so_far in enumerate(used) if so_far * MINUTE >= span]
        if kept:
            assert clock.due_at == MONDAY + kept[0] * MINUTE, marks
        elif clock.runs[-1].end is not None and clock.ended_at is None:
            assert (clock.due_at, clock.breaches_at) == (None, None), marks
        if clock.breaches_at is not None:
            assert clock.due_at is not None
            assert clock.breaches_at >= clock.due_at, marks


def counted(marks: list[Mark], *, office: bool) -> list[int]:
    """Minutes used before each minute of two weeks."""
    happened, found = {mark.at: mark.step for mark in marks}, [0]
    runs = ended = False
    for minute in range(14 * 1440):
        now = MONDAY + minute * MINUTE
        step = happened.get(now)
        if step is not None and not ended:
            runs, ended = step in (Step.START, Step.RESUME), step is Step.STOP
        opened = not office or (now.weekday() < 5 and 9 <= now.hour < 18)
        found.append(found[-1] + (runs and opened))
    return found
