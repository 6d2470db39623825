"""What purchases do to points: the difference between what is due now and what was granted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.events.envelope import Event
from otklik_common.ids import subject_id
from otklik_common.outbox import Recorder
from otklik_loyalty.actions.announce import points_event
from otklik_loyalty.domain.earning import EARNING, Rule, due
from otklik_loyalty.domain.identity import first_of_each
from otklik_loyalty.domain.ledger import Balance, Movement, Transfer, by_purchase
from otklik_loyalty.domain.purchase import Purchase
from otklik_loyalty.store import customers, effects, ledger
from otklik_loyalty.store.effects import Granted

ACTOR = "loyalty:earning"


@dataclass(frozen=True, slots=True)
class Change:
    """A purchase as it now is, and when it became so."""

    purchase: Purchase
    at: datetime


@dataclass(frozen=True, slots=True)
class _Difference:
    change: Change
    granted: Granted
    points: int


async def reconcile(
    tx: AsyncConnection,
    tenant: str,
    changes: Sequence[Change],
    *,
    rules: Sequence[Rule],
    reason: str,
    recorder: Recorder,
) -> list[Event[Any]]:
    """
    Move the points of locked purchases to what is due now; running it again moves nothing.

    The effect is keyed (purchase, earning, customer): a purchase that turns out to be somebody
    else's is taken back from the one and granted to the other.

    Args:
        reason: Code that the movements carry.
    Returns:
        The movements as facts.
    """
    known = await effects.get(tx, tenant, EARNING, [each.purchase.id for each in changes])
    differences = _differences(changes, known, rules)
    if not differences:
        return []
    balances = await ledger.lock(tx, tenant, {each.granted.customer for each in differences})
    transfers, settled = [], []
    for each in differences:
        moved = _transfer(tenant, each, balances, reason)
        transfers.append(moved)
        settled.append(_settled(each, moved.id))
    written = await ledger.add(tx, tenant, transfers, actor=ACTOR, recorded_at=recorder.now)
    assert len(written) == len(transfers), "the purchase's lock numbers its movements"
    await effects.put(tx, tenant, EARNING, settled)
    named = await _former(tx, tenant, differences)
    return [
        points_event(
            tenant,
            moved,
            recorded_at=recorder.now,
            identifiers=named.get(each.granted.customer, each.change.purchase.identifiers),
            branch=each.change.purchase.branch,
            takes_back=each.granted.earned_by if each.points < 0 else None,
        )
        for each, moved in zip(differences, transfers, strict=True)
    ]


def _differences(
    changes: Sequence[Change], known: Sequence[Granted], rules: Sequence[Rule]
) -> list[_Difference]:
    by_subject: dict[UUID, dict[UUID, Granted]] = {}
    for granted in known:
        by_subject.setdefault(granted.subject, {})[granted.customer] = granted
    found = []
    for change in changes:
        bought = change.purchase
        granted_to = by_subject.get(bought.id, {})
        if bought.customer is not None:
            granted_to.setdefault(bought.customer, Granted(bought.id, bought.customer))
        for customer, granted in sorted(granted_to.items()):
            wanted = due(bought, rules) if customer == bought.customer else 0
            if wanted != granted.points:
                found.append(_Difference(change, granted, wanted - granted.points))
    return found


def _transfer(
    tenant: str, each: _Difference, balances: dict[UUID, Balance], reason: str
) -> Transfer:
    customer, bought = each.granted.customer, each.change.purchase
    entries = by_purchase(tenant, customer, each.points, balances[customer])
    number = str(each.granted.movements + 1)
    moved = Transfer(
        id=subject_id(tenant, "movement", str(bought.id), EARNING, str(customer), number),
        customer=customer,
        movement=Movement.EARNED if each.points > 0 else Movement.TAKEN_BACK,
        reason=reason,
        moved_at=each.change.at,
        entries=entries,
        purchase=bought.id,
    )
    # A batch may touch one customer many times: each movement starts where the last one ended.
    balances[customer] = balances[customer].after(moved)
    return moved


def _settled(each: _Difference, transfer: UUID) -> Granted:
    return replace(
        each.granted,
        points=each.granted.points + each.points,
        movements=each.granted.movements + 1,
        earned_by=each.granted.earned_by or transfer,
    )


async def _former(
    tx: AsyncConnection, tenant: str, differences: Sequence[_Difference]
) -> dict[UUID, tuple[str, ...]]:
    """Who the customers are whose purchases turned out to be somebody else's."""
    former = {
        each.granted.customer
        for each in differences
        if each.granted.customer != each.change.purchase.customer
    }
    if not former:
        return {}
    pseudonyms = await customers.pseudonyms_of(tx, tenant, former)
    return {customer: first_of_each(known) for customer, known in pseudonyms.items()}
