"""Reads what is left: the tables as the superuser, the log from its first record."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from otklik_common.events.contact_center import Contact
from otklik_common.events.envelope import Fact
from otklik_common.events.leads import Lead
from otklik_common.ids import contact_subject, subject_id
from tests.crash.evidence import COUNTERS, FIELDS, Cell, Evidence, Fields, Record, State
from tests.crash.journal import Push

TOPIC: Final = "otklik.contact-center"
GROUPS: Final = ("metrics.facts", "metrics.history")
PARTITIONS: Final = 12
LOOK_SECONDS: Final = 0.1

_CONTRACTS: Final[Mapping[str, type[Fact]]] = {"contact": Contact, "lead": Lead}
_DEFAULTS: Final = {
    kind: {name: field.get_default() for name, field in contract.model_fields.items()}
    for kind, contract in _CONTRACTS.items()
}
"""What a state that says nothing of a field says."""

_QUARTERS, _BY_BRANCH, _DAYS = 1, 3, 11
"""Numbers of the sets of rollups that are compared."""

_LEFT: Final = {
    "the outbox": "SELECT count(*) FROM contact_center.outbox",
    "the marks": "SELECT count(*) FROM contact_center.dirty",
    "what is parked": "SELECT count(*) FROM contact_center.parked",
    "the dead letters": "SELECT count(*) FROM metrics.dead_letter",
}


class _Standing(NamedTuple):
    """
    How far everything is.

    Attributes:
        marks, rows: What waits to be folded, and to be sent.
        sent, taken_in: Records that the groups of metrics must take in, and have.
    """

    marks: int
    rows: int
    sent: int
    taken_in: int

    @property
    def drained(self) -> bool:
        """Nothing waits."""
        return self.marks == self.rows == 0 and self.sent == self.taken_in


@dataclass(frozen=True)
class Installation:
    """Where to read: a superuser's address, a broker, and whose events they are."""

    database: str
    bootstrap: str
    company: str

    async def drained(self, since: float, patience: float) -> float | None:
        """
        Wait until everything pushed is folded, sent, counted and remembered.

        Returns:
            How many seconds that took from the moment `since` of the monotonic clock; None if for
            `patience` seconds nothing came nearer to it.
        """
        moved = time.monotonic()
        before: _Standing | None = None
        while (now := time.monotonic()) - moved < patience:
            with suppress(OSError, KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError):
                standing = await self._standing()
                if standing.drained:
                    return now - since
                if standing != before:
                    before, moved = standing, now
            await asyncio.sleep(LOOK_SECONDS)
        return None

    async def _standing(self) -> "_Standing":
        connection = await asyncpg.connect(self.database, timeout=5)
        try:
            # First what is still to come, then what has come: in between nothing can appear.
            marks = await connection.fetchval(_LEFT["the marks"])
            rows = await connection.fetchval(_LEFT["the outbox"])
            ends = await self._ends()
            positions = await connection.fetch(
                "SELECT partition, next FROM metrics.positions"
                " WHERE topic = $1 AND consumer = ANY ($2)",
                TOPIC,
                list(GROUPS),
            )
        finally:
            await connection.close(timeout=5)
        sent = len(GROUPS) * sum(ends.values())
        taken_in = sum(min(row["next"], ends.get(row["partition"], 0)) for row in positions)
        return _Standing(marks, rows, sent, taken_in)

    async def _ends(self) -> Mapping[int, int]:
        async with _reading(self.bootstrap) as client:
            ends = await client.end_offsets(_all())
        return {at.partition: end for at, end in ends.items() if end}

    async def evidence(self, pushes: Sequence[Push]) -> Evidence:
        """Everything that is left."""
        connection = await asyncpg.connect(self.database, timeout=10)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return Evidence(
                    pushes=pushes,
                    inbox=[row[0] for row in await connection.fetch(_INBOX)],
                    log=await self._log(),
                    states=await _states(connection),
                    facts=await _facts(connection),
                    history=await _history(connection),
                    rollups=await _rollups(connection),
                    subjects=self._subjects(pushes),
                    zone=await connection.fetchval(_ZONE) or "Europe/Moscow",
                    left={what: await connection.fetchval(query) for what, query in _LEFT.items()},
                )
        finally:
            await connection.close()

    def _subjects(self, pushes: Sequence[Push]) -> Mapping[str, str]:
        source = f"{self.company}.default"
        calls = {event.contact for push in pushes for event in push.events}
        return {call: f"contact/{contact_subject(self.company, source, call)}" for call in calls}

    async def _log(self) -> list[Record]:
        found: list[Record] = []
        async with _reading(self.bootstrap) as client:
            ends = await client.end_offsets(_all())
            for at in sorted(ends):
                client.assign([at])
                client.seek(at, 0)
                while await client.position(at) < ends[at]:
                    for records in (await client.getmany(at, timeout_ms=500)).values():
                        found += [_record(one.partition, one.value) for one in records]
        return found


@asynccontextmanager
async def _reading(bootstrap: str) -> AsyncIterator[Any]:
    """A consumer without a group."""
    client = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
    )
    try:
        await client.start()
        yield client
    finally:
        await client.stop()


def _all() -> list[TopicPartition]:
    return [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]


def _record(partition: int, value: bytes) -> Record:
    said = json.loads(value)
    kind = said["subject"].partition("/")[0]
    return Record(
        partition,
        said["subject"],
        said["revision"],
        datetime.fromisoformat(said["recordedtime"]),
        value,
        _fields(kind, said["data"]) if kind in FIELDS else {},
    )


def _fields(kind: str, data: Mapping[str, Any]) -> Fields:
    """The compared fields of a state; moments as moments, ids as text."""
    return {name: _plain(name, data.get(name, _DEFAULTS[kind][name])) for name in FIELDS[kind]}


def _plain(name: str, value: Any) -> object:
    if name.endswith("_at") and isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return str(value) if isinstance(value, UUID) else value


async def _states(connection: asyncpg.Connection) -> dict[str, State]:
    found: dict[str, State] = {}
    for _, contact, revision, data in await connection.fetch(_CONTACTS):
        found[f"contact/{contact}"] = State(revision, _fields("contact", json.loads(data)))
    for tenant, opener, revision, data in await connection.fetch(_LEADS):
        subject = subject_id(tenant, "lead", str(opener))
        found[f"lead/{subject}"] = State(revision, _fields("lead", json.loads(data)))
    return found


async def _facts(connection: asyncpg.Connection) -> dict[str, State]:
    found: dict[str, State] = {}
    for kind in FIELDS:
        for row in await connection.fetch(f"SELECT * FROM metrics.facts_{kind}"):
            found[f"{kind}/{row['subject']}"] = State(row["revision"], _fields(kind, dict(row)))
    return found


async def _history(connection: asyncpg.Connection) -> list[tuple[str, int]]:
    return [
        (f"{kind}/{row['subject']}", row["revision"])
        for kind in FIELDS
        for row in await connection.fetch(
            f"SELECT subject, revision FROM metrics.fact_history_{kind}"
        )
    ]


async def _rollups(connection: asyncpg.Connection) -> dict[Cell, dict[str, int]]:
    found: dict[Cell, dict[str, int]] = {}
    for query, number in ((_QUARTER, _QUARTERS), (_QUARTER, _BY_BRANCH), (_DAY, _DAYS)):
        for at, branch, *numbers in await connection.fetch(query, number):
            found[Cell(at, branch)] = dict(zip(COUNTERS, (n or 0 for n in numbers), strict=True))
    return found


_INBOX: Final = "SELECT id FROM contact_center.inbox"

_CONTACTS: Final = "SELECT tenant, id, revision, data FROM contact_center.contact"
# A lead is called by the contact that opened it; its subject is made of that.
_LEADS: Final = "SELECT tenant, contact, revision, data FROM contact_center.lead"

_LIVE: Final = """
    JOIN metrics.rollup_versions v ON v.tenant = r.tenant AND v.version = r.version
        AND v.kind = 'contact' AND v.state = 'live'"""
_QUARTER: Final = f"""
    SELECT r.at, r.d1, {", ".join(COUNTERS)} FROM metrics.rollup_contact_15m r {_LIVE}
    WHERE r.set = $1"""
_DAY: Final = f"""
    SELECT r.day, r.d1, {", ".join(COUNTERS)} FROM metrics.rollup_contact_day r {_LIVE}
    WHERE r.set = $1"""
_ZONE: Final = (
    "SELECT timezone FROM metrics.rollup_versions WHERE kind = 'contact' AND state = 'live'"
)
