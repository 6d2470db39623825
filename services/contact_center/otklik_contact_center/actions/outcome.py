"""What a folded contact comes to: the row to write and the facts to announce."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from otklik_common.events.contact_center import Contact as ContactFact
from otklik_common.events.contact_center import Reply
from otklik_common.ids import source_subject
from otklik_contact_center.domain import facts
from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.emission import (
    Announcement,
    Emitted,
    Step,
    announcement,
    next_step,
    steps,
)
from otklik_contact_center.domain.lead import Request, also_known_as, person_of
from otklik_contact_center.domain.tracking.touches import Link
from otklik_contact_center.domain.watch import NOTHING, Watched
from otklik_contact_center.store.clocks import packed as packed_watched
from otklik_contact_center.store.folding import ContactRow, KnownContact, packed
from otklik_contact_center.store.visits import packed_link

TICK: Final = timedelta(microseconds=1)
"""recorded_at grows strictly per subject, even where two folds share a microsecond."""

Sent = tuple[str, str, str]
"""A contact as its sender names it: company, source, the sender's id."""


class Outcome(NamedTuple):
    """A contact as its events tell it now; without a request it is no more."""

    row: ContactRow
    known: KnownContact | None
    request: Request | None
    announced: list[Announcement]
    watched: Watched = NOTHING


class Telling(NamedTuple):
    """What all facts of one fold of a contact have in common."""

    tenant: str
    time: datetime
    recorded_at: datetime
    traceparent: str | None

    def of(self, step: Step, kind: type[ContactFact | Reply], verb: str) -> Announcement:
        """A step as it travels."""
        return announcement(
            step, kind, verb="voided" if step.emitted.void else verb, **self._asdict()
        )


def outcome_of(
    contact: Contact,
    sent: Sent,
    *,
    subject: UUID,
    known: KnownContact | None,
    identifiers: tuple[str, ...],
    allowed: frozenset[str],
    watched: Watched,
    link: Link | None,
    now: datetime,
    traceparent: str | None,
) -> Outcome:
    """
    What to write of a contact and what to say.

    Args:
        known: As it was folded last; None if never.
        identifiers: Pseudonyms of its customer.
        allowed: Attributes that may leave.
        watched: What its clocks are made of.
        link: To what brought it.
        now: When this transaction records its facts.
        traceparent: Trace of the newest event.
    """
    tenant, source, _ = sent
    fact = facts.contact_fact(
        contact,
        source=source_subject(tenant, source),
        identifiers=identifiers,
        allowed=allowed,
    )
    recorded_at = now if known is None else max(now, known.recorded_at + TICK)
    telling = Telling(tenant, contact.changed_at, recorded_at, traceparent)
    data = fact.said()
    emitted = None if known is None else known.emitted
    announced: list[Announcement] = []
    step = next_step(subject, emitted, data.encode())
    if step is not None:
        emitted = step.emitted
        announced.append(telling.of(step, ContactFact, facts.contact_verb(contact)))
    assert emitted is not None
    replies = {} if known is None else dict(known.replies)
    if replies or contact.said.gaps:
        for one in _replies(replies, contact, tenant=tenant, subject=subject, fact=fact):
            replies[one.subject] = Emitted(one.emitted.revision, one.emitted.hash, one.emitted.void)
            announced.append(telling.of(one, Reply, "changed"))
    row = _row(
        contact,
        sent,
        subject=subject,
        identifiers=identifiers,
        emitted=emitted,
        recorded_at=recorded_at,
        data=data,
        replies=replies,
        watched=watched,
        link=link,
    )
    request = facts.request_of(contact, subject=subject, of=fact, link=link)
    return Outcome(row, known, request, announced, watched)


def _replies(
    known: dict[UUID, Emitted],
    contact: Contact,
    *,
    tenant: str,
    subject: UUID,
    fact: ContactFact,
) -> list[Step]:
    """What is new, changed or gone among the gaps of a contact."""
    now = {
        facts.reply_id(tenant, subject, gap): facts.reply_fact(
            gap, contact, subject=subject, of=fact
        )
        .said()
        .encode()
        for gap in contact.said.gaps
    }
    found = steps(known, now)
    if any(step.emitted.void for step in found):
        gone = _gone(contact.at, subject=subject, of=fact)
        found = [step._replace(data=gone) if step.emitted.void else step for step in found]
    return found


def _gone(at: datetime, *, subject: UUID, of: ContactFact) -> bytes:
    return facts.void_reply(at, subject=subject, of=of).said().encode()


def outcome_of_nothing(last: ContactRow, known: KnownContact, *, now: datetime) -> Outcome:
    """
    What to write and say of a contact whose events were all taken out: it is void.

    Args:
        last: As it was folded last, `known` the same.
        now: When this transaction records its facts.
    """
    recorded_at = max(now, known.recorded_at + TICK)
    telling = Telling(last.tenant, recorded_at, recorded_at, None)
    step = next_step(last.id, known.emitted, None)
    assert step is not None, "a void contact is not folded away again"
    announced = [telling.of(step._replace(data=last.data.encode()), ContactFact, "voided")]
    gone = _gone(last.at, subject=last.id, of=ContactFact.model_validate_json(last.data))
    replies = dict(known.replies)
    for one in steps(replies, {}):
        replies[one.subject] = Emitted(one.emitted.revision, one.emitted.hash, one.emitted.void)
        announced.append(telling.of(one._replace(data=gone), Reply, "voided"))
    row = last._replace(
        revision=step.emitted.revision,
        void=True,
        recorded_at=recorded_at,
        replies=packed(replies),
        watched=None,
        brought=None,
    )
    return Outcome(row, known, None, announced)


def _row(
    contact: Contact,
    sent: Sent,
    *,
    subject: UUID,
    identifiers: tuple[str, ...],
    emitted: Emitted,
    recorded_at: datetime,
    data: str,
    replies: dict[UUID, Emitted],
    watched: Watched,
    link: Link | None,
) -> ContactRow:
    tenant, source, named = sent
    about = contact.about
    email, external = also_known_as(identifiers)
    return ContactRow(
        tenant=tenant,
        id=subject,
        source=source,
        contact=named,
        person=person_of(identifiers, subject),
        at=contact.at,
        channel=about.channel,
        direction=about.direction,
        outcome=contact.outcome,
        party=about.party,
        branch=about.branch,
        queue=about.queue,
        agent=about.agent,
        assigned_at=contact.course.assigned_at,
        attempted_at=contact.attempted_at,
        connected_at=contact.connected_at,
        revision=emitted.revision,
        hash=emitted.hash,
        void=False,
        recorded_at=recorded_at,
        data=data,
        replies=packed(replies),
        email=email,
        external=external,
        watched=packed_watched(watched),
        brought=packed_link(link),
    )
