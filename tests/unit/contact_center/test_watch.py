"""
What clocks begin, hold and end with, case by case as users of other systems complained.

The names in brackets are theirs: field cases are numbered as in the acceptance list of the field.
"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.clocks.calendar import ALWAYS, Calendar, Rules
from otklik_common.clocks.hours import window, windows
from otklik_common.clocks.sla import Clock, State, Step, Target, run
from otklik_contact_center.domain.contact import SILENT, fold
from otklik_contact_center.domain.events import Event, in_order
from otklik_contact_center.domain.watch import Watch, Watched, marks, watched
from tests.unit.contact_center.builders import a_call, a_message, an_event, at, events

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
LATER = MONDAY + timedelta(days=60)


def office(*hours: str) -> Calendar:
    """Open on five days of the week."""
    day = windows(map(window, hours))
    return Calendar((Rules(ALWAYS, "UTC", (day, day, day, day, day, (), ())),))


def of(events: list[Event]) -> Watched:
    contact = fold(events)
    assert contact is not None
    return watched(contact, [e for e in in_order(events) if e.type not in SILENT])


def clocks(
    events: list[Event],
    name: str,
    span: timedelta = HOUR,
    calendar: Calendar | None = None,
    pauses: str = "",
) -> list[Clock]:
    all_of_it = of(events)
    counted = frozenset(pauses.split())
    found = [
        run(marks(watch, all_of_it.pauses, counted), Target(span, calendar=calendar))
        for watch in all_of_it.watches
        if watch.target == name
    ]
    return [clock for clock in found if clock is not None]


def clock(events: list[Event], name: str, *rest: object, **more: object) -> Clock:
    (found,) = clocks(events, name, *rest, **more)  # type: ignore[arg-type]
    return found


def used(found: Clock, now: datetime = LATER) -> timedelta:
    return found.used(now)


def moment(day: int, hour: float) -> float:
    """Seconds after nine of Monday, 2 March 2026."""
    return day * 86_400 + (hour - 9) * 3_600


def test_a_customer_who_returns_after_a_bot_waits_from_the_return_on() -> None:
    """[case 1, chatwoot#12058]"""
    chat = [
        a_message("customer", moment(0, 9)),
        a_message("bot", moment(0, 9) + 5 * 60),
        a_message("customer", moment(4, 14)),
        a_message("human", moment(4, 14) + 10 * 60),
    ]
    first = clock(chat, "first_response")
    assert used(first) == 10 * MINUTE
    assert first.state(LATER) is State.ACHIEVED


def test_a_hand_over_without_a_new_message_starts_the_wait_for_a_person() -> None:
    """[case 2, chatwoot#13417]"""
    chat = [
        a_message("customer", 0),
        a_message("bot", 10),
        an_event("assigned", 600, channel="chat", agent="petrova"),
    ]
    first = clock(chat, "first_response")
    assert first.started_at == at(600)
    assert first.state(at(600) + HOUR + MINUTE) is State.BREACHING
    answered = [*chat, a_message("human", 1200)]
    assert used(clock(answered, "first_response")) == 10 * MINUTE


def test_who_says_thanks_last_waits_for_nothing_once_it_is_resolved() -> None:
    """[case 3, chatwoot#10178]"""
    chat = [
        a_message("customer", 0),
        a_message("human", 60),
        a_message("customer", 120),
        an_event("ended", 300, outcome="resolved"),
    ]
    thanks = clock(chat, "next_response")
    assert thanks.state(LATER) is State.CANCELLED
    # Closing what was broken already mends nothing: else everybody would close in time.
    slow = [*chat[:3], an_event("ended", 2 * 3600, outcome="resolved")]
    assert clock(slow, "next_response").state(LATER) is State.BREACHED


def test_a_message_in_the_break_starts_when_the_break_ends() -> None:
    """[case 4, chatwoot#14009]"""
    chat = [a_message("customer", moment(0, 12.5)), a_message("human", moment(0, 14))]
    hours = office("08:00-12:00", "13:30-18:00")
    first = clock(chat, "first_response", HOUR, hours)
    assert used(first) == 30 * MINUTE
    assert first.due_at == MONDAY + timedelta(hours=14, minutes=30)


def test_a_day_off_counts_nothing() -> None:
    """[case 5, frappe/helpdesk#2075]"""
    letter = [
        an_event("started", moment(5, 11), channel="email", direction="in"),
        a_message("customer", moment(5, 11)),
        a_message("human", moment(7, 9) + 60),
    ]
    assert used(clock(letter, "first_response", HOUR, office("09:00-18:00"))) == MINUTE


def test_a_hold_of_two_days_is_left_out_under_another_policy_too() -> None:
    """[case 6, GLPI#15605]"""
    letter = [
        an_event("started", moment(0, 9), channel="email", direction="in"),
        an_event("paused", moment(0, 11)),
        an_event("unpaused", moment(2, 11)),
    ]
    before = clock(letter, "resolution", 8 * HOUR, office("09:00-18:00"), "paused")
    after = clock(letter, "resolution", 4 * HOUR, None, "paused")
    assert before.due_at == MONDAY + timedelta(days=2, hours=17)
    assert after.due_at == MONDAY + timedelta(days=2, hours=13)
    ignoring = clock(letter, "resolution", 4 * HOUR)
    assert ignoring.due_at == MONDAY + timedelta(hours=13)


def test_a_short_promise_of_the_next_answer_leaves_the_first_alone() -> None:
    """[case 7, zammad#5177]"""
    chat = [a_message("customer", 0)]
    assert clock(chat, "first_response", 4 * HOUR).due_at == at(0) + 4 * HOUR
    assert clocks(chat, "next_response", HOUR) == []
    more = [*chat, a_message("human", 60), a_message("customer", 120)]
    assert clock(more, "next_response", HOUR).due_at == at(120) + HOUR
    assert clock(more, "first_response", 4 * HOUR).state(LATER) is State.ACHIEVED


def test_while_the_customer_is_silent_nothing_runs() -> None:
    """[case 8, zammad#3140]"""
    chat = [a_message("customer", 0), a_message("human", 60)]
    assert clocks(chat, "next_response") == []
    waiting = clock(chat, "resolution", HOUR, None, "customer")
    assert waiting.is_paused
    assert waiting.state(LATER) is State.PENDING
    assert clock(chat, "resolution", HOUR).state(LATER) is State.BREACHING


def test_further_messages_and_follow_ups_start_nothing_anew() -> None:
    chat = [
        a_message("customer", 0),
        a_message("customer", 30),
        a_message("human", 60),
        a_message("human", 90),
        a_message("customer", 120),
        a_message("customer", 150),
        a_message("human", 180),
    ]
    assert used(clock(chat, "first_response")) == MINUTE
    assert used(clock(chat, "next_response")) == MINUTE


def test_a_call_waits_from_its_offer_to_a_person() -> None:
    answered = clock(a_call(), "first_response", timedelta(seconds=20))
    assert (used(answered), answered.state(LATER)) == (timedelta(seconds=9), State.ACHIEVED)
    bot = [
        an_event("queued", 0, channel="call", direction="in"),
        an_event("answered", 3, actor="bot"),
    ]
    assert clock(bot, "first_response", timedelta(seconds=20)).state(at(21)) is State.BREACHING


@pytest.mark.parametrize(
    ("ended", "state"), [(15, State.CANCELLED), (20, State.CANCELLED), (21, State.BREACHED)]
)
def test_who_hangs_up_in_time_breaks_no_promise(ended: float, state: State) -> None:
    call = a_call(answered=None, ended=ended)
    found = clock(call, "first_response", timedelta(seconds=20))
    assert found.state(LATER) is state
    (callback,) = [one for one in of(call).watches if one.target == "callback"]
    assert callback == Watch("callback", at(ended))


def test_what_is_opened_again_goes_on_where_it_was_closed() -> None:
    letter = [
        an_event("started", 0, channel="email", direction="in"),
        an_event("ended", 1800, outcome="resolved"),
        an_event("reopened", moment(3, 9)),
        an_event("ended", moment(3, 9) + 600, outcome="resolved"),
    ]
    assert used(clock(letter, "first_resolution")) == 30 * MINUTE
    whole = clock(letter, "resolution")
    assert (used(whole), whole.state(LATER)) == (40 * MINUTE, State.ACHIEVED)
    again = clock(letter[:3], "resolution")
    assert again.due_at == at(moment(3, 9)) + 30 * MINUTE


@pytest.mark.parametrize("reopened", [True, False])
def test_no_end_makes_an_unanswered_customer_s_wait_younger(reopened: bool) -> None:
    again = [
        an_event("reopened", moment(0, 12) + 60),
        a_message("human", moment(0, 12) + 120, agent="petrova"),
    ]
    silent = [a_message("customer", moment(0, 13))]
    left = [a_message("customer", moment(0, 9)), an_event("ended", moment(0, 12))]
    first, *later = clocks([*left, *(again if reopened else silent)], "first_response")
    assert (first.state(LATER), used(first)) == (State.BREACHED, 3 * HOUR)
    assert [(one.state(LATER), used(one)) for one in later] == (
        [(State.ACHIEVED, MINUTE)] if reopened else []
    )


@pytest.mark.parametrize("after", ["open", "abandoned", "resolved"])
def test_the_first_resolution_stays_what_it_was_at_the_first_end(after: str) -> None:
    letter = [
        an_event("started", moment(0, 9), channel="email", direction="in"),
        an_event("ended", moment(0, 9) + 30 * 60, outcome="resolved"),
        an_event("reopened", moment(0, 11)),
    ]
    if after != "open":
        letter.append(an_event("ended", moment(0, 12), outcome=after))
    found = clock(letter, "first_resolution")
    assert (found.state(LATER), used(found)) == (State.ACHIEVED, 30 * MINUTE)


def test_a_first_end_that_gave_the_customer_up_is_no_resolution() -> None:
    chat = [
        an_event("started", moment(0, 9), channel="chat", direction="in"),
        a_message("customer", moment(0, 9)),
        an_event("ended", moment(0, 9) + 60),
        an_event("reopened", moment(0, 11)),
        a_message("human", moment(0, 11) + 60, agent="petrova"),
        an_event("ended", moment(0, 12)),
    ]
    assert clock(chat, "first_resolution").state(LATER) is State.CANCELLED
    assert clock(chat, "resolution", 9 * HOUR).state(LATER) is State.ACHIEVED


def test_pauses_that_overlap_hold_once() -> None:
    letter = [
        an_event("started", 0, channel="email", direction="in"),
        an_event("paused", 60),
        an_event("held", 120),
        an_event("unpaused", 180),
        an_event("resumed", 240),
    ]
    both = clock(letter, "resolution", HOUR, None, "paused held")
    assert used(both, at(300)) == 2 * MINUTE
    assert used(clock(letter, "resolution", HOUR, None, "held"), at(300)) == 3 * MINUTE


def test_a_clock_that_begins_while_all_is_held_waits() -> None:
    chat = [
        a_message("customer", 0),
        a_message("human", 60),
        an_event("paused", 90, channel="chat"),
        a_message("customer", 120),
        an_event("unpaused", 600, channel="chat"),
    ]
    found = clock(chat, "next_response", HOUR, None, "paused")
    assert used(found, at(660)) == MINUTE
    assert [
        mark.step for mark in marks(of(chat).watches[1], of(chat).pauses, frozenset({"paused"}))
    ] == [
        Step.START,
        Step.PAUSE,
        Step.RESUME,
    ]


def test_nothing_is_promised_about_what_we_began() -> None:
    call = [an_event("started", 0, channel="call", direction="out", actor="human")]
    assert of(call) == Watched()


def test_a_purchased_level_of_service_is_what_the_sender_says() -> None:
    call = [
        an_event("queued", 0, channel="call", direction="in", attributes={"service_level": "gold"})
    ]
    assert of(call).service_level == "gold"


@given(st.lists(events(), max_size=12), st.randoms(use_true_random=False))
def test_clocks_do_not_depend_on_the_order_in_which_events_came(
    told: list[Event], order: object
) -> None:
    shuffled = list({event.id: event for event in told}.values())
    if fold(shuffled) is None:
        return
    once = of(shuffled)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert of(shuffled + shuffled) == once


@given(
    st.lists(events(), min_size=1, max_size=12),
    st.sets(st.sampled_from(("paused", "held", "customer"))),
)
def test_a_clock_of_any_events_runs_from_its_start_to_its_end(
    told: list[Event], counted: set[str]
) -> None:
    if fold(told) is None:
        return
    all_of_it = of(told)
    for watch in all_of_it.watches:
        found = run(marks(watch, all_of_it.pauses, frozenset(counted)), Target(HOUR))
        assert found is not None
        assert found.started_at == watch.started_at
        assert found.ended_at == watch.ended_at
        if watch.ended_at is not None:
            assert found.used(LATER) <= watch.ended_at - watch.started_at
        if not counted and not watch.lasting:
            assert len(found.runs) == 1
