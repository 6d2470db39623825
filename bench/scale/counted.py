"""Whether everything that stood on the log was counted, and counted once."""

from typing import Any

from bench.scale.places import Place
from otklik_common.db import Database
from otklik_metrics.actions.checking import check
from otklik_metrics.consumers import FACTS_GROUP
from otklik_metrics.store.history import GROUP as HISTORY_GROUP

GROUPS = (FACTS_GROUP, HISTORY_GROUP)

_COUNTED = """
    SELECT (SELECT count(*) FROM metrics.facts_contact WHERE tenant = $1) AS facts,
        (SELECT coalesce(sum(offered), 0)::bigint FROM metrics.rollup_contact_day
            WHERE tenant = $1 AND set = 12) AS counted,
        (SELECT count(*) FROM metrics.fact_history_contact WHERE tenant = $1) AS remembered,
        (SELECT count(*) FROM metrics.dead_letter) AS dead
"""


async def counted_once(place: Place, tenant: str, *, contacts: int, records: int) -> dict[str, Any]:
    """
    What was lost or counted twice; raises AssertionError if anything was.

    Args:
        contacts: Each offered once, in `records` revisions altogether.
    """
    looking = await place.look()
    try:
        (found,) = map(dict, await looking.fetch(_COUNTED, tenant))
    finally:
        await looking.close()
    db = Database(place.settings, "metrics", "worker")
    try:
        report = await check(db)
    finally:
        await db.close()
    wanted = {"facts": contacts, "counted": contacts, "remembered": records, "dead": 0}
    assert found == wanted, (found, wanted)
    assert report.differences == 0, report.shown
    return {"contacts": contacts, "records": records, "lost": 0, "double": 0, "differences": 0}
