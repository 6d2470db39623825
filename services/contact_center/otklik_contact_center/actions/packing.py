"""Events made ready for the inbox: sealed, and known again by a keyed hash, whoever brings them."""

import hashlib
from datetime import datetime
from functools import lru_cache
from typing import Final

from otklik_common.pseudonym import Sealer, derive
from otklik_contact_center.domain.admission import Admitted
from otklik_contact_center.store.inbox import Row

EVENT: Final = "event"
"""What sealed bodies are for: bytes sealed for this do not open as anything else."""

HASH_BYTES: Final = 16


class Packer:
    """Packs events; pushes and imports share it, so that each knows what the other has brought."""

    def __init__(self, sealer: Sealer, master: bytes) -> None:
        self._sealer = sealer
        self._hash_key = lru_cache(4096)(
            lambda tenant: derive(master, "contact_center", "body hash", tenant)
        )

    def row(
        self,
        tenant: str,
        source_id: str,
        one: Admitted,
        *,
        now: datetime,
        lane: int,
        traceparent: str | None = None,
    ) -> Row:
        """An event as the inbox takes it."""
        event = one.event
        return Row(
            tenant,
            source_id,
            event.id,
            event.contact,
            self.hash(tenant, one.body),
            self._sealer.seal(tenant, EVENT, one.body.decode()),
            event.at,
            now,
            traceparent,
            lane,
        )

    def hash(self, tenant: str, body: bytes) -> bytes:
        """By what a body is known again in its company."""
        # Keyed: of a body that is mostly known, a bare hash would give away the phone in it.
        return hashlib.blake2b(body, digest_size=HASH_BYTES, key=self._hash_key(tenant)).digest()
