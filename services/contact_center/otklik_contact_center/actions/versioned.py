"""Documents that a company edits: an edit makes a version, and none is ever lost."""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.etags import Expected
from otklik_common.paging import Part
from otklik_contact_center.store.versioned import Coded, Head, Kept, Versions

T = TypeVar("T", bound=Coded)


class Documents(ABC, Generic[T]):
    """Keeps the documents of one kind."""

    def __init__(self, db: Database, versions: Versions[T]) -> None:
        self._db = db
        self._versions = versions

    @abstractmethod
    def check(self, value: T) -> None:
        """Raise what is said of a document that makes no sense."""

    @abstractmethod
    def check_room(self, used: int) -> None:
        """Return if one more may be used beside so many. Raises Unprocessable."""

    @abstractmethod
    async def found(
        self, tx: AsyncConnection, tenant: str, code: str, version: int | None = None
    ) -> Kept[T]:
        """A document within a transaction. Raises NotFound."""

    async def put(self, caller: Caller, value: T, *, expected: Expected, now: datetime) -> Kept[T]:
        """
        Make a document, or a new version of it; the same again makes none.

        Raises:
            Unprocessable, PreconditionFailed: It stays as it was.
        """
        self.check(value)
        tenant, code = caller.tenant, value.code
        async with self._db.begin(tenant) as tx:
            head = await self._versions.lock(tx, tenant, code, now)
            expected.check(head.revision)
            known = await self._versions.get(tx, tenant, code)
            if known is not None and known.value == value and not head.retired:
                return known
            if head.retired:
                self.check_room(await self._versions.count_alone(tx, tenant))
            version = head.version
            if known is None or known.value != value:
                version += 1
                await self._versions.add(
                    tx, tenant, value, version=version, now=now, by=caller.principal
                )
            held = Head(version, False, head.revision + 1)
            await self._versions.put_head(tx, tenant, code, held, now)
            return await self.found(tx, tenant, code)

    async def get(self, tenant: str, code: str, version: int | None = None) -> Kept[T]:
        """A document, also one that is retired. Raises NotFound."""
        async with self._db.begin(tenant) as tx:
            return await self.found(tx, tenant, code, version)

    async def listed(self, tenant: str, part: Part) -> list[Kept[T]]:
        """Those that are not retired, by code."""
        async with self._db.begin(tenant) as tx:
            return await self._versions.listed(tx, tenant, part)

    async def retire(self, caller: Caller, code: str, *, expected: Expected, now: datetime) -> None:
        """It is in no use any more; what was made by it stays. Raises NotFound."""
        async with self._db.begin(caller.tenant) as tx:
            # Locked first: what was read before may be another's former version by now.
            head = await self._versions.lock(tx, caller.tenant, code, now)
            await self.found(tx, caller.tenant, code)
            expected.check(head.revision)
            if not head.retired:
                gone = Head(head.version, True, head.revision + 1)
                await self._versions.put_head(tx, caller.tenant, code, gone, now)
