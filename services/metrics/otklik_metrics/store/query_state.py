"""What stands behind an answer: which rollups are live, and how fresh the numbers are."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import and_, case, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_metrics.domain.planner import Version
from otklik_metrics.store import reached
from otklik_metrics.store.history import TOPICS
from otklik_metrics.store.tables import FACTS_REACHED, VERSIONS
from otklik_metrics.store.versions import Frozen


async def live_versions(
    tx: AsyncConnection, tenant: str, kinds: Iterable[str]
) -> Mapping[str, Version]:
    """The live rollups by kind; a kind that is absent was never heard of."""
    v = VERSIONS.c
    statement = select(v.kind, v.version, v.fold_version, v.timezone, v.tzdata, v.thresholds).where(
        v.tenant == tenant, v.kind.in_(sorted(kinds)), v.state == "live"
    )
    found = {}
    for kind, number, *said in (await tx.execute(statement)).all():
        frozen = Frozen.stored(*said)
        current = frozen.compared(kind) == 0
        found[kind] = Version(number, frozen.timezone, frozen.thresholds, current)
    return found


async def zone_as_of(tx: AsyncConnection, tenant: str, moment: datetime) -> str | None:
    """
    The zone of the rollups that were read at a moment; of the first ones, if it lies before.

    What it says of a past moment never changes: rows of versions that were read stay. None if
    nothing was ever counted.
    """
    v = VERSIONS.c
    live = v.state == "live"
    was_read = and_(v.state.in_(("retired", "gone")), v.built_to.is_(None))
    later = v.created_at > moment
    statement = (
        select(v.timezone)
        .where(v.tenant == tenant, or_(live, and_(was_read, v.changed_at > moment)))
        # The first that was retired after the moment was read at it; if none was, the live one.
        .order_by(later, case((later, v.created_at)), v.kind, live, v.changed_at)
        .limit(1)
    )
    return (await tx.execute(statement)).scalar_one_or_none()


async def fresh(tx: AsyncConnection) -> datetime | None:
    """The moment before which everything recorded is counted; None if nothing is known of it."""
    return await reached.until(tx, FACTS_REACHED, TOPICS)
