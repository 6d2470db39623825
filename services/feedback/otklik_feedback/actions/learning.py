"""Learning of contacts: their dimensions reach the answers about them, however late."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.events.contact_center import Contact, channel_of
from otklik_common.events.envelope import Event
from otklik_feedback.actions.opening import place_cases
from otklik_feedback.domain.answer import COPIED, Answer, ContactKnown
from otklik_feedback.domain.facts import answer_event, next_moment
from otklik_feedback.store import answers, contacts, readings
from otklik_feedback.store.contacts import Heard


def known_of(contact: Contact) -> ContactKnown:
    """What an answer takes from its contact."""
    values = {name: getattr(contact, name) for name in COPIED} | {"channel": channel_of(contact)}
    dimensions = {name: str(value) for name, value in values.items() if value is not None}
    return ContactKnown(dimensions, contact.identifiers)


async def learn(tx: AsyncConnection, heard: Sequence[Heard]) -> None:
    """
    Keep what is newer, and publish a new revision of each answer and case that it changes.

    Args:
        heard: At most one of each contact; older than what is known is ignored.
    """
    newer = await contacts.hear(tx, heard) if heard else set()
    if not newer:
        return
    known = {(each.tenant, each.contact): each.known for each in heard}
    about = await answers.about(tx, newer)
    if not about:
        return
    recorder = await outbox.recorder(tx, None)
    changed = list(_changed(about, known, recorder))
    if not changed:
        return
    await answers.place(tx, changed)
    # What words say is told with the dimensions of their answer.
    with_words = [(tenant, answer.id) for tenant, answer in changed if answer.content.has_text]
    if with_words:
        await readings.mark(tx, with_words, recorder.now)
    placed = await place_cases(tx, changed, recorder=recorder)
    facts: list[Event[Any]] = [
        answer_event(tenant, answer, verb="placed") for tenant, answer in changed
    ]
    await recorder.append([*facts, *placed])


def _changed(
    about: Iterable[tuple[str, Answer]],
    known: dict[tuple[str, Any], ContactKnown],
    recorder: outbox.Recorder,
) -> Iterable[tuple[str, Answer]]:
    for tenant, answer in about:
        contact = known[tenant, answer.contact]
        dimensions = {**contact.dimensions, **answer.said}
        identifiers = answer.own_identifiers or contact.identifiers
        if dimensions == answer.dimensions and identifiers == answer.identifiers:
            continue
        yield (
            tenant,
            replace(
                answer,
                dimensions=dimensions,
                identifiers=identifiers,
                revision=answer.revision + 1,
                recorded_at=next_moment(recorder.now, answer.recorded_at),
            ),
        )
