"""Points by hand: issued, spent, reversed; balances and journals; whether the ledger is whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Conflict, NotFound
from otklik_common.ids import subject_id
from otklik_common.paging import Part
from otklik_loyalty.actions.announce import points_event
from otklik_loyalty.actions.customers import Means, find_customer
from otklik_loyalty.domain.identity import first_of_each
from otklik_loyalty.domain.ledger import (
    Balance,
    Movement,
    NotEnoughPoints,
    Transfer,
    by_hand,
    check_reversible,
    reversed_entries,
)
from otklik_loyalty.store import customers, ledger
from otklik_loyalty.store.ledger import Mismatch, Moved


class TransferIdReused(Conflict):
    """The id is another movement's."""

    code = "transfer_id_reused"


class AlreadyReversed(Conflict):
    """A movement is undone once."""

    code = "already_reversed"


@dataclass(frozen=True, slots=True)
class Done:
    """A movement and the balance after it."""

    moved: Transfer
    balance: Balance


async def move_points(
    tx: AsyncConnection,
    means: Means,
    caller: Caller,
    reference: str,
    *,
    points: int,
    reason: str,
    now: datetime,
    transfer: UUID,
) -> Done:
    """
    Issue (+) or spend (−) points by somebody's decision.

    Args:
        reference: The customer's id, or the company's own id of them.
        transfer: Id of the movement, made by the caller: the same movement again is done once.
    Raises:
        NotFound: No such customer within reach.
        NotEnoughPoints: The balance does not cover it.
        TransferIdReused: The id is that of another movement.
    """
    tenant = caller.tenant
    kept = await find_customer(tx, means, caller, reference)
    balance = (await ledger.lock(tx, tenant, [kept.id]))[kept.id]
    moved = Transfer(
        id=transfer,
        customer=kept.id,
        movement=Movement.ISSUED if points > 0 else Movement.SPENT,
        reason=reason,
        moved_at=now,
        entries=by_hand(tenant, kept.id, points),
    )
    known = await ledger.get(tx, tenant, transfer)
    if known is not None:
        return Done(_same(known, moved), balance)
    return await _write(tx, caller, moved, balance, branch=kept.branch)


def _same(known: Transfer, moved: Transfer) -> Transfer:
    same = (known.customer, known.movement, known.points, known.reason) == (
        moved.customer,
        moved.movement,
        moved.points,
        moved.reason,
    )
    if not same:
        raise TransferIdReused(
            f"transfer {known.id} is known and says something else",
            detail_ru=f"движение {known.id} уже есть, и в нём другое",
        )
    return known


async def reverse_points(
    tx: AsyncConnection, caller: Caller, transfer: UUID, *, reason: str, now: datetime
) -> Done:
    """
    Undo a movement that was made by hand, once.

    Raises:
        NotFound: No such movement within reach.
        NotReversible: It belongs to a purchase, or undoes another one.
        AlreadyReversed: It was undone before.
        NotEnoughPoints: It issued what has been spent since.
    """
    tenant = caller.tenant
    known = await ledger.get(tx, tenant, transfer)
    of = {} if known is None else await customers.get(tx, tenant, [known.customer])
    if known is None or of[known.customer].void or not caller.may_see(of[known.customer].branch):
        raise NotFound(f"there is no movement {transfer}", detail_ru=f"нет движения {transfer}")
    check_reversible(known.movement)
    balance = (await ledger.lock(tx, tenant, [known.customer]))[known.customer]
    undone = Transfer(
        # Of the movement it undoes: there can be one only, whoever asks.
        id=subject_id(tenant, "reversal", str(transfer)),
        customer=known.customer,
        movement=Movement.REVERSED,
        reason=reason,
        moved_at=now,
        entries=reversed_entries(known.entries),
        reverses=transfer,
    )
    if await ledger.get(tx, tenant, undone.id) is not None:
        raise AlreadyReversed(
            f"movement {transfer} was reversed before",
            detail_ru=f"движение {transfer} уже отменено",
        )
    return await _write(tx, caller, undone, balance, branch=of[known.customer].branch)


async def _write(
    tx: AsyncConnection, caller: Caller, moved: Transfer, balance: Balance, *, branch: str | None
) -> Done:
    tenant = caller.tenant
    after = balance.after(moved)
    if after.points < 0:
        raise NotEnoughPoints(wanted=-moved.points, balance=balance.points)
    recorder = await outbox.recorder(tx, tenant)
    written = await ledger.add(
        tx, tenant, [moved], actor=caller.principal, recorded_at=recorder.now
    )
    if not written:
        # Somebody with another account locked has just used the id.
        raise TransferIdReused(
            f"transfer {moved.id} is another movement's",
            detail_ru=f"номер {moved.id} у другого движения",
        )
    pseudonyms = await customers.pseudonyms_of(tx, tenant, [moved.customer])
    fact = points_event(
        tenant,
        moved,
        recorded_at=recorder.now,
        identifiers=first_of_each(pseudonyms[moved.customer]),
        branch=branch,
    )
    await recorder.append([fact])
    return Done(moved, after)


async def read_balance(
    db: Database, means: Means, caller: Caller, reference: str
) -> tuple[UUID, Balance]:
    """A customer's balance. Raises NotFound."""
    async with db.begin(caller.tenant) as tx:
        kept = await find_customer(tx, means, caller, reference)
        return kept.id, await ledger.balance_of(tx, caller.tenant, kept.id)


async def read_journal(
    db: Database, means: Means, caller: Caller, reference: str, part: Part
) -> list[Moved]:
    """A customer's movements, newest first. Raises NotFound."""
    async with db.begin(caller.tenant) as tx:
        kept = await find_customer(tx, means, caller, reference)
        return await ledger.journal(tx, caller.tenant, kept.id, part)


async def read_own_balance(db: Database, caller: Caller) -> tuple[UUID, Balance]:
    """The balance of the customer who calls. Raises NotFound."""
    async with db.begin(caller.tenant) as tx:
        customer = await _own(tx, caller)
        return customer, await ledger.balance_of(tx, caller.tenant, customer)


async def read_own_journal(db: Database, caller: Caller, part: Part) -> list[Moved]:
    """Movements of the customer who calls, newest first. Raises NotFound."""
    async with db.begin(caller.tenant) as tx:
        customer = await _own(tx, caller)
        return await ledger.journal(tx, caller.tenant, customer, part)


async def _own(tx: AsyncConnection, caller: Caller) -> UUID:
    customer = None
    if caller.customer is not None:
        customer = await customers.named_by(tx, caller.tenant, caller.customer)
    if customer is None:
        raise NotFound("there is no such customer", detail_ru="такого клиента нет")
    return customer


@dataclass(frozen=True, slots=True)
class Audit:
    """What is wrong with the ledger; both empty when all is well."""

    mismatches: Sequence[Mismatch]
    unbalanced: Sequence[tuple[str, UUID]]

    @property
    def faults(self) -> int:
        """How many places contradict each other (counted up to a limit)."""
        return len(self.mismatches) + len(self.unbalanced)


async def audit(db: Database) -> Audit:
    """
    Compare every company's balances with the sums of their entries, and every transfer with 0.

    `db` is seen as the role `worker`. Each statement is one snapshot, so movements under way
    are no faults.
    """
    async with db.begin_as_worker() as tx:
        return Audit(await ledger.mismatches(tx), await ledger.unbalanced(tx))
