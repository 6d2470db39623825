"""Purchases as tests send them, and what they have told and moved."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from otklik_common.errors import Refused
from otklik_common.events.loyalty import Points
from otklik_common.events.loyalty import Purchase as PurchaseFact
from otklik_loyalty.actions.customers import said
from otklik_loyalty.actions.programme import add_rule
from otklik_loyalty.actions.purchases import (
    Fate,
    NewPurchase,
    keep_purchases,
    keep_return,
    purchase_id,
)
from otklik_loyalty.domain.body import purchase_digest
from otklik_loyalty.domain.earning import Rule
from otklik_loyalty.domain.identity import Person
from otklik_loyalty.domain.ledger import Balance
from otklik_loyalty.domain.purchase import Line, NewReturn, Purchase
from otklik_loyalty.store import ledger
from tests.integration.loyalty.conftest import World

SOLD = datetime(2026, 3, 2, 9, tzinfo=UTC)
PHONE = "+79991234567"


def a_purchase(
    world: World,
    reference: str = "p-1",
    *,
    amounts: Sequence[int] = (1000_00,),
    quantity: int = 1,
    phone: str | None = PHONE,
    email: str | None = None,
    external_id: str | None = None,
    **more: Any,
) -> NewPurchase:
    """What a shop sends: somebody bought something for so much."""
    lines = tuple(Line(str(n), quantity * 1000, amount) for n, amount in enumerate(amounts, 1))
    body = Purchase(purchase_id(world.tenant, reference), reference, SOLD, "RUB", lines)
    body = replace(body, **more)
    named = said(
        world.means, world.tenant, phone=phone, email=email, external_id=external_id, at=SOLD
    )
    person = named.person if named else Person()
    return NewPurchase(body, named, purchase_digest(body, person))


async def keep(world: World, *sent: NewPurchase) -> list[Fate | Refused]:
    """The fate of each purchase sent in one batch."""
    return await keep_purchases(world.api, world.means.sealer, world.caller, sent)


async def bring_back(
    world: World, line: str = "1", quantity: int = 1, *, name: str = "r-1", reference: str = "p-1"
) -> tuple[Purchase, bool]:
    """The purchase after so many pieces of a line came back, and whether that was known."""
    back = NewReturn(name, SOLD + timedelta(days=2), {line: quantity * 1000})
    return await keep_return(world.api, world.caller, reference, back)


async def earn_one_per_100(world: World) -> None:
    """Let purchases earn a point for every hundred roubles."""
    rule = Rule(SOLD - timedelta(days=1), "RUB", 1, 100_00)
    await add_rule(world.api, world.caller, rule, now=SOLD)


async def purchase_facts(world: World) -> list[PurchaseFact]:
    """What was told of purchases, in order."""
    facts = [event.data for event in await world.facts("purchase")]
    return [fact for fact in facts if isinstance(fact, PurchaseFact)]


async def points_facts(world: World) -> list[Points]:
    """What was told of points, in order."""
    facts = [event.data for event in await world.facts("points")]
    return [fact for fact in facts if isinstance(fact, Points)]


async def balance(world: World, customer: UUID) -> Balance:
    """What a customer has and owes."""
    async with world.api.begin(world.tenant) as tx:
        return await ledger.balance_of(tx, world.tenant, customer)
