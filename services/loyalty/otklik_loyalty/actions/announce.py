"""What loyalty tells the others: its rows as facts, without anything personal."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from otklik_common.events.envelope import Event, bounded_attributes
from otklik_common.events.loyalty import Customer, Points
from otklik_common.events.loyalty import Purchase as PurchaseFact
from otklik_loyalty.domain.identity import RANK, in_order, kind_of
from otklik_loyalty.domain.ledger import Transfer
from otklik_loyalty.store import customers, purchases

MOST_IDENTIFIERS = 100
"""Pseudonyms in a customer's fact; who has more is known by the external id and the first of these."""

MOST_ATTRIBUTE_BYTES = 8_000
"""Of names and values as JSON, so that a fact stays under 16 KiB whatever is in them."""

_TICK = timedelta(microseconds=1)


def next_moment(now: datetime, previous: datetime | None) -> datetime:
    """When something is recorded now: strictly after the time its subject was last recorded."""
    return now if previous is None else max(now, previous + _TICK)


def customer_event(tenant: str, kept: customers.Kept, pseudonyms: Iterable[str]) -> Event[Customer]:
    """The customer and everything that leads to them."""
    strongest = sorted(pseudonyms, key=lambda p: (-RANK[kind_of(p)], p))[:MOST_IDENTIFIERS]
    fact = Customer(
        identifiers=in_order(strongest),
        created_at=kept.created_at,
        branch=kept.branch,
        segment=kept.segment,
    )
    created = kept.revision == 1
    return Event(
        tenant=tenant,
        subject=kept.id,
        revision=kept.revision,
        verb="created" if created else "updated",
        time=kept.created_at if created else kept.recorded_at,
        recorded_at=kept.recorded_at,
        data=fact,
    )


def purchase_event(
    tenant: str, kept: purchases.Kept, *, verb: str, published: Collection[str]
) -> Event[PurchaseFact]:
    """
    The purchase with what came back.

    Args:
        published: Names of attributes that may leave the service; `campaign` among them lets
            the campaign leave.
    """
    of = kept.purchase
    fact = PurchaseFact(
        customer=of.customer,
        identifiers=of.identifiers,
        sold_at=of.sold_at,
        returned_at=of.returned_at,
        currency=of.currency,
        amount_minor=of.amount_minor,
        returned_minor=of.returned_minor,
        net_minor=of.net_minor,
        lines=len(of.lines),
        origin=of.origin,
        branch=of.branch,
        agent=of.agent,
        party=of.party,
        campaign=of.campaign if "campaign" in published else None,
        segment=of.segment,
        attributes=publishable(of.attributes, published),
    )
    returned = verb == "returned" and of.returned_at is not None
    return Event(
        tenant=tenant,
        subject=of.id,
        revision=kept.revision,
        verb=verb,
        time=of.returned_at if returned and of.returned_at else of.sold_at,
        recorded_at=kept.recorded_at,
        data=fact,
    )


def publishable(attributes: Mapping[str, str], published: Collection[str]) -> dict[str, str]:
    """Attributes that may leave, in the order of their names, as many as fit."""
    named = {name: value for name, value in attributes.items() if name in published}
    kept: dict[str, str] = {}
    room = MOST_ATTRIBUTE_BYTES
    for name, value in bounded_attributes(named)[0].items():
        room -= len(json.dumps({name: value}, ensure_ascii=False).encode())
        if room >= 0:
            kept[name] = value
    return kept


def points_event(
    tenant: str,
    moved: Transfer,
    *,
    recorded_at: datetime,
    identifiers: Iterable[str],
    branch: str | None,
    takes_back: UUID | None = None,
) -> Event[Points]:
    """
    One movement; its subject is the transfer.

    Args:
        takes_back: The movement that earned what this one takes back.
    """
    return Event(
        tenant=tenant,
        subject=moved.id,
        revision=1,
        verb=moved.movement.value,
        time=moved.moved_at,
        recorded_at=recorded_at,
        data=Points(
            customer=moved.customer,
            identifiers=tuple(identifiers),
            moved_at=moved.moved_at,
            movement=moved.movement.value,
            points=moved.points,
            reason=moved.reason,
            reverses=moved.reverses or takes_back,
            purchase=moved.purchase,
            branch=branch,
        ),
    )
