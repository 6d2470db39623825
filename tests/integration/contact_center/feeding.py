"""A source whose events come, and the doctor who looks at it, by a clock of the test's own."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from otklik_common.directory import Directory
from otklik_common.events.contact_center import Source as SourceFact
from otklik_contact_center.actions import sources
from otklik_contact_center.actions.doctor import Health, of_one
from otklik_contact_center.actions.doctor_work import Doctor
from otklik_contact_center.actions.intake import Intake
from otklik_contact_center.actions.meters import Meters
from otklik_contact_center.actions.push import Door, Pushed
from otklik_contact_center.actions.tallies import Tallies
from otklik_contact_center.domain.source import Source, new_source
from tests.integration.contact_center.conftest import MASTER, World

# A Wednesday, noon in Moscow.
NOON = datetime(2026, 3, 4, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Feed:
    """A source of a company that is known, its senders, our clock, and whoever looks."""

    def __init__(self, world: World, source: Source) -> None:
        self.world = world
        self.source = source
        self.now = NOON
        self.tallies = Tallies(world.pusher, lambda: self.now)
        self.intake = Intake(world.pusher, Meters(None), self.tallies)
        self.door = Door(self.intake, world.sealer, MASTER)
        self.doctor = self.another_doctor()
        self._pushed = 0

    def another_doctor(self) -> Doctor:
        """As after a restart of the worker."""
        directory = Directory(self.world.api)
        return Doctor(self.world.worker, self.world.sealer, directory, lambda: self.now)

    async def push(self, *ages: float, ids: Iterable[str] | None = None, **more: Any) -> Pushed:
        """Events that happened so many seconds ago, in one request that comes now."""
        names = list(ids) if ids is not None else [f"e{self._pushed + n}" for n in range(len(ages))]
        self._pushed += len(ages)
        events = [
            {
                "id": name,
                "contact": f"contact-{name}",
                "type": "queued",
                "at": (self.now - timedelta(seconds=age)).isoformat(),
                "channel": "call",
                **more,
            }
            for name, age in zip(names, ages, strict=True)
        ]
        return await self.door.push(self.source, json.dumps(events).encode(), now=self.now)

    async def listen(self, since: datetime, until: datetime) -> None:
        """Somebody was there to hear in these minutes."""
        minutes: dict[datetime, int] = {}
        while since < until:
            hour = since.replace(minute=0, second=0, microsecond=0)
            minutes[hour] = minutes.get(hour, 0) | 1 << since.minute
            since += MINUTE
        await self.world.admin.executemany(
            "INSERT INTO contact_center.intake_hour AS known VALUES ($1, $2) ON CONFLICT (hour)"
            " DO UPDATE SET minutes = known.minutes | excluded.minutes",
            list(minutes.items()),
        )

    async def lived(self, weeks: int = 9, *, opens: int = 6, closes: int = 15) -> None:
        """Something every minute from nine to six in Moscow, until noon today."""
        first = NOON - timedelta(weeks=weeks)
        hours = [
            (at, (1 << 60) - 1)
            for n in range(weeks * 168)
            if opens <= (at := first + timedelta(hours=n)).hour < closes
        ]
        await self.world.admin.executemany(
            "INSERT INTO contact_center.source_hour (tenant, source, hour, minutes, accepted,"
            " heard_at, arrived_at) VALUES ($1, $2, $3, $4, 60, $5, $5)",
            [(self.world.tenant, self.source.id, at, bits, at + 59 * MINUTE) for at, bits in hours],
        )

    async def look(self, at: datetime) -> list[tuple[str, SourceFact]]:
        """Look at that moment; what the company has been told of the source by then."""
        self.now = at
        await self.tallies.write()
        while await self.doctor.step():
            pass
        return await self.told()

    async def told(self) -> list[tuple[str, SourceFact]]:
        """What the company has been told of the source: verb and fact, in order."""
        found = await self.world.facts("source")
        return [
            (one.verb, one.data)
            for one in found
            if one.subject == self.source.subject and isinstance(one.data, SourceFact)
        ]

    async def health(self) -> Health:
        """As it is shown now."""
        await self.tallies.write()
        return await of_one(
            self.world.api,
            self.world.sealer,
            Directory(self.world.api),
            tenant=self.world.tenant,
            source_id=self.source.id,
            now=self.now,
        )


@asynccontextmanager
async def a_feed(world: World) -> AsyncIterator[Feed]:
    """A telephone exchange of a company that is known; nobody has listened to it yet."""
    await world.admin.execute("TRUNCATE contact_center.intake_hour")
    await world.enrol()
    source = new_source(world.tenant, name="pbx", kind="generic", require_signature=False, now=NOON)
    await sources.make_known(world.api, world.sealer, source)
    made = Feed(world, source)
    await made.intake.start()
    try:
        yield made
    finally:
        await made.intake.stop()
