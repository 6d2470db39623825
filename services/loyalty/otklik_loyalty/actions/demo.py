"""
Taking the demo out: purchases and customers whose own ids begin with "demo-".

Their rows stay, void and emptied, for their revisions: the same ids may come again. The ledger
only grows: points go back by further movements, and the facts of all of them are void, so that
nothing of the demo is counted as issued or spent (decision 0053).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.events.envelope import Event
from otklik_common.events.loyalty import Points
from otklik_common.ids import subject_id
from otklik_common.pseudonym import Sealer
from otklik_loyalty.actions.announce import customer_event, next_moment, purchase_event
from otklik_loyalty.actions.effects import Change, reconcile
from otklik_loyalty.actions.identify import unseal
from otklik_loyalty.domain.earning import EARNING
from otklik_loyalty.domain.ledger import Movement, Transfer, closing
from otklik_loyalty.domain.purchase import Purchase
from otklik_loyalty.store import customers, demo, effects, ledger, programme, purchases
from otklik_loyalty.store.demo import Published

PREFIX: Final = "demo-"
REASON: Final = "demo_removed"

AT_ONCE: Final = 500
"""Purchases or customers of one transaction: others must not wait long for their locks."""


@dataclass(frozen=True, slots=True)
class Removed:
    """How many were taken out; `movements` of points by any of them."""

    purchases: int = 0
    customers: int = 0
    movements: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(
            self.purchases + other.purchases,
            self.customers + other.customers,
            self.movements + other.movements,
        )


async def remove_demo(db: Database, sealer: Sealer, caller: Caller) -> Removed:
    """
    Take out the demo's purchases, then its customers; repeatable, also after a kill.

    A customer of the demo who has bought something else stays.
    """
    gone = Removed()
    while (taken := await _some_purchases(db, caller.tenant)).purchases:
        gone += taken
    after: UUID | None = None
    while True:
        taken, after = await _some_customers(db, sealer, caller, after)
        gone += taken
        if after is None:
            return gone


async def _some_purchases(db: Database, tenant: str) -> Removed:
    async with db.begin(tenant) as tx:
        # Locks in this order everywhere: rules, purchases, pseudonyms, customers, accounts.
        rules = await programme.rules_held(tx, tenant)
        ids = await demo.purchases(tx, tenant, PREFIX, AT_ONCE)
        locked = await purchases.get(tx, tenant, ids, lock=True)
        taken = [kept for kept in locked.values() if not kept.void]
        if not taken:
            return Removed()
        recorder = await outbox.recorder(tx, tenant)
        granted = await effects.get(tx, tenant, EARNING, locked)
        told = await demo.movements_by(tx, tenant, {one.customer for one in granted}, locked)
        nobodys = [Change(replace(kept.purchase, customer=None), recorder.now) for kept in taken]
        back = await reconcile(tx, tenant, nobodys, rules=rules, reason=REASON, recorder=recorder)
        if granted:
            settled = await effects.get(tx, tenant, EARNING, locked)
            await effects.put(tx, tenant, EARNING, [replace(e, earned_by=None) for e in settled])
        # What takes the points back is never told: a fact of it would count as points taken.
        untold = [event.subject for event in back]
        facts = await _void_movements(tx, tenant, told, untold, recorder.now)
        for kept in taken:
            recorded_at = next_moment(recorder.now, kept.recorded_at)
            last = replace(kept, revision=kept.revision + 1, recorded_at=recorded_at)
            event = purchase_event(tenant, _nameless(last), verb="removed", published=())
            facts.append(replace(event, void=True))
        empty = [
            replace(
                kept,
                purchase=_emptied(kept.purchase),
                revision=kept.revision + 1,
                hash=b"",
                recorded_at=next_moment(recorder.now, kept.recorded_at),
                void=True,
            )
            for kept in taken
        ]
        await purchases.put(tx, tenant, empty)
        await purchases.forget_returns(tx, tenant, [kept.purchase.id for kept in taken])
        await recorder.append(facts)
        return Removed(purchases=len(taken), movements=len(told))


def _nameless(kept: purchases.Kept) -> purchases.Kept:
    return replace(kept, purchase=replace(kept.purchase, customer=None, identifiers=()))


def _emptied(bought: Purchase) -> Purchase:
    """What a row keeps of a purchase that was taken out."""
    return Purchase(
        id=bought.id,
        reference=bought.reference,
        sold_at=bought.sold_at,
        currency=bought.currency,
        lines=(),
        origin=bought.origin,
    )


async def _some_customers(
    db: Database, sealer: Sealer, caller: Caller, after: UUID | None
) -> tuple[Removed, UUID | None]:
    """Take out those among some customers; and where to go on, None at the end."""
    tenant = caller.tenant
    async with db.begin(tenant) as tx:
        some = await demo.externals(tx, tenant, after, AT_ONCE)
        following = some[-1].id if len(some) == AT_ONCE else None
        ids = [
            one.id
            for one in some
            if (unseal(sealer, tenant, "external", one.external) or "").startswith(PREFIX)
        ]
        locked = await customers.lock(tx, tenant, ids)
        others = await demo.buyers(tx, tenant, ids) if ids else set()
        taken = [kept for id_, kept in locked.items() if not kept.void and id_ not in others]
        if not taken:
            return Removed(), following
        movements = await _remove_customers(tx, caller, taken)
        return Removed(customers=len(taken), movements=movements), following


async def _remove_customers(
    tx: AsyncConnection, caller: Caller, taken: Sequence[customers.Kept]
) -> int:
    """Returns how many movements of theirs still counted."""
    tenant, ids = caller.tenant, [kept.id for kept in taken]
    recorder = await outbox.recorder(tx, tenant)
    told = await demo.movements_of(tx, tenant, ids)
    closed = await _close_accounts(tx, caller, taken, recorder.now)
    facts = await _void_movements(tx, tenant, told, closed, recorder.now)
    empty = [
        customers.Kept(
            id=kept.id,
            revision=kept.revision + 1,
            version=kept.version + 1,
            branch=None,
            segment=None,
            name=None,
            phone=None,
            email=None,
            external=None,
            created_at=kept.created_at,
            recorded_at=next_moment(recorder.now, kept.recorded_at),
            void=True,
        )
        for kept in taken
    ]
    await demo.forget_identifiers(tx, tenant, ids)
    await customers.put(tx, tenant, empty)
    gone = (customer_event(tenant, kept, ()) for kept in empty)
    facts += [replace(event, verb="removed", void=True) for event in gone]
    await recorder.append(facts)
    return len(told)


async def _close_accounts(
    tx: AsyncConnection, caller: Caller, taken: Sequence[customers.Kept], now: datetime
) -> list[UUID]:
    """Bring what customers have and owe to nothing; returns the movements that do so."""
    tenant = caller.tenant
    with_points = await demo.holders(tx, tenant, [kept.id for kept in taken])
    if not with_points:
        return []
    balances = await ledger.lock(tx, tenant, with_points)
    transfers = [
        Transfer(
            id=subject_id(tenant, "closing", str(kept.id), str(kept.revision + 1)),
            customer=kept.id,
            movement=Movement.REVERSED,
            reason=REASON,
            moved_at=now,
            entries=entries,
        )
        for kept in taken
        if kept.id in balances and (entries := closing(tenant, kept.id, balances[kept.id]))
    ]
    if transfers:
        written = await ledger.add(tx, tenant, transfers, actor=caller.principal, recorded_at=now)
        assert len(written) == len(transfers), "a customer's revision names their closing"
    return [moved.id for moved in transfers]


async def _void_movements(
    tx: AsyncConnection,
    tenant: str,
    told: Sequence[Published],
    untold: Sequence[UUID],
    now: datetime,
) -> list[Event[Any]]:
    """The void facts of movements that were told; those of `untold` never will be."""
    if told or untold:
        await demo.void(tx, tenant, [*(moved.id for moved in told), *untold], now)
    return [
        Event(
            tenant=tenant,
            subject=moved.id,
            revision=2,  # movements never change: this is their second and last
            verb="removed",
            time=moved.moved_at,
            recorded_at=next_moment(now, moved.recorded_at),
            data=Points(
                customer=moved.customer,
                moved_at=moved.moved_at,
                movement=moved.movement.value,
                points=moved.points,
                reason=moved.reason,
                reverses=moved.reverses,
                purchase=moved.purchase,
            ),
            void=True,
        )
        for moved in told
    ]
