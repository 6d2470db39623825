"""How a contact went: the times and spans that its events give, taken in order."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from otklik_contact_center.domain.events import Event, author_of

_MS = timedelta(milliseconds=1)

LATE_TYPES = frozenset(("wrapped", "reopened", "recording", "ended", "paused", "unpaused"))
"""What may follow an end without a contradiction."""

BEGINNINGS = frozenset(("started", "queued", "assigned", "ringing", "answered", "message"))


def ms(span: timedelta) -> int:
    """Whole milliseconds of a span."""
    return span // _MS


class Course(msgspec.Struct):
    """
    The times of a contact so far. All are None until they happen.

    Attributes:
        started_at: The first `started`, or the first event where there was none.
        offered_at: When an inbound contact first asked for a person: its first `queued`, else
            its `started`, else whatever shows that it had begun. None for outbound ones.
        assigned_at: When a person was named: by assigning, ringing or answering.
        answer: The event of the first human answer: of a person of ours, or of the customer whom
            one of ours has called.
        tried_at: When a person of ours began an outbound contact.
        ended_at: The last end; None while open, also after a reopening.
        first_ended_at: The first end since the last opening: whoever waited until then waits no
            more. A second one is a contradiction and only moves the last.
        handled_ms: From the answer, or the last reopening, to the first end after it, and the
            same of all that was before; hold included, wrap-up not.
        held_ms: Time on hold within that.
        wrapped_ms: Work after those ends.
        resolution_ms: From the creation, or the last reopening, to the last end.
        sent_on: Somebody or something has passed it on, so that a second queue is no wonder.
        transfers: How often a person passed it on; what a bot or a system does is none.
        open_since: The last reopening; it stays when the contact ends again.
    """

    inbound: bool
    spoken: bool
    started_at: datetime | None = None
    offered_at: datetime | None = None
    assigned_at: datetime | None = None
    answer: Event | None = None
    tried_at: datetime | None = None
    ended_at: datetime | None = None
    first_ended_at: datetime | None = None
    held_ms: int = 0
    wrapped_ms: int | None = None
    handled_ms: int | None = None
    resolution_ms: int | None = None
    sent_on: bool = False
    transfers: int = 0
    reopenings: int = 0
    contradictions: set[str] = msgspec.field(default_factory=set)
    queued_at: datetime | None = None
    queued_late_at: datetime | None = None
    begun_at: datetime | None = None
    held_since: datetime | None = None
    handled_since: datetime | None = None
    handled_until: datetime | None = None
    handled_before_ms: int = 0
    wrapped_before_ms: int = 0
    open_since: datetime | None = None

    @property
    def answered_at(self) -> datetime | None:
        """When the first person answered."""
        return None if self.answer is None else self.answer.at


def run(ordered: Sequence[Event], *, inbound: bool, spoken: bool) -> Course:
    """The course that events in order, without `amended` and `recording`, have taken."""
    course = Course(inbound=inbound, spoken=spoken)
    for event in ordered:
        kind = event.type
        if course.ended_at is not None and kind not in LATE_TYPES:
            course.contradictions.add(
                "ended_before_answered"
                if kind == "answered" and course.answer is None
                else "event_after_end"
            )
        if course.begun_at is None and kind in BEGINNINGS:
            course.begun_at = event.at
        step = _STEPS.get(kind)
        if step is not None:
            step(course, event)
    _settle(course, ordered[0].at)
    return course


def _started(course: Course, event: Event) -> None:
    if course.started_at is None:
        course.started_at = event.at
    if not course.inbound and course.tried_at is None and author_of(event) == "human":
        course.tried_at = event.at


def _queued(course: Course, event: Event) -> None:
    sent_on = course.sent_on or course.reopenings
    if course.answer is not None:
        if not sent_on:
            course.contradictions.add("answered_before_offered")
            course.queued_late_at = course.queued_late_at or event.at
    elif course.queued_at is None:
        course.queued_at = event.at
    elif not sent_on:
        course.contradictions.add("second_offer")


def _assigned(course: Course, event: Event) -> None:
    if course.assigned_at is None and (event.type == "assigned" or event.agent is not None):
        course.assigned_at = event.at


def _answered(course: Course, event: Event) -> None:
    author = author_of(event)
    if course.answer is not None or not (author == "human" or _picks_up(course, author)):
        return
    course.answer = event
    course.handled_since = event.at
    if course.assigned_at is None and (author == "human" or event.agent is not None):
        course.assigned_at = event.at


def _picks_up(course: Course, author: str) -> bool:
    """Whether it is the customer who answers a call that a person of ours, no bot, has made."""
    dialled_by_bot = course.started_at is not None and course.tried_at is None
    return author == "customer" and not course.inbound and course.spoken and not dialled_by_bot


def _message(course: Course, event: Event) -> None:
    # In writing, a person's words are an answer, whether or not anybody "took" the contact.
    if course.inbound and not course.spoken and event.public:
        _answered(course, event)


def _held(course: Course, event: Event) -> None:
    if course.held_since is None and course.ended_at is None:
        course.held_since = event.at


def _resumed(course: Course, event: Event) -> None:
    if course.held_since is not None:
        course.held_ms += ms(event.at - course.held_since)
        course.held_since = None


def _transferred(course: Course, event: Event) -> None:
    course.sent_on = True
    # Routing, and a bot that calls a person in, are no transfers: nobody had to begin again.
    if author_of(event) == "human":
        course.transfers += 1
    _resumed(course, event)


def _ended(course: Course, event: Event) -> None:
    _resumed(course, event)
    if course.ended_at is None:
        course.first_ended_at = event.at
        course.wrapped_ms = course.wrapped_before_ms or None
    else:
        course.contradictions.add("second_end")
    course.ended_at = event.at
    if course.handled_since is not None and course.handled_until is None:
        course.handled_until = event.at
        course.handled_ms = course.handled_before_ms + ms(event.at - course.handled_since)
    if course.open_since is not None:
        course.resolution_ms = ms(event.at - course.open_since)


def _wrapped(course: Course, event: Event) -> None:
    since = course.handled_until or course.first_ended_at
    if since is not None:
        course.wrapped_ms = course.wrapped_before_ms + ms(event.at - since)


def _reopened(course: Course, event: Event) -> None:
    course.reopenings += 1
    course.open_since = event.at
    if course.ended_at is None:
        return  # who handles it goes on
    course.handled_before_ms = course.handled_ms or 0
    course.wrapped_before_ms = course.wrapped_ms or 0
    course.handled_since = None if course.answer is None else event.at
    course.ended_at = course.first_ended_at = course.handled_until = None
    course.wrapped_ms = course.handled_ms = course.resolution_ms = None


_STEPS: dict[str, Callable[[Course, Event], None]] = {
    "started": _started,
    "queued": _queued,
    "assigned": _assigned,
    "ringing": _assigned,
    "answered": _answered,
    "message": _message,
    "held": _held,
    "resumed": _resumed,
    "transferred": _transferred,
    "ended": _ended,
    "wrapped": _wrapped,
    "reopened": _reopened,
}


def _settle(course: Course, first_at: datetime) -> None:
    """What only the whole course can say."""
    created_at = course.queued_at or course.started_at or course.queued_late_at or course.begun_at
    if course.inbound:
        course.offered_at = created_at
        if course.answer is not None and created_at is not None and course.answer.at < created_at:
            course.contradictions.add("answered_before_offered")
    elif course.tried_at is None and course.started_at is None:
        course.tried_at = first_at  # whatever is heard first shows that we had tried
    if course.started_at is None:
        course.started_at = first_at
    if course.ended_at is None:
        return
    _settle_end(course, created_at)


def _settle_end(course: Course, created_at: datetime | None) -> None:
    assert course.ended_at is not None
    if course.resolution_ms is None and created_at is not None:
        course.resolution_ms = ms(course.ended_at - created_at)
    if course.resolution_ms is not None and course.resolution_ms < 0:
        course.resolution_ms = None
        course.contradictions.add("ended_before_started")
    if course.answer is not None and course.answer.at > course.ended_at:
        course.handled_ms = None
        course.contradictions.add("ended_before_answered")
