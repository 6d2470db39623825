"""What the contacts of a batch come to: folded, then told what brought them, then made facts."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, NamedTuple

import asyncpg

from otklik_common.observability import get_logger
from otklik_common.pseudonym import Pseudonyms, Sealer
from otklik_contact_center.actions.attributing import Attributing, Brought
from otklik_contact_center.actions.fold_batch import Batch
from otklik_contact_center.actions.outcome import Outcome, Sent, outcome_of, outcome_of_nothing
from otklik_contact_center.actions.packing import EVENT
from otklik_contact_center.domain.admission import decode_stored, is_ahead
from otklik_contact_center.domain.contact import Contact, fold, lived_of
from otklik_contact_center.domain.events import Event, in_order
from otklik_contact_center.domain.head_line import by_head_line
from otklik_contact_center.domain.watch import watched
from otklik_contact_center.store.folding import MOST_EVENTS, ContactKey

YIELD_EVERY: Final = 25
"""Contacts folded before others in the process get their turn: some 5 ms."""

log = get_logger(__name__)


class TooManyEventsError(Exception):
    """A contact with more events than anything real has."""


class Folded(NamedTuple):
    """A contact, and the events that it was made of."""

    contact: Contact
    events: Sequence[Event]


class Outcomes:
    """Makes the outcomes of batches."""

    def __init__(self, sealer: Sealer, pseudonyms: Pseudonyms) -> None:
        self._sealer = sealer
        self._pseudonyms = pseudonyms
        self._attributing = Attributing()

    async def of(
        self, on: asyncpg.Connection, batch: Batch, now: datetime
    ) -> tuple[dict[ContactKey, Outcome], dict[Sent, str]]:
        """What each contact comes to, and why some could not be folded."""
        failed: dict[Sent, str] = {}
        found: dict[int, Folded] = {}
        for number in range(len(batch.sents)):
            if number % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
            with _parking(batch, number, failed):
                one = self._folded(batch, number)
                if one is not None:
                    found[number] = one
        contacts = {batch.keys[number]: one.contact for number, one in found.items()}
        regions = {tenant: setting.region for tenant, setting in batch.settings.items()}
        brought = await self._attributing.told(on, contacts, regions, now)
        outcomes: dict[ContactKey, Outcome] = {}
        for number, key in enumerate(batch.keys):
            if number % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
            if key in batch.bare:
                outcomes[key] = outcome_of_nothing(batch.bare[key], batch.known[key], now=now)
            elif number in found:
                with _parking(batch, number, failed):
                    one = found[number]
                    tied = brought.get(key, Brought(one.contact))
                    outcomes[key] = self._outcome(batch, number, one.events, tied, now)
        return outcomes, failed

    def _folded(self, batch: Batch, number: int) -> Folded | None:
        """A contact out of its events; None while they only correct what is not known yet."""
        sent, raws = batch.sents[number], batch.raws[number]
        if len(raws) > MOST_EVENTS:
            raise TooManyEventsError
        if batch.keys[number] in batch.bare:
            return None
        open_ = self._sealer.open
        events = [decode_stored(open_(sent[0], EVENT, one.body)) for one in raws]
        contact = fold(
            events,
            clock_ahead=any(
                is_ahead(event, one.received_at) for event, one in zip(events, raws, strict=True)
            ),
        )
        if contact is None:
            return None
        setting = batch.settings[sent[0]]
        return Folded(by_head_line(contact, setting.head, setting.region), events)

    def _outcome(
        self, batch: Batch, number: int, events: Sequence[Event], tied: Brought, now: datetime
    ) -> Outcome:
        contact = tied.contact
        sent, key, raws = batch.sents[number], batch.keys[number], batch.raws[number]
        about, setting = contact.about, batch.settings[sent[0]]
        return outcome_of(
            contact,
            sent,
            subject=key[1],
            known=batch.known.get(key),
            identifiers=self._pseudonyms.identifiers(
                sent[0],
                phone=about.phone,
                email=about.email,
                external_id=about.external_id,
                region=setting.region,
            ),
            allowed=setting.allowed,
            watched=watched(contact, lived_of(in_order(events))),
            link=tied.link,
            now=now,
            traceparent=max(raws, key=lambda one: one.received_at).traceparent,
        )


@contextmanager
def _parking(batch: Batch, number: int, failed: dict[Sent, str]) -> Iterator[None]:
    """One contact that cannot be folded holds no other up."""
    try:
        yield
    except Exception as broken:
        sent = batch.sents[number]
        log.error("contact parked", tenant=sent[0], source_id=sent[1], exc_info=broken)
        failed[sent] = type(broken).__name__
