"""How a service describes itself, and what a process lends to the services it runs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from sqlalchemy import MetaData
from starlette.routing import BaseRoute

from otklik_common.callers import Callers
from otklik_common.consumer import Consumer
from otklik_common.db import PROMPT_SECONDS, PROMPT_TRANSACTION_SECONDS, Database, Role
from otklik_common.directory import Directory
from otklik_common.log.port import Log
from otklik_common.pseudonym import Pseudonyms, Sealer
from otklik_common.roles import Grant
from otklik_common.settings import Settings
from otklik_common.watchdog import Watchdog

Run = Callable[[asyncio.Event], Awaitable[None]]
Hook = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Worker:
    """
    Something that runs beside others until told to stop; if it fails, its process ends.

    Attributes:
        consumer: What it runs, where it takes in records of the log.
    """

    name: str
    run: Run
    consumer: Consumer | None = None


@dataclass(frozen=True, slots=True)
class Module:
    """
    A service, as the launcher sees it.

    Attributes:
        name: As in its URL prefix and topic: `contact-center`.
        schema: Its PostgreSQL schema: `contact_center`.
        migrations: Folder of its Alembic tree.
        api: Builds its routes; called in a process that answers requests.
        workers: Builds its background work; called in a process that works.
        writes: Whether it publishes facts, and so has a topic.
    """

    name: str
    schema: str
    metadata: MetaData
    grants: Mapping[str, Grant]
    migrations: Path
    api: Callable[["Platform"], Sequence[APIRouter | BaseRoute]]
    workers: Callable[["Platform"], Sequence[Worker]]
    writes: bool = True

    @property
    def topic(self) -> str:
        """Where its facts go."""
        return topic_of(self.name)

    def consumers(self, platform: "Platform") -> Mapping[str, Consumer]:
        """
        Its consumers by group, put together as for a process that works; none of them runs.

        Ask once for each platform: workers declare their metrics on its registry.
        """
        found = [worker.consumer for worker in self.workers(platform) if worker.consumer]
        return {consumer.group: consumer for consumer in found}


def topic_of(service: str) -> str:
    """The topic that a service writes."""
    return f"otklik.{service}"


@dataclass(slots=True)
class Platform:
    """What a process has one of, lent to every module in it."""

    settings: Settings
    registry: CollectorRegistry
    pseudonyms: Pseudonyms
    sealer: Sealer
    on_start: list[Hook] = field(default_factory=list)
    on_stop: list[Hook] = field(default_factory=list)
    checks: dict[str, Hook] = field(default_factory=dict)
    readers: list[Consumer] = field(default_factory=list)
    _databases: dict[tuple[str, Role], Database] = field(default_factory=dict)
    _prompt: dict[str, Database] = field(default_factory=dict)
    _directories: dict[tuple[str, Role], Directory] = field(default_factory=dict)
    watchdog: Watchdog = field(default_factory=Watchdog)
    _log: Log | None = None
    _callers: dict[str, Callers] = field(default_factory=dict)

    def database(self, schema: str, role: Role) -> Database:
        """The tables of `schema` as seen by `role`; one pool of connections per pair."""
        known = self._databases.get((schema, role))
        if known is None:
            known = self._databases[schema, role] = Database(
                self.settings, schema, role, registry=self.registry
            )
            # A process is ready when every database it uses answers.
            self.checks[f"database {schema} as {role}"] = known.ready
        return known

    def prompt_database(self, schema: str) -> Database:
        """The same as role `worker` for loops that are watched: no statement outlasts the watchdog."""
        known = self._prompt.get(schema)
        if known is None:
            known = self._prompt[schema] = Database(
                self.settings,
                schema,
                "worker",
                statement_seconds=PROMPT_SECONDS,
                transaction_seconds=PROMPT_TRANSACTION_SECONDS,
            )
        return known

    def directory(self, schema: str) -> Directory:
        """What access says of companies, branches, staff and keys, as kept by `schema`."""
        return self._directory(schema, "api")

    def directory_as_worker(self, schema: str) -> Directory:
        """The same for background work, which never borrows the login of request handlers."""
        return self._directory(schema, "worker")

    def _directory(self, schema: str, role: Role) -> Directory:
        known = self._directories.get((schema, role))
        if known is None:
            known = self._directories[schema, role] = Directory(self.database(schema, role))
        return known

    def callers(self, schema: str) -> Callers:
        """Who calls the service that owns `schema`."""
        known = self._callers.get(schema)
        if known is None:
            known = self._callers[schema] = Callers(self.directory(schema))
        return known

    async def room(self, topic: str, *, seconds: float, least: int) -> int | None:
        """
        How many records of a topic may come before its slowest consumer here has too many.

        Args:
            seconds: So long it may need for all that waits, at the pace that it had of late.
            least: So many may wait even if it needs longer for them.
        Returns:
            Below 0 where too many wait; None if nobody reads the topic in this process.
        Raises:
            LogNotReadyError: The log does not answer.
        """
        readers = [reader for reader in self.readers if topic in reader.topics]
        if not readers:
            return None
        ends = await self.log.ends([topic])
        return min(reader.room(ends, seconds=seconds, least=least) for reader in readers)

    @property
    def log(self) -> Log:
        """The event log, opened at first use: a process that answers requests never opens it."""
        if self._log is None:
            from otklik_common.log import open_log

            self._log = open_log(self.settings)
        return self._log

    @staticmethod
    def now() -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)

    async def close(self) -> None:
        """Give everything back."""
        for hook in reversed(self.on_stop):
            await hook()
        for database in (*self._databases.values(), *self._prompt.values()):
            await database.close()
        if self._log is not None:
            await self._log.close()
