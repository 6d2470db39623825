"""How far the groups of metrics have come: the moment before which nothing is missing."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Table, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.log.port import Place
from otklik_metrics.store.tables import metadata


async def until(tx: AsyncConnection, table: Table, topics: Collection[str]) -> datetime | None:
    """The moment before which every fact of all `topics` was taken in; None if one is unknown."""
    known = select(func.count(), func.min(table.c.until)).where(table.c.topic.in_(topics))
    found, least = (await tx.execute(known)).one()
    return least if found == len(topics) else None


async def note(tx: AsyncConnection, table: Table, moments: Mapping[str, datetime]) -> None:
    """Note moments by topic; they never go back."""
    for topic, moment in sorted(moments.items()):
        new = insert(table).values(topic=topic, until=moment)
        await tx.execute(
            new.on_conflict_do_update(
                index_elements=[table.c.topic],
                set_={"until": func.greatest(table.c.until, new.excluded.until)},
            )
        )


async def positions(tx: AsyncConnection, group: str) -> dict[Place, int]:
    """Where a group stands, all its replicas together."""
    table = metadata.tables[f"{metadata.schema}.positions"]
    rows = await tx.execute(
        select(table.c.topic, table.c.partition, table.c.next).where(table.c.consumer == group)
    )
    return {(topic, partition): following for topic, partition, following in rows}
