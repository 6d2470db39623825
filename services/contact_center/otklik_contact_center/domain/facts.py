"""What leaves this service: facts made of contacts, gaps and leads, with nothing personal in them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from otklik_common.events.contact_center import (
    CHANNEL_NAMES,
    Direction,
    Outcome,
    Reply,
    said_of,
)
from otklik_common.events.contact_center import Contact as ContactFact
from otklik_common.events.envelope import bounded_attributes
from otklik_common.events.leads import Lead
from otklik_common.ids import subject_id
from otklik_contact_center.domain import lead as leads
from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.course import ms
from otklik_contact_center.domain.reply import Gap
from otklik_contact_center.domain.tracking.touches import Link
from otklik_contact_center.domain.tracking.ways import way_of

CAMPAIGN: Final = "campaign"
"""On a company's allow-list this name lets campaigns leave; every other name is an attribute."""

MOST_ATTRIBUTE_BYTES: Final = 8_000
"""
Of attributes as rendered: thirty-two long values would be more than a fact may hold.

The rest of a contact's fact takes less than as much again, even if each of its codes consists of
control characters, which are rendered as six bytes.
"""

_SAID: Final = {name: said_of(name) for name in CHANNEL_NAMES}
_DIRECTIONS: Final = {direction.value: direction for direction in Direction}
_OUTCOMES: Final = {outcome.value: outcome for outcome in Outcome}


def contact_fact(
    contact: Contact, *, source: UUID, identifiers: tuple[str, ...], allowed: frozenset[str]
) -> ContactFact:
    """
    The contact as others may know it.

    Args:
        identifiers: Pseudonyms of its customer, strongest first.
        allowed: Names of attributes that the company lets out.
    """
    about, course, said = contact.about, contact.course, contact.said
    attributes, truncated = _declared(about.attributes, allowed)
    channel, head_line = _SAID[about.channel]
    # Built without validation: every value was checked when it was pushed, and this runs for
    # each contact at each change. A test renders both ways and compares.
    return ContactFact.model_construct(
        source=source,
        channel=channel,
        direction=_DIRECTIONS[about.direction],
        party=about.party,
        branch=about.branch,
        team=about.team,
        queue=about.queue,
        agent=about.agent,
        campaign=about.campaign if CAMPAIGN in allowed else None,
        touchpoint=about.touchpoint,
        stage=about.stage,
        segment=None,
        identifiers=identifiers,
        started_at=_utc(course.started_at),
        offered_at=_utc(course.offered_at),
        answered_at=_utc(course.answered_at),
        abandoned_at=_utc(contact.abandoned_at),
        first_asked_at=_utc(contact.first_asked_at),
        first_replied_at=_utc(contact.first_replied_at),
        ended_at=_utc(course.ended_at),
        closed_at=_utc(course.ended_at),
        open_since=_utc(course.open_since) if course.ended_at is None else None,
        due_at=_utc(about.due_at),
        outcome=_OUTCOMES[contact.outcome],
        waited_ms=contact.waited_ms,
        talked_ms=contact.talked_ms,
        held_ms=None if contact.talked_ms is None else course.held_ms,
        wrapped_ms=course.wrapped_ms,
        handled_ms=contact.handled_ms,
        first_response_ms=contact.first_response_ms,
        resolution_ms=course.resolution_ms,
        customer_messages=said.customer_messages,
        agent_messages=said.agent_messages,
        bot_messages=said.bot_messages,
        transfers=course.transfers,
        reopenings=course.reopenings,
        recorded=contact.recorded,
        contradictions=contact.contradictions,
        attributes=attributes,
        truncated=truncated,
        head_line=head_line,
        reached_by=_SAID[about.reached_by][0] if head_line else None,
    )


def _declared(
    attributes: Mapping[str, str], allowed: frozenset[str]
) -> tuple[dict[str, str], bool]:
    """Declared attributes that fit into a fact, and whether anything was cut."""
    if not attributes or not allowed:
        return {}, False
    kept, truncated = bounded_attributes(
        {name: value for name, value in attributes.items() if name in allowed}
    )
    room = MOST_ATTRIBUTE_BYTES
    fitting: dict[str, str] = {}
    for name, value in kept.items():
        room -= _rendered(name) + _rendered(value)
        if room < 0:
            return fitting, True
        fitting[name] = value
    return fitting, truncated


def _rendered(text: str) -> int:
    """Bytes of a text as JSON, with what stands behind it."""
    return len(msgspec.json.encode(text)) + 1


def reply_id(tenant: str, contact: UUID, gap: Gap) -> UUID:
    """Subject of a gap: the contact and the sender's id of what began it."""
    return subject_id(tenant, "reply", str(contact), gap.id)


def reply_fact(gap: Gap, contact: Contact, *, subject: UUID, of: ContactFact) -> Reply:
    """
    A gap as others may know it.

    Args:
        subject: Of the contact.
        of: The fact of the contact.
    """
    return Reply.model_construct(
        contact=subject,
        source=of.source,
        channel=of.channel,
        party=of.party,
        branch=gap.branch or of.branch,
        queue=gap.queue or of.queue,
        agent=gap.agent or of.agent,
        identifiers=of.identifiers,
        first=gap.first and contact.about.inbound,
        asked_at=gap.asked_at.astimezone(UTC),
        replied_at=_utc(gap.replied_at),
        waited_ms=None if gap.replied_at is None else max(0, ms(gap.replied_at - gap.asked_at)),
        head_line=of.head_line,
    )


def void_reply(at: datetime, *, subject: UUID, of: ContactFact) -> Reply:
    """
    What is said of a gap that is no more: only where it was.

    Args:
        at: When its contact began.
        subject, of: As for `reply_fact`.
    """
    return Reply.model_construct(
        contact=subject,
        source=of.source,
        channel=of.channel,
        party=None,
        branch=None,
        queue=None,
        agent=None,
        identifiers=(),
        first=False,
        asked_at=at.astimezone(UTC),
        replied_at=None,
        waited_ms=None,
        head_line=of.head_line,
    )


def request_of(
    contact: Contact, *, subject: UUID, of: ContactFact, link: Link | None = None
) -> leads.Request:
    """The contact as leads see it."""
    return leads.Request(
        contact=subject,
        at=contact.at,
        inbound=contact.about.inbound,
        source=of.source,
        channel=contact.about.channel,
        party=of.party,
        branch=of.branch,
        queue=of.queue,
        agent=of.agent,
        identifiers=of.identifiers,
        assigned_at=contact.course.assigned_at,
        attempted_at=contact.attempted_at,
        connected_at=contact.connected_at,
        missed=contact.about.inbound and contact.outcome in leads.MISSED,
        way=way_of(of.attributes, of.campaign),
        link=link,
    )


def lead_id(tenant: str, opener: UUID) -> UUID:
    """Subject of a lead: the contact that opened it."""
    return subject_id(tenant, "lead", str(opener))


def lead_fact(lead: leads.Lead) -> Lead:
    """A lead as others may know it."""
    opener = lead.opener
    channel, head_line = _SAID[opener.channel]
    return Lead.model_construct(
        contact=opener.contact,
        source=opener.source,
        channel=channel,
        party=lead.party,
        branch=lead.branch,
        queue=lead.queue,
        agent=lead.agent,
        campaign=opener.way.campaign,
        identifiers=opener.identifiers,
        known_person=lead.known_person,
        created_at=lead.created_at.astimezone(UTC),
        assigned_at=_utc(lead.assigned_at),
        attempted_at=_utc(lead.attempted_at),
        contacted_at=_utc(lead.contacted_at),
        closed_at=_utc(lead.closed_at),
        last_requested_at=lead.last_requested_at.astimezone(UTC),
        qualified_at=_utc(lead.qualified_at),
        shown_at=_utc(lead.shown_at),
        dealt_at=_utc(lead.dealt_at),
        reason=lead.reason,
        objections=lead.objections,
        assign_ms=lead.assign_ms,
        attempt_ms=lead.attempt_ms,
        contact_ms=lead.contact_ms,
        requests=lead.requests,
        showings=lead.showings,
        ad_source=opener.way.ad_source,
        medium=opener.way.medium,
        head_line=head_line,
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def contact_verb(contact: Contact) -> str:
    """What the newest state of a contact is about, for readers of the log."""
    if contact.course.ended_at is not None:
        return "ended"
    if contact.course.answer is not None:
        return "answered"
    return "offered" if contact.about.inbound else "started"


def lead_verb(lead: leads.Lead) -> str:
    """The same for a lead."""
    for verb, at in (
        ("closed", lead.closed_at),
        ("dealt", lead.dealt_at),
        ("shown", lead.shown_at),
        ("qualified", lead.qualified_at),
    ):
        if at is not None:
            return verb
    if lead.contacted_at is not None:
        return "contacted"
    return "created" if lead.attempted_at is None else "attempted"
