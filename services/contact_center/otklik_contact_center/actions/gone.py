"""What was said of contacts goes with them: evaluations are withdrawn, checklists void."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_contact_center.actions.checklists_gone import void_gone
from otklik_contact_center.actions.evaluations_gone import withdraw_gone
from otklik_contact_center.store.folding import ContactKey

AT_ONCE: Final = 1_000
"""Evaluations or checklists that are read at once."""


async def take_along(tx: AsyncConnection, gone: Collection[ContactKey], now: datetime) -> None:
    """
    Take back what was said of contacts that this transaction has made void.

    Args:
        tx: Of the role worker; the contacts are written.
        now: When it records its facts.
    """
    by_tenant: dict[str, list[UUID]] = {}
    for tenant, contact in sorted(gone):
        by_tenant.setdefault(tenant, []).append(contact)
    for tenant, contacts in by_tenant.items():
        # Evaluations before checklists, as the removal of a demo: nobody waits in a circle.
        while await withdraw_gone(tx, tenant, now, AT_ONCE, of=contacts):
            pass
        while await void_gone(tx, tenant, AT_ONCE, of=contacts):
            pass
