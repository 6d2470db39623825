"""
What may be promised about a contact: when each clock begins, is held, and ends.

One look at the events of a contact, before anybody asks which policy holds. So another policy,
calendar or threshold needs no event again, and a pause outlives every change of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from otklik_common.clocks.sla import Mark, Step
from otklik_contact_center.domain.contact import LEFT_BY_CUSTOMERS, Contact
from otklik_contact_center.domain.events import Event, author_of
from otklik_contact_center.domain.lead import MISSED
from otklik_contact_center.domain.reply import Gap

DONE: Final = frozenset(("answered", "resolved"))
"""Outcomes in which an end is ours, and not the customer's giving up."""

CALLBACK: Final = "callback"

CLOSED: Final = "closed"
"""The pause between an end and a reopening: every clock that outlives an end is held by it."""


class Pause(msgspec.Struct, frozen=True, array_like=True):
    """Something that holds clocks began or ended; `place` orders what happened at one moment."""

    at: datetime
    kind: str
    begins: bool
    place: int


class Watch(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """
    A clock that a policy may promise something about.

    Attributes:
        target: Which promise.
        key: Which of several of the same target: the sender's id of what began it; '' for the only
            one.
        ended_at: None while it runs.
        cancelled: It ended without what was promised.
        agent, queue, branch: Those who ended it, where they are not the contact's.
        lasting: Ends of the contact hold it, and only the last ends it.
    """

    target: str
    started_at: datetime
    ended_at: datetime | None = None
    cancelled: bool = False
    key: str = ""
    agent: str | None = None
    queue: str | None = None
    branch: str | None = None
    lasting: bool = False


class Watched(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """
    Everything of a contact that clocks are made of.

    Attributes:
        segment, service_level: The customer's, as the sender says.
    """

    watches: tuple[Watch, ...] = ()
    pauses: tuple[Pause, ...] = ()
    segment: str | None = None
    service_level: str | None = None


def watched(contact: Contact, lived: Sequence[Event]) -> Watched:
    """
    What may be promised about a contact; nothing about one that we began.

    Args:
        lived: Its events in order, corrections and recordings apart.
    """
    if not contact.about.inbound:
        return NOTHING
    attributes = contact.about.attributes
    return Watched(
        tuple(_watches(contact, lived)),
        tuple(_pauses(lived)),
        _code(attributes.get("segment")),
        _code(attributes.get("service_level")),
    )


NOTHING: Final = Watched()


def _code(text: str | None) -> str | None:
    return text[:100] or None if text else None


def _watches(contact: Contact, lived: Sequence[Event]) -> Iterator[Watch]:
    yield from _first_response(contact)
    for gap in (*contact.said.gaps, *contact.said.dropped):
        if not gap.first:
            yield _next_response(gap)
    yield from _resolutions(contact, lived)
    missed_at = contact.abandoned_at or contact.course.ended_at
    if contact.outcome in MISSED and missed_at is not None:
        yield Watch(CALLBACK, missed_at)


def _first_response(contact: Contact) -> Iterator[Watch]:
    course, about = contact.course, contact.about
    waits = [gap for gap in (*contact.said.dropped, *contact.said.gaps) if gap.first]
    if waits and not about.spoken:
        # An end that leaves the customer unanswered is not undone by what comes after it.
        for place, gap in enumerate(sorted(waits, key=lambda gap: gap.asked_at)):
            yield _wait("first_response", gap, key=gap.id if place else "")
        return
    if about.spoken:
        asked_at, replied_at = course.offered_at, course.answered_at
    else:
        asked_at, replied_at = contact.first_asked_at, contact.first_replied_at
    if asked_at is None:
        return
    if replied_at is not None:
        yield Watch("first_response", asked_at, max(asked_at, replied_at))
    elif course.first_ended_at is not None:
        given_up_at = max(asked_at, course.first_ended_at)
        yield Watch("first_response", asked_at, given_up_at, cancelled=True)
    else:
        yield Watch("first_response", asked_at)


def _next_response(gap: Gap) -> Watch:
    found = _wait("next_response", gap, key=gap.id)
    return msgspec.structs.replace(found, agent=gap.agent, queue=gap.queue, branch=gap.branch)


def _wait(target: str, gap: Gap, *, key: str) -> Watch:
    ended_at = gap.replied_at or gap.dropped_at
    cancelled = gap.replied_at is None and gap.dropped_at is not None
    return Watch(target, gap.asked_at, ended_at, cancelled=cancelled, key=key)


def _resolutions(contact: Contact, lived: Sequence[Event]) -> Iterator[Watch]:
    created_at = contact.course.offered_at or contact.at
    ends = list(_ends(lived))
    given_up = contact.outcome not in DONE
    if not ends:
        yield Watch("first_resolution", created_at)
        yield Watch("resolution", created_at, lasting=True)
        return
    first = max(created_at, ends[0].at)
    once = len(ends) == 1 and contact.course.ended_at is not None
    early = given_up if once else not _was_done(contact, ends[0])
    yield Watch("first_resolution", created_at, first, cancelled=early)
    last = None if contact.course.ended_at is None else max(created_at, ends[-1].at)
    over = given_up and last is not None
    yield Watch("resolution", created_at, last, cancelled=over, lasting=True)


def _was_done(contact: Contact, end: Event) -> bool:
    """Whether an end was ours when it came, whatever came later."""
    answered_at = contact.course.answered_at
    if answered_at is not None and answered_at <= end.at:
        return True
    if end.outcome is not None:
        return end.outcome in DONE
    return contact.about.reached_by not in LEFT_BY_CUSTOMERS


def _ends(lived: Iterable[Event]) -> Iterator[Event]:
    """The ends of an open contact; an end after an end ends nothing."""
    closed = False
    for event in lived:
        if event.type == "ended" and not closed:
            closed = True
            yield event
        elif event.type == "reopened":
            closed = False


_HELD: Final = {
    "paused": ("paused", True),
    "unpaused": ("paused", False),
    "held": ("held", True),
    "resumed": ("held", False),
    "transferred": ("held", False),
    "reopened": (CLOSED, False),
}


def _pauses(lived: Sequence[Event]) -> Iterator[Pause]:
    """What began and ended to hold clocks, in order; what is held already is not held again."""
    held: set[str] = set()
    for place, event in enumerate(lived):
        for kind, begins in _holds(event):
            pause = Pause(event.at, kind, begins, place)
            if begins != (kind in held):
                _turn(held, pause)
                yield pause


def _holds(event: Event) -> Iterator[tuple[str, bool]]:
    kind = event.type
    if kind in _HELD:
        yield _HELD[kind]
    elif kind == "ended":
        # Whoever comes back later finds nothing held over from before.
        yield from ((CLOSED, True), ("held", False), ("paused", False), ("customer", False))
    elif kind == "message" and event.public:
        author = author_of(event)
        if author in ("customer", "human"):
            yield "customer", author == "human"


def called_back(
    all_of_it: Watched, *, awaited: bool, at: datetime | None, by: str | None, only: bool
) -> Watched:
    """
    The same with what became of the callback.

    Args:
        awaited: Whether the contact is the first of its lead that nobody took: the customer is
            called back once.
        at: When a person of ours first tried to reach the customer since.
        by: Whoever did.
        only: Leave out whatever is not about the callback.
    """
    found = []
    for watch in all_of_it.watches:
        if watch.target != CALLBACK:
            if not only:
                found.append(watch)
        elif awaited:
            ended_at = None if at is None else max(at, watch.started_at)
            found.append(
                msgspec.structs.replace(watch, ended_at=ended_at, agent=None if at is None else by)
            )
    return msgspec.structs.replace(all_of_it, watches=tuple(found))


def marks(watch: Watch, pauses: Iterable[Pause], counted: frozenset[str]) -> list[Mark]:
    """
    What happened to a clock.

    Args:
        counted: The kinds of pauses that hold it.
    """
    holding = counted | {CLOSED} if watch.lasting else counted
    started_at, ended_at = watch.started_at, watch.ended_at
    held: set[str] = set()
    found = [Mark(started_at, Step.START, _FIRST)]
    later: list[Pause] = []
    for pause in pauses:
        if pause.kind not in holding:
            continue
        if pause.at < started_at:
            _turn(held, pause)
        elif ended_at is None or pause.at < ended_at:
            # Held at its very end it would have no due time: what it would have had is asked.
            later.append(pause)
    if held:
        found.append(Mark(started_at, Step.PAUSE, _FIRST))
    for pause in later:
        was = bool(held)
        _turn(held, pause)
        if was != bool(held):
            found.append(Mark(pause.at, Step.PAUSE if held else Step.RESUME, pause.place))
    if ended_at is not None:
        step = Step.CANCEL if watch.cancelled else Step.STOP
        found.append(Mark(ended_at, step, _LAST))
    return found


_FIRST: Final = -1
_LAST: Final = 1 << 30
"""Of one moment a clock begins before and ends after whatever holds it."""


def _turn(held: set[str], pause: Pause) -> None:
    if pause.begins:
        held.add(pause.kind)
    else:
        held.discard(pause.kind)
