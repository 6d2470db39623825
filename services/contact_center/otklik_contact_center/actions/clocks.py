"""Clocks of the contacts that were just folded, in the same transaction."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from otklik_common.clocks.policies import Policies
from otklik_common.clocks.shown import Shown, time_of, verb
from otklik_common.events.contact_center import SlaClock
from otklik_common.observability import get_logger
from otklik_contact_center.actions.leads import People
from otklik_contact_center.actions.outcome import TICK, Outcome
from otklik_contact_center.domain.clock import ClockFact, about_of, clocks, read, rendered
from otklik_contact_center.domain.emission import Announcement, Emitted, announcement, next_step
from otklik_contact_center.domain.lead import Lead
from otklik_contact_center.domain.watch import CALLBACK, called_back
from otklik_contact_center.store import clocks as store
from otklik_contact_center.store.clocks import ClockKey, ClockRow, KnownClock, Subject
from otklik_contact_center.store.folding import ContactKey

AT_ONCE: Final = 25
"""Contacts between two looks at what else there is to do: some milliseconds of computing."""

log = get_logger(__name__)


class Settled(NamedTuple):
    """
    What became of the clocks of a batch.

    Attributes:
        failed: Why those of some contacts could not be made; they stay as they were.
    """

    announced: list[Announcement]
    failed: dict[ContactKey, str]


async def settle(
    on: asyncpg.Connection,
    outcomes: Mapping[ContactKey, Outcome],
    people: People,
    policies: Mapping[str, Policies],
    *,
    recorded_at: datetime,
) -> Settled:
    """
    Make the clocks of contacts that were written in this transaction, and of whoever was called
    back by them.

    Args:
        people: What became of the leads of the people behind them.
        policies: By company; those that are not among them have never promised anything.
    """
    here = {
        key: Subject(about_of(outcome.row.data), outcome.watched)
        for key, outcome in outcomes.items()
        if key[0] in policies
    }
    awaited = _awaited(people, outcomes)
    elsewhere = {
        key for key in people.changed | awaited.keys() if key[0] in policies and key not in here
    }
    if not here and not elsewhere:
        return Settled([], {})
    known = await store.lock(on, [*here, *elsewhere])
    openers = await store.subjects(on, elsewhere) if elsewhere else {}
    of: dict[ContactKey, dict[ClockKey, KnownClock]] = {}
    for clock, one in known.items():
        contact = (clock[0], one.contact)
        if contact in here or one.target == CALLBACK:
            of.setdefault(contact, {})[clock] = one
    changes: list[Change] = []
    failed: dict[ContactKey, str] = {}
    for number, key in enumerate(sorted([*here, *elsewhere])):
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)
        subject = here.get(key) or openers.get(key)
        before = of.get(key, {})
        whole = key in here and outcomes[key].request is not None
        gone = key in here and not whole
        try:
            shown = (
                {}
                if subject is None or gone
                else _shown(
                    key,
                    subject,
                    awaited.get(key),
                    policies[key[0]],
                    before,
                    recorded_at,
                    whole=whole,
                )
            )
            changes.extend(_changes(key, before, shown, recorded_at))
        except Exception as broken:
            log.error("clocks not made", tenant=key[0], contact_id=key[1], exc_info=broken)
            failed[key] = type(broken).__name__
    if changes:
        await store.put(on, sorted(change.row for change in changes))
    return Settled([change.announcement for change in changes], failed)


def _awaited(
    people: People, outcomes: Mapping[ContactKey, Outcome]
) -> dict[ContactKey, Lead | None]:
    """
    Contacts that nobody took, in leads that were touched, with their lead.

    The first of a lead carries its callback; the others, of which each may have been the first
    before, carry none.
    """
    found: dict[ContactKey, Lead | None] = {}
    for opener, lead in people.now.items():
        tenant, _ = opener
        touched = opener in people.changed or any(
            (tenant, member) in outcomes for member in lead.members
        )
        if touched:
            found |= {
                (tenant, contact): None if place else lead
                for place, contact in enumerate(lead.missed)
            }
    return found


def _shown(
    key: ContactKey,
    subject: Subject,
    lead: Lead | None,
    policies: Policies,
    before: Mapping[ClockKey, KnownClock],
    now: datetime,
    *,
    whole: bool,
) -> dict[UUID, Shown[ClockFact]]:
    """What each clock of a contact shows, or only that of its callback."""
    watched = called_back(
        subject.watched,
        awaited=lead is not None,
        at=None if lead is None else lead.attempted_at,
        by=None if lead is None else lead.attempted_by,
        only=not whole,
    )
    recorded = {id_: one.recorded_at for (_, id_), one in before.items()}
    made = clocks(key[0], key[1], subject.about, watched, policies, now=now, known=recorded)
    return {kept.id: kept.shown for kept in made}


def _changes(
    key: ContactKey,
    before: Mapping[ClockKey, KnownClock],
    shown: Mapping[UUID, Shown[ClockFact]],
    recorded_at: datetime,
) -> Iterator["Change"]:
    tenant, _ = key
    for id_ in sorted(shown.keys() | {one for _, one in before}):
        known = before.get((tenant, id_))
        found = change(
            (tenant, id_),
            None if known is None else known.emitted,
            shown.get(id_),
            recorded_at if known is None else max(recorded_at, known.recorded_at + TICK),
        )
        if found is not None:
            yield found


class Change(NamedTuple):
    """A revision of a clock: to write, and to tell."""

    row: ClockRow
    announcement: Announcement


def change(
    key: ClockKey, known: Emitted | None, shown: Shown[ClockFact] | None, recorded_at: datetime
) -> Change | None:
    """
    What is new about a clock; None where it shows what it did.

    Args:
        known: As last published.
        shown: None where there is no such clock any more.
    """
    tenant, id_ = key
    step = next_step(id_, known, None if shown is None else rendered(shown.fact))
    if step is None:
        return None
    fact = read(step.data)
    emitted = step.emitted
    row = ClockRow(
        tenant,
        id_,
        fact.contact,
        fact.target,
        emitted.revision,
        emitted.hash,
        emitted.void,
        recorded_at,
        step.data.decode(),
        fact.branch,
        fact.state,
        fact.due_at,
        fact.ended_at,
        None if shown is None else shown.warn_at,
        None if shown is None else shown.breaches_at,
    )
    told = announcement(
        step,
        SlaClock,
        tenant=tenant,
        verb="voided" if emitted.void else verb(fact),
        time=recorded_at if emitted.void else time_of(fact, recorded_at),
        recorded_at=recorded_at,
        traceparent=None,
    )
    return Change(row, told)
