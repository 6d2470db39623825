"""Checklists of contacts that are no more: they are void, so that nothing counts them."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_contact_center.actions.outcome import TICK
from otklik_contact_center.domain.script.run import told
from otklik_contact_center.store import checklists


async def void_gone(
    tx: AsyncConnection, tenant: str, most: int, *, of: Collection[UUID] | None = None
) -> bool:
    """
    Make checklists void whose contact is.

    Args:
        tx: Of the role worker.
        most: So many at a time.
        of: Only of these contacts; None: of all.
    Returns:
        Whether there were any.
    """
    rows = await checklists.of_gone(tx, tenant, most, of)
    if not rows:
        return False
    recorder = await outbox.recorder(tx, tenant)
    messages = []
    for row in rows:
        at = max(recorder.now, row.recorded_at + TICK)
        new = told(tenant, row.contact, row.emitted, None, at)
        assert new is not None, "it was told and is not void"
        emitted = new.step.emitted
        gone = row._replace(revision=emitted.revision, void=emitted.void, recorded_at=at)
        await checklists.put(tx, gone)
        messages.append(new.announcement)
    keys, payloads = [one.key for one in messages], [one.payload for one in messages]
    await recorder.append_encoded([tenant] * len(rows), keys, payloads)
    return True
