"""Reviews: when a reply is waited for, what opens a case, and which words are the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.events.reviews import ReviewState
from otklik_feedback.domain.review import (
    ARCHIVE,
    LATE,
    MOST_REPLIES,
    EmptyReview,
    NewReview,
    ReplyTooEarly,
    Review,
    ReviewRemoved,
    TooManyReplies,
    accept,
    alike_of,
    drafted,
    opens_case,
    removed,
    replied,
    watched_of,
)
from otklik_feedback.domain.review_file import MOST_ROWS, BadFile, TooManyRows, rows_of

WRITTEN = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = b"k" * 32
TEXT = "Риелтор опоздал на показ и не извинился"


def a_body(**said: Any) -> NewReview:
    usual: dict[str, Any] = {
        "source": "2gis",
        "reference": "r-1",
        "written_at": WRITTEN,
        "stars": 2,
        "text": TEXT,
    }
    return NewReview(id=UUID(int=1), **usual | said)


def a_review(before: Review | None = None, after: timedelta = HOUR, **said: Any) -> Review:
    made = accept(a_body(**said), before, key=KEY, sender="key:k", now=WRITTEN + after)
    assert made is not None
    return made


def waits(review: Review) -> tuple[datetime, datetime | None, bool] | None:
    watches = watched_of(review).watches
    return (watches[0].started_at, watches[0].ended_at, watches[0].cancelled) if watches else None


def test_a_reply_is_waited_for_from_when_a_review_was_written() -> None:
    assert waits(a_review()) == (WRITTEN, None, False)
    assert waits(a_review(after=LATE)) == (WRITTEN, None, False)


def test_of_a_review_that_comes_late_it_is_waited_for_from_when_we_heard_of_it() -> None:
    after = LATE + timedelta.resolution
    assert waits(a_review(after=after)) == (WRITTEN + after, None, False)
    assert waits(a_review(after=ARCHIVE)) == (WRITTEN + ARCHIVE, None, False)


def test_a_reply_from_before_we_waited_for_it_is_neither_kept_nor_late() -> None:
    late = a_review(after=timedelta(days=20))
    begins = WRITTEN + timedelta(days=20)
    before = replied(drafted(late), 1, WRITTEN + timedelta(days=15))
    assert waits(before) == (begins, begins, True)
    again = replied(drafted(before), 2, begins + HOUR)
    assert waits(again) == (begins, begins, True)
    assert waits(replied(drafted(late), 1, begins)) == (begins, begins, False)
    known_soon = replied(drafted(a_review(after=2 * HOUR)), 1, WRITTEN + HOUR)
    assert waits(known_soon) == (WRITTEN, WRITTEN + HOUR, False)


def test_nobody_waits_for_replies_to_an_archive() -> None:
    assert waits(a_review(after=ARCHIVE + timedelta.resolution)) is None


def test_a_reply_ends_the_waiting_and_a_removal_gives_it_up() -> None:
    review = a_review()
    assert waits(replied(review, 1, WRITTEN + HOUR)) == (WRITTEN, WRITTEN + HOUR, False)
    gone = removed(review, WRITTEN + HOUR)
    assert waits(gone) == (WRITTEN, WRITTEN + HOUR, True)
    assert gone.state is ReviewState.REMOVED
    both = removed(replied(review, 1, WRITTEN + HOUR), WRITTEN + 2 * HOUR)
    assert waits(both) == (WRITTEN, WRITTEN + HOUR, False)


def test_the_first_reply_counts_and_none_before_the_review() -> None:
    once = replied(a_review(), 1, WRITTEN + 2 * HOUR)
    assert replied(once, 2, WRITTEN + 3 * HOUR).replied_at == WRITTEN + 2 * HOUR
    assert replied(once, 2, WRITTEN + HOUR).replied_at == WRITTEN + HOUR
    with pytest.raises(ReplyTooEarly):
        replied(a_review(), 1, WRITTEN - timedelta.resolution)


def test_nothing_more_is_done_about_what_is_gone() -> None:
    gone = removed(a_review(), WRITTEN)
    for move in (drafted, lambda one: replied(one, 1, WRITTEN), lambda one: removed(one, WRITTEN)):
        with pytest.raises(ReviewRemoved):
            move(gone)


def test_replies_are_bounded() -> None:
    review = replace(a_review(), replies=MOST_REPLIES - 1)
    assert drafted(review).replies == MOST_REPLIES
    with pytest.raises(TooManyReplies):
        drafted(drafted(review))


def test_two_stars_open_a_case_once() -> None:
    two, three, none = a_review(), a_review(stars=3), a_review(stars=None)
    assert opens_case(None, two)
    assert not opens_case(None, three)
    assert not opens_case(None, none)
    assert opens_case(three, a_review(three, stars=1))
    assert not opens_case(two, a_review(two, stars=1))
    assert opens_case(None, a_review(after=ARCHIVE))
    assert not opens_case(None, a_review(after=ARCHIVE + timedelta.resolution))
    gone = removed(three, WRITTEN)
    assert not opens_case(gone, a_review(gone, stars=1))


def test_an_edit_at_the_source_keeps_what_was_done_about_a_review() -> None:
    done = replace(replied(a_review(), 1, WRITTEN + HOUR), assignee="petrova", revision=4)
    edited = a_review(done, after=5 * HOUR, stars=5)
    assert (edited.stars, edited.assignee, edited.replies, edited.revision) == (5, "petrova", 1, 4)
    assert (edited.received_at, edited.replied_at) == (done.received_at, done.replied_at)


def test_the_same_body_says_nothing_new() -> None:
    review = a_review()
    assert accept(a_body(), review, key=KEY, sender="key:other", now=WRITTEN + LATE) is None
    assert accept(a_body(author=""), review, key=KEY, sender="key:k", now=WRITTEN) is None
    assert accept(a_body(author="Иван"), review, key=KEY, sender="key:k", now=WRITTEN) is not None


def test_a_review_says_something() -> None:
    with pytest.raises(EmptyReview):
        a_review(stars=None, text=None)


@pytest.mark.parametrize(
    "other",
    [
        TEXT.upper() + "!!!",
        "  риелтор опоздал, на показ – и не извинился… ",
        "Риелтор опоздал на\nпоказ и не извинился 😡",
    ],
)
def test_words_are_the_same_however_they_are_written(other: str) -> None:
    assert alike_of(KEY, other) == alike_of(KEY, TEXT) is not None


def test_short_texts_and_other_words_are_not_the_same() -> None:
    assert alike_of(KEY, "Спасибо, всё хорошо!") is None
    assert alike_of(KEY, None) is None
    assert alike_of(KEY, TEXT + " вовсе") != alike_of(KEY, TEXT)
    assert alike_of(b"o" * 32, TEXT) != alike_of(KEY, TEXT)


def test_a_file_is_read_with_any_of_its_delimiters_and_formulas_are_text() -> None:
    for mark in ",;\t":
        lines = [
            ["source", "id", "written_at", "stars", "text"],
            ["2gis", "1", "2026-03-02T09:00:00Z", "5", '=HYPERLINK("http://x")'.replace('"', '""')],
            ["", "", "", "", ""],
            ["2gis", "2", "2026-03-02T09:00:00Z", "", "<b>плохо</b>"],
        ]
        body = "\r\n".join(mark.join(f'"{value}"' for value in line) for line in lines)
        assert rows_of(b"\xef\xbb\xbf" + body.encode()) == [
            {
                "source": "2gis",
                "id": "1",
                "written_at": "2026-03-02T09:00:00Z",
                "stars": 5,
                "text": '=HYPERLINK("http://x")',
            },
            {
                "source": "2gis",
                "id": "2",
                "written_at": "2026-03-02T09:00:00Z",
                "text": "<b>плохо</b>",
            },
        ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"source,id\n2gis,1",
        b"source,id,written_at,phone\n",
        b"source,id,id,written_at\n",
        b'source,id,written_at\n2gis,1,"open',
        b"source,id,written_at\n2gis,1,x,y",
    ],
)
def test_a_file_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(BadFile):
        rows_of(body)


def test_a_file_is_bounded() -> None:
    head, row = b"source,id,written_at\n", b"2gis,1,x\n"
    assert len(rows_of(head + row * MOST_ROWS)) == MOST_ROWS
    with pytest.raises(TooManyRows):
        rows_of(head + row * (MOST_ROWS + 1))


@given(st.binary(max_size=200))
def test_no_file_breaks_the_reader(body: bytes) -> None:
    try:
        rows = rows_of(b"source,id,written_at\n" + body)
    except BadFile:
        return
    assert all(set(row) <= {"source", "id", "written_at"} for row in rows)
