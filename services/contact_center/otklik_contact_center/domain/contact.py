"""A contact is the fold of its events: the same ones, in any order and number, give the same."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from otklik_contact_center.domain.about import About, about, amendments, nature
from otklik_contact_center.domain.course import Course, ms, run
from otklik_contact_center.domain.events import Event, author_of, in_order
from otklik_contact_center.domain.reply import Exchange, exchange

SILENT: Final = frozenset(("amended", "recording"))
"""Types that say something about a contact but do not make one."""

DIFFERS_MS: Final = 2_000
"""How far a measured span and the difference of its times may lie apart without a flag."""


class Contact(msgspec.Struct, frozen=True):
    """
    A conversation with a customer, as its events tell it. Spans are whole milliseconds.

    Attributes:
        at: When it began, as far as known; contacts are listed by it.
        changed_at: When the last thing happened to it.
        first_asked_at, first_replied_at: Of inbound written contacts: the wait for the first
            words of a person.
        attempted_at: The first time a person of ours answered or tried to reach the customer.
        connected_at: The first time a person of ours and the customer were in touch.
        waited_ms: From the offer to the answer, or to the end of an unanswered contact; None
            while the customer waits.
        contradictions: Codes of what does not fit together, sorted.
    """

    at: datetime
    changed_at: datetime
    about: About
    course: Course
    said: Exchange
    outcome: str
    first_asked_at: datetime | None
    first_replied_at: datetime | None
    attempted_at: datetime | None
    connected_at: datetime | None
    waited_ms: int | None
    talked_ms: int | None
    handled_ms: int | None
    recorded: bool
    contradictions: tuple[str, ...]

    @property
    def abandoned_at(self) -> datetime | None:
        """When the customer gave up waiting."""
        return self.course.first_ended_at if self.outcome == "abandoned" else None

    @property
    def first_response_ms(self) -> int | None:
        """From the first question to the first words of a person."""
        if self.first_asked_at is None or self.first_replied_at is None:
            return None
        return max(0, ms(self.first_replied_at - self.first_asked_at))


def fold(events: Sequence[Event], *, clock_ahead: bool = False) -> Contact | None:
    """
    The contact that `events` tell of.

    Args:
        events: All that is known of one contact, in any order, repetitions included.
        clock_ahead: One of them claimed to come from the future when it arrived.
    Returns:
        None while there are only corrections and recordings of something not yet heard of.
    """
    ordered = in_order(events)
    lived = lived_of(ordered)
    if not lived:
        return None
    overrides = amendments(ordered)
    kind = nature(lived, overrides)
    course = run(lived, inbound=kind.inbound, spoken=kind.spoken)
    what = about(ordered, lived, overrides, answer=course.answer)
    said = exchange(lived)
    asked_at, replied_at = _first_response(what, course, said)
    flags = set(course.contradictions)
    if clock_ahead:
        flags.add("clock_ahead")
    outcome = _outcome(what, course, flags)
    waited_ms = _waited(what, course, flags)
    talked_ms = _talked(what, course, flags)
    return Contact(
        at=(course.offered_at if what.inbound else course.started_at) or lived[0].at,
        changed_at=lived[-1].at,
        about=what,
        course=course,
        said=said,
        outcome=outcome,
        first_asked_at=asked_at,
        first_replied_at=replied_at,
        attempted_at=_attempted(course, outcome),
        connected_at=_connected(what, course, lived),
        waited_ms=waited_ms,
        talked_ms=talked_ms,
        handled_ms=_handled(what, course, talked_ms),
        recorded=len(lived) < len(ordered) and any(e.type == "recording" for e in ordered),
        contradictions=tuple(sorted(flags)),
    )


def lived_of(ordered: Iterable[Event]) -> list[Event]:
    """Of events in order: those that make a contact."""
    return [event for event in ordered if event.type not in SILENT]


def _first_response(
    what: About, course: Course, said: Exchange
) -> tuple[datetime | None, datetime | None]:
    """Of what we began, and of what is spoken, there is no first response."""
    if not what.inbound or what.spoken:
        return None, None
    asked_at = said.first_asked_at or course.offered_at
    if said.first_replied_at is not None or said.customer_messages:
        return asked_at, said.first_replied_at
    # Senders who push no messages at all: taking the request is the response.
    return asked_at, course.answered_at


def _outcome(what: About, course: Course, flags: set[str]) -> str:
    if course.answer is not None:
        if what.ending == "abandoned":
            flags.add("abandoned_and_answered")
        return "answered"
    if course.ended_at is None:
        return "open"
    if what.ending is not None:
        return what.ending
    if not what.inbound:
        return "not_reached"
    if course.offered_at is None:
        return "unknown"
    return "abandoned" if what.reached_by in LEFT_BY_CUSTOMERS else "resolved"


LEFT_BY_CUSTOMERS: Final = frozenset(("call", "visit", "chat", "messenger", "other"))
"""Channels in which a customer waits and can give up; a letter or a form is only ever closed."""


def _waited(what: About, course: Course, flags: set[str]) -> int | None:
    until = course.answered_at or course.first_ended_at
    if until is None or course.offered_at is None:
        return None
    by_times = max(0, ms(until - course.offered_at))
    return _measured(what.waited_seconds, by_times, "waited_differs", flags)


def _talked(what: About, course: Course, flags: set[str]) -> int | None:
    if course.handled_ms is None:
        return None
    by_times = max(0, course.handled_ms - course.held_ms)
    return _measured(what.talked_seconds, by_times, "talked_differs", flags)


def _measured(seconds: float | None, by_times: int, flag: str, flags: set[str]) -> int:
    """What the sender's own clock measured outranks the difference of (rounded) times."""
    if seconds is None:
        return by_times
    measured = round(seconds * 1000)
    if abs(measured - by_times) > DIFFERS_MS:
        flags.add(flag)
    return measured


def _handled(what: About, course: Course, talked_ms: int | None) -> int | None:
    if talked_ms is None:
        return None
    wrapped_ms = course.wrapped_ms or 0
    if what.talked_seconds is not None:
        return talked_ms + course.held_ms + wrapped_ms
    assert course.handled_ms is not None
    return course.handled_ms + wrapped_ms


def _attempted(course: Course, outcome: str) -> datetime | None:
    if not course.inbound:
        return course.tried_at
    # Closing a request is work too, where nobody needed to talk.
    return course.first_ended_at if outcome == "resolved" else course.answered_at


def _connected(what: About, course: Course, lived: Sequence[Event]) -> datetime | None:
    if what.inbound or what.spoken or course.answer is not None:
        return course.answered_at
    # We wrote first: the two are in touch once the customer writes back.
    for event in lived:
        if event.type == "message" and event.public and author_of(event) == "customer":
            return event.at
    return None
