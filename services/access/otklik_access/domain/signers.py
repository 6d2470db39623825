"""Keys that sign tokens: when one is due, and which one signs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from otklik_common.events import access as events

LIFE = timedelta(days=60)
RENEWED_AFTER = timedelta(days=30)

HEARD_AFTER = timedelta(minutes=1)
"""By then every service has heard of a new key; until then the one before it signs."""


@dataclass(frozen=True, slots=True)
class Signer:
    """The public half of a signing key; every service learns of it from the log."""

    key_id: str
    purpose: events.KeyPurpose
    public_key: str
    created_at: datetime
    expires_at: datetime

    def fact(self) -> events.Key:
        """What other services learn of it."""
        return events.Key(
            key_id=self.key_id,
            purpose=self.purpose,
            public_key=self.public_key,
            created_at=self.created_at,
            expires_at=self.expires_at,
        )


def signing(signers: Iterable[Signer], purpose: events.KeyPurpose, now: datetime) -> Signer | None:
    """
    The key that signs now: the newest that every service has heard of.

    A company's very first key has none before it and signs at once.
    """
    alive = sorted(
        (one for one in signers if one.purpose is purpose and now < one.expires_at),
        key=lambda one: one.created_at,
        reverse=True,
    )
    heard = [one for one in alive if now - one.created_at >= HEARD_AFTER]
    return heard[0] if heard else (alive[-1] if alive else None)


def due(signers: Iterable[Signer], purpose: events.KeyPurpose, now: datetime) -> bool:
    """Whether a new key should be made: the newest one has done half of its life."""
    newest = max((one.created_at for one in signers if one.purpose is purpose), default=None)
    return newest is None or now - newest >= RENEWED_AFTER
