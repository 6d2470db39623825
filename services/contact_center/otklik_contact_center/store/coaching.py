"""What agents are to learn: rows and lists."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.domain.emission import Emitted
from otklik_contact_center.store.coaching_table import coaching_item as table
from otklik_contact_center.store.contacts_read import Reach


class ItemRow(NamedTuple):
    """An item as it is kept; `task` is sealed."""

    tenant: str
    id: UUID
    name: str
    revision: int
    hash: bytes
    void: bool
    recorded_at: datetime
    data: str
    agent: str
    skill: str
    branch: str | None
    created_at: datetime
    done_at: datetime | None
    task: bytes

    @property
    def emitted(self) -> Emitted:
        """What was last published of it."""
        return Emitted(self.revision, self.hash, self.void, self.data.encode())


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items a list holds; None leaves a field open."""

    agent: str | None = None
    skill: str | None = None
    branch: str | None = None
    done: bool | None = None


_KEY: Final = frozenset(("tenant", "id", "name"))


async def get(
    tx: AsyncConnection, tenant: str, id_: UUID, *, locked: bool = False
) -> ItemRow | None:
    """An item; its row locked if it is to be changed."""
    rows = select(*_selected()).where(table.c.tenant == tenant, table.c.id == id_)
    row = (await tx.execute(rows.with_for_update() if locked else rows)).one_or_none()
    return None if row is None else ItemRow(*row)


async def add(tx: AsyncConnection, row: ItemRow) -> bool:
    """Add an item; False if somebody has just added it."""
    added = insert(table).values(row._asdict()).on_conflict_do_nothing()
    return (await tx.execute(added)).rowcount == 1


async def put(tx: AsyncConnection, row: ItemRow) -> None:
    """Write an item that is locked."""
    changed = {name: value for name, value in row._asdict().items() if name not in _KEY}
    where = table.c.tenant == row.tenant, table.c.id == row.id
    await tx.execute(table.update().where(*where).values(changed))


async def listed(
    tx: AsyncConnection, tenant: str, wanted: Wanted, reach: Reach, part: Part
) -> list[ItemRow]:
    """Items, the newest first."""
    where: list[ColumnElement[bool]] = [table.c.tenant == tenant]
    where += [
        table.c[name] == value
        for name in ("agent", "skill", "branch")
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.done is not None:
        where.append(table.c.done_at.is_not(None) if wanted.done else table.c.done_at.is_(None))
    if reach is not None:
        where.append(table.c.branch.in_(sorted(reach)))
    rows = select(*_selected()).where(*where)
    order = [table.c.created_at.desc(), table.c.id.desc()]
    return [ItemRow(*row) for row in await tx.execute(keyset(rows, part, order=order))]


def _selected() -> list[Any]:
    return [table.c[name] for name in ItemRow._fields]
