"""What has to be done from time to time, over all companies."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select

from otklik_access.actions import signing
from otklik_access.actions.change import SCHEMA
from otklik_access.domain.signers import due
from otklik_access.store import keys, tables
from otklik_common import outbox
from otklik_common.module import Platform

KEPT_AFTER: Final = timedelta(days=7)
"""How long an expired refresh token is remembered, to tell one used twice from an unknown one."""

_LOCK: Final = 0x6F74_0001


async def renew_signers(platform: Platform, now: datetime) -> int:
    """Make a signing key wherever the newest has done half of its life; returns how many."""
    table = tables.company
    async with platform.database(SCHEMA, "worker").begin_as_worker() as tx:
        # Of several workers one makes them.
        if not await tx.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))):
            return 0
        tenants = list(await tx.scalars(select(table.c.tenant).where(table.c.active)))
        made = []
        for tenant in tenants:
            known = [one for one, _ in await keys.signers(tx, tenant)]
            for purpose in signing.SIGNED:
                if due(known, purpose, now):
                    record = await outbox.recorder(tx)
                    made.append(await signing.add_signer(tx, platform, tenant, purpose, record.now))
        if made:
            await outbox.append(tx, made)
    return len(made)


async def forget_expired(platform: Platform, now: datetime) -> int:
    """Delete refresh tokens and signing keys that expired a week ago; returns how many."""
    before = now - KEPT_AFTER
    count = 0
    async with platform.database(SCHEMA, "worker").begin_as_worker() as tx:
        for table in (tables.refresh_token, tables.signer):
            gone = await tx.execute(delete(table).where(table.c.expires_at < before))
            count += gone.rowcount
    return count
