"""What access says of policies and hours, heard: clocks that it changes are made anew."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.consumer import ReadEvent
from otklik_common.db import raw
from otklik_common.directory import KeepDirectory
from otklik_contact_center.domain.policy_change import KINDS, redone
from otklik_contact_center.store import policies


class KeepPolicies(KeepDirectory):
    """Consumer of access's facts: the directory, and whose clocks another promise changes."""

    async def apply(self, tx: AsyncConnection, events: Iterable[ReadEvent]) -> None:
        """Keep what is newer than what is known, and ask for what follows from it."""
        heard = list(events)
        tenants = {event.tenant for event in heard if event.kind in KINDS}
        if not tenants:
            await super().apply(tx, heard)
            return
        on = await raw(tx)
        # Before anything is written: a fold that runs beside this would make clocks of the old.
        await policies.alone(on, tenants)
        before = await policies.facts(on, tenants)
        await super().apply(tx, heard)
        after = await policies.facts(on, tenants)
        redo = {
            (tenant, branch): since
            for tenant in tenants
            for branch, since in redone(before[tenant], after[tenant]).items()
        }
        if redo:
            await policies.changed(on, redo)
