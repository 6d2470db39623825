"""The samples that Prometheus reads, kept as one row: computed by one worker, served by all APIs."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_metrics.domain.silent_sources import Sources
from otklik_metrics.store.tables import EXPOSITION, FACTS, VERSIONS

ROW = 1


async def companies(tx: AsyncConnection) -> list[str]:
    """Companies of which anything was ever counted."""
    found = await tx.execute(select(VERSIONS.c.tenant).distinct().order_by(VERSIONS.c.tenant))
    return list(found.scalars())


async def sources(tx: AsyncConnection) -> list[Sources]:
    """How many sources each company has of each product, and how many of them are silent."""
    table = FACTS["source"]
    silent = func.count().filter(table.c.silent)
    rows = (
        select(table.c.tenant, table.c.product, func.count(), silent)
        .where(~table.c.void, table.c.active)
        .group_by(table.c.tenant, table.c.product)
    )
    return [Sources(*row) for row in await tx.execute(rows)]


async def keep(tx: AsyncConnection, samples: Any, now: datetime) -> None:
    """Put new samples in the place of the old ones."""
    new = insert(EXPOSITION).values(id=ROW, samples=samples, refreshed_at=now)
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=[EXPOSITION.c.id],
            set_={"samples": new.excluded.samples, "refreshed_at": new.excluded.refreshed_at},
        )
    )


async def read(tx: AsyncConnection) -> tuple[Any, datetime] | None:
    """The samples and when they were computed; None before the first time."""
    row = (await tx.execute(select(EXPOSITION.c.samples, EXPOSITION.c.refreshed_at))).first()
    return None if row is None else (row[0], row[1])


async def lock(tx: AsyncConnection, key: int) -> bool:
    """Whether this transaction is now the one that computes; the lock ends with it."""
    return bool((await tx.execute(select(func.pg_try_advisory_xact_lock(key)))).scalar_one())
