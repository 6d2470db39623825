"""One change of what belongs to a company: state, facts and audit trail in one transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_access.domain.kept import Kept
from otklik_access.domain.places import Company
from otklik_access.store import audit, places
from otklik_access.store.staff import Staff
from otklik_common import outbox
from otklik_common.callers import ALL_SCOPES, Caller
from otklik_common.db import Database
from otklik_common.errors import NotFound
from otklik_common.events.envelope import Event, Fact
from otklik_common.module import Platform

SCHEMA = "access"

CONSOLE = "console"
"""Principal of whoever sits at the command line of the server."""


@dataclass(frozen=True, slots=True)
class Actor:
    """
    Who makes a change.

    Attributes:
        reach: Codes of the branches that they see; None means every branch.
    """

    tenant: str
    principal: str
    scopes: frozenset[str]
    reach: frozenset[str] | None = None
    request_id: str | None = None

    @classmethod
    def console(cls, tenant: str) -> "Actor":
        """Who owns the server may do everything."""
        return cls(tenant=tenant, principal=CONSOLE, scopes=ALL_SCOPES)

    @classmethod
    def of(cls, caller: Caller, request_id: str | None) -> "Actor":
        """The caller of a route."""
        return cls(caller.tenant, caller.principal, caller.scopes, caller.branches, request_id)


@dataclass(slots=True)
class Change:
    """
    A change under way: the company is locked, facts and audit lines are collected.

    Attributes:
        now: When everything in this transaction is recorded.
    """

    tx: AsyncConnection
    actor: Actor
    company: Kept[Company]
    staff: Staff
    now: datetime
    _events: list[Event[Fact]] = field(default_factory=list)
    _entries: list[audit.Entry] = field(default_factory=list)

    def publish(self, subject: UUID, kept: Kept[Any], fact: Fact, *, verb: str = "changed") -> None:
        """Announce a revision when the transaction commits."""
        self._events.append(
            Event(
                tenant=self.actor.tenant,
                subject=subject,
                revision=kept.revision,
                verb=verb,
                time=self.now,
                recorded_at=kept.recorded_at,
                data=fact,
                void=kept.void,
            )
        )

    def announce(self, event: Event[Any]) -> None:
        """The same for a revision that is an event already."""
        self._events.append(event)

    def note(self, action: str, kind: str, identity: str, changed: tuple[str, ...] = ()) -> None:
        """Write a line into the audit trail when the transaction commits."""
        self._entries.append(
            audit.Entry(
                at=self.now,
                principal=self.actor.principal,
                action=action,
                object_kind=kind,
                object_id=identity,
                request_id=self.actor.request_id,
                fields=changed,
            )
        )

    async def finish(self, record: outbox.Recorder) -> None:
        """Write what was collected."""
        await audit.append(self.tx, self.actor.tenant, self._entries)
        await record.append(self._events)


@asynccontextmanager
async def change(platform: Platform, actor: Actor) -> AsyncIterator[Change]:
    """A change of an existing company. Raises NotFound if there is none."""
    async with database(platform).begin(actor.tenant) as tx:
        company = await places.lock_company(tx, actor.tenant)
        if company is None:
            raise NotFound("no such company", detail_ru="такой компании нет")
        record = await outbox.recorder(tx, actor.tenant)
        staff = Staff(tx, actor.tenant, platform.sealer)
        begun = Change(tx, actor, company, staff, record.now)
        yield begun
        await begun.finish(record)


def database(platform: Platform) -> Database:
    """The tables of access, as request handlers see them."""
    return platform.database(SCHEMA, "api")


def changed_fields(known: Kept[Any] | None, value: Any) -> tuple[str, ...]:
    """Names of the fields in which a new value differs from the known one."""
    if known is None:
        return ()
    return tuple(
        one.name
        for one in fields(value)
        if getattr(value, one.name) != getattr(known.value, one.name)
    )
