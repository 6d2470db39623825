"""Programmes of asking, and the rules of quarantine beside them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_feedback.domain.asking.programme import (
    AskChannel,
    Counted,
    Programme,
    Quota,
    Trigger,
)
from otklik_feedback.domain.asking.quarantine import Quarantine
from otklik_feedback.store.asking_tables import programmes, quarantines
from otklik_feedback.store.sets import array


@dataclass(frozen=True, slots=True)
class Kept:
    """A programme as it is kept; its revision grows with every change, from 1."""

    programme: Programme
    revision: int


@dataclass(frozen=True, slots=True)
class KeptQuarantine:
    """A company's rules; revision 0 while it has said none."""

    rules: Quarantine
    revision: int


_COLUMNS = (programmes.c.code, programmes.c.revision, programmes.c.body)
NOT_SAID = KeptQuarantine(Quarantine(), 0)


async def get(tx: AsyncConnection, tenant: str, code: str, *, lock: bool = False) -> Kept | None:
    """A programme; with `lock` ours until the end of `tx`."""
    rows = select(*_COLUMNS).where(programmes.c.tenant == tenant, programmes.c.code == code)
    row = (await tx.execute(rows.with_for_update() if lock else rows)).one_or_none()
    return None if row is None else _kept(row)


async def part(tx: AsyncConnection, tenant: str, wanted: Part) -> list[Kept]:
    """A part of the list, by code, and one more."""
    rows = select(*_COLUMNS).where(programmes.c.tenant == tenant)
    return [
        _kept(row) for row in await tx.execute(keyset(rows, wanted, order=(programmes.c.code,)))
    ]


async def count(tx: AsyncConnection, tenant: str) -> int:
    """How many a company has."""
    rows = select(func.count()).where(programmes.c.tenant == tenant)
    return int((await tx.execute(rows)).scalar_one())


async def put(tx: AsyncConnection, tenant: str, kept: Kept, now: datetime) -> None:
    """Write a programme, new or known."""
    new = upsert(programmes).values(
        tenant=tenant,
        code=kept.programme.code,
        revision=kept.revision,
        body=_written(kept.programme),
        changed_at=now,
    )
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=[programmes.c.tenant, programmes.c.code],
            set_={name: new.excluded[name] for name in ("revision", "body", "changed_at")},
        )
    )


async def of_companies(
    tx: AsyncConnection, tenants: Collection[str]
) -> dict[str, dict[str, Programme]]:
    """All programmes of some companies, by company and code."""
    rows = select(programmes.c.tenant, *_COLUMNS).where(
        programmes.c.tenant == array(programmes, "tenant", sorted(set(tenants)))
    )
    found: dict[str, dict[str, Programme]] = {}
    for row in await tx.execute(rows):
        found.setdefault(row.tenant, {})[row.code] = _kept(row).programme
    return found


# --- Rules --------------------------------------------------------------------------------------


async def quarantine(tx: AsyncConnection, tenant: str, *, lock: bool = False) -> KeptQuarantine:
    """The rules of a company."""
    rows = select(quarantines.c.revision, quarantines.c.body).where(quarantines.c.tenant == tenant)
    row = (await tx.execute(rows.with_for_update() if lock else rows)).one_or_none()
    return NOT_SAID if row is None else KeptQuarantine(Quarantine(**row.body), row.revision)


async def put_quarantine(
    tx: AsyncConnection, tenant: str, kept: KeptQuarantine, now: datetime
) -> None:
    """Write the rules of a company."""
    rules = kept.rules
    new = upsert(quarantines).values(
        tenant=tenant,
        revision=kept.revision,
        body={
            "person_days": rules.person_days,
            "metric_days": dict(rules.metric_days),
            "channel_days": dict(rules.channel_days),
        },
        changed_at=now,
    )
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=[quarantines.c.tenant],
            set_={name: new.excluded[name] for name in ("revision", "body", "changed_at")},
        )
    )


async def quarantines_of(tx: AsyncConnection, tenants: Collection[str]) -> dict[str, Quarantine]:
    """The rules of those companies that have said some."""
    rows = select(quarantines.c.tenant, quarantines.c.body).where(
        quarantines.c.tenant == array(quarantines, "tenant", sorted(set(tenants)))
    )
    return {row.tenant: Quarantine(**row.body) for row in await tx.execute(rows)}


# --- Rows ---------------------------------------------------------------------------------------


def _written(one: Programme) -> dict[str, Any]:
    return {
        "survey": str(one.survey),
        "trigger": one.trigger.value,
        "channels": [channel.value for channel in one.channels],
        "since": one.since.isoformat(),
        "filters": {name: list(values) for name, values in one.filters.items()},
        "delay_seconds": _seconds(one.delay),
        "business": one.business,
        "sample_micro": one.sample_micro,
        "language": one.language,
        "priority": one.priority,
        "wait_seconds": _seconds(one.wait),
        "late_seconds": _seconds(one.late),
        "reminders_seconds": [_seconds(each) for each in one.reminders],
        "expires_days": one.expires_days,
        "quotas": [
            {
                "counted": quota.counted.value,
                "most": quota.most,
                "by_branch": quota.by_branch,
                "monthly": quota.monthly,
            }
            for quota in one.quotas
        ],
        "single_use": one.single_use,
        "active": one.active,
    }


def _kept(row: Any) -> Kept:
    said: Mapping[str, Any] = row.body
    return Kept(
        Programme(
            code=row.code,
            survey=UUID(said["survey"]),
            trigger=Trigger(said["trigger"]),
            channels=tuple(map(AskChannel, said["channels"])),
            since=datetime.fromisoformat(said["since"]),
            filters={name: tuple(values) for name, values in said["filters"].items()},
            delay=timedelta(seconds=said["delay_seconds"]),
            business=said["business"],
            sample_micro=said["sample_micro"],
            language=said["language"],
            priority=said["priority"],
            wait=timedelta(seconds=said["wait_seconds"]),
            late=timedelta(seconds=said["late_seconds"]),
            reminders=tuple(timedelta(seconds=each) for each in said["reminders_seconds"]),
            expires_days=said["expires_days"],
            quotas=tuple(
                Quota(Counted(each["counted"]), each["most"], each["by_branch"], each["monthly"])
                for each in said["quotas"]
            ),
            single_use=said["single_use"],
            active=said["active"],
        ),
        row.revision,
    )


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
