"""Bodies of hooks as they are kept, and what is in them."""

import base64
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from otklik_common.failpoints import failpoint
from otklik_common.observability import get_logger
from otklik_common.pseudonym import Sealer
from otklik_contact_center.actions.packing import Packer
from otklik_contact_center.domain.providers.pushed import Directions
from otklik_contact_center.domain.providers.trial import Trial, read_body
from otklik_contact_center.domain.source import Source
from otklik_contact_center.store.inbox import Row

HOOK: Final = "hook body"
"""What sealed bodies are for: bytes sealed for this do not open as anything else."""

UNREADABLE: Final = "unreadable"

body_kept = failpoint("hooks.kept", "a body is kept, its events are not")

log = get_logger(__name__)


class Bodies:
    """Seals bodies, opens and reads them."""

    def __init__(self, sealer: Sealer, master: bytes) -> None:
        self._sealer = sealer
        self._packer = Packer(sealer, master)

    def sealed(self, tenant: str, body: bytes) -> bytes:
        """A body as it is kept."""
        return self._sealer.seal(tenant, HOOK, base64.b64encode(body).decode())

    def opened(self, tenant: str, sealed: bytes) -> bytes:
        """A body as it came."""
        return base64.b64decode(self._sealer.open(tenant, HOOK, sealed))

    def hash(self, tenant: str, body: bytes) -> bytes:
        """By what a body is known again in its company."""
        return self._packer.hash(tenant, body)

    def sealed_detail(self, tenant: str, why: str | None) -> bytes | None:
        """Why a body was not read, as it is kept."""
        return None if why is None else self._sealer.seal(tenant, HOOK, why)

    def detail(self, tenant: str, sealed: bytes | None) -> str | None:
        """Why a body was not read."""
        return None if sealed is None else self._sealer.open(tenant, HOOK, sealed)

    def read(self, source: Source, directions: Directions, body: bytes, now: datetime) -> Trial:
        """What is in a body; a reader that fails has not understood it, and nothing else stops."""
        provider = source.provider
        assert provider is not None, "its source takes our own events"
        try:
            return read_body(provider, directions, body, now)
        except Exception as broken:
            log.error("a reader of pushes failed", kind=provider.kind, exc_info=broken)
            return Trial(None, f"our reader failed: {type(broken).__name__}")

    def rows(
        self, source: Source, trials: Iterable[Trial], *, now: datetime, lane: int
    ) -> list[Row]:
        """The events of bodies as the inbox takes them, each id once."""
        rows = {
            one.event.id: self._packer.row(source.tenant, source.id, one, now=now, lane=lane)
            for trial in trials
            for one in (trial.push.admitted if trial.push is not None else ())
        }
        return [rows[name] for name in sorted(rows)]


def code_of(trial: Trial) -> str | None:
    """By what a body is marked that was not read."""
    return None if trial.why is None else UNREADABLE
