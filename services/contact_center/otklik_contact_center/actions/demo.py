"""Asking for the demo to be taken out, and how far that is."""

from datetime import datetime

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_contact_center.store import demo
from otklik_contact_center.store.demo import Removal


async def ask_removal(db: Database, caller: Caller, now: datetime) -> Removal:
    """
    Let the company's demo be taken out; asked again while it goes on, it goes on.

    What is pushed as the demo afterwards is another demo, with a source of its own.
    """
    tenant = caller.tenant
    async with db.begin(tenant) as tx:
        sources = await demo.its_sources(tx, tenant)
        known = await demo.get(tx, tenant)
        if known is None or known.swept_at is not None:
            asked = Removal(tenant, sources, now)
        else:
            sources = sorted({*sources, *known.sources})
            going_on = known.done_at is None
            asked = Removal(
                tenant,
                sources,
                known.asked_at if going_on else now,
                counts=known.counts if going_on else demo.Counts(),
            )
        await demo.put(tx, asked, principal=caller.principal)
    return asked


async def removal(db: Database, caller: Caller) -> Removal | None:
    """The last removal of the company's demo; None if there never was one."""
    async with db.begin(caller.tenant) as tx:
        return await demo.get(tx, caller.tenant)
