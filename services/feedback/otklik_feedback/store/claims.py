"""Claims, what happened to them, and legal terms by kind."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, and_, delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.events.claims import ClaimState, Severity, Wish
from otklik_common.paging import Part, keyset
from otklik_feedback.domain.claim import Claim, Opening
from otklik_feedback.store.answers import Sealed as Person
from otklik_feedback.store.claim_tables import claim_kinds, claim_steps, claims
from otklik_feedback.store.clock_tables import clock
from otklik_feedback.store.sets import add as add_rows
from otklik_feedback.store.sets import array


@dataclass(frozen=True, slots=True)
class StepRow:
    """
    Something that happened to a claim.

    Attributes:
        note: Sealed.
    """

    number: int
    step: str
    at: datetime
    recorded_at: datetime
    actor: str
    reason: str | None = None
    note: bytes | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A claim in a list; `due_at` is the first moment by which something is promised about it."""

    claim: Claim
    due_at: datetime | None


_PLAIN: Final = (
    "id",
    "reference",
    "revision",
    "digest",
    "sender",
    "claim_kind",
    "topic",
    "currency",
    "amount_minor",
    "contact",
    "received_at",
    "reacted_at",
    "outcome",
    "term_days",
    "zone",
    "steps",
    "last_at",
    "recorded_at",
)
_READ: Final = tuple(
    claims.c[name]
    for name in (*_PLAIN, "severity", "wish", "dimensions", "identifiers", "openings")
)
_NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""After everything that is due."""


async def locked(tx: AsyncConnection, tenant: str, id_: UUID) -> Claim | None:
    """A claim, locked; None if there is none."""
    found = await tx.execute(
        select(*_READ).where(claims.c.tenant == tenant, claims.c.id == id_).with_for_update()
    )
    row = found.one_or_none()
    return None if row is None else _claim(row)


async def add(
    tx: AsyncConnection, tenant: str, claim: Claim, sealed: bytes | None, person: Person
) -> bool:
    """Insert a claim; False where somebody has just done so."""
    personal = {"phone": person.phone, "email": person.email, "external": person.external}
    row = {"tenant": tenant, **_row(claim), "text": sealed, **personal}
    added = await tx.execute(
        upsert(claims).values(row).on_conflict_do_nothing().returning(claims.c.id)
    )
    return added.one_or_none() is not None


async def put(tx: AsyncConnection, tenant: str, claim: Claim) -> None:
    """Write a claim that is locked."""
    await tx.execute(
        update(claims).values(_row(claim)).where(claims.c.tenant == tenant, claims.c.id == claim.id)
    )


async def add_step(tx: AsyncConnection, tenant: str, claim: UUID, step: StepRow) -> None:
    """Keep a step."""
    row = {name: getattr(step, name) for name in StepRow.__dataclass_fields__}
    await add_rows(tx, claim_steps, [{"tenant": tenant, "claim": claim, **row}])


async def get(
    tx: AsyncConnection, tenant: str, id_: UUID
) -> tuple[Listed, bytes | None, Person] | None:
    """A claim with its words and whoever claims, sealed."""
    personal = [claims.c[name] for name in ("text", "phone", "email", "external")]
    found = await tx.execute(
        select(*_READ, _due().label("due_at"), *personal).where(
            claims.c.tenant == tenant, claims.c.id == id_
        )
    )
    row = found.one_or_none()
    if row is None:
        return None
    person = Person(phone=row.phone, email=row.email, external=row.external)
    return Listed(_claim(row), row.due_at), row.text, person


class Claimant(NamedTuple):
    """Whoever claims, sealed, and the branch of the claim."""

    branch: str | None
    person: Person


async def people(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> dict[UUID, Claimant]:
    """Whoever claims, by claim."""
    if not ids:
        return {}
    columns = [claims.c[name] for name in ("id", "branch", "phone", "email", "external")]
    found = await tx.execute(
        select(*columns).where(claims.c.tenant == tenant, claims.c.id == array(claims, "id", ids))
    )
    return {
        row.id: Claimant(
            row.branch, Person(phone=row.phone, email=row.email, external=row.external)
        )
        for row in found
    }


async def steps(tx: AsyncConnection, tenant: str, id_: UUID) -> list[StepRow]:
    """The steps of a claim, in order."""
    columns = [claim_steps.c[name] for name in StepRow.__dataclass_fields__]
    found = await tx.execute(
        select(*columns)
        .where(claim_steps.c.tenant == tenant, claim_steps.c.claim == id_)
        .order_by(claim_steps.c.number)
    )
    return [StepRow(*row) for row in found]


@dataclass(frozen=True, slots=True)
class Filters:
    """
    Which claims are wanted; None means any.

    Attributes:
        due_first: Those that are not worked off, whatever is due first before the others; else
            all, the newest first.
    """

    state: ClaimState | None = None
    severity: Severity | None = None
    claim_kind: str | None = None
    topic: str | None = None
    branch: str | None = None
    agent: str | None = None
    overdue_at: datetime | None = None
    due_first: bool = False
    branches: frozenset[str] | None = None


async def part(tx: AsyncConnection, tenant: str, filters: Filters, wanted: Part) -> list[Listed]:
    """A part of the list, and one more."""
    rows = select(*_READ, _due().label("due_at")).where(claims.c.tenant == tenant, *_where(filters))
    if filters.due_first:
        rows = rows.where(claims.c.state != ClaimState.WORKED_OFF.value)
        due = func.coalesce(_due(), literal(_NEVER, clock.c.due_at.type))
        found = await tx.execute(keyset(rows, wanted, order=(due, claims.c.id)))
    else:
        order = (claims.c.received_at.desc(), claims.c.id.desc())
        found = await tx.execute(keyset(rows, wanted, order=order))
    return [Listed(_claim(row), row.due_at) for row in found]


def place_of(listed: Listed, *, due_first: bool) -> tuple[datetime, UUID]:
    """Where a claim stands in the list."""
    if due_first:
        return listed.due_at or _NEVER, listed.claim.id
    return listed.claim.received_at, listed.claim.id


def _due() -> Any:
    running = and_(
        clock.c.tenant == claims.c.tenant,
        clock.c.matter == claims.c.id,
        ~clock.c.void,
        clock.c.state.in_(("pending", "imminent", "breaching")),
    )
    return select(func.min(clock.c.due_at)).where(running).correlate(claims).scalar_subquery()


def _where(filters: Filters) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [
        claims.c[name] == value
        for name in ("state", "severity", "claim_kind", "topic", "branch", "agent")
        if (value := getattr(filters, name)) is not None
    ]
    if filters.overdue_at is not None:
        wanted.append(_due() < filters.overdue_at)
    if filters.branches is not None:
        wanted.append(claims.c.branch == array(claims, "branch", filters.branches))
    return wanted


# --- Taking out ---------------------------------------------------------------------------------


async def demo(tx: AsyncConnection, tenant: str, most: int) -> list[Claim]:
    """Some claims of the demo, locked."""
    found = await tx.execute(
        select(*_READ)
        .where(claims.c.tenant == tenant, text("starts_with(reference, 'demo-')"))
        .order_by(claims.c.id)
        .limit(most)
        .with_for_update()
    )
    return [_claim(row) for row in found]


async def remove(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> None:
    """Delete claims with their steps."""
    gone = claims.c.id == array(claims, "id", ids)
    await tx.execute(delete(claims).where(claims.c.tenant == tenant, gone))


# --- Legal terms --------------------------------------------------------------------------------


async def kinds(tx: AsyncConnection, tenant: str) -> dict[str, int | None]:
    """Calendar days by kind, as the company declared them."""
    found = await tx.execute(
        select(claim_kinds.c.code, claim_kinds.c.days)
        .where(claim_kinds.c.tenant == tenant)
        .order_by(claim_kinds.c.code)
    )
    return {row.code: row.days for row in found}


async def put_kind(
    tx: AsyncConnection, tenant: str, code: str, days: int | None, now: datetime
) -> None:
    """Declare a kind, or another term of one."""
    new = upsert(claim_kinds).values(tenant=tenant, code=code, days=days, recorded_at=now)
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=["tenant", "code"],
            set_={name: new.excluded[name] for name in ("days", "recorded_at")},
        )
    )


# --- Rows ---------------------------------------------------------------------------------------


def _row(claim: Claim) -> dict[str, Any]:
    return {
        **{name: getattr(claim, name) for name in _PLAIN},
        "severity": claim.severity.value,
        "wish": None if claim.wish is None else claim.wish.value,
        "state": claim.state.value,
        "dimensions": dict(claim.dimensions),
        "identifiers": list(claim.identifiers),
        "branch": claim.branch,
        "agent": claim.dimensions.get("agent"),
        "openings": msgspec.to_builtins(claim.openings),
    }


def _claim(row: Any) -> Claim:
    return Claim(
        **{name: getattr(row, name) for name in _PLAIN},
        severity=Severity(row.severity),
        wish=None if row.wish is None else Wish(row.wish),
        dimensions=row.dimensions,
        identifiers=tuple(row.identifiers),
        openings=msgspec.convert(row.openings, tuple[Opening, ...]),
    )
