"""Events made ready for the inbox: sealed, and known again by a keyed hash, whoever brings them."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from otklik_common.pseudonym import KEYS_KEPT, Sealer, derive
from otklik_contact_center.domain.admission import Admitted
from otklik_contact_center.store.inbox import Row

EVENT: Final = "event"
"""What sealed bodies are for: bytes sealed for this do not open as anything else."""

HASH_BYTES: Final = 16


class _Company(NamedTuple):
    """What is made once for a company: the keyed hash of nothing yet, and its seal."""

    blank: "hashlib.blake2b"
    seal: Callable[[bytes], bytes]


class Packer:
    """Packs events; pushes and imports share it, so that each knows what the other has brought."""

    def __init__(self, sealer: Sealer, master: bytes) -> None:
        self._sealer = sealer
        self._master = master
        self._of = lru_cache(KEYS_KEPT)(self._make)

    def _make(self, tenant: str) -> _Company:
        # Keyed: of a body that is mostly known, a bare hash would give away the phone in it.
        key = derive(self._master, "contact_center", "body hash", tenant)
        blank = hashlib.blake2b(digest_size=HASH_BYTES, key=key)
        return _Company(blank, self._sealer.sealing(tenant, EVENT))

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
        event, body, company = one.event, one.body, self._of(tenant)
        hashed = company.blank.copy()
        hashed.update(body)
        return Row(
            tenant,
            source_id,
            event.id,
            event.contact,
            hashed.digest(),
            company.seal(body),
            event.at,
            now,
            traceparent,
            lane,
        )

    def hash(self, tenant: str, body: bytes) -> bytes:
        """By what a body is known again in its company."""
        hashed = self._of(tenant).blank.copy()
        hashed.update(body)
        return hashed.digest()
