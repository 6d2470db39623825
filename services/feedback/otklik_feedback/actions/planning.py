"""What happened becomes plans: who is to be asked, after what, and when."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.clocks.business_time import NeverOpenError, business_time
from otklik_common.clocks.told import calendar_of
from otklik_common.consumer import ReadEvent
from otklik_common.directory import Directory, Known
from otklik_common.ids import subject_id
from otklik_feedback.domain.asking.deciding import Plan, stopped_early
from otklik_feedback.domain.asking.occasions import KINDS, Occasion, occasion_of
from otklik_feedback.domain.asking.programme import Programme
from otklik_feedback.store import invitations, programmes
from otklik_feedback.store.invitations import Kept

TOPICS: Final = ("contact-center", "feedback")
"""Services whose facts tell of occasions; feedback hears of its own cases there."""


class PlanAsking:
    """Consumer of what people may be asked about."""

    def __init__(self, directory: Directory) -> None:
        """`directory` knows opening hours, for delays that count them."""
        self._directory = directory

    async def apply(self, tx: AsyncConnection, events: Sequence[ReadEvent]) -> None:
        """Plan after the newest revision of each subject; what has not happened is planned no more."""
        newest = _newest(events)
        if not newest:
            return
        found = await programmes.of_companies(tx, {event.tenant for event in newest})
        if not found:
            return
        now = (await outbox.recorder(tx, None)).now
        planned: dict[tuple[str, UUID], Kept] = {}
        gone: set[tuple[str, UUID]] = set()
        for event in newest:
            own = found.get(event.tenant)
            if own is None:
                continue
            occasion = occasion_of(event.subject, event.data(), void=event.void)
            for programme in own.values():
                if programme.trigger is not occasion.trigger:
                    continue
                made = await self._made(event.tenant, programme, occasion, now)
                if isinstance(made, Kept):
                    planned[made.tenant, made.id] = made
                elif made is not None:
                    gone.add((event.tenant, made))
        await invitations.plan(tx, list(planned.values()))
        await invitations.unplan(tx, gone)

    async def _made(
        self, tenant: str, programme: Programme, occasion: Occasion, now: datetime
    ) -> Kept | UUID | None:
        """
        The plan; the id alone of one that is not to be, or not any more.

        None of one that would come too late now: whoever waits already goes on waiting.
        """
        id_ = subject_id(
            tenant, "invitation", programme.code, occasion.trigger, str(occasion.subject)
        )
        at = occasion.at
        if (
            at is None
            or at < programme.since
            or not programme.active
            or not programme.fits(occasion.dimensions)
        ):
            return id_
        due_at = await self._due(tenant, programme, occasion, at)
        if due_at + programme.late < now:
            return None
        person = occasion.identifiers[0] if occasion.identifiers else None
        plan = Plan(id_, tenant, person, occasion.identifiers, due_at, due_at)
        early = stopped_early(plan, programme)
        return Kept(
            tenant=tenant,
            id=id_,
            programme=programme.code,
            trigger=occasion.trigger,
            occasion=occasion.subject,
            due_at=due_at,
            next_at=due_at if early is None else None,
            planned_at=now,
            contact=occasion.contact,
            dimensions=occasion.dimensions,
            identifiers=occasion.identifiers,
            rule=None if early is None else early.rule,
            decided_at=None if early is None else now,
        )

    async def _due(
        self, tenant: str, programme: Programme, occasion: Occasion, at: datetime
    ) -> datetime:
        if programme.business:
            known = await self._directory.known(tenant)
            opened = _in_hours(known, occasion.dimensions.get("branch"), programme, at)
            if opened is not None:
                return opened
        return at + programme.delay


def _in_hours(
    known: Known, branch: str | None, programme: Programme, at: datetime
) -> datetime | None:
    """The delay counted in opening hours, the branch's own where it has some; None without any."""
    place = known.branches.get(branch) if branch is not None else None
    own = None if place is None or place.calendar is None else known.calendars.get(place.calendar)
    calendar = own or known.default_calendar
    if calendar is None:
        return None
    try:
        return business_time(calendar_of(calendar)).deadline(at, programme.delay)
    except NeverOpenError:
        return None


def _newest(events: Iterable[ReadEvent]) -> list[ReadEvent]:
    newest: dict[tuple[str, str, UUID], ReadEvent] = {}
    for event in events:
        if event.kind not in KINDS:
            continue
        at = (event.tenant, event.kind, event.subject)
        known = newest.get(at)
        if known is None or (event.epoch, event.revision) > (known.epoch, known.revision):
            newest[at] = event
    return list(newest.values())
