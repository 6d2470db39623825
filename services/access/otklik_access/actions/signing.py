"""Making and choosing the keys that sign tokens, and signing with them."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_access.domain.kept import Kept
from otklik_access.domain.keys import key_subject
from otklik_access.domain.signers import LIFE, Signer, signing
from otklik_access.store import keys
from otklik_common.errors import Unavailable
from otklik_common.events.access import Key, KeyPurpose
from otklik_common.events.envelope import Event
from otklik_common.ids import random_id
from otklik_common.keys import TOKEN_LIFE, new_signer, sign_token
from otklik_common.module import Platform

PURPOSE: Final = "signer"
"""What private halves are sealed for."""

SIGNED: Final = (KeyPurpose.SESSION, KeyPurpose.CUSTOMER)


async def add_signer(
    tx: AsyncConnection, platform: Platform, tenant: str, purpose: KeyPurpose, now: datetime
) -> Event[Key]:
    """Make a signing key; the event that announces it is still to be appended."""
    private, public = new_signer()
    made = Signer(
        key_id=random_id(),
        purpose=purpose,
        public_key=public,
        created_at=now,
        expires_at=now + LIFE,
    )
    kept = Kept(made, 1, now)
    await keys.add_signer(tx, tenant, kept, platform.sealer.seal(tenant, PURPOSE, private))
    return Event(
        tenant=tenant,
        subject=key_subject(tenant, made.key_id),
        revision=1,
        verb="made",
        time=now,
        recorded_at=now,
        data=made.fact(),
    )


async def token(
    tx: AsyncConnection,
    platform: Platform,
    tenant: str,
    *,
    purpose: KeyPurpose,
    subject: UUID,
    now: datetime,
    life: timedelta = TOKEN_LIFE,
    origins: tuple[str, ...] = (),
) -> str:
    """
    A token signed with the key that every service has heard of.

    Raises:
        Unavailable: No key is alive, because nobody renewed it: its workers do not run.
    """
    known = {one.key_id: (one, sealed) for one, sealed in await keys.signers(tx, tenant)}
    chosen = signing((one for one, _ in known.values()), purpose, now)
    if chosen is None:
        raise Unavailable(
            "no signing key is alive; are the workers of access running?",
            detail_ru="нет действующего ключа подписи; работают ли процессы access?",
        )
    private = platform.sealer.open(tenant, PURPOSE, known[chosen.key_id][1])
    return sign_token(
        private,
        tenant=tenant,
        key_id=chosen.key_id,
        purpose=purpose,
        subject=subject,
        now=now,
        life=life,
        origins=origins,
    )
