"""A batch of events becomes facts, and the facts move the rollups: one transaction."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import asyncpg

from otklik_common.failpoints import failpoint
from otklik_common.reading import ReadEvent
from otklik_metrics.domain.measures import MEASURES
from otklik_metrics.domain.rollup import Deltas, fold
from otklik_metrics.store import facts, identity, rollups, versions
from otklik_metrics.store.facts import Change
from otklik_metrics.store.tables import FACTS, SCHEMA
from otklik_metrics.store.versions import Versions

facts_replaced = failpoint("facts.replaced", "facts of a kind are written, rollups are not moved")
facts_counted = failpoint("facts.counted", "rollups of a kind are moved, identities are not")


@dataclass(slots=True)
class Counted:
    """
    What a batch did.

    Attributes:
        first: Facts first seen, by kind.
        corrected: Facts of which a newer revision came, by kind.
    """

    first: Counter[str] = field(default_factory=Counter)
    corrected: Counter[str] = field(default_factory=Counter)


async def take_in(connection: asyncpg.Connection, events: Sequence[ReadEvent]) -> Counted:
    """
    Keep the events as facts and count them, in the transaction of `connection`.

    Events may come late, again and in any order; of kinds without facts they are passed over.

    Raises:
        Unprocessable: The state of an event breaks its contract.
        NewerBuildError: The rollups are counted by rules that this build does not know.
    """
    newest = facts.newest(events)
    await versions.share_gate(connection)
    counted = await _versions_for(connection, newest)
    return await keep(connection, newest, counted, schema=SCHEMA)


async def keep(
    connection: asyncpg.Connection,
    newest: Mapping[str, Sequence[ReadEvent]],
    counted: Versions,
    *,
    schema: str,
) -> Counted:
    """
    Keep facts and count them by the versions given.

    Args:
        newest: At most one event of each subject, by kind, sorted by company and subject.
        schema: Where the tables are; `pg_temp` while the log is replayed.
    """
    done = Counted()
    claimed: list[Change] = []
    for kind in FACTS:
        if kind not in newest:
            continue
        deltas: dict[rollups.Target, Deltas] = {}
        async with aclosing(facts.replace(connection, kind, newest[kind], schema=schema)) as some:
            async for changes in some:
                first = sum(change.first for change in changes)
                done.first[kind] += first
                done.corrected[kind] += len(changes) - first
                if kind == "customer":
                    claimed += changes
                if kind in MEASURES:
                    _fold(deltas, kind, changes, counted)
        facts_replaced()
        await rollups.add(connection, kind, deltas, schema=schema)
        facts_counted()
    await identity.move(connection, claimed, schema=schema)
    return done


def _fold(
    deltas: dict[rollups.Target, Deltas], kind: str, changes: Sequence[Change], counted: Versions
) -> None:
    """Add what the changes move to every version that is counted."""
    for change in changes:
        for version in counted.get((change.tenant, kind), ()):
            target = (change.tenant, version.number)
            into = deltas.get(target)
            if into is None:
                into = deltas[target] = Deltas(kind)
            fold(
                into,
                old=change.old,
                new=change.new,
                definition=version.frozen.definition,
                until=version.until,
            )


async def _versions_for(
    connection: asyncpg.Connection, newest: Mapping[str, Sequence[ReadEvent]]
) -> Versions:
    """The versions to count by, made where a company has none of a kind."""
    wanted = {
        (event.tenant, kind)
        for kind, events in newest.items()
        if kind in MEASURES
        for event in events
    }
    if not wanted:
        return {}
    tenants, kinds = _parts(wanted)
    found = await versions.find(connection, tenants, kinds)
    missing = wanted - {
        pair for pair, known in found.items() if any(v.state == "live" for v in known)
    }
    if missing:
        await versions.begin_live(connection, missing)
        found = await versions.find(connection, tenants, kinds)
    return {pair: versions.counted(known) for pair, known in found.items() if pair in wanted}


def _parts(pairs: Collection[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return sorted({tenant for tenant, _ in pairs}), sorted({kind for _, kind in pairs})
