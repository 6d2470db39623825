"""The ledger: accounts with their balances, transfers and entries that are never changed."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_loyalty.domain.ledger import (
    Account,
    Balance,
    Entry,
    Holder,
    Movement,
    Transfer,
    account_of,
    debt_of,
    programme,
)
from otklik_loyalty.store.sets import array, given
from otklik_loyalty.store.tables import account, entry, transfer


@dataclass(frozen=True, slots=True)
class Moved:
    """
    One line of a customer's journal.

    Attributes:
        seq: Grows with every movement of the customer.
        points: Got (+) or given (−).
        owed: The part of `points` that grew (−) or paid (+) a debt instead of the balance.
    """

    seq: int
    id: UUID
    movement: Movement
    reason: str
    points: int
    owed: int
    moved_at: datetime
    recorded_at: datetime
    reverses: UUID | None
    purchase: UUID | None
    actor: str


async def lock(
    tx: AsyncConnection, tenant: str, customers: Collection[UUID]
) -> dict[UUID, Balance]:
    """
    Open what accounts are missing, lock those of the customers in the order of their ids.

    Every writer of points comes through here first, so no two of them wait for each other.
    """
    pairs = {c: (account_of(tenant, c), debt_of(tenant, c)) for c in customers}
    wanted = sorted((a for pair in pairs.values() for a in pair), key=lambda a: a.id)
    balances = await _locked(tx, tenant, wanted)
    missing = [a for a in wanted if a.id not in balances]
    if missing:
        await _open(tx, tenant, [*missing, programme(tenant)])
        balances = await _locked(tx, tenant, wanted)
    return {
        c: Balance(points=balances[own.id], owed=-balances[debt.id])
        for c, (own, debt) in pairs.items()
    }


async def _locked(tx: AsyncConnection, tenant: str, wanted: Sequence[Account]) -> dict[UUID, int]:
    rows = await tx.execute(
        select(account.c.id, account.c.balance)
        .where(
            account.c.tenant == tenant,
            account.c.id == array(account, "id", [a.id for a in wanted]),
        )
        .order_by(account.c.id)
        .with_for_update(key_share=True)
    )
    return {row.id: row.balance for row in rows}


async def _open(tx: AsyncConnection, tenant: str, accounts: Iterable[Account]) -> None:
    rows = [
        {
            "tenant": tenant,
            "id": each.id,
            "holder": each.holder.value,
            "customer": each.customer,
            "balance": None if each.holder is Holder.PROGRAMME else 0,
        }
        for each in sorted(accounts, key=lambda a: a.id)
    ]
    source = given(account, ("tenant", "id", "holder", "customer", "balance"), rows)
    await tx.execute(
        upsert(account).from_select(source.c.keys(), select(*source.c)).on_conflict_do_nothing()
    )


async def add(
    tx: AsyncConnection,
    tenant: str,
    transfers: Sequence[Transfer],
    *,
    actor: str,
    recorded_at: datetime,
) -> set[UUID]:
    """
    Write transfers and their entries, and move the balances.

    The accounts must be locked.

    Returns:
        Ids of those written. A transfer whose id, or whose reversal, stands already is left
        out, entries and all.
    """
    rows = [
        {
            "tenant": tenant,
            "id": each.id,
            "customer": each.customer,
            "movement": each.movement.value,
            "reason": each.reason,
            "reverses": each.reverses,
            "purchase": each.purchase,
            "actor": actor,
            "moved_at": each.moved_at,
            "recorded_at": recorded_at,
        }
        for each in transfers
    ]
    source = given(transfer, tuple(rows[0]), rows)
    written = await tx.execute(
        upsert(transfer)
        .from_select(source.c.keys(), select(*source.c))
        .on_conflict_do_nothing()
        .returning(transfer.c.id)
    )
    new = set(written.scalars())
    await _add_entries(tx, tenant, [each for each in transfers if each.id in new])
    return new


async def _add_entries(tx: AsyncConnection, tenant: str, transfers: Sequence[Transfer]) -> None:
    if not transfers:
        return
    rows = [
        {"tenant": tenant, "transfer": each.id, "account": e.account.id, "amount": e.amount}
        for each in transfers
        for e in each.entries
    ]
    source = given(entry, ("tenant", "transfer", "account", "amount"), rows)
    await tx.execute(insert(entry).from_select(source.c.keys(), select(*source.c)))
    moved: dict[UUID, int] = {}
    for each in transfers:
        for e in each.entries:
            if e.account.holder is not Holder.PROGRAMME:
                moved[e.account.id] = moved.get(e.account.id, 0) + e.amount
    changes = [{"id": id_, "balance": amount} for id_, amount in sorted(moved.items()) if amount]
    if not changes:
        return
    change = given(account, ("id", "balance"), changes)
    after = account.c.balance + change.c.balance
    done = await tx.execute(
        update(account)
        .values(balance=after)
        .where(account.c.tenant == tenant, account.c.id == change.c.id)
        .where(case((account.c.holder == Holder.CUSTOMER, after >= 0), else_=after <= 0))
    )
    # Rules have decided on locked balances; whoever forgot to lock changes nothing at all.
    assert done.rowcount == len(changes), "a balance would fall below 0 or a debt rise above it"


async def get(tx: AsyncConnection, tenant: str, id_: UUID) -> Transfer | None:
    """A transfer with its entries."""
    head = (
        await tx.execute(select(transfer).where(transfer.c.tenant == tenant, transfer.c.id == id_))
    ).one_or_none()
    if head is None:
        return None
    parts = await tx.execute(
        select(account.c.id, account.c.holder, account.c.customer, entry.c.amount)
        .join_from(
            entry,
            account,
            (entry.c.tenant == account.c.tenant) & (entry.c.account == account.c.id),
        )
        .where(entry.c.tenant == tenant, entry.c.transfer == id_)
        .order_by(account.c.id)
    )
    return Transfer(
        id=head.id,
        customer=head.customer,
        movement=Movement(head.movement),
        reason=head.reason,
        moved_at=head.moved_at,
        entries=tuple(
            Entry(Account(row.id, Holder(row.holder), row.customer), row.amount) for row in parts
        ),
        reverses=head.reverses,
        purchase=head.purchase,
    )


async def balance_of(tx: AsyncConnection, tenant: str, customer: UUID) -> Balance:
    """What a customer has and owes; nothing where no point was ever moved."""
    rows = await tx.execute(
        select(account.c.holder, account.c.balance).where(
            account.c.tenant == tenant, account.c.customer == customer
        )
    )
    found = {row.holder: row.balance for row in rows}
    return Balance(found.get(Holder.CUSTOMER, 0), -found.get(Holder.DEBT, 0))


async def journal(tx: AsyncConnection, tenant: str, customer: UUID, part: Part) -> list[Moved]:
    """Movements of a customer, newest first."""
    pool, debt = programme(tenant).id, debt_of(tenant, customer).id
    amount = entry.c.amount
    mine = select(transfer).where(transfer.c.tenant == tenant, transfer.c.customer == customer)
    page = keyset(mine, part, order=[transfer.c.seq.desc()]).subquery()
    rows = await tx.execute(
        select(
            page,
            func.coalesce(-func.sum(amount).filter(entry.c.account == pool), 0).label("points"),
            func.coalesce(func.sum(amount).filter(entry.c.account == debt), 0).label("owed"),
        )
        .join_from(page, entry, (entry.c.tenant == page.c.tenant) & (entry.c.transfer == page.c.id))
        .group_by(*page.c)
        .order_by(page.c.seq.desc())
    )
    return [
        Moved(
            seq=row.seq,
            id=row.id,
            movement=Movement(row.movement),
            reason=row.reason,
            points=int(row.points),
            owed=int(row.owed),
            moved_at=row.moved_at,
            recorded_at=row.recorded_at,
            reverses=row.reverses,
            purchase=row.purchase,
            actor=row.actor,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An account whose balance is not the sum of its entries, or entries without an account."""

    tenant: str
    account: UUID
    balance: int | None
    entries: int


async def mismatches(tx: AsyncConnection, limit: int = 100) -> list[Mismatch]:
    """
    Where the ledger contradicts itself; empty when all is well.

    Over every company that `tx` sees, in one statement and so in one snapshot. The programme
    keeps no balance: its entries are the counterpart of all others (see `unbalanced`).
    """
    summed = (
        select(entry.c.tenant, entry.c.account, func.sum(entry.c.amount).label("total"))
        .group_by(entry.c.tenant, entry.c.account)
        .subquery()
    )
    rows = await tx.execute(
        select(
            func.coalesce(account.c.tenant, summed.c.tenant).label("tenant"),
            func.coalesce(account.c.id, summed.c.account).label("id"),
            account.c.balance,
            func.coalesce(summed.c.total, 0).label("total"),
        )
        .select_from(
            account.join(
                summed,
                (summed.c.tenant == account.c.tenant) & (summed.c.account == account.c.id),
                full=True,
            )
        )
        .where(
            (account.c.id.is_(None))
            | (
                account.c.balance.is_not(None)
                & (account.c.balance != func.coalesce(summed.c.total, 0))
            )
        )
        .limit(limit)
    )
    return [Mismatch(row.tenant, row.id, row.balance, int(row.total)) for row in rows]


async def unbalanced(tx: AsyncConnection, limit: int = 100) -> list[tuple[str, UUID]]:
    """Transfers whose entries are fewer than two or do not add up to 0; empty when all is well."""
    rows = await tx.execute(
        select(transfer.c.tenant, transfer.c.id)
        .join_from(
            transfer,
            entry,
            (entry.c.tenant == transfer.c.tenant) & (entry.c.transfer == transfer.c.id),
            isouter=True,
        )
        .group_by(transfer.c.tenant, transfer.c.id)
        .having(
            (func.count(entry.c.account) < 2) | (func.coalesce(func.sum(entry.c.amount), 0) != 0)
        )
        .limit(limit)
    )
    return [(row.tenant, row.id) for row in rows]
