"""What agents are to learn from a conversation or a request, and where its effect is to be seen."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from otklik_common.errors import Conflict, Unprocessable
from otklik_common.events.staff import CoachingItem
from otklik_common.ids import subject_id

MOST_TASK: Final = 4_000
DAYS: Final = 28
"""Before and after, where nobody says otherwise."""


class OccasionMissing(Unprocessable):
    """Coaching comes from a conversation or from a request."""

    code = "occasion_missing"


class DueBeforeCreated(Unprocessable):
    """A task is due after it is given."""

    code = "due_before_created"


class DoneBeforeCreated(Unprocessable):
    """A task is done after it is given."""

    code = "done_before_created"


class NotDone(Conflict):
    """There is no after yet."""

    code = "coaching_not_done"


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is to be learnt, by whom, and what it comes from."""

    agent: str
    skill: str
    branch: str | None
    contact: UUID | None
    lead: UUID | None
    created_at: datetime
    due_at: datetime | None


class Range(NamedTuple):
    """Whole days in the company's zone."""

    start: datetime
    end: datetime


class Effect(NamedTuple):
    """
    When the same agent is looked at.

    Attributes:
        complete: Whether all of the days after are over.
    """

    before: Range
    after: Range
    complete: bool


def item_subject(tenant: str, name: str) -> UUID:
    """The subject of the item that its sender calls `name`."""
    return subject_id(tenant, "coaching_item", name)


def given(lesson: Lesson, done_at: datetime | None = None) -> CoachingItem:
    """
    An item as it stands.

    Raises:
        OccasionMissing, DueBeforeCreated, DoneBeforeCreated.
    """
    if lesson.contact is None and lesson.lead is None:
        raise OccasionMissing(
            "say the contact or the lead that it comes from",
            detail_ru="укажите обращение или заявку, из которых это следует",
        )
    if lesson.due_at is not None and lesson.due_at < lesson.created_at:
        raise DueBeforeCreated(
            f"due at {lesson.due_at.isoformat()}, given at {lesson.created_at.isoformat()}",
            detail_ru=f"срок {lesson.due_at.isoformat()} раньше {lesson.created_at.isoformat()}",
        )
    if done_at is not None and done_at < lesson.created_at:
        raise DoneBeforeCreated(
            f"done at {done_at.isoformat()}, given at {lesson.created_at.isoformat()}",
            detail_ru=f"выполнено {done_at.isoformat()}, а дано {lesson.created_at.isoformat()}",
        )
    return CoachingItem(
        agent=lesson.agent,
        skill=lesson.skill,
        branch=lesson.branch,
        contact=lesson.contact,
        lead=lesson.lead,
        created_at=lesson.created_at,
        due_at=lesson.due_at,
        done_at=done_at,
    )


def lesson_of(item: CoachingItem) -> Lesson:
    """What an item is about."""
    return Lesson(
        agent=item.agent,
        skill=item.skill,
        branch=item.branch,
        contact=item.contact,
        lead=item.lead,
        created_at=item.created_at,
        due_at=item.due_at,
    )


def effect(item: CoachingItem, days: int, zone: ZoneInfo, now: datetime) -> Effect:
    """
    When to look at the agent: so many whole days before the one on which the item was given, and
    after the one on which it was done.

    Raises:
        NotDone.
    """
    if item.done_at is None:
        raise NotDone("the task is not done yet", detail_ru="задание ещё не выполнено")
    given_on = item.created_at.astimezone(zone).date()
    done_on = item.done_at.astimezone(zone).date()
    span, a_day = timedelta(days=days), timedelta(days=1)
    before = Range(_midnight(given_on - span, zone), _midnight(given_on, zone))
    after = Range(_midnight(done_on + a_day, zone), _midnight(done_on + a_day + span, zone))
    return Effect(before, after, complete=after.end <= now)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
