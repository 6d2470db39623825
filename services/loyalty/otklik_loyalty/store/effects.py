"""What each subject has granted so far: effects on points are differences from it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_loyalty.store.sets import array, given
from otklik_loyalty.store.tables import effect


@dataclass(frozen=True, slots=True)
class Granted:
    """
    What a subject granted to one customer under one name.

    Attributes:
        points: Granted so far, taken back included; never negative.
        movements: How many movements made it; numbers the next one.
        earned_by: The first movement that granted something; what takes back is of it.
    """

    subject: UUID
    customer: UUID
    points: int = 0
    movements: int = 0
    earned_by: UUID | None = None


async def get(
    tx: AsyncConnection, tenant: str, name: str, subjects: Collection[UUID]
) -> list[Granted]:
    """What the subjects granted; their rows must be locked."""
    rows = await tx.execute(
        select(effect)
        .where(effect.c.tenant == tenant, effect.c.name == name)
        .where(effect.c.subject == array(effect, "subject", subjects))
    )
    return [
        Granted(row.subject, row.customer, row.granted, row.movements, row.earned_by)
        for row in rows
    ]


async def put(tx: AsyncConnection, tenant: str, name: str, granted: Iterable[Granted]) -> None:
    """Write what the subjects have granted now."""
    rows = [
        {
            "tenant": tenant,
            "subject": each.subject,
            "name": name,
            "customer": each.customer,
            "granted": each.points,
            "movements": each.movements,
            "earned_by": each.earned_by,
        }
        for each in granted
    ]
    source = given(effect, tuple(c.name for c in effect.c), rows)
    new = upsert(effect).from_select(source.c.keys(), select(*source.c))
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=["tenant", "subject", "name", "customer"],
            set_={n: new.excluded[n] for n in ("granted", "movements", "earned_by")},
        )
    )
