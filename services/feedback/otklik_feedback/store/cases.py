"""Cases and what happened to them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Table, delete, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.events.feedback import CaseState
from otklik_common.paging import Part, keyset
from otklik_feedback.domain.case import NAMELESS, Case, Step
from otklik_feedback.store.claim_tables import claims
from otklik_feedback.store.review_tables import reviews
from otklik_feedback.store.sets import Row, array, given
from otklik_feedback.store.sets import add as add_rows
from otklik_feedback.store.tables import answers, case_events, cases

Key = tuple[str, str]
"""Who is unhappy, and where: the person and the place, blank for none."""


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """
    One step of a case.

    Attributes:
        number: From 1 upwards.
        answer, review, claim: What opened or joined it.
        note: Sealed.
    """

    case: UUID
    number: int
    step: Step
    at: datetime
    recorded_at: datetime
    actor: str
    answer: UUID | None = None
    reason: str | None = None
    note: bytes | None = None
    review: UUID | None = None
    claim: UUID | None = None


_PLAIN: Final = (
    "id",
    "revision",
    "answer",
    "contact",
    "reason",
    "person",
    "level",
    "opened_at",
    "due_at",
    "contacted_at",
    "closed_at",
    "resolution",
    "steps",
    "recorded_at",
    "review",
    "claim",
)
_COLUMNS: Final = (
    "tenant",
    *_PLAIN,
    "place",
    "state",
    "dimensions",
    "identifiers",
    "branch",
    "agent",
)
_READ: Final = tuple(cases.c[name] for name in (*_PLAIN, "state", "dimensions", "identifiers"))


def key_of(case: Case) -> Key:
    """What makes two open cases one."""
    return case.person, case.place


async def open_of(tx: AsyncConnection, tenant: str, keys: Collection[Key]) -> dict[Key, Case]:
    """
    The open cases of these customers and places, locked.

    A case that was opened before its customer was known is theirs as soon as they are, unless
    one bears their name.
    """
    rows = [{"person": person, "place": place} for person, place in keys]
    wanted = given(cases, ("person", "place"), rows)
    is_open = (cases.c.tenant == tenant) & text("state <> 'closed'")
    of_name = (wanted.c.person == cases.c.person) & (wanted.c.place == cases.c.place)
    named = await tx.execute(
        select(*_READ)
        .join(wanted, of_name)
        .where(is_open)
        .order_by(cases.c.id)
        .with_for_update(of=cases)
    )
    standing = {key_of(case): case for case in map(_case, named)}
    customer = cases.c.identifiers[0].astext
    nameless = await tx.execute(
        select(*_READ, customer.label("customer"))
        .where(is_open, or_(*(_begins(cases.c.person, prefix) for prefix in NAMELESS)))
        .where(customer == array(cases, "person", {person for person, _ in keys}))
        .order_by(cases.c.id)
        .with_for_update()
    )
    for row in nameless:
        case = _case(row)
        key = (row.customer, case.touchpoint or "")
        if key in keys:
            standing.setdefault(key, case)
    return standing


def _begins(text_: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """As a range, which the index can answer."""
    return (text_ >= prefix) & (text_ < prefix[:-1] + chr(ord(prefix[-1]) + 1))


async def add(tx: AsyncConnection, tenant: str, new: Iterable[Case]) -> set[UUID]:
    """Insert cases; returns the ids of those inserted: others have just been opened."""
    ordered = sorted(new, key=key_of)
    source = given(cases, _COLUMNS, [_row(tenant, case) for case in ordered])
    added = await tx.execute(
        upsert(cases)
        .from_select(list(_COLUMNS), select(*source.c))
        .on_conflict_do_nothing()
        .returning(cases.c.id)
    )
    return set(added.scalars())


async def put(tx: AsyncConnection, changed: Iterable[tuple[str, Case]]) -> None:
    """Write locked cases, with their tenants."""
    source = given(cases, _COLUMNS, [_row(tenant, case) for tenant, case in changed])
    await tx.execute(
        update(cases)
        .values({name: source.c[name] for name in _COLUMNS if name not in {"tenant", "id"}})
        .where(cases.c.tenant == source.c.tenant, cases.c.id == source.c.id)
    )


async def add_events(tx: AsyncConnection, tenant: str, events: Sequence[CaseEvent]) -> None:
    """Keep steps."""
    rows = [
        {
            "tenant": tenant,
            "case": event.case,
            "number": event.number,
            "step": event.step.value,
            "at": event.at,
            "recorded_at": event.recorded_at,
            "actor": event.actor,
            "answer": event.answer,
            "reason": event.reason,
            "note": event.note,
            "review": event.review,
            "claim": event.claim,
        }
        for event in events
    ]
    await add_rows(tx, case_events, rows)


async def opened_by(
    tx: AsyncConnection, wanted: Collection[tuple[str, UUID]]
) -> list[tuple[str, Case]]:
    """Cases that these answers (tenant, answer) opened, with their tenants, locked by id."""
    rows = [{"tenant": tenant, "answer": answer} for tenant, answer in wanted]
    source = given(cases, ("tenant", "answer"), rows)
    found = await tx.execute(
        select(cases.c.tenant, *_READ)
        .join(source, (source.c.tenant == cases.c.tenant) & (source.c.answer == cases.c.answer))
        .order_by(cases.c.tenant, cases.c.id)
        .with_for_update(of=cases)
    )
    return [(row.tenant, _case(row)) for row in found]


async def get(tx: AsyncConnection, tenant: str, id_: UUID, *, lock: bool = False) -> Case | None:
    """A case; with `lock` until the end of `tx`."""
    wanted = select(*_READ).where(cases.c.tenant == tenant, cases.c.id == id_)
    row = (await tx.execute(wanted.with_for_update() if lock else wanted)).one_or_none()
    return None if row is None else _case(row)


async def opened_for(
    tx: AsyncConnection, tenant: str, opener: Literal["review", "claim"], id_: UUID
) -> UUID | None:
    """The newest case that a review or a claim opened; None where it opened none."""
    found: UUID | None = await tx.scalar(
        select(cases.c.id)
        .where(cases.c.tenant == tenant, cases.c[opener] == id_)
        .order_by(cases.c.opened_at.desc(), cases.c.id.desc())
        .limit(1)
    )
    return found


async def events_of(tx: AsyncConnection, tenant: str, id_: UUID) -> list[CaseEvent]:
    """The steps of a case, in order."""
    found = await tx.execute(
        select(case_events)
        .where(case_events.c.tenant == tenant, case_events.c.case == id_)
        .order_by(case_events.c.number)
    )
    return [
        CaseEvent(
            row.case,
            row.number,
            Step(row.step),
            row.at,
            row.recorded_at,
            row.actor,
            row.answer,
            row.reason,
            row.note,
            row.review,
            row.claim,
        )
        for row in found
    ]


async def of_answer(tx: AsyncConnection, tenant: str, answer: UUID) -> list[UUID]:
    """Cases that an answer opened or joined, the newest last."""
    found = await tx.execute(
        select(case_events.c.case)
        .where(case_events.c.tenant == tenant, case_events.c.answer == answer)
        .order_by(case_events.c.recorded_at)
    )
    return list(dict.fromkeys(found.scalars()))


@dataclass(frozen=True, slots=True)
class Filters:
    """Which cases are wanted; None means any."""

    state: CaseState | None = None
    overdue_at: datetime | None = None
    branch: str | None = None
    agent: str | None = None
    review: UUID | None = None
    claim: UUID | None = None
    branches: frozenset[str] | None = None


async def part(tx: AsyncConnection, tenant: str, filters: Filters, wanted: Part) -> list[Case]:
    """A part of the list, the newest first, and one more."""
    rows = select(*_READ).where(cases.c.tenant == tenant, *_where(filters))
    order = (cases.c.opened_at.desc(), cases.c.id.desc())
    return [_case(row) for row in await tx.execute(keyset(rows, wanted, order=order))]


def _where(filters: Filters) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [
        cases.c[name] == value
        for name in ("state", "branch", "agent", "review", "claim")
        if (value := getattr(filters, name)) is not None
    ]
    if filters.overdue_at is not None:
        wanted += [cases.c.state != "closed", cases.c.due_at <= filters.overdue_at]
    if filters.branches is not None:
        wanted.append(cases.c.branch == array(cases, "branch", filters.branches))
    return wanted


Opener = Literal["answer", "review", "claim"]

_OPENERS: Final[dict[Opener, Table]] = {"answer": answers, "review": reviews, "claim": claims}


async def demo(
    tx: AsyncConnection, tenant: str, opener: Opener, taken: Collection[UUID]
) -> list[Case]:
    """
    Cases that these opened or joined, if none but the demo's did; locked by id.

    Three look-ups by key, never a join: the planner may still take these tables for as small as
    they were before the demo came, and would read one whole for every row of another.
    """
    by_opener = case_events.c[opener] == array(case_events, opener, taken)
    touched = await tx.scalars(
        select(case_events.c.case).distinct().where(case_events.c.tenant == tenant, by_opener)
    )
    touched_ids = touched.all()
    found = await tx.execute(
        select(*_READ)
        .where(cases.c.tenant == tenant, cases.c.id == array(cases, "id", touched_ids))
        .order_by(cases.c.id)
        .with_for_update()
    )
    shared = await _joined_by_others(tx, tenant, opener, touched_ids)
    return [_case(row) for row in found if row.id not in shared]


async def _joined_by_others(
    tx: AsyncConnection, tenant: str, opener: Opener, touched: Collection[UUID]
) -> set[UUID]:
    """Those of the cases that something other than the demo's opened or joined."""
    steps = await tx.execute(
        select(case_events.c.case, case_events.c[opener]).where(
            case_events.c.tenant == tenant,
            case_events.c.case == array(case_events, "case", touched),
            case_events.c[opener].is_not(None),
        )
    )
    cases_by_opener: dict[UUID, set[UUID]] = {}
    for case, by in steps:
        cases_by_opener.setdefault(by, set()).add(case)
    openers = _OPENERS[opener]
    others = await tx.scalars(
        select(openers.c.id).where(
            openers.c.tenant == tenant,
            openers.c.id == array(openers, "id", cases_by_opener),
            text("NOT starts_with(reference, 'demo-')"),
        )
    )
    return set().union(*(cases_by_opener[by] for by in others))


async def remove(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> None:
    """Delete cases; their steps go with them."""
    await tx.execute(
        delete(cases).where(cases.c.tenant == tenant, cases.c.id == array(cases, "id", ids))
    )


def _row(tenant: str, case: Case) -> Row:
    return {
        "tenant": tenant,
        **{name: getattr(case, name) for name in _PLAIN},
        "place": case.place,
        "state": case.state.value,
        "dimensions": dict(case.dimensions),
        "identifiers": list(case.identifiers),
        "branch": case.dimensions.get("branch"),
        "agent": case.dimensions.get("agent"),
    }


def _case(row: Any) -> Case:
    plain = {name: getattr(row, name) for name in _PLAIN}
    return Case(
        **plain,
        state=CaseState(row.state),
        dimensions=row.dimensions,
        identifiers=tuple(row.identifiers),
    )
