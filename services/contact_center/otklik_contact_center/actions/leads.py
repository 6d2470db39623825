"""Leads of the people whose contacts were just folded, in the same transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from otklik_common.events.leads import Lead as LeadFact
from otklik_contact_center.actions.outcome import TICK, Outcome
from otklik_contact_center.actions.sales import settle
from otklik_contact_center.actions.touching import Touches, retold, touches_of
from otklik_contact_center.domain.emission import Announcement, announcement, next_step
from otklik_contact_center.domain.facts import lead_fact, lead_verb
from otklik_contact_center.domain.facts import lead_id as subject_of
from otklik_contact_center.domain.lead import Lead, Request
from otklik_contact_center.domain.lead_fold import MOST_CONTACTS, fold_crowd, fold_leads
from otklik_contact_center.domain.lead_step import Told
from otklik_contact_center.store import lead_steps, people
from otklik_contact_center.store.folding import ContactKey, packed
from otklik_contact_center.store.lead_steps import Kept
from otklik_contact_center.store.people import KnownLead, LeadRow, Listed, Person


class People(NamedTuple):
    """
    What became of the leads of people.

    Attributes:
        now: Leads as they are, by the contact that opened each.
        changed: Contacts whose lead is new, changed or gone.
    """

    announced: list[Announcement]
    now: dict[ContactKey, Lead]
    changed: frozenset[ContactKey]


class _Now(NamedTuple):
    """A lead as it is now, and whose."""

    person: str
    lead: Lead
    data: bytes

    @property
    def listed(self) -> Listed:
        """By what it is listed."""
        lead = self.lead
        return Listed(lead.created_at, lead.state, lead.party, lead.branch, lead.agent)


async def fold_people(
    on: asyncpg.Connection,
    outcomes: Mapping[ContactKey, Outcome],
    *,
    allowed: Mapping[str, frozenset[str]],
    recorded_at: datetime,
    most: int = MOST_CONTACTS,
) -> People:
    """
    Fold the leads of everybody whose contacts were written in this transaction.

    Args:
        outcomes: The contacts that were written.
        allowed: Names of the attributes that each company lets out.
        most: Whoever has more contacts, all in all and now, is a switchboard.
    """
    here: dict[Person, list[Request]] = {}
    for (tenant, _), outcome in outcomes.items():
        mine = here.setdefault((tenant, outcome.row.person), [])
        if outcome.request is not None:
            mine.append(outcome.request)
        if outcome.known is not None:
            here.setdefault((tenant, outcome.known.person), [])
    persons = sorted(person for person in here if not _is_nobody(person[1]))
    new, were_crowds = await people.lock_persons(on, persons) if persons else (set(), set())
    shrunk = await people.with_few(on, sorted(were_crowds), most) if were_crowds else set()
    crowds = were_crowds - shrunk
    # Of somebody never heard of, and of nobody in particular, all there is was written here.
    known = [person for person in persons if person not in new and person not in crowds]
    whole = {person: found for person, found in here.items() if person not in crowds}
    whole.update(await people.requests(on, known))
    steps = await lead_steps.of(on, whole.keys(), _contacts(whole, here, crowds), _also(whole))
    now: dict[ContactKey, _Now] = {}
    leads_of: dict[Person, list[Lead]] = {}
    for person, requests in whole.items():
        leads_of[person] = fold_leads(requests, most, _standing(steps.get(person, ())))
    for person in crowds:
        leads_of[person] = fold_crowd(here[person], _standing(steps.get(person, ())))
    for person, led in leads_of.items():
        _keep(now, person, led)
    theirs = {person: kept for person, kept in steps.items() if person in leads_of}
    sales = await settle(on, theirs, leads_of, recorded_at)
    touches = await touches_of(
        on,
        whole | {person: here[person] for person in crowds},
        leads_of,
        theirs,
        crowds=crowds.union(person for person, mine in whole.items() if len(mine) > most),
        allowed=allowed,
    )
    grown = [person for person in known + sorted(new) if len(whole[person]) > most]
    if grown:
        await people.mark_crowds(on, grown, crowd=True)
    if shrunk:
        await people.mark_crowds(on, sorted(shrunk), crowd=False)
    openers = [
        key
        for key, outcome in outcomes.items()
        if outcome.known is not None and _stands_alone(key[0], outcome, crowds)
    ]
    written = await people.leads(on, known, openers)
    announced, changed = await _write(on, written, now, touches, recorded_at)
    leads = {key: one.lead for key, one in now.items()}
    return People(announced + sales, leads, frozenset(changed))


def _contacts(
    whole: Mapping[Person, Sequence[Request]],
    here: Mapping[Person, Sequence[Request]],
    crowds: Iterable[Person],
) -> set[ContactKey]:
    """All contacts whose steps are wanted; of a switchboard, those that were written."""
    found = {(tenant, one.contact) for (tenant, _), mine in whole.items() for one in mine}
    return found.union((person[0], one.contact) for person in crowds for one in here[person])


def _also(whole: Mapping[Person, Sequence[Request]]) -> dict[Person, Person]:
    """People by all pseudonyms that they are known by, their own before others'."""
    found = {
        (person[0], name): person
        for person, requests in sorted(whole.items(), reverse=True)
        for one in requests
        for name in one.identifiers
    }
    return found | {person: person for person in whole if person in found}


def _standing(steps: Iterable[Kept]) -> list[Told]:
    return [step.told for step in steps if not step.withdrawn]


def _is_nobody(person: str) -> bool:
    """A contact that belongs to itself alone is locked already."""
    return person.startswith("contact/")


def _stands_alone(tenant: str, outcome: Outcome, crowds: set[Person]) -> bool:
    """Whether the contact's own lead is not found by the person it has, or had."""
    persons = {outcome.row.person}
    if outcome.known is not None:
        persons.add(outcome.known.person)
    return any(_is_nobody(one) or (tenant, one) in crowds for one in persons)


def _keep(now: dict[ContactKey, _Now], person: Person, leads: Iterable[Lead]) -> None:
    for lead in leads:
        data = lead_fact(lead).said().encode()
        now[person[0], lead.opener.contact] = _Now(person[1], lead, data)


async def _write(
    on: asyncpg.Connection,
    known: Mapping[ContactKey, KnownLead],
    now: Mapping[ContactKey, _Now],
    touches: Mapping[ContactKey, Touches],
    recorded_at: datetime,
) -> tuple[list[Announcement], list[ContactKey]]:
    rows: list[LeadRow] = []
    announced: list[Announcement] = []
    changed: list[ContactKey] = []
    for key in sorted(known.keys() | now.keys()):
        tenant, opener = key
        before, after = known.get(key), now.get(key)
        step = next_step(
            subject_of(tenant, opener),
            None if before is None else before.emitted,
            None if after is None else after.data,
        )
        missed = None if after is None else next(iter(after.lead.missed), None)
        by = None if after is None else after.lead.attempted_by
        listed = (after or before).listed  # type: ignore[union-attr]  # one of them is there
        at = recorded_at if before is None else max(recorded_at, before.recorded_at + TICK)
        kept, news = retold(
            tenant,
            subject_of(tenant, opener),
            {} if before is None else before.touches,
            touches.get(key, {}),
            at,
        )
        announced += news
        if step is None:
            # What only we know of it is no news to others.
            known_only = missed, by, listed
            if before is not None and (
                news or known_only != (before.missed, before.attempted_by, before.listed)
            ):
                row = _row(key, before, missed, by, listed)
                told_at = at if news else row.recorded_at
                rows.append(row._replace(recorded_at=told_at, touches=packed(kept)))
            continue
        emitted = step.emitted
        last = after or before
        assert last is not None, "what was never there has no next step"
        rows.append(
            LeadRow(
                tenant,
                opener,
                last.person,
                emitted.revision,
                emitted.hash,
                emitted.void,
                at,
                step.data.decode(),
                missed,
                by,
                listed.created_at,
                listed.state,
                listed.party,
                listed.branch,
                listed.agent,
                packed(kept),
            )
        )
        changed.append(key)
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
    return announced, changed


def _row(
    key: ContactKey, known: KnownLead, missed: UUID | None, by: str | None, listed: Listed
) -> LeadRow:
    """A lead as it was published last."""
    emitted = known.emitted
    assert emitted.data is not None, "leads are read with what was said of them"
    return LeadRow(
        *key,
        known.person,
        emitted.revision,
        emitted.hash,
        emitted.void,
        known.recorded_at,
        emitted.data.decode(),
        missed,
        by,
        listed.created_at,
        listed.state,
        listed.party,
        listed.branch,
        listed.agent,
        packed(known.touches),
    )
