"""Versions of rollups: by what each company's numbers are counted, and which ones are read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

import asyncpg

from otklik_metrics.domain.fold import Definition, own_thresholds
from otklik_metrics.domain.sets import FOLD_VERSIONS
from otklik_metrics.store.zones import RELEASE, fingerprint, zone

GATE = 0x6F746B6C_6D657472
"""Advisory lock: batches share it, a step of a version under construction has it alone."""

EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
"""Nothing is older: a version under construction that has counted up to this counted nothing."""

LATEST = datetime(9999, 12, 30, tzinfo=UTC)
"""Nothing is later."""


class NewerBuildError(Exception):
    """Another process counts by rules that this build does not know: this one must end."""


@dataclass(frozen=True)
class Frozen:
    """
    What a version is counted by, as it is stored.

    Attributes:
        tzdata: The rules of the zone, by their fingerprint.
        thresholds: The company's own, sorted, without the declared ones.
        release: The release of tzdata that brought these rules; later ones may hold the same. It
            only tells which of two rules is the newer one.
    """

    fold_version: int
    timezone: str
    tzdata: str
    thresholds: tuple[int, ...]
    release: str = field(default="", compare=False)

    @cached_property
    def definition(self) -> Definition:
        """The same, ready to fold by."""
        return Definition(zone(self.timezone), self.thresholds)

    @property
    def rules(self) -> str:
        """The rules of the zone, as they are stored."""
        return f"{self.release}:{self.tzdata}"

    @classmethod
    def stored(cls, fold: int, timezone: str, rules: str, thresholds: Iterable[int]) -> "Frozen":
        """Out of a row of the table."""
        release, _, found = rules.rpartition(":")
        return cls(fold, timezone, found, tuple(thresholds), release)

    def compared(self, kind: str) -> int:
        """
        Whether this build counts `kind` so: 0. A newer build does: 1; an older one: -1.

        Folds are compared first, then releases of tzdata, so that of any two builds that do not
        count alike exactly one is the newer one.
        """
        theirs, ours = (self.fold_version, ""), (FOLD_VERSIONS[kind], "")
        if self.tzdata != fingerprint(self.timezone):
            theirs, ours = (self.fold_version, self.release), (FOLD_VERSIONS[kind], RELEASE)
            if theirs == ours:
                return 1 if self.tzdata > fingerprint(self.timezone) else -1
        return (theirs > ours) - (theirs < ours)


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


Companies = Mapping[str, tuple[str, tuple[int, ...]]]
"""Zone and declared thresholds, by company."""


def wanted(kind: str, timezone: str, thresholds: Iterable[int]) -> Frozen:
    """What a version made now would be counted by."""
    own = own_thresholds(tuple(thresholds))
    return Frozen(FOLD_VERSIONS[kind], timezone, fingerprint(timezone), own, RELEASE)


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
    said = (row["fold_version"], row["timezone"], row["tzdata"], row["thresholds"])
    frozen = Frozen.stored(*said)
    return Version(
        row["tenant"], row["kind"], row["version"], row["state"], frozen, row["built_to"]
    )


def counted(versions: Iterable[Version]) -> list[Version]:
    """
    Those that this build counts. One of an older fold or zone stands still until it is replaced.

    Raises:
        NewerBuildError: One has a newer fold, or newer rules of its zone.
    """
    kept = []
    for version in versions:
        frozen = version.frozen
        compared = frozen.compared(version.kind)
        if compared > 0:
            raise NewerBuildError(
                f"{version.kind} of {version.tenant} is counted by fold {frozen.fold_version} and "
                f"{frozen.timezone} of tzdata {frozen.release}; this build knows fold "
                f"{FOLD_VERSIONS[version.kind]} and tzdata {RELEASE}"
            )
        if compared == 0:
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
        frozen.rules,
        list(frozen.thresholds),
        EARLIEST if state == "building" else None,
    )


async def of_state(connection: asyncpg.Connection, state: str) -> list[Version]:
    """All versions of a state, by company and kind."""
    return [of_row(row) for row in await connection.fetch(_OF_STATE, state)]


async def companies(connection: asyncpg.Connection) -> Companies:
    """Zone and declared thresholds of every company that access speaks of."""
    rows = await connection.fetch(_ALL_COMPANIES)
    return {row["tenant"]: (row["timezone"], tuple(row["thresholds"])) for row in rows}


async def counted_until(
    connection: asyncpg.Connection, version: Version, until: datetime | None
) -> None:
    """Note how far a version under construction is; None: everything is counted."""
    await connection.execute(_COUNTED, version.tenant, version.kind, version.number, until)


async def swap(connection: asyncpg.Connection, version: Version) -> None:
    """Let a version be read, and retire the one that was; call with the gate closed."""
    await connection.execute(_RETIRE, version.tenant, version.kind)
    await connection.execute(_SET_LIVE, version.tenant, version.kind, version.number)


async def give_up(connection: asyncpg.Connection, version: Version) -> None:
    """Retire a version under construction: that it was never built to its end tells it apart."""
    await connection.execute(_GIVE_UP, version.tenant, version.kind, EARLIEST)


async def retired(connection: asyncpg.Connection, minutes: int) -> list[Version]:
    """Versions that nobody reads any more: retired so many minutes ago."""
    return [of_row(row) for row in await connection.fetch(_LONG_RETIRED, minutes)]


async def forget(connection: asyncpg.Connection, version: Version) -> None:
    """The cells of a version are gone; of one that was read, the row stays to tell of the past."""
    await connection.execute(_FORGET, version.tenant, version.kind, version.number)
    await connection.execute(_REMOVE, version.tenant, version.kind, version.number)


_FIND = """
    SELECT tenant, kind, version, state, fold_version, timezone, tzdata, thresholds, built_to
    FROM metrics.rollup_versions
    WHERE tenant = ANY ($1::text[]) AND kind = ANY ($2::text[]) AND state IN ('live', 'building')
    ORDER BY tenant, kind, version"""

_COLUMNS = """
    SELECT tenant, kind, version, state, fold_version, timezone, tzdata, thresholds, built_to
    FROM metrics.rollup_versions"""

_OF_STATE = _COLUMNS + " WHERE state = $1 ORDER BY tenant, kind"

_LONG_RETIRED = (
    _COLUMNS + " WHERE state = 'retired' AND changed_at < now() - make_interval(mins => $1)"
)

_ALL_COMPANIES = """
    SELECT DISTINCT ON (tenant) tenant, data ->> 'timezone' AS timezone,
        ARRAY(SELECT jsonb_array_elements_text(data -> 'thresholds_seconds')::int) AS thresholds
    FROM metrics.directory
    WHERE kind = 'company' AND NOT void
    ORDER BY tenant, epoch DESC, revision DESC"""

_COMPANIES = _ALL_COMPANIES.replace("WHERE kind", "WHERE tenant = ANY ($1::text[]) AND kind")

_COUNTED = """
    UPDATE metrics.rollup_versions SET built_to = $4, changed_at = now()
    WHERE tenant = $1 AND kind = $2 AND version = $3 AND state = 'building'"""

# The moment is told to askers of the past: that of the transaction lies before the gate was closed.
_RETIRE = """
    UPDATE metrics.rollup_versions
    SET state = 'retired', built_to = NULL, changed_at = clock_timestamp()
    WHERE tenant = $1 AND kind = $2 AND state = 'live'"""

_GIVE_UP = """
    UPDATE metrics.rollup_versions
    SET state = 'retired', built_to = coalesce(built_to, $3), changed_at = now()
    WHERE tenant = $1 AND kind = $2 AND state = 'building'"""

_SET_LIVE = """
    UPDATE metrics.rollup_versions SET state = 'live', built_to = NULL, changed_at = now()
    WHERE tenant = $1 AND kind = $2 AND version = $3"""

_FORGET = """
    UPDATE metrics.rollup_versions SET state = 'gone'
    WHERE tenant = $1 AND kind = $2 AND version = $3 AND state = 'retired' AND built_to IS NULL"""

_REMOVE = """
    DELETE FROM metrics.rollup_versions
    WHERE tenant = $1 AND kind = $2 AND version = $3 AND state = 'retired'"""

_ADD = """
    INSERT INTO metrics.rollup_versions (tenant, kind, version, state, fold_version, timezone,
        tzdata, thresholds, built_to, created_at, changed_at)
    SELECT $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6, $7::bigint[], $8, now(), now()
    FROM metrics.rollup_versions WHERE tenant = $1 AND kind = $2
    ON CONFLICT DO NOTHING"""
