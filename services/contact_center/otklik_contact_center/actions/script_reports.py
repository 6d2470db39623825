"""What all checklists of a script come to: what is skipped, by whom, and how conversations end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.events.access import Role
from otklik_contact_center.actions.scripts import found
from otklik_contact_center.domain.period import period
from otklik_contact_center.domain.script.skipped import MOST_DAYS, Counts, Skipped, ranked
from otklik_contact_center.store import checklists
from otklik_contact_center.store.checklists import Ending, Skipper, Wanted


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about a script; None leaves a field open, or asks about the last 28 days."""

    begins: datetime | None = None
    ends: datetime | None = None
    version: int | None = None
    branch: str | None = None
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class OfVersion:
    """A version with its items, the most skipped first; `skippers` are by item."""

    version: int
    runs: int
    items: Sequence[Skipped]
    skippers: Mapping[str, Sequence[Skipper]]


@dataclass(frozen=True, slots=True)
class SkippedReport:
    """What was skipped in a period, the newest version first."""

    begins: datetime
    ends: datetime
    versions: Sequence[OfVersion]


@dataclass(frozen=True, slots=True)
class EndingsReport:
    """What became of conversations in a period, of those that kept the script first."""

    begins: datetime
    ends: datetime
    endings: Sequence[Ending]


class ScriptReports:
    """Adds up checklists within the caller's reach; those of an agent are their own."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def skipped(
        self, caller: Caller, code: str, asked: Asked, now: datetime
    ) -> SkippedReport:
        """
        What was skipped, by version.

        Raises:
            UnknownScript, BadPeriod.
        """
        tenant, wanted = caller.tenant, _wanted(caller, code, asked, now)
        async with self._db.begin(tenant) as tx:
            await found(tx, tenant, code, asked.version)
            runs = await checklists.runs(tx, tenant, wanted)
            scripts = {one: (await found(tx, tenant, code, one)).value for one in runs}
            tallies = await checklists.tallies(tx, tenant, wanted, list(runs))
            skippers = await checklists.skippers(tx, tenant, wanted, list(runs))
        versions = []
        for number, count in runs.items():
            counts = {
                one.item: Counts(one.done, one.missed, one.not_applicable)
                for one in tallies
                if one.version == number
            }
            items = ranked(scripts[number].items, counts)
            by_item = {one.item.code: skippers.get((number, one.item.code), ()) for one in items}
            versions.append(OfVersion(number, count, items, by_item))
        return SkippedReport(wanted.begins, wanted.ends, versions)

    async def endings(
        self, caller: Caller, code: str, asked: Asked, now: datetime
    ) -> EndingsReport:
        """
        What became of the requests that conversations opened.

        Raises:
            UnknownScript, BadPeriod.
        """
        tenant, wanted = caller.tenant, _wanted(caller, code, asked, now)
        async with self._db.begin(tenant) as tx:
            await found(tx, tenant, code, asked.version)
            rows = await checklists.endings(tx, tenant, wanted)
        by_kept = {row.kept: row for row in rows}
        both = [by_kept.get(kept, Ending(kept, 0, 0, 0, 0, 0)) for kept in (True, False)]
        return EndingsReport(wanted.begins, wanted.ends, both)


def _wanted(caller: Caller, code: str, asked: Asked, now: datetime) -> Wanted:
    begins, ends = period(asked.begins, asked.ends, now, most_days=MOST_DAYS)
    wanted = Wanted(code, begins, ends, asked.version, asked.branch, asked.agent, caller.branches)
    # Of colleagues an agent learns nothing: another's name finds nothing.
    if caller.role is Role.AGENT:
        if asked.agent is not None and asked.agent != caller.agent:
            return replace(wanted, agent="")
        return replace(wanted, agent=caller.agent or "")
    return wanted
