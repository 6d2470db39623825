"""Documents of a company in all their versions: a head says which holds, and none is ever lost."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from sqlalchemy import Select, Table, and_, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset


class Coded(Protocol):
    """What is known by a code of the company's."""

    @property
    def code(self) -> str:
        """The same in each version."""


T = TypeVar("T", bound=Coded)


@dataclass(frozen=True, slots=True)
class Head:
    """Which version holds; 0: there was never any."""

    version: int
    retired: bool
    revision: int


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """
    One version.

    Attributes:
        revision: Of the document: grows with each version, and with its retiring.
        latest: The number of the version that holds now.
        retired: It is in no use any more.
    """

    value: T
    version: int
    latest: int
    retired: bool
    revision: int
    made_at: datetime


class Versions(Generic[T]):
    """The documents of one kind, in two tables as `columns.documents` makes them."""

    def __init__(self, head: Table, version: Table, kind: type[T]) -> None:
        self._head = head
        self._version = version
        self._kind = kind
        self.same = and_(head.c.tenant == version.c.tenant, head.c.code == version.c.code)

    async def lock(self, tx: AsyncConnection, tenant: str, code: str, now: datetime) -> Head:
        """A head, locked; made if there is none, so that two who make it wait for each other."""
        blank = {"tenant": tenant, "code": code, "version": 0, "retired": True, "revision": 0}
        table = self._head
        new = upsert(table).values({**blank, "changed_at": now}).on_conflict_do_nothing()
        await tx.execute(new)
        rows = select(table.c.version, table.c.retired, table.c.revision).where(
            table.c.tenant == tenant, table.c.code == code
        )
        return Head(*(await tx.execute(rows.with_for_update())).one())

    async def put_head(
        self, tx: AsyncConnection, tenant: str, code: str, head: Head, now: datetime
    ) -> None:
        """Write a head that is locked."""
        table = self._head
        said = {"version": head.version, "retired": head.retired, "revision": head.revision}
        await tx.execute(
            update(table)
            .where(table.c.tenant == tenant, table.c.code == code)
            .values(**said, changed_at=now)
        )

    async def add(
        self, tx: AsyncConnection, tenant: str, value: T, *, version: int, now: datetime, by: str
    ) -> None:
        """Keep a version for ever."""
        await tx.execute(
            insert(self._version).values(
                tenant=tenant,
                code=value.code,
                version=version,
                body=msgspec.to_builtins(value),
                made_at=now,
                made_by=by,
            )
        )

    async def get(
        self, tx: AsyncConnection, tenant: str, code: str, version: int | None = None
    ) -> Kept[T] | None:
        """A document; without a version the one that holds now."""
        wanted = self._head.c.version if version is None else version
        rows = self._all(tenant).where(self._head.c.code == code, self._version.c.version == wanted)
        row = (await tx.execute(rows)).one_or_none()
        return None if row is None else self._kept(row)

    async def listed(self, tx: AsyncConnection, tenant: str, part: Part) -> list[Kept[T]]:
        """Those that are not retired, as they are now, by code."""
        head = self._head
        rows = self._all(tenant).where(self._version.c.version == head.c.version, ~head.c.retired)
        found = await tx.execute(keyset(rows, part, order=[head.c.code]))
        return [self._kept(row) for row in found]

    async def count_alone(self, tx: AsyncConnection, tenant: str) -> int:
        """
        How many are not retired; two who ask at once come one after the other.

        Ask with the head locked: whoever waits here holds their own head and takes no other.
        """
        head = self._head
        one = func.hashtextextended(f"{head.name}/{tenant}", 0)
        await tx.execute(select(func.pg_advisory_xact_lock(one)))
        rows = select(func.count()).where(head.c.tenant == tenant, ~head.c.retired)
        return int((await tx.execute(rows)).scalar_one())

    def _all(self, tenant: str) -> Select[Any]:
        head, version = self._head, self._version
        return (
            select(
                version.c.body,
                version.c.version,
                version.c.made_at,
                head.c.version.label("latest"),
                head.c.retired,
                head.c.revision,
            )
            .join_from(head, version, self.same)
            .where(head.c.tenant == tenant)
        )

    def _kept(self, row: Any) -> Kept[T]:
        return Kept(
            value=msgspec.convert(row.body, self._kind),
            version=row.version,
            latest=row.latest,
            retired=row.retired,
            revision=row.revision,
            made_at=row.made_at,
        )
