"""Companies, branch groups, branches."""

from typing import Any

from sqlalchemy import Row, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_access.domain.kept import Kept
from otklik_access.domain.places import Branch, BranchGroup, Company
from otklik_access.store import tables
from otklik_access.store.rows import put
from otklik_common.paging import Part, keyset


async def company(tx: AsyncConnection, tenant: str) -> Kept[Company] | None:
    """The company."""
    table = tables.company
    row = (await tx.execute(select(table).where(table.c.tenant == tenant))).one_or_none()
    return None if row is None else _company(row)


async def lock_company(tx: AsyncConnection, tenant: str) -> Kept[Company] | None:
    """
    The company, locked.

    Every change of what belongs to a company locks it first: then what a change refers to cannot
    go away under it, and no two changes give the same revision.
    """
    table = tables.company
    found = await tx.execute(select(table).where(table.c.tenant == tenant).with_for_update())
    row = found.one_or_none()
    return None if row is None else _company(row)


async def hold_company(tx: AsyncConnection, tenant: str) -> Kept[Company] | None:
    """
    The company, kept from changing until this transaction ends; many may hold it at once.

    Sessions begin and go on under it: what is read afterwards is what the last change left, and
    the next change finds the tokens written here. A change that only waited for a token's row
    would not see the token that took its place.
    """
    table = tables.company
    found = await tx.execute(
        select(table).where(table.c.tenant == tenant).with_for_update(read=True)
    )
    row = found.one_or_none()
    return None if row is None else _company(row)


def _company(row: Row[Any]) -> Kept[Company]:
    value = Company(
        tenant=row.tenant,
        names=row.names,
        timezone=row.timezone,
        language=row.language,
        region=row.region,
        currency=row.currency,
        demo=row.demo,
        active=row.active,
        thresholds_seconds=tuple(row.thresholds_seconds),
        origins=tuple(row.origins),
        created_at=row.created_at,
    )
    return Kept(value, row.revision, row.recorded_at)


async def put_company(tx: AsyncConnection, kept: Kept[Company]) -> None:
    """Keep a revision of the company."""
    value = kept.value
    await put(
        tx,
        tables.company,
        kept,
        {
            "tenant": value.tenant,
            "names": value.names,
            "timezone": value.timezone,
            "language": value.language,
            "region": value.region,
            "currency": value.currency,
            "demo": value.demo,
            "active": value.active,
            "thresholds_seconds": list(value.thresholds_seconds),
            "origins": list(value.origins),
            "created_at": value.created_at,
        },
    )


async def group(tx: AsyncConnection, tenant: str, code: str) -> Kept[BranchGroup] | None:
    """The branch group of that code, also one that was removed."""
    table = tables.branch_group
    found = await tx.execute(select(table).where(table.c.tenant == tenant, table.c.code == code))
    row = found.one_or_none()
    return None if row is None else _group(row)


async def groups(tx: AsyncConnection, tenant: str, part: Part) -> list[Kept[BranchGroup]]:
    """Branch groups in the order of their codes."""
    table = tables.branch_group
    rows = select(table).where(table.c.tenant == tenant, ~table.c.void)
    rows = keyset(rows, part, order=(table.c.code,))
    return [_group(row) for row in await tx.execute(rows)]


async def group_codes(tx: AsyncConnection, tenant: str) -> frozenset[str]:
    """Codes of every branch group."""
    table = tables.branch_group
    return frozenset(
        await tx.scalars(select(table.c.code).where(table.c.tenant == tenant, ~table.c.void))
    )


def _group(row: Row[Any]) -> Kept[BranchGroup]:
    value = BranchGroup(code=row.code, grouping=row.grouping, names=row.names, active=row.active)
    return Kept(value, row.revision, row.recorded_at, row.void)


async def put_group(tx: AsyncConnection, tenant: str, kept: Kept[BranchGroup]) -> None:
    """Keep a revision of a branch group."""
    value = kept.value
    await put(
        tx,
        tables.branch_group,
        kept,
        {
            "tenant": tenant,
            "code": value.code,
            "grouping": value.grouping,
            "names": value.names,
            "active": value.active,
        },
    )


async def branch(tx: AsyncConnection, tenant: str, code: str) -> Kept[Branch] | None:
    """The branch of that code, also one that was removed."""
    table = tables.branch
    found = await tx.execute(select(table).where(table.c.tenant == tenant, table.c.code == code))
    row = found.one_or_none()
    return None if row is None else _branch(row)


async def branches(
    tx: AsyncConnection, tenant: str, part: Part, *, reach: frozenset[str] | None
) -> list[Kept[Branch]]:
    """Branches within `reach` (None: every one) in the order of their codes."""
    table = tables.branch
    rows = select(table).where(table.c.tenant == tenant, ~table.c.void)
    if reach is not None:
        rows = rows.where(table.c.code.in_(sorted(reach)))
    return [_branch(row) for row in await tx.execute(keyset(rows, part, order=(table.c.code,)))]


async def branches_with_days(tx: AsyncConnection, tenant: str) -> list[Kept[Branch]]:
    """Branches in the company's own zone whose work has a first or a last day."""
    table = tables.branch
    rows = select(table).where(
        table.c.tenant == tenant,
        ~table.c.void,
        table.c.timezone.is_(None),
        or_(table.c.opened_on.is_not(None), table.c.closed_on.is_not(None)),
    )
    return [_branch(row) for row in await tx.execute(rows)]


async def branch_codes(tx: AsyncConnection, tenant: str) -> dict[str, frozenset[str]]:
    """The groups of every branch, by the branch's code."""
    table = tables.branch
    rows = await tx.execute(
        select(table.c.code, table.c.groups).where(table.c.tenant == tenant, ~table.c.void)
    )
    return {code: frozenset(in_groups) for code, in_groups in rows}


async def branch_of_calendar(tx: AsyncConnection, tenant: str, calendar: str) -> str | None:
    """A branch that counts by a calendar; None if none does."""
    table = tables.branch
    found: str | None = await tx.scalar(
        select(table.c.code)
        .where(table.c.tenant == tenant, table.c.calendar == calendar, ~table.c.void)
        .order_by(table.c.code)
        .limit(1)
    )
    return found


def _branch(row: Row[Any]) -> Kept[Branch]:
    value = Branch(
        code=row.code,
        names=row.names,
        groups=tuple(row.groups),
        timezone=row.timezone,
        calendar=row.calendar,
        opened_on=row.opened_on,
        closed_on=row.closed_on,
        active=row.active,
    )
    return Kept(value, row.revision, row.recorded_at, row.void)


async def put_branch(tx: AsyncConnection, tenant: str, kept: Kept[Branch]) -> None:
    """Keep a revision of a branch."""
    value = kept.value
    await put(
        tx,
        tables.branch,
        kept,
        {
            "tenant": tenant,
            "code": value.code,
            "names": value.names,
            "groups": list(value.groups),
            "timezone": value.timezone,
            "calendar": value.calendar,
            "opened_on": value.opened_on,
            "closed_on": value.closed_on,
            "active": value.active,
        },
    )


async def install(tx: AsyncConnection, tenant: str) -> bool:
    """
    Mark the first start as made by this transaction; False if another has made it.

    Whoever comes second waits here until the first has committed or failed.
    """
    table = tables.installation
    once = insert(table).values(id=1, company=tenant, started_at=func.now())
    made = await tx.execute(once.on_conflict_do_nothing().returning(table.c.id))
    return made.one_or_none() is not None


async def installed(tx: AsyncConnection) -> str | None:
    """Company of the first start, once it was made."""
    found: str | None = await tx.scalar(select(tables.installation.c.company))
    return found
