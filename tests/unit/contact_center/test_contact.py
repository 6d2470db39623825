"""A contact is the fold of its events."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.contact import fold
from otklik_contact_center.domain.events import Event
from tests.unit.contact_center.builders import a_call, an_event, at, folded, histories


def test_a_call_waits_from_its_offer_to_the_answer_of_a_person() -> None:
    contact = folded(*a_call(answered=9, ended=100))
    assert contact.outcome == "answered"
    assert contact.waited_ms == 9_000
    assert contact.handled_ms == 91_000
    assert contact.course.offered_at == at(0)
    assert (contact.about.agent, contact.about.queue, contact.about.branch) == (
        "petrova",
        "sales",
        "tyumen",
    )


def test_a_call_that_was_never_queued_is_offered_when_it_started() -> None:
    contact = folded(an_event("started", 3), an_event("answered", 5), an_event("ended", 9))
    assert contact.course.offered_at == at(3)
    assert contact.waited_ms == 2_000


def test_time_in_the_menu_is_no_wait() -> None:
    contact = folded(an_event("started", 0), an_event("queued", 40), an_event("answered", 50))
    assert contact.waited_ms == 10_000


def test_a_bot_never_answers() -> None:
    contact = folded(
        an_event("queued", 0), an_event("answered", 1, actor="bot"), an_event("ended", 30)
    )
    assert contact.course.answered_at is None
    assert contact.outcome == "abandoned"
    assert contact.waited_ms == 30_000


def test_a_call_that_ends_in_the_queue_is_abandoned() -> None:
    contact = folded(*a_call(answered=None, ended=12))
    assert contact.outcome == "abandoned"
    assert contact.abandoned_at == at(12)


def test_the_sender_may_know_better_why_a_call_ended() -> None:
    contact = folded(an_event("queued", 0), an_event("ended", 12, outcome="callback_requested"))
    assert contact.outcome == "callback_requested"
    assert contact.abandoned_at is None


def test_nobody_gives_up_on_a_letter() -> None:
    contact = folded(an_event("started", 0, channel="email"), an_event("ended", 3600))
    assert contact.outcome == "resolved"
    assert contact.attempted_at == at(3600)


def test_hold_is_part_of_handling_but_not_of_talking() -> None:
    contact = folded(
        *a_call(answered=10, ended=110),
        an_event("held", 20),
        an_event("resumed", 50),
        an_event("wrapped", 120),
    )
    assert contact.course.held_ms == 30_000
    assert contact.talked_ms == 70_000
    assert contact.course.wrapped_ms == 10_000
    assert contact.handled_ms == 110_000


def test_agent_queue_and_branch_are_those_of_the_first_human_answer() -> None:
    contact = folded(
        an_event("queued", 0, queue="a", branch="x"),
        an_event("ringing", 2, agent="ivanov"),
        an_event("answered", 5, agent="petrova", queue="b"),
        an_event("transferred", 9, agent="sidorov", queue="c", branch="y"),
        an_event("answered", 11, agent="sidorov"),
        an_event("ended", 20),
    )
    about = contact.about
    assert (about.agent, about.queue, about.branch) == ("petrova", "b", "x")
    assert contact.course.transfers == 1


@pytest.mark.parametrize(("actor", "transfers"), [("bot", 1), ("system", 1), ("human", 2)])
def test_what_a_bot_or_a_system_passes_on_is_no_transfer(actor: str, transfers: int) -> None:
    contact = folded(
        an_event("queued", 0, queue="menu"),
        an_event("transferred", 3, actor=actor, queue="sales"),
        an_event("queued", 4, queue="sales"),
        an_event("answered", 5, agent="petrova"),
        an_event("transferred", 9, agent="sidorov"),
        an_event("ended", 20),
    )
    assert contact.course.transfers == transfers
    assert contact.contradictions == ()


def test_of_an_unanswered_call_they_are_those_of_the_last_offer() -> None:
    contact = folded(
        an_event("queued", 0, queue="a", branch="x"),
        an_event("ringing", 2, agent="ivanov"),
        an_event("ringing", 9, agent="petrova"),
        an_event("ended", 20),
    )
    about = contact.about
    assert (about.agent, about.queue, about.branch) == ("petrova", "a", "x")


def test_a_correction_overrides_wherever_it_stands_and_the_last_one_wins() -> None:
    events = [
        *a_call(),
        an_event("amended", -500, id="z", branch="omsk", party="buyer"),
        an_event("amended", 86_400, id="b", branch="perm"),
        an_event("amended", 86_400, id="a", branch="tomsk"),
    ]
    contact = folded(*events)
    assert contact.about.branch == "perm"
    assert contact.about.party == "buyer"
    assert contact.at == at(0)


def test_a_correction_alone_tells_of_nothing_yet() -> None:
    assert fold([an_event("amended", 0, branch="omsk"), an_event("recording", 1)]) is None


def test_a_correction_that_comes_first_gives_the_same_record() -> None:
    amended = an_event("amended", 300, agent="orlova")
    assert fold([amended, *a_call()]) == fold([*a_call(), amended])


def test_an_outbound_call_is_tried_never_offered() -> None:
    contact = folded(
        an_event("started", 0, direction="out", agent="petrova", to="+79991234567"),
        an_event("ended", 25),
    )
    assert contact.course.offered_at is None
    assert contact.outcome == "not_reached"
    assert contact.attempted_at == at(0)
    assert contact.connected_at is None
    assert contact.about.phone == "+79991234567"


@pytest.mark.parametrize("actor", ["customer", "human", None])
def test_an_outbound_call_is_answered_by_whoever_picks_up(actor: Any) -> None:
    contact = folded(
        an_event("started", 0, channel="call", direction="out", agent="petrova"),
        an_event("answered", 10, actor=actor),
        an_event("ended", 70),
    )
    assert (contact.outcome, contact.connected_at) == ("answered", at(10))
    assert (contact.handled_ms, contact.attempted_at) == (60_000, at(0))
    assert contact.about.agent == "petrova"


def test_who_called_may_be_named_by_the_customers_answer() -> None:
    contact = folded(
        an_event("started", 0, channel="call", direction="out"),
        an_event("answered", 10, actor="customer", agent="petrova"),
    )
    assert contact.about.agent == "petrova"


@pytest.mark.parametrize("actor", ["bot", "system"])
def test_nobody_is_reached_by_an_answering_machine(actor: Any) -> None:
    contact = folded(
        an_event("started", 0, channel="call", direction="out", agent="petrova"),
        an_event("answered", 10, actor=actor),
        an_event("ended", 70),
    )
    assert (contact.outcome, contact.connected_at) == ("not_reached", None)


def test_whom_a_bot_calls_is_answered_once_a_person_speaks() -> None:
    dialled = [
        an_event("started", 0, channel="call", direction="out", actor="bot"),
        an_event("answered", 10, actor="customer"),
    ]
    assert folded(*dialled, an_event("ended", 70)).outcome == "not_reached"
    taken = folded(*dialled, an_event("answered", 30, agent="petrova"), an_event("ended", 70))
    assert (taken.outcome, taken.connected_at) == ("answered", at(30))


def test_a_customer_answers_no_call_of_their_own() -> None:
    contact = folded(
        an_event("queued", 0, channel="call"),
        an_event("answered", 5, actor="customer"),
        an_event("ended", 9),
    )
    assert contact.outcome == "abandoned"


def test_a_bot_that_dials_is_no_attempt_of_a_person() -> None:
    contact = folded(an_event("started", 0, direction="out", actor="bot"), an_event("ended", 25))
    assert contact.attempted_at is None


def test_a_measured_wait_outranks_rounded_times() -> None:
    contact = folded(
        an_event("queued", 0),
        an_event("answered", 9, waited_seconds=9.6),
        an_event("ended", 20, talked_seconds=10.2),
    )
    assert (contact.waited_ms, contact.talked_ms, contact.handled_ms) == (9_600, 10_200, 10_200)
    assert contact.contradictions == ()


@pytest.mark.parametrize(
    ("events", "flag"),
    [
        ([an_event("answered", 1), an_event("queued", 5)], "answered_before_offered"),
        ([an_event("answered", 1), an_event("started", 5)], "answered_before_offered"),
        (
            [an_event("queued", 0), an_event("ended", 5), an_event("answered", 9)],
            "ended_before_answered",
        ),
        ([an_event("started", 9), an_event("ended", 5)], "ended_before_started"),
        ([*a_call(), an_event("ringing", 200)], "event_after_end"),
        ([an_event("queued", 0), an_event("queued", 5)], "second_offer"),
        ([*a_call(), an_event("ended", 200)], "second_end"),
        ([*a_call(), an_event("amended", 9, outcome="abandoned")], "abandoned_and_answered"),
        ([an_event("queued", 0), an_event("answered", 9, waited_seconds=99)], "waited_differs"),
        ([*a_call(), an_event("amended", 9, talked_seconds=999)], "talked_differs"),
    ],
)
def test_what_does_not_fit_together_is_kept_and_flagged(events: list[Event], flag: str) -> None:
    contact = folded(*events)
    assert flag in contact.contradictions
    assert (contact.waited_ms or 0) >= 0
    assert (contact.handled_ms or 0) >= 0


def test_a_clock_that_runs_ahead_is_flagged() -> None:
    contact = fold(a_call(), clock_ahead=True)
    assert contact is not None
    assert contact.contradictions == ("clock_ahead",)


def test_a_closed_contact_can_be_opened_again() -> None:
    contact = folded(
        *a_call(answered=10, ended=100), an_event("reopened", 1000), an_event("ended", 1060)
    )
    assert contact.course.reopenings == 1
    assert contact.course.ended_at == at(1060)
    assert contact.course.resolution_ms == 60_000
    assert contact.handled_ms == 90_000 + 60_000
    still_open = folded(*a_call(answered=10, ended=100), an_event("reopened", 1000))
    assert still_open.course.ended_at is None
    assert still_open.handled_ms is None


def test_a_second_end_moves_neither_the_wait_nor_the_handling() -> None:
    late = an_event("ended", 900, id="again")
    lost = folded(*a_call(answered=None, ended=12), late)
    assert (lost.abandoned_at, lost.waited_ms) == (at(12), 12_000)
    assert (lost.course.ended_at, lost.course.resolution_ms) == (at(900), 900_000)
    talked = folded(*a_call(answered=9, ended=100), an_event("wrapped", 130), late)
    assert (talked.course.wrapped_ms, talked.handled_ms) == (30_000, 121_000)
    assert talked.talked_ms == 91_000
    form = folded(
        an_event("started", 0, channel="form"), an_event("ended", 60), an_event("ended", 900)
    )
    assert (form.outcome, form.attempted_at) == ("resolved", at(60))


def test_who_answers_after_an_end_is_handled_to_the_next() -> None:
    contact = folded(
        an_event("queued", 0), an_event("ended", 5), an_event("answered", 9), an_event("ended", 20)
    )
    assert (contact.waited_ms, contact.handled_ms) == (9_000, 11_000)
    assert contact.contradictions == ("ended_before_answered", "second_end")


def test_a_second_reopening_loses_no_time() -> None:
    opened_again = [
        *a_call(answered=10, ended=100),
        an_event("wrapped", 130),
        an_event("reopened", 1000),
        an_event("ended", 1060),
        an_event("wrapped", 1065),
    ]
    once = folded(*opened_again)
    assert (once.handled_ms, once.course.wrapped_ms) == (90_000 + 60_000 + 35_000, 35_000)
    twice = folded(*opened_again, an_event("reopened", 1030))
    assert (twice.handled_ms, twice.course.wrapped_ms) == (once.handled_ms, 35_000)
    assert twice.course.resolution_ms == 30_000
    never_ended = folded(
        an_event("queued", 0),
        an_event("answered", 10),
        an_event("reopened", 50),
        an_event("ended", 70),
    )
    assert never_ended.handled_ms == 60_000


@given(histories(), st.randoms(use_true_random=False), st.integers(0, 3))
def test_order_and_repetition_of_events_change_nothing(
    history: list[Event], chance: random.Random, repeats: int
) -> None:
    arrived = [*history, *chance.choices(history, k=repeats)]
    chance.shuffle(arrived)
    assert fold(arrived) == fold(history)


@given(histories(), st.integers(1, 60))
def test_another_end_changes_nothing_that_ended(history: list[Event], minutes: int) -> None:
    """However often a sender says again that it is over."""
    before = fold([*history, an_event("ended", 3_600, id="z1")])
    after = fold(
        [
            *history,
            an_event("ended", 3_600, id="z1"),
            an_event("ended", 3_600 + 60 * minutes, id="z2"),
        ]
    )
    assert before is not None
    assert after is not None
    for name in ("abandoned_at", "waited_ms", "talked_ms", "handled_ms", "outcome", "attempted_at"):
        assert getattr(after, name) == getattr(before, name)


@given(histories())
def test_no_history_breaks_the_fold_or_makes_a_negative_span(history: list[Event]) -> None:
    contact = fold(history)
    if contact is None:
        assert all(event.type in {"amended", "recording"} for event in history)
        return
    spans = (
        contact.waited_ms,
        contact.talked_ms,
        contact.handled_ms,
        contact.first_response_ms,
        contact.course.held_ms,
        contact.course.wrapped_ms,
        contact.course.resolution_ms,
    )
    assert all(span is None or span >= 0 for span in spans)
    assert (contact.outcome == "answered") == (contact.course.answer is not None)
    if not contact.about.inbound:
        assert contact.course.offered_at is None
