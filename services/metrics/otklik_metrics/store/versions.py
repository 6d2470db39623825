"""Versions of rollups: by what each company's numbers are counted, and which ones are read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import asyncpg

from otklik_metrics.domain.fold import Definition, own_thresholds
from otklik_metrics.domain.sets import FOLD_VERSIONS
from otklik_metrics.store.zones import fingerprint, zone

GATE = 0x6F746B6C_6D657472
"""Advisory lock: batches share it, a step of a version under construction has it alone."""

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
"""Nothing is older; a version under construction has counted nothing yet."""


class NewerBuildError(Exception):
    """Another process counts by rules that this build does not know: this one must end."""


@dataclass(frozen=True)
class Frozen:
    """
    What a version is counted by, as it is stored.

    Attributes:
        thresholds: The company's own, sorted, without the declared ones.
    """

    fold_version: int
    timezone: str
    tzdata: str
    thresholds: tuple[int, ...]

    @cached_property
    def definition(self) -> Definition:
        """The same, ready to fold by."""
        return Definition(zone(self.timezone), self.thresholds)


@dataclass(frozen=True, slots=True)
class Version:
    """
    One version of the rollups of a company's kind.

    Attributes:
        until: While under construction: what happened before this is counted. None: everything.
    """

    tenant: str
    kind: str
    number: int
    state: str
    frozen: Frozen
    until: datetime | None


Versions = Mapping[tuple[str, str], Sequence[Version]]
"""Versions that are counted, by company and kind."""


def wanted(kind: str, timezone: str, thresholds: Iterable[int]) -> Frozen:
    """What a version made now would be counted by."""
    own = own_thresholds(tuple(thresholds))
    return Frozen(FOLD_VERSIONS[kind], timezone, fingerprint(timezone), own)


async def share_gate(connection: asyncpg.Connection) -> None:
    """Until the end of the transaction no version takes a step; call before reading any."""
    await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", GATE)


async def close_gate(connection: asyncpg.Connection) -> None:
    """Until the end of the transaction nobody counts anything."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", GATE)


async def find(
    connection: asyncpg.Connection, tenants: Collection[str], kinds: Collection[str]
) -> dict[tuple[str, str], list[Version]]:
    """The versions of companies and kinds that are live or under construction."""
    rows = await connection.fetch(_FIND, list(tenants), list(kinds))
    found: dict[tuple[str, str], list[Version]] = {}
    for row in rows:
        version = of_row(row)
        found.setdefault((version.tenant, version.kind), []).append(version)
    return found


def of_row(row: asyncpg.Record) -> Version:
    """A row of the table as a value."""
    frozen = Frozen(row["fold_version"], row["timezone"], row["tzdata"], tuple(row["thresholds"]))
    return Version(
        row["tenant"], row["kind"], row["version"], row["state"], frozen, row["built_to"]
    )


def counted(versions: Iterable[Version]) -> list[Version]:
    """
    Those that this build counts. A version of an older fold stands still until it is replaced.

    Raises:
        NewerBuildError: One has a newer fold.
    """
    kept = []
    for version in versions:
        known = FOLD_VERSIONS[version.kind]
        if version.frozen.fold_version > known:
            raise NewerBuildError(
                f"{version.kind} of {version.tenant} is counted by fold "
                f"{version.frozen.fold_version}, this build knows {known}"
            )
        if version.frozen.fold_version == known:
            kept.append(version)
    return kept


async def begin_live(connection: asyncpg.Connection, pairs: Collection[tuple[str, str]]) -> None:
    """Give companies and kinds that have no version their first one, by what is known of them."""
    tenants = sorted({tenant for tenant, _ in pairs})
    zones = {
        row["tenant"]: (row["timezone"], row["thresholds"])
        for row in await connection.fetch(_COMPANIES, tenants)
    }
    for tenant, kind in sorted(pairs):
        timezone, thresholds = zones.get(tenant, ("UTC", ()))
        await add(connection, tenant, kind, wanted(kind, timezone, thresholds), state="live")


async def add(
    connection: asyncpg.Connection, tenant: str, kind: str, frozen: Frozen, *, state: str
) -> None:
    """Add a version; nothing happens if there is one of that state already."""
    await connection.execute(
        _ADD,
        tenant,
        kind,
        state,
        frozen.fold_version,
        frozen.timezone,
        frozen.tzdata,
        list(frozen.thresholds),
        EARLIEST if state == "building" else None,
    )


_FIND = """
    SELECT tenant, kind, version, state, fold_version, timezone, tzdata, thresholds, built_to
    FROM metrics.rollup_versions
    WHERE tenant = ANY ($1::text[]) AND kind = ANY ($2::text[]) AND state IN ('live', 'building')
    ORDER BY tenant, kind, version"""

_COMPANIES = """
    SELECT DISTINCT ON (tenant) tenant, data ->> 'timezone' AS timezone,
        ARRAY(SELECT jsonb_array_elements_text(data -> 'thresholds_seconds')::int) AS thresholds
    FROM metrics.directory
    WHERE tenant = ANY ($1::text[]) AND kind = 'company' AND NOT void
    ORDER BY tenant, epoch DESC, revision DESC"""

_ADD = """
    INSERT INTO metrics.rollup_versions (tenant, kind, version, state, fold_version, timezone,
        tzdata, thresholds, built_to, created_at, changed_at)
    SELECT $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6, $7::bigint[], $8, now(), now()
    FROM metrics.rollup_versions WHERE tenant = $1 AND kind = $2
    ON CONFLICT DO NOTHING"""
