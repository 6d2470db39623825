"""Evaluations of contacts that are no more: they are withdrawn, so that nothing counts them."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_contact_center.actions.evaluations import told_of
from otklik_contact_center.domain.quality.evaluation import State
from otklik_contact_center.store import evaluations
from otklik_contact_center.store.evaluations import Row, StepRow

SYSTEM: Final = "system"
"""Who did it, in the history."""


async def withdraw_gone(
    tx: AsyncConnection,
    tenant: str,
    now: datetime,
    most: int,
    *,
    of: Collection[UUID] | None = None,
) -> bool:
    """
    Withdraw evaluations whose contact is void.

    Args:
        tx: Of the role worker.
        most: So many at a time.
        of: Only of these contacts; None: of all.
    Returns:
        Whether there were any.
    """
    rows = await evaluations.of_gone(tx, tenant, most, of)
    if not rows:
        return False
    recorder = await outbox.recorder(tx, tenant)
    events = []
    for row in rows:
        one = replace(row.value, state=State.WITHDRAWN, revision=row.value.revision + 1)
        told = told_of(tenant, one, now, recorder.now)
        if told is not None:
            one = replace(one, told=told.revision, told_at=told.recorded_at)
            events.append(told)
        await evaluations.put(tx, tenant, Row(one, row.comments))
        step = StepRow(one.revision, str(one.state), now, SYSTEM, score_micro=one.score_micro)
        await evaluations.add_step(tx, tenant, one.id, step)
    await recorder.append(events)
    return True
