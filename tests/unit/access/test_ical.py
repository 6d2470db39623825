"""Days off of a feed: events of whole days, followed through the years; the rest is told by reason."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otklik_access.domain.ical import MOST_EVENTS, MOST_REPEATING, BadFeed, Feed, read_feed

FIRST, LAST = date(2026, 1, 1), date(2027, 12, 31)


def a_feed(*events: str) -> str:
    """A calendar of events, each given by its lines."""
    inside = "".join(
        f"BEGIN:VEVENT\r\nUID:{n}\r\n{one}\r\nEND:VEVENT\r\n"
        if "UID:" not in one
        else f"BEGIN:VEVENT\r\n{one}\r\nEND:VEVENT\r\n"
        for n, one in enumerate(events)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//\r\n{inside}END:VCALENDAR\r\n"


def read(*events: str) -> Feed:
    return read_feed(a_feed(*(one.replace(" ", "\r\n") for one in events)), FIRST, LAST)


@pytest.mark.parametrize(
    ("event", "closed"),
    [
        ("DTSTART;VALUE=DATE:20260508", ["2026-05-08"]),
        ("DTSTART;VALUE=DATE:20260508 DTEND;VALUE=DATE:20260510", ["2026-05-08", "2026-05-09"]),
        ("DTSTART;VALUE=DATE:20260508 DURATION:P2D", ["2026-05-08", "2026-05-09"]),
        ("DTSTART;VALUE=DATE:20200612 RRULE:FREQ=YEARLY", ["2026-06-12", "2027-06-12"]),
        ("DTSTART;VALUE=DATE:20251231 DTEND;VALUE=DATE:20260102", ["2026-01-01"]),
        (
            "DTSTART;VALUE=DATE:20200612 RRULE:FREQ=YEARLY;UNTIL=20261231T000000Z",
            ["2026-06-12"],
        ),
        ("DTSTART;VALUE=DATE:20250612 RRULE:FREQ=YEARLY;COUNT=2", ["2026-06-12"]),
        (
            "DTSTART;VALUE=DATE:20200612 RRULE:FREQ=YEARLY EXDATE;VALUE=DATE:20260612",
            ["2027-06-12"],
        ),
        (
            "DTSTART;VALUE=DATE:20201126 RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
            ["2026-11-26", "2027-11-25"],
        ),
        ("DTSTART;VALUE=DATE:20240229 RRULE:FREQ=YEARLY", []),
        ("DTSTART;VALUE=DATE:20200101 RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", []),
        ("DTSTART;VALUE=DATE:20280101", []),
        (
            "DTSTART;VALUE=DATE:20260105 RDATE;VALUE=DATE:20260107,20260109",
            ["2026-01-05", "2026-01-07", "2026-01-09"],
        ),
        ("DTSTART;VALUE=DATE:20240612 RRULE:FREQ=YEARLY;INTERVAL=2", ["2026-06-12"]),
        ("DTSTART;VALUE=DATE:99991231 DURATION:P2D", []),
    ],
)
def test_whole_days_are_closed_each_time_they_come(event: str, closed: list[str]) -> None:
    found = read(event)
    assert [day.isoformat() for day in sorted(found.closed)] == closed
    assert found.ignored == {}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("DTSTART:20260508T090000Z", "not_all_day"),
        ("DTSTART;VALUE=DATE:20260508 STATUS:CANCELLED", "cancelled"),
        ("DTSTART;VALUE=DATE:20260508 DTEND;VALUE=DATE:20260508", "bad_dates"),
        ("DTSTART;VALUE=DATE:20260508 DTEND;VALUE=DATE:20260501", "bad_dates"),
        ("SUMMARY:nothing", "bad_dates"),
        ("DTSTART;VALUE=DATE:20260101 DTEND;VALUE=DATE:20280101", "too_long"),
        ("DTSTART;VALUE=DATE:20260101 RRULE:FREQ=DAILY", "too_frequent"),
        ("DTSTART;VALUE=DATE:19000101 RRULE:FREQ=YEARLY", "bad_rule"),
        ("DTSTART;VALUE=DATE:20260101 RRULE:FREQ=YEARLY;INTERVAL=0", "bad_rule"),
        ("DTSTART;VALUE=DATE:20260101 RRULE:FREQ=YEARLY;BYHOUR=0,1,2;BYMINUTE=0,1,2", "bad_rule"),
        (
            "DTSTART;VALUE=DATE:19900101 RRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU",
            "too_frequent",
        ),
        ("DTSTART;VALUE=DATE:20260101 RRULE:FREQ=BOGUS", "bad_rule"),
        ("DTSTART;VALUE=DATE:20260101 RRULE:FREQ=YEARLY;BYDAY=XX", "bad_rule"),
        ("DTSTART;VALUE=DATE:20260101 RRULE:FREQ=YEARLY;UNTIL=x", "bad_rule"),
        ("DTSTART;VALUE=DATE:20260101 EXDATE:foo", "bad_dates"),
    ],
)
def test_what_closes_no_day_is_told_by_its_reason(event: str, reason: str) -> None:
    assert read(event, "DTSTART;VALUE=DATE:20260508") == Feed({date(2026, 5, 8)}, {reason: 1})


def test_an_event_that_was_moved_closes_its_new_day_alone() -> None:
    series = "UID:s DTSTART;VALUE=DATE:20200612 RRULE:FREQ=YEARLY"
    moved = "UID:s RECURRENCE-ID;VALUE=DATE:20260612 DTSTART;VALUE=DATE:20260615"
    called_off = (
        "UID:s RECURRENCE-ID;VALUE=DATE:20270612 STATUS:CANCELLED DTSTART;VALUE=DATE:20270612"
    )
    assert read(series, moved, called_off) == Feed({date(2026, 6, 15)}, {"cancelled": 1})


def test_a_mark_before_the_text_is_no_part_of_it() -> None:
    assert read_feed("\ufeff" + a_feed("DTSTART;VALUE=DATE:20260508"), FIRST, LAST).closed


@pytest.mark.parametrize("text", ["", "hello", "BEGIN:VCALENDAR", "BEGIN:VEVENT\r\nEND:VEVENT\r\n"])
def test_what_is_no_calendar_is_refused(text: str) -> None:
    with pytest.raises(BadFeed, match="begins with BEGIN:VCALENDAR"):
        read_feed(text, FIRST, LAST)


def test_a_feed_has_so_many_events_at_most() -> None:
    with pytest.raises(BadFeed, match="2000 events at most"):
        read(*["DTSTART;VALUE=DATE:20260508"] * (MOST_EVENTS + 1))
    with pytest.raises(BadFeed, match="200 repeating events at most"):
        read(*["DTSTART;VALUE=DATE:20260508 RRULE:FREQ=YEARLY"] * (MOST_REPEATING + 1))


PARTS = st.sampled_from(
    [
        *("FREQ=YEARLY", "FREQ=MONTHLY", "FREQ=DAILY", "INTERVAL=0", "INTERVAL=3", "COUNT=5"),
        *("COUNT=0", "UNTIL=20261231", "UNTIL=20261231T000000Z", "BYMONTH=2", "BYMONTHDAY=30"),
        *("BYDAY=MO,TU,WE,TH,FR,SA,SU", "BYDAY=-1FR", "BYSETPOS=-1", "WKST=SU", "BYHOUR=1,2"),
        *("BYYEARDAY=366", "BYWEEKNO=53", "BYEASTER=0"),
    ]
)


@settings(deadline=2_000)
@given(st.lists(PARTS, min_size=1, max_size=5), st.dates(date(1990, 1, 1), date(9999, 12, 31)))
def test_every_rule_is_read_or_told_of_in_time(parts: list[str], begins: date) -> None:
    rule = ";".join(parts)
    found = read(f"DTSTART;VALUE=DATE:{begins:%Y%m%d} DURATION:P366D RRULE:{rule}")
    assert all(FIRST <= day <= LAST for day in found.closed)
    assert set(found.ignored) <= {"bad_rule", "too_frequent", "bad_dates"}


@given(st.text(max_size=200) | st.text("BEGIN:VCALNDRT=;0123456789\r\n", max_size=200))
def test_no_text_breaks_the_reading(inside: str) -> None:
    with suppress(BadFeed):
        read_feed(a_feed(inside), FIRST, LAST)
