"""A service that does nothing but state facts and note which ones it heard of."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.consumer import Consumer, Handler, ReadEvent
from otklik_common.db import Database
from otklik_common.events.access import Branch
from otklik_common.events.envelope import Event
from otklik_common.events.registry import encode
from otklik_common.log.port import Log
from otklik_common.migrate import Tree, migrate
from otklik_common.relay import Relay
from otklik_common.settings import Settings
from tests.support.postgres import PostgresServer

TENANT = "probe234"
MIGRATIONS = Path(__file__).parent


def probe_settings(url: str) -> Settings:
    """Settings of a database at `url`, reached as superuser."""
    return Settings(
        database_url=url,
        admin_database_url=url,
        master_key=base64.b64encode(b"k" * 32).decode(),
        environment="test",
    )


async def probe_database(postgres: PostgresServer, name: str) -> Settings:
    """A fresh database with the schemas `log` and `probe`."""
    settings = probe_settings(await postgres.create_database(name))
    await migrate(settings, [Tree("probe", MIGRATIONS)])
    return settings


def fresh_topic() -> str:
    """A topic nobody else uses."""
    return f"otklik.probe-{secrets.token_hex(4)}"


def a_branch(subject: UUID, revision: int, now: datetime, *, tenant: str = TENANT) -> Event[Branch]:
    """A small fact."""
    branch = Branch(code="tyumen", timezone="Asia/Yekaterinburg")
    return Event(
        tenant=tenant,
        subject=subject,
        revision=revision,
        verb="changed",
        time=now,
        recorded_at=now,
        data=branch,
    )


def a_value(subject: UUID, revision: int, now: datetime) -> tuple[str, bytes]:
    """Key and value of a record, as a relay would send it."""
    event = a_branch(subject, revision, now)
    return event.key, encode(event)


async def state_fact(db: Database, subject: UUID, *, hold: float = 0.0, early: bool = False) -> int:
    """
    Raise a subject's revision by one and say so.

    Args:
        hold: Seconds for which the transaction stays open after the fact was appended.
        early: Take the transaction's id before the lock on the subject.
    """
    async with db.begin(TENANT) as tx:
        if early:
            await outbox.recorder(tx, TENANT)
        revision: int = (await tx.execute(_NEXT, {"tenant": TENANT, "id": subject})).scalar_one()
        recorder = await outbox.recorder(tx, TENANT)
        await recorder.append([a_branch(subject, revision, recorder.now)])
        if hold:
            await asyncio.sleep(hold)
    return revision


_NEXT = text(
    "INSERT INTO probe.subject AS s (tenant, id, revision) VALUES (:tenant, :id, 1)"
    " ON CONFLICT (tenant, id) DO UPDATE SET revision = s.revision + 1 RETURNING revision"
)


@dataclass
class Seen:
    """Handler that notes every event; `refuse` may object to one."""

    refuse: Callable[[ReadEvent], None] | None = None

    async def apply(self, tx: AsyncConnection, events: Sequence[ReadEvent]) -> None:
        """Note them."""
        for event in events:
            if self.refuse is not None:
                self.refuse(event)
        await tx.execute(
            text(
                'INSERT INTO probe.seen (tenant, subject, revision, topic, partition, "offset")'
                " SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:subjects AS uuid[]),"
                " CAST(:revisions AS bigint[]), CAST(:topics AS text[]),"
                " CAST(:partitions AS int[]), CAST(:offsets AS bigint[]))"
            ),
            {
                "tenants": [event.tenant for event in events],
                "subjects": [event.subject for event in events],
                "revisions": [event.revision for event in events],
                "topics": [event.topic for event in events],
                "partitions": [event.partition for event in events],
                "offsets": [event.offset for event in events],
            },
        )


async def seen(db: Database, topic: str) -> list[tuple[UUID, int, int, int]]:
    """(subject, revision, partition, offset) in the order in which they were taken in."""
    async with db.begin_as_worker() as tx:
        rows = await tx.execute(
            text(
                'SELECT subject, revision, partition, "offset" FROM probe.seen'
                " WHERE topic = :topic ORDER BY id"
            ),
            {"topic": topic},
        )
    return [(subject, revision, partition, offset) for subject, revision, partition, offset in rows]


@asynccontextmanager
async def running(*loops: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[None]:
    """Relays and consumers side by side with the test; their failure is the test's."""
    stop = asyncio.Event()
    tasks = [asyncio.ensure_future(loop(stop)) for loop in loops]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 20)


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 30) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.02)


async def outbox_is_empty(db: Database) -> bool:
    """Whether the relay has nothing to do."""
    async with db.begin_as_worker() as tx:
        rows: int = (await tx.execute(text("SELECT count(*) FROM probe.outbox"))).scalar_one()
    return rows == 0


def a_relay(settings: Settings, log: Log, topic: str, *, most: int = 5000) -> Relay:
    """A relay of the probe with a database of its own, as another process would have."""
    return Relay(Database(settings, "probe", "worker"), log, topic, most=most)


def group_of(topic: str) -> str:
    """A group for each topic, so that no test waits for the members of another."""
    return f"probe.{topic}"


def a_consumer(
    db: Database,
    log: Log,
    topic: str,
    handler: Handler,
    *,
    max_records: int = 5000,
    max_dead: int = 100,
) -> Consumer:
    """A consumer of the probe."""
    return Consumer(
        group_of(topic), [topic], handler, db, log, max_records=max_records, max_dead=max_dead
    )
