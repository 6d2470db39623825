"""
Facts leave a service in the transaction that makes them true.

The moment a fact is recorded must let the relay promise, later and without asking anybody, that
no fact recorded before some time T is still on its way (decision 0010). So a recorder first takes
a transaction id and then the time, and never a time below the last promise, whatever clocks do.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, cast

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.errors import TooLarge
from otklik_common.events.envelope import MAX_FACT_BYTES, Event, Fact
from otklik_common.events.registry import encode
from otklik_common.failpoints import failpoint
from otklik_common.tracing import current_traceparent

_INFO: Final = "otklik.recorder"

_LOGIN: Final = re.compile(r"otklik_([a-z_]+)_(?:api|worker)")

# CASE is the one construct that keeps its order: first the transaction id, then the times.
_NOW: Final = """
    SELECT CASE WHEN pg_current_xact_id() IS NOT NULL THEN greatest(clock_timestamp(),
        timestamptz 'epoch' + interval '1 microsecond'
            * (SELECT last_value FROM {schema}.recorded_floor)) END"""

_INSERT: Final = """
    INSERT INTO {schema}.outbox (tenant, key, payload)
    SELECT * FROM unnest(
        CAST(:tenants AS text[]), CAST(:keys AS text[]), CAST(:payloads AS bytea[]))"""

before_append = failpoint("outbox.before_append", "state is written, its facts are not")
after_append = failpoint("outbox.after_append", "facts are in the outbox, nothing is committed")


class FactTooLarge(TooLarge):
    """A fact above 16 KiB: facts are bounded by construction, so its writer has a bug or no limit."""

    code = "fact_too_large"


class Recorder:
    """
    The facts of one transaction.

    Lock or update the aggregate's row before `append`: the order of two transactions that wait
    for one row is then the order of their outbox rows.

    Attributes:
        now: `recorded_at` of every fact of this transaction, or max(now, the aggregate's last
            + 1 µs) where it remembers its last: it must grow strictly per subject.
        tenant: The only company whose facts may be appended; None in workers over all.
    """

    __slots__ = ("_insert", "_tx", "now", "tenant")

    def __init__(self, tx: AsyncConnection, tenant: str | None, now: datetime) -> None:
        self.tenant = tenant
        self.now = now
        self._tx = tx
        self._insert = _insert(schema_of(tx))

    async def append(self, events: Sequence[Event[Any]]) -> None:
        """
        Put facts into the outbox, in this order.

        Raises:
            FactTooLarge: One is over 16 KiB.
            ValueError: One belongs to another company, or was recorded before `now`.
        """
        if not events:
            return
        traceparent = current_traceparent()
        tenants, keys, payloads = [], [], []
        for event in events:
            self._check(event)
            if traceparent is not None and event.traceparent is None:
                event = replace(event, traceparent=traceparent)  # noqa: PLW2901
            tenants.append(event.tenant)
            keys.append(event.key)
            payloads.append(_encoded(event))
        await self.append_encoded(tenants, keys, payloads)

    async def append_encoded(
        self, tenants: Sequence[str], keys: Sequence[str], payloads: Sequence[bytes]
    ) -> None:
        """Put facts into the outbox that a hot path has encoded and checked itself."""
        before_append()
        await self._tx.execute(
            self._insert, {"tenants": tenants, "keys": keys, "payloads": payloads}
        )
        after_append()

    def _check(self, event: Event[Fact]) -> None:
        if self.tenant is not None and event.tenant != self.tenant:
            raise ValueError(f"{event.key} belongs to {event.tenant}, not to {self.tenant}")
        if event.recorded_at < self.now:
            raise ValueError(
                f"{event.key} says it was recorded at {event.recorded_at.isoformat()},"
                f" before its transaction's {self.now.isoformat()}"
            )


async def recorder(tx: AsyncConnection, tenant: str | None = None) -> Recorder:
    """
    The recorder of the transaction `tx`; asked for twice, it is the same one.

    Args:
        tx: A transaction of the roles api or worker of the service that states the facts.
        tenant: The only company whose facts it takes; None for workers over all companies.
    """
    known = _known(tx)
    if known is not None:
        return known if known.tenant == tenant else Recorder(tx, tenant, known.now)
    now: datetime = (await tx.execute(_now(schema_of(tx)))).scalar_one()
    made = Recorder(tx, tenant, now)
    # The transaction stands beside it: a pooled connection serves many, one after another.
    tx.info[_INFO] = (_root(tx), made)
    return made


async def append(tx: AsyncConnection, events: Iterable[Event[Any]]) -> None:
    """
    Put facts of any companies into the outbox of `tx`.

    Raises:
        RuntimeError: No recorder was asked for, so nobody knows when this was recorded.
        FactTooLarge, ValueError: As `Recorder.append`.
    """
    known = _known(tx)
    if known is None:
        raise RuntimeError("ask for outbox.recorder(tx) first: facts take recorded_at from it")
    await known.append(list(events))


def schema_of(tx: AsyncConnection) -> str:
    """The schema of the service whose login `tx` uses: otklik_<schema>_<role>."""
    found = _LOGIN.fullmatch(tx.engine.url.username or "")
    assert found is not None, f"{tx.engine.url.username!r} is no service's login"
    return found[1]


def _encoded(event: Event[Fact]) -> bytes:
    payload = encode(event)
    if len(payload) > MAX_FACT_BYTES:
        raise FactTooLarge(
            f"fact {event.key} has {len(payload)} bytes; at most {MAX_FACT_BYTES} are allowed"
        )
    return payload


def _root(tx: AsyncConnection) -> object:
    assert tx.sync_connection is not None, "the connection is closed"
    return tx.sync_connection.get_transaction()


def _known(tx: AsyncConnection) -> Recorder | None:
    root, known = cast("tuple[object, Recorder | None]", tx.info.get(_INFO, (None, None)))
    return known if known is not None and root is _root(tx) else None


@lru_cache(maxsize=64)
def _now(schema: str) -> TextClause:
    return text(_NOW.replace("{schema}", schema))


@lru_cache(maxsize=64)
def _insert(schema: str) -> TextClause:
    return text(_INSERT.replace("{schema}", schema))
