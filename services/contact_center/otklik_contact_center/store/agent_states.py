"""Changes of agents' states, with what was published of the stretches that they began."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_contact_center.domain.agent_state import StateChange
from otklik_contact_center.domain.emission import Emitted
from otklik_contact_center.store.columns import SCHEMA


@dataclass(frozen=True, slots=True)
class Kept:
    """
    A change as the row holds it.

    Attributes:
        emitted: Its stretch as last published; void once it was taken out.
        recorded_at: When that was.
    """

    change: StateChange
    emitted: Emitted
    recorded_at: datetime


Span = tuple[datetime, datetime]
"""From the first to the last moment, both included."""

_COLUMNS: Final = (
    "id, agent, state, branch, team, queue, at, revision, hash, void, recorded_at, data"
)

_MAKE_AGENTS: Final = text(f"""
INSERT INTO {SCHEMA}.agent (tenant, agent)
SELECT :tenant, agent FROM unnest(CAST(:agents AS text[])) AS a(agent) ON CONFLICT DO NOTHING
""")  # noqa: S608 - a name of our own

_LOCK_AGENTS: Final = text(f"""
SELECT agent FROM {SCHEMA}.agent
WHERE tenant = :tenant AND agent = ANY (CAST(:agents AS text[])) ORDER BY agent FOR UPDATE
""")  # noqa: S608 - a name of our own

_BY_ID: Final = text(f"""
SELECT {_COLUMNS} FROM {SCHEMA}.agent_state
WHERE tenant = :tenant AND id = ANY (CAST(:ids AS text[]))
""")  # noqa: S608 - a name of our own

_AROUND: Final = text(f"""
SELECT {", ".join(f"s.{name.strip()}" for name in _COLUMNS.split(","))}
FROM unnest(CAST(:agents AS text[]), CAST(:firsts AS timestamptz[]), CAST(:lasts AS timestamptz[]))
  AS k(agent, first, last)
JOIN {SCHEMA}.agent_state s ON s.tenant = :tenant AND s.agent = k.agent AND NOT s.void
  AND s.at >= coalesce((SELECT max(b.at) FROM {SCHEMA}.agent_state b
    WHERE b.tenant = :tenant AND b.agent = k.agent AND NOT b.void AND b.at < k.first), k.first)
  AND s.at <= coalesce((SELECT min(b.at) FROM {SCHEMA}.agent_state b
    WHERE b.tenant = :tenant AND b.agent = k.agent AND NOT b.void AND b.at > k.last), k.last)
""")  # noqa: S608 - a name of our own

_ARRAYS: Final = (
    "CAST(:ids AS text[]), CAST(:agents AS text[]), CAST(:states AS text[]),"
    " CAST(:branches AS text[]), CAST(:teams AS text[]), CAST(:queues AS text[]),"
    " CAST(:ats AS timestamptz[]), CAST(:revisions AS integer[]), CAST(:hashes AS bytea[]),"
    " CAST(:voids AS boolean[]), CAST(:recorded_ats AS timestamptz[]), CAST(:datas AS text[])"
)

_ADD: Final = text(f"""
INSERT INTO {SCHEMA}.agent_state (tenant, {_COLUMNS})
SELECT :tenant, n.* FROM unnest({_ARRAYS}) AS n({_COLUMNS})
ON CONFLICT DO NOTHING
""")  # noqa: S608 - a name of our own

_PUT: Final = text(f"""
UPDATE {SCHEMA}.agent_state s SET
  agent = n.agent, state = n.state, branch = n.branch, team = n.team, queue = n.queue, at = n.at,
  revision = n.revision, hash = n.hash, void = n.void, recorded_at = n.recorded_at, data = n.data
FROM unnest({_ARRAYS}) AS n({_COLUMNS})
WHERE s.tenant = :tenant AND s.id = n.id
""")  # noqa: S608 - a name of our own


async def lock_agents(tx: AsyncConnection, tenant: str, agents: Iterable[str]) -> None:
    """
    Lock agents, sorted: two pushes that lock in different orders deadlock.

    Every writer of states comes through here first, so the stretches of an agent are settled by
    one at a time.
    """
    named = {"tenant": tenant, "agents": sorted(set(agents))}
    await tx.execute(_MAKE_AGENTS, named)
    await tx.execute(_LOCK_AGENTS, named)


async def by_id(tx: AsyncConnection, tenant: str, ids: Collection[str]) -> dict[str, Kept]:
    """The changes of those ids, those taken out included."""
    rows = await tx.execute(_BY_ID, {"tenant": tenant, "ids": list(ids)})
    return {row["id"]: _kept(row) for row in rows.mappings()}


async def around(tx: AsyncConnection, tenant: str, spans: Mapping[str, Span]) -> dict[str, Kept]:
    """
    The standing changes of each agent within a span of time, and its neighbours on both sides.

    Args:
        spans: By agent; the agents are locked.
    """
    rows = await tx.execute(
        _AROUND,
        {
            "tenant": tenant,
            "agents": list(spans),
            "firsts": [first for first, _ in spans.values()],
            "lasts": [last for _, last in spans.values()],
        },
    )
    return {row["id"]: _kept(row) for row in rows.mappings()}


async def add(tx: AsyncConnection, tenant: str, new: Sequence[Kept]) -> bool:
    """Add changes; False if somebody has just added one of those ids for another agent."""
    done = await tx.execute(_ADD, _columns(tenant, new))
    return done.rowcount == len(new)


async def put(tx: AsyncConnection, tenant: str, changed: Sequence[Kept]) -> None:
    """Write changes of agents that are locked."""
    await tx.execute(_PUT, _columns(tenant, changed))


def _columns(tenant: str, rows: Sequence[Kept]) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "ids": [row.change.id for row in rows],
        "agents": [row.change.agent for row in rows],
        "states": [row.change.state for row in rows],
        "branches": [row.change.branch for row in rows],
        "teams": [row.change.team for row in rows],
        "queues": [row.change.queue for row in rows],
        "ats": [row.change.at for row in rows],
        "revisions": [row.emitted.revision for row in rows],
        "hashes": [row.emitted.hash for row in rows],
        "voids": [row.emitted.void for row in rows],
        "recorded_ats": [row.recorded_at for row in rows],
        "datas": [row.emitted.data.decode() for row in rows],
    }


def _kept(row: RowMapping) -> Kept:
    return Kept(
        StateChange(
            id=row["id"],
            agent=row["agent"],
            state=row["state"],
            at=row["at"],
            branch=row["branch"],
            team=row["team"],
            queue=row["queue"],
        ),
        Emitted(row["revision"], row["hash"], row["void"], row["data"].encode()),
        row["recorded_at"],
    )
