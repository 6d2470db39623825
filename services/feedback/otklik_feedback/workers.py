"""Background work of feedback: its relay, its directory, what it hears of contacts, and words read."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.background import (
    consumer_worker,
    directory_worker,
    idempotency_worker,
    relay_worker,
)
from otklik_common.consumer import ReadEvent
from otklik_common.events.contact_center import Contact
from otklik_common.module import Platform, Worker
from otklik_feedback.actions.clocks_due import due_worker, keep_policies, redo_worker
from otklik_feedback.actions.inviting import inviting_worker
from otklik_feedback.actions.learning import known_of, learn
from otklik_feedback.actions.planning import TOPICS, PlanAsking
from otklik_feedback.actions.reading_work import reading_worker
from otklik_feedback.domain.answer import NOTHING_KNOWN
from otklik_feedback.store.columns import SCHEMA
from otklik_feedback.store.contacts import Heard

NAME: Final = "feedback"

CONTACTS: Final = "feedback.contacts"
"""Consumer group that hears of contacts."""

ASKING: Final = "feedback.asking"
"""Consumer group that hears of what people may be asked about."""


def workers(platform: Platform) -> list[Worker]:
    """All of it, for a process that works."""
    return [
        relay_worker(platform, NAME, SCHEMA),
        directory_worker(platform, NAME, SCHEMA, keep_policies()),
        idempotency_worker(platform, NAME, SCHEMA),
        consumer_worker(platform, CONTACTS, SCHEMA, ["contact-center"], LearnContacts()),
        due_worker(platform),
        redo_worker(platform),
        reading_worker(platform),
        consumer_worker(platform, ASKING, SCHEMA, TOPICS, PlanAsking(platform.directory(SCHEMA))),
        inviting_worker(platform),
    ]


class LearnContacts:
    """Contacts as contact_center tells them; answers about them take their dimensions."""

    async def apply(self, tx: AsyncConnection, events: Sequence[ReadEvent]) -> None:
        """Take in the newest revision of each contact; a void one says nothing any more."""
        newest: dict[tuple[str, UUID], ReadEvent] = {}
        for event in events:
            if event.kind != Contact.kind:
                continue
            at = (event.tenant, event.subject)
            known = newest.get(at)
            if known is None or (event.epoch, event.revision) > (known.epoch, known.revision):
                newest[at] = event
        await learn(tx, [_heard(event) for event in newest.values()])


def _heard(event: ReadEvent) -> Heard:
    contact = event.data()
    assert isinstance(contact, Contact)
    known = NOTHING_KNOWN if event.void else known_of(contact)
    return Heard(event.tenant, event.subject, event.epoch, event.revision, known)
