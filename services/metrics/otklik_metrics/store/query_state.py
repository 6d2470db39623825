"""What stands behind an answer: which rollups are live, and how fresh the numbers are."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_metrics.domain.planner import Version
from otklik_metrics.domain.sets import FOLD_VERSIONS
from otklik_metrics.store import reached
from otklik_metrics.store.history import TOPICS
from otklik_metrics.store.tables import FACTS_REACHED, VERSIONS


async def live_versions(
    tx: AsyncConnection, tenant: str, kinds: Iterable[str]
) -> Mapping[str, Version]:
    """The live rollups by kind; a kind that is absent was never heard of."""
    v = VERSIONS.c
    statement = select(v.kind, v.version, v.timezone, v.thresholds, v.fold_version).where(
        v.tenant == tenant, v.kind.in_(sorted(kinds)), v.state == "live"
    )
    return {
        kind: Version(number, timezone, tuple(thresholds), fold == FOLD_VERSIONS[kind])
        for kind, number, timezone, thresholds, fold in (await tx.execute(statement)).all()
    }


async def fresh(tx: AsyncConnection) -> datetime | None:
    """The moment before which everything recorded is counted; None if nothing is known of it."""
    return await reached.until(tx, FACTS_REACHED, TOPICS)
