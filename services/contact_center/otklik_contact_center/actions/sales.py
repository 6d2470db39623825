"""Showings and deals: what is published of the steps that tell them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from otklik_common.events.leads import Deal, Showing
from otklik_common.outbox import Recorder
from otklik_common.tracing import current_traceparent
from otklik_contact_center.actions.outcome import TICK
from otklik_contact_center.domain.emission import Announcement, Emitted, announcement, next_step
from otklik_contact_center.domain.facts import lead_id
from otklik_contact_center.domain.lead import Lead
from otklik_contact_center.domain.sales_facts import (
    SALES,
    VERBS,
    sale_fact,
    sale_fact_again,
    sale_id,
)
from otklik_contact_center.store import lead_steps
from otklik_contact_center.store.lead_steps import Kept
from otklik_contact_center.store.people import Person

NEVER: Final = 0
"""Revision of what was never published."""


def published(step: Kept, lead: Lead | None, now: datetime) -> tuple[Kept, Announcement | None]:
    """
    A step with what is said of it now, and what is to be told; None if nothing is.

    Args:
        lead: The request that it belongs to, if any is known.
        now: When this transaction records its facts.
    """
    told, tenant = step.told, step.tenant
    subject = None if lead is None else lead_id(tenant, lead.opener.contact)
    step = step._replace(lead=subject)
    if told.step not in SALES:
        return step, None
    fact = None
    if not step.withdrawn:
        fact = sale_fact(tenant, told, step.identifiers, lead, subject)
    return _said(step, fact, now)


def published_again(step: Kept, now: datetime) -> tuple[Kept, Announcement | None]:
    """The same of a step that is told anew, before its lead is folded."""
    kind = SALES.get(step.told.step)
    if kind is None:
        return step, None
    if step.withdrawn or step.lead is None or step.emitted.revision == NEVER:
        return published(step, None, now)
    before = kind.model_validate_json(step.emitted.data)
    fact = sale_fact_again(step.tenant, step.told, step.identifiers, before)
    return _said(step, fact, now)


def _said(
    step: Kept, fact: Showing | Deal | None, now: datetime
) -> tuple[Kept, Announcement | None]:
    told = step.told
    known = None if step.emitted.revision == NEVER else step.emitted
    data = None if fact is None else fact.said().encode()
    found = next_step(sale_id(step.tenant, told), known, data)
    if found is None:
        return step, None
    at = now if step.recorded_at is None else max(now, step.recorded_at + TICK)
    emitted = Emitted(found.emitted.revision, found.emitted.hash, found.emitted.void, found.data)
    news = announcement(
        found,
        SALES[told.step],
        tenant=step.tenant,
        verb="voided" if emitted.void else VERBS[told.step],
        time=told.at,
        recorded_at=at,
        traceparent=current_traceparent(),
    )
    return step._replace(emitted=emitted, recorded_at=at), news


async def settle(
    on: asyncpg.Connection,
    steps: Mapping[Person, Sequence[Kept]],
    leads: Mapping[Person, Sequence[Lead]],
    now: datetime,
) -> list[Announcement]:
    """
    Write to which leads steps belong, now that these are folded; returns what is to be told.

    Args:
        steps: All that are known of each person whose leads were folded, their rows locked.
    """
    changed: list[Kept] = []
    told: list[Announcement] = []
    for person, theirs in steps.items():
        of = {id_: lead for lead in leads.get(person, ()) for id_ in lead.steps}
        for before in theirs:
            mine = before._replace(person=person[1])
            after, news = published(mine, of.get(before.told.id), now)
            if after != before:
                changed.append(after)
            if news is not None:
                told.append(news)
    if changed:
        await lead_steps.settle(on, changed)
    return told


async def announced_of(recorder: Recorder, announced: Iterable[Announcement]) -> None:
    """Put what is to be told into the outbox."""
    if told := list(announced):
        tenants, keys, payloads = zip(*told, strict=True)
        await recorder.append_encoded(tenants, keys, payloads)
