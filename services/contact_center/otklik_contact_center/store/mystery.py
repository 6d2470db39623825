"""Visits of mystery shoppers, and the hashes of what they showed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.domain.quality.mystery import Evidence, Fault, Proof, State, Visit
from otklik_contact_center.store.quality_tables import mystery_evidence, mystery_visit


@dataclass(frozen=True, slots=True)
class Row:
    """A visit without its words and evidence, and the words as they are sealed."""

    value: Visit
    words: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which visits a list holds; None leaves a field open."""

    state: str | None = None
    branch: str | None = None
    shopper: str | None = None
    form: str | None = None
    begins: datetime | None = None
    ends: datetime | None = None


_ALONE: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 11))")
_WORDS: Final = ("scenario", "comment", "reason")
_PLAIN: Final = [
    name for name in Visit.__dataclass_fields__ if name not in (*_WORDS, "evidence", "faults")
]
_COLUMNS: Final = [mystery_visit.c[name] for name in (*_PLAIN, "faults", "words")]


async def add(tx: AsyncConnection, tenant: str, row: Row) -> None:
    """Keep a new one."""
    await tx.execute(insert(mystery_visit).values(tenant=tenant, **_columns(row)))


async def put(tx: AsyncConnection, tenant: str, row: Row) -> None:
    """Write one that is locked."""
    table = mystery_visit
    mine = (table.c.tenant == tenant) & (table.c.id == row.value.id)
    await tx.execute(update(table).where(mine).values(_columns(row)))


async def get(tx: AsyncConnection, tenant: str, id_: UUID, *, locked: bool = False) -> Row | None:
    """A visit; its row locked if something is to be done with it."""
    rows = select(*_COLUMNS).where(mystery_visit.c.tenant == tenant, mystery_visit.c.id == id_)
    found = await tx.execute(rows.with_for_update() if locked else rows)
    row = found.mappings().one_or_none()
    return None if row is None else _row(row)


async def listed(
    tx: AsyncConnection, tenant: str, wanted: Wanted, reach: Collection[str] | None, part: Part
) -> list[Row]:
    """Visits, those assigned last first."""
    table = mystery_visit
    where: list[ColumnElement[bool]] = [table.c.tenant == tenant]
    where += [
        table.c[name] == value
        for name in ("state", "branch", "shopper", "form")
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.begins is not None:
        where.append(table.c.due_at >= wanted.begins)
    if wanted.ends is not None:
        where.append(table.c.begins_at < wanted.ends)
    if reach is not None:
        where.append(table.c.branch.in_(sorted(reach)))
    order = [table.c.made_at.desc(), table.c.id.desc()]
    found = await tx.execute(keyset(select(*_COLUMNS).where(*where), part, order=order))
    return [_row(row) for row in found.mappings()]


async def alone(tx: AsyncConnection, tenant: str) -> None:
    """Let no two reports of a company be written at a time."""
    await tx.execute(_ALONE, {"name": f"mystery evidence {tenant}"})


async def add_evidence(
    tx: AsyncConnection, tenant: str, id_: UUID, evidence: Sequence[Evidence]
) -> None:
    """Keep the hashes of what a visit has shown."""
    rows = [
        {
            "tenant": tenant,
            "visit": id_,
            "sha256": bytes.fromhex(one.sha256),
            "kind": one.kind.value,
        }
        for one in sorted(evidence, key=lambda one: one.sha256)
    ]
    if rows:
        await tx.execute(insert(mystery_evidence), rows)


async def evidence(tx: AsyncConnection, tenant: str, id_: UUID) -> list[Evidence]:
    """What a visit has shown, by hash."""
    table = mystery_evidence
    rows = select(table.c.sha256, table.c.kind).where(
        table.c.tenant == tenant, table.c.visit == id_
    )
    found = await tx.execute(rows.order_by(table.c.sha256))
    return [Evidence(bytes(row.sha256).hex(), Proof(row.kind)) for row in found]


async def shown_before(tx: AsyncConnection, tenant: str, hashes: Collection[str]) -> frozenset[str]:
    """Which of these other visits have shown."""
    table = mystery_evidence
    wanted = [bytes.fromhex(one) for one in hashes]
    rows = select(table.c.sha256).where(table.c.tenant == tenant, table.c.sha256.in_(wanted))
    return frozenset(bytes(one).hex() for one in (await tx.execute(rows)).scalars())


def _columns(row: Row) -> dict[str, Any]:
    plain = {name: getattr(row.value, name) for name in _PLAIN}
    faults = [str(one) for one in row.value.faults]
    return {**plain, "answers": dict(row.value.answers), "faults": faults, "words": row.words}


def _row(found: Any) -> Row:
    said = {name: found[name] for name in _PLAIN}
    said["state"] = State(said["state"])
    faults = tuple(Fault(one) for one in found["faults"])
    return Row(Visit(**said, faults=faults), bytes(found["words"]))
