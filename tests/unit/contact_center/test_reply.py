"""Every gap between a customer's words and a person's answer."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.events import Event, in_order
from otklik_contact_center.domain.reply import Exchange, exchange
from tests.unit.contact_center.builders import a_message, an_event, at, histories

DAY = 86_400


def said(*events: Event) -> Exchange:
    return exchange(in_order(events))


def gaps(*events: Event) -> list[tuple[float, float | None]]:
    """Each gap as seconds after nine."""
    start = at(0)
    return [
        (
            (gap.asked_at - start).total_seconds(),
            None if gap.replied_at is None else (gap.replied_at - start).total_seconds(),
        )
        for gap in said(*events).gaps
    ]


def test_the_first_unanswered_message_counts_and_later_ones_do_not_restart() -> None:
    assert gaps(a_message("customer", 0), a_message("customer", 50), a_message("human", 80)) == [
        (0, 80)
    ]


def test_further_words_of_an_agent_start_nothing() -> None:
    talk = [a_message("customer", 0), a_message("human", 10), a_message("human", 20)]
    assert gaps(*talk) == [(0, 10)]
    assert gaps(*talk, an_event("ended", 9000)) == [(0, 10)]


def test_a_bot_does_not_answer() -> None:
    assert gaps(a_message("customer", 0), a_message("bot", 5), a_message("human", 80)) == [(0, 80)]


def test_notes_and_automatic_messages_are_no_reply() -> None:
    assert gaps(
        a_message("customer", 0),
        a_message("human", 5, public=False),
        a_message("system", 6),
        a_message("human", 80),
    ) == [(0, 80)]


def test_the_customer_who_returns_days_after_a_bots_answer_asks_anew() -> None:
    """Bot answers at 09:05, the customer returns on Friday at 14:00, a person at 14:10."""
    friday = 4 * DAY + 5 * 3600
    talk = [
        a_message("customer", 0),
        a_message("bot", 300),
        a_message("customer", friday),
        a_message("human", friday + 600),
    ]
    assert gaps(*talk) == [(friday, friday + 600)]
    exchanged = said(*talk)
    assert exchanged.first_asked_at == at(friday)
    assert exchanged.gaps[0].first


def test_a_hand_over_from_a_bot_starts_the_wait_without_a_new_message() -> None:
    assert gaps(
        a_message("customer", 0),
        a_message("bot", 60),
        an_event("queued", 300),
        a_message("human", 420),
    ) == [(300, 420)]


def test_a_thank_you_before_the_close_waits_for_nothing() -> None:
    talk = [a_message("customer", 0), a_message("human", 10), a_message("customer", 20)]
    assert gaps(*talk) == [(0, 10), (20, None)]
    assert gaps(*talk, an_event("ended", 30)) == [(0, 10)]


def test_what_a_close_has_dropped_is_not_answered_later() -> None:
    talk = [a_message("customer", 0), a_message("human", 10), a_message("customer", 20)]
    closed = [*talk, an_event("ended", 30)]
    assert gaps(*closed, a_message("human", 9000)) == [(0, 10)]
    again = [an_event("reopened", 5000), a_message("customer", 5001), a_message("human", 5060)]
    assert gaps(*closed, *again) == [(0, 10), (5001, 5060)]


def test_a_reopened_contact_that_nobody_ever_answered_begins_to_wait_anew() -> None:
    talk = [
        a_message("customer", 0),
        an_event("ended", 100),
        an_event("reopened", 5000),
        a_message("human", 5060),
    ]
    assert gaps(*talk) == [(5000, 5060)]


def test_only_the_first_gap_is_the_first() -> None:
    exchanged = said(
        a_message("customer", 0),
        a_message("human", 10),
        a_message("customer", 20),
        a_message("human", 50),
    )
    assert [gap.first for gap in exchanged.gaps] == [True, False]


def test_whoever_is_named_in_a_message_wrote_it() -> None:
    unnamed = [
        an_event("message", 0, channel="chat", direction="in"),
        an_event("message", 30, channel="chat", agent="petrova"),
        an_event("message", 40, channel="chat"),
        an_event("message", 90, channel="chat", direction="out"),
    ]
    assert gaps(*unnamed) == [(0, 30), (40, 90)]


def test_a_person_who_took_the_contact_over_keeps_the_old_question() -> None:
    assert gaps(
        a_message("customer", 0),
        a_message("bot", 5),
        an_event("answered", 60, agent="petrova"),
        a_message("customer", 70),
        a_message("human", 80),
    ) == [(0, 80)]


@given(histories(), st.randoms(use_true_random=False))
def test_gaps_do_not_overlap_and_only_the_last_is_open(
    history: list[Event], chance: random.Random
) -> None:
    found = said(*history).gaps
    shuffled = [*history, *history]
    chance.shuffle(shuffled)
    assert said(*shuffled).gaps == found
    assert all(gap.replied_at is not None for gap in found[:-1])
    for earlier, later in itertools.pairwise(found):
        assert earlier.replied_at is not None
        assert earlier.asked_at <= earlier.replied_at <= later.asked_at
    assert len({gap.id for gap in found}) == len(found)
