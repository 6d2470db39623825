"""Leads of the people whose contacts were just folded, in the same transaction."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import asyncpg

from otklik_common.events.contact_center import Lead as LeadFact
from otklik_contact_center.actions.outcome import TICK, Outcome
from otklik_contact_center.domain.emission import Announcement, announcement, next_step
from otklik_contact_center.domain.facts import lead_fact, lead_verb
from otklik_contact_center.domain.facts import lead_id as subject_of
from otklik_contact_center.domain.lead import (
    MOST_CONTACTS,
    Lead,
    fold_crowd,
    fold_leads,
)
from otklik_contact_center.store import people
from otklik_contact_center.store.folding import ContactKey
from otklik_contact_center.store.people import KnownLead, LeadRow, Person


class _Now(NamedTuple):
    """A lead as it is now, and whose."""

    person: str
    lead: Lead
    data: bytes


async def fold_people(
    on: asyncpg.Connection, outcomes: Mapping[ContactKey, Outcome], *, recorded_at: datetime
) -> list[Announcement]:
    """
    Fold the leads of everybody whose contacts were written in this transaction.

    Args:
        outcomes: The contacts that were written; nobody else's locks are held.
    Returns:
        What is new, changed or gone among the leads.
    """
    persons = _persons(outcomes)
    if not persons:
        return []
    crowds = await people.lock_persons(
        on, [person for person in persons if not _is_nobody(person[1])]
    )
    few = [person for person in persons if person not in crowds]
    now: dict[ContactKey, _Now] = {}
    grown: list[Person] = []
    for person, requests in (await people.requests(on, few)).items():
        if len(requests) > MOST_CONTACTS:
            grown.append(person)
        _keep(now, person, fold_leads(requests))
    openers: list[ContactKey] = []
    if crowds:
        openers = [key for key, one in outcomes.items() if _touches(one, key[0], crowds)]
        for key, request in (await people.requests_of(on, openers)).items():
            person = (key[0], outcomes[key].row.person)
            if person in crowds:
                _keep(now, person, fold_crowd([request]))
    if grown:
        await people.mark_crowds(on, grown)
    known = await people.leads(on, few, openers)
    return await _write(on, known, now, recorded_at)


def _persons(outcomes: Mapping[ContactKey, Outcome]) -> list[Person]:
    """Whoever has or had one of the contacts, sorted."""
    found: set[Person] = set()
    for (tenant, _), outcome in outcomes.items():
        found.add((tenant, outcome.row.person))
        if outcome.known is not None:
            found.add((tenant, outcome.known.person))
    return sorted(found)


def _is_nobody(person: str) -> bool:
    """A contact that belongs to itself alone is locked already."""
    return person.startswith("contact/")


def _touches(outcome: Outcome, tenant: str, crowds: set[Person]) -> bool:
    former = outcome.known.person if outcome.known is not None else outcome.row.person
    return (tenant, outcome.row.person) in crowds or (tenant, former) in crowds


def _keep(now: dict[ContactKey, _Now], person: Person, leads: Iterable[Lead]) -> None:
    for lead in leads:
        data = lead_fact(lead).model_dump_json().encode()
        now[person[0], lead.opener.contact] = _Now(person[1], lead, data)


async def _write(
    on: asyncpg.Connection,
    known: Mapping[ContactKey, KnownLead],
    now: Mapping[ContactKey, _Now],
    recorded_at: datetime,
) -> list[Announcement]:
    rows: list[LeadRow] = []
    announced: list[Announcement] = []
    for key in sorted(known.keys() | now.keys()):
        tenant, opener = key
        before, after = known.get(key), now.get(key)
        step = next_step(
            subject_of(tenant, opener),
            None if before is None else before.emitted,
            None if after is None else after.data,
        )
        if step is None:
            continue
        at = recorded_at if before is None else max(recorded_at, before.recorded_at + TICK)
        emitted = step.emitted
        person = after.person if after is not None else before.person if before else ""
        rows.append(
            LeadRow(
                tenant,
                opener,
                person,
                emitted.revision,
                emitted.hash,
                emitted.void,
                at,
                step.data.decode(),
            )
        )
        announced.append(
            announcement(
                step,
                LeadFact,
                tenant=tenant,
                verb="voided" if after is None else lead_verb(after.lead),
                time=at if after is None else after.lead.active_at,
                recorded_at=at,
                traceparent=None,
            )
        )
    if rows:
        await people.put_leads(on, rows)
    return announced
