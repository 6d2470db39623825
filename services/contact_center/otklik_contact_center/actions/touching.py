"""Touches of the requests of people: read, and told in the transaction that folds their leads."""

import asyncio
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from otklik_common.events.leads import Deal, Touch
from otklik_contact_center.domain.emission import Announcement, Emitted, announcement, steps
from otklik_contact_center.domain.facts import lead_id
from otklik_contact_center.domain.lead import Lead, Request
from otklik_contact_center.domain.lead_touches import (
    MOST_LEADS,
    Made,
    Visited,
    Visitor,
    arrivals_of,
    gone_touch,
    touch_facts,
    visitors_of,
)
from otklik_contact_center.domain.sales_facts import sale_fact, sale_id
from otklik_contact_center.store import visits
from otklik_contact_center.store.folding import ContactKey
from otklik_contact_center.store.lead_steps import Kept
from otklik_contact_center.store.people import Person

Touches = dict[UUID, Touch]


async def visits_of(
    on: asyncpg.Connection,
    people: Mapping[Person, Sequence[Request]],
    crowds: Container[Person],
    allowed: Mapping[str, frozenset[str]],
) -> dict[Visitor, list[Visited]]:
    """Visits of everybody who is known to have visited a site."""
    wanted: set[Visitor] = set()
    for person, requests in people.items():
        # Behind a switchboard each contact is somebody else.
        apart = [[one] for one in requests] if person in crowds else [list(requests)]
        wanted.update((person[0], one) for some in apart for one in visitors_of(some))
    return await visits.of(on, wanted, allowed)


async def touches_of(
    on: asyncpg.Connection,
    people: Mapping[Person, Sequence[Request]],
    leads: Mapping[Person, Sequence[Lead]],
    steps_of: Mapping[Person, Sequence[Kept]],
    *,
    crowds: Container[Person],
    allowed: Mapping[str, frozenset[str]],
) -> dict[ContactKey, Touches]:
    """
    What is to be said of the touches of leads, by the contact that opened each.

    Args:
        people: The contacts that the leads were folded of.
        crowds: Those of the people who are switchboards.
    """
    seen = await visits_of(on, people, crowds, allowed)
    found: dict[ContactKey, Touches] = {}
    for person, led in leads.items():
        tenant, requests = person[0], people[person]
        if not led or not any(one.way.known or one.link is not None for one in requests):
            continue
        deals = {
            one.told.id: one
            for one in steps_of.get(person, ())
            if one.told.step == "deal" and not one.withdrawn
        }
        alone = {one.contact: one for one in requests} if person in crowds else None
        arrivals = arrivals_of(tenant, requests, seen) if alone is None else None
        for lead in led if alone is not None else led[:MOST_LEADS]:
            # Others in the process get their turn.
            await asyncio.sleep(0)
            opener = lead.opener.contact
            if alone is not None:
                arrivals = arrivals_of(tenant, [alone[opener]], seen)
            assert arrivals is not None, "made of all contacts, or of this one"
            subject = lead_id(tenant, opener)
            made = [_made(deals[id_], lead, subject) for id_ in lead.steps if id_ in deals]
            if told := touch_facts(tenant, lead, subject, made, arrivals):
                found[tenant, opener] = told
    return found


def _made(step: Kept, lead: Lead, subject: UUID) -> Made:
    fact = sale_fact(step.tenant, step.told, step.identifiers, lead, subject)
    assert isinstance(fact, Deal), "asked of deals"
    return Made(sale_id(step.tenant, step.told), fact)


def retold(
    tenant: str, lead: UUID, known: Mapping[UUID, Emitted], now: Touches, at: datetime
) -> tuple[dict[UUID, Emitted], list[Announcement]]:
    """
    What was published of the touches of a lead by now, and what of it is news.

    Args:
        lead: Its subject.
        known: What was published before.
        at: When this transaction records its facts.
    """
    found = steps(known, {subject: fact.said().encode() for subject, fact in now.items()})
    if not found:
        return dict(known), []
    gone = gone_touch(lead, at).said().encode()
    kept, news = dict(known), []
    for step in found:
        emitted = step.emitted
        kept[step.subject] = Emitted(emitted.revision, emitted.hash, emitted.void)
        fact = now.get(step.subject)
        news.append(
            announcement(
                step._replace(data=gone) if fact is None else step,
                Touch,
                tenant=tenant,
                verb="voided" if fact is None else "credited",
                time=at if fact is None else fact.credited_at,
                recorded_at=at,
                traceparent=None,
            )
        )
    return kept, news
