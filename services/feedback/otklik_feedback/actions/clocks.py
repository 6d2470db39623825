"""Clocks of claims and reviews, settled in the transaction that changes what they are of."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.clocks.policies import Policies
from otklik_common.clocks.ready import ReadyPolicies
from otklik_common.clocks.shown import Shown, time_of, verb
from otklik_common.clocks.told import policies_of
from otklik_common.db import raw
from otklik_common.events.access import Branch, Calendar, SlaPolicy
from otklik_common.events.envelope import Event
from otklik_common.outbox import Recorder
from otklik_feedback.domain.clock import ClockFact, Watched, clocks, read, rendered
from otklik_feedback.domain.facts import next_moment
from otklik_feedback.store import clocks as store
from otklik_feedback.store import policies as promised
from otklik_feedback.store.clocks import ClockRow

Aside = Callable[[str, UUID, Exception], None]


class Book:
    """What companies promise, made ready once for each version of it."""

    def __init__(self) -> None:
        self._ready = ReadyPolicies()

    async def of(self, on: asyncpg.Connection, tenant: str) -> Policies:
        """What a company promises until the transaction of `on` ends."""

        async def read() -> Policies:
            return _policies(list((await promised.facts(on, tenant)).values()))

        return await self._ready.of(tenant, await promised.version(on, tenant), read)


def _policies(facts: Sequence[Any]) -> Policies:
    return policies_of(
        {fact.code: fact for fact in facts if isinstance(fact, SlaPolicy)},
        {fact.code: fact for fact in facts if isinstance(fact, Calendar)},
        {fact.code: fact for fact in facts if isinstance(fact, Branch)},
    )


async def settle(
    tx: AsyncConnection,
    tenant: str,
    matters: Collection[Watched],
    book: Book,
    *,
    recorder: Recorder,
) -> list[Event[Any]]:
    """
    Make the clocks of claims and reviews that this transaction changes.

    Args:
        matters: As they are now; without watches, all their clocks are void.
    Returns:
        The facts of clocks that show something else, for the outbox.
    """
    if not matters:
        return []
    on = await raw(tx)
    # In the order in which clocks are made anew: first what is promised, then what it is about.
    policies = await book.of(on, tenant)
    await store.watch(on, tenant, matters)
    return await remade(on, tenant, matters, policies, now=recorder.now)


async def remade(
    on: asyncpg.Connection,
    tenant: str,
    matters: Collection[Watched],
    policies: Policies,
    *,
    now: datetime,
    aside: Aside | None = None,
) -> list[Event[Any]]:
    """
    Make the clocks of claims and reviews that are locked.

    Args:
        aside: Told of one whose clocks cannot be made, and why; they stay. Without it, none is made.
    Returns:
        What is told of them.
    """
    known: dict[UUID, dict[UUID, ClockRow]] = {one.matter: {} for one in matters}
    for id_, row in (await store.lock(on, tenant, list(known))).items():
        known[row.matter][id_] = row
    found: list[Change] = []
    for one in matters:
        try:
            found += list(_changes(tenant, one, policies, known[one.matter], now=now))
        except Exception as broken:
            if aside is None:
                raise
            aside(tenant, one.matter, broken)
    if found:
        await store.put(on, [change.row for change in found])
    return [change.event for change in found]


class Change(NamedTuple):
    """A revision of a clock: to write, and to tell."""

    row: ClockRow
    event: Event[Any]


def _changes(
    tenant: str,
    watched: Watched,
    policies: Policies,
    mine: Mapping[UUID, ClockRow],
    *,
    now: datetime,
) -> Iterator[Change]:
    recorded = {id_: row.recorded_at for id_, row in mine.items()}
    made = {
        kept.id: kept.shown for kept in clocks(tenant, watched, policies, now=now, known=recorded)
    }
    for id_ in sorted(made.keys() | mine.keys()):
        found = change((tenant, id_), mine.get(id_), made.get(id_), now)
        if found is not None:
            yield found


def change(
    key: store.ClockKey, known: ClockRow | None, shown: Shown[ClockFact] | None, now: datetime
) -> Change | None:
    """
    What is new about a clock; None where it shows what it did.

    Args:
        known: As last published.
        shown: None where there is no such clock any more.
    """
    tenant, id_ = key
    if shown is None:
        if known is None or known.void:
            return None
        data = known.data
    else:
        data = rendered(shown.fact)
        if known is not None and not known.void and known.data == data:
            return None
    void = shown is None
    fact = read(data)
    recorded_at = next_moment(now, None if known is None else known.recorded_at)
    row = ClockRow(
        tenant,
        id_,
        fact.matter,
        fact.target,
        1 if known is None else known.revision + 1,
        void,
        recorded_at,
        data,
        fact.state,
        fact.due_at,
        None if shown is None else shown.warn_at,
        None if shown is None else shown.breaches_at,
    )
    event = Event(
        tenant=tenant,
        subject=id_,
        revision=row.revision,
        verb="voided" if void else verb(fact),
        time=recorded_at if void else time_of(fact, recorded_at),
        recorded_at=recorded_at,
        data=fact.told(),
        void=void,
    )
    return Change(row, event)
