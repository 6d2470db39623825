"""
Leads: requests of a person who wants something of us, until somebody works on them.

One fold over all contacts of one person. While nobody has worked on a request, a repeated call
makes no second lead: a customer who was not called back is one, however often they tried. Once
somebody has, the next call is a request of its own, lest the first answer stand for all later ones.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from otklik_contact_center.domain.course import ms

STAYS_OPEN: Final = timedelta(days=30)
"""A person who comes back within this time of the last activity comes for the same thing."""

MOST_CONTACTS: Final = 1_000
"""Behind a number with more contacts is no person but a switchboard: each stands for itself."""


MISSED: Final = frozenset(("abandoned", "overflowed", "callback_requested", "voicemail"))
"""Outcomes of an inbound contact after which somebody is to be called back."""


class Request(msgspec.Struct, frozen=True):
    """
    A contact as leads see it.

    Attributes:
        at: When it was offered, or, if we began it, when we tried.
        attempted_at: When a person of ours first answered, or tried to reach the customer.
        connected_at: When a person of ours and the customer were first in touch.
        identifiers: Pseudonyms of the person, strongest first.
        missed: Nobody took it, and somebody is to call back.
    """

    contact: UUID
    at: datetime
    inbound: bool
    source: UUID
    channel: str
    party: str | None = None
    branch: str | None = None
    queue: str | None = None
    agent: str | None = None
    campaign: str | None = None
    identifiers: tuple[str, ...] = ()
    assigned_at: datetime | None = None
    attempted_at: datetime | None = None
    connected_at: datetime | None = None
    missed: bool = False


class Lead(msgspec.Struct):
    """
    A request and what became of it so far; `opener` is the contact that began it.

    Attributes:
        known_person: They had been in contact before.
        requests: Inbound contacts that belong to it, the opener included: those that came before
            anybody worked on it.
        active_at: The last thing that happened in it, on either side.
        attempted_by: The agent of the contact in which it was first attempted.
        members: Its inbound contacts, the opener first.
        missed: Those of them that nobody took; the customer is called back once, for the first.
    """

    opener: Request
    party: str | None
    branch: str | None
    queue: str | None
    agent: str | None
    known_person: bool
    created_at: datetime
    last_requested_at: datetime
    active_at: datetime
    assigned_at: datetime | None = None
    attempted_at: datetime | None = None
    contacted_at: datetime | None = None
    requests: int = 1
    attempted_by: str | None = None
    members: list[UUID] = msgspec.field(default_factory=list)
    missed: list[UUID] = msgspec.field(default_factory=list)

    @property
    def attempt_ms(self) -> int | None:
        """From the request to the first attempt of a person."""
        return None if self.attempted_at is None else ms(self.attempted_at - self.created_at)

    @property
    def contact_ms(self) -> int | None:
        """From the request to the first conversation."""
        return None if self.contacted_at is None else ms(self.contacted_at - self.created_at)


def person_of(identifiers: Sequence[str], contact: UUID) -> str:
    """Who a contact belongs to: the strongest identifier; without any, only to itself."""
    return identifiers[0] if identifiers else f"contact/{contact}"


def also_known_as(identifiers: Sequence[str]) -> tuple[str | None, str | None]:
    """The e-mail and the external id besides the strongest identifier, as pseudonyms."""
    weaker = {identifier[:2]: identifier for identifier in identifiers[1:]}
    return weaker.get("em"), next((text for text in weaker.values() if text[0] == "x"), None)


def fold_leads(requests: Iterable[Request], most: int = MOST_CONTACTS) -> list[Lead]:
    """
    The leads in all contacts of one person, in the order of their creation.

    Args:
        most: Whoever has more contacts is a switchboard.
    """
    ordered = sorted(
        requests, key=lambda request: (request.at, not request.inbound, request.contact)
    )
    if len(ordered) > most:
        return fold_crowd(ordered)
    leads: list[Lead] = []
    active: list[Lead] = []
    going_on: list[Request] = []
    for number, request in enumerate(ordered):
        active = [lead for lead in active if request.at - lead.active_at <= STAYS_OPEN]
        going_on = [one for one in going_on if _worked_until(one) >= request.at]
        mine = [lead for lead in active if _fits(lead.party, request.party)]
        if not request.inbound:
            for lead in mine:
                _worked(lead, request)
        elif unworked := [lead for lead in mine if _waits(lead, request.at)]:
            _asked_again(max(unworked, key=lambda lead: lead.active_at), request)
        else:
            for lead in mine:
                lead.contacted_at = _earliest(lead, lead.contacted_at, request.connected_at)
            lead = _open(request, known=number > 0)
            for one in going_on:
                if _fits(lead.party, one.party):
                    _worked_meanwhile(lead, one)
            leads.append(lead)
            active.append(lead)
        going_on.append(request)
    return leads


def fold_crowd(requests: Iterable[Request]) -> list[Lead]:
    """The leads behind a switchboard: each inbound contact for itself."""
    return [_open(request, known=True) for request in requests if request.inbound]


def _fits(one: str | None, other: str | None) -> bool:
    """A seller's call is no answer to a buyer's; where the party is not said, it may be."""
    return one is None or other is None or one == other


def _waits(lead: Lead, at: datetime) -> bool:
    """Whether by then nobody had worked on a lead; what was done later is done for both."""
    return lead.attempted_at is None or lead.attempted_at >= at


def _worked_until(request: Request) -> datetime:
    moments = (request.at, request.attempted_at, request.connected_at)
    return max(moment for moment in moments if moment is not None)


def _open(request: Request, *, known: bool) -> Lead:
    lead = Lead(
        opener=request,
        party=request.party,
        branch=request.branch,
        queue=request.queue,
        agent=request.agent,
        known_person=known,
        created_at=request.at,
        last_requested_at=request.at,
        active_at=request.at,
    )
    _joined(lead, request)
    return lead


def _asked_again(lead: Lead, request: Request) -> None:
    lead.requests += 1
    lead.last_requested_at = request.at
    _joined(lead, request)


def _joined(lead: Lead, request: Request) -> None:
    lead.members.append(request.contact)
    if request.missed:
        lead.missed.append(request.contact)
    _worked(lead, request)


def _worked(lead: Lead, request: Request) -> None:
    """What a contact adds to the lead that it belongs to."""
    lead.party = lead.party or request.party
    lead.branch = lead.branch or request.branch
    lead.queue = lead.queue or request.queue
    lead.agent = lead.agent or request.agent
    lead.assigned_at = _earliest(lead, lead.assigned_at, request.assigned_at)
    _attempted(lead, request.attempted_at, request.agent)
    lead.contacted_at = _earliest(lead, lead.contacted_at, request.connected_at)
    moments = (lead.active_at, request.at, request.attempted_at, request.connected_at)
    lead.active_at = max(moment for moment in moments if moment is not None)


def _worked_meanwhile(lead: Lead, earlier: Request) -> None:
    """What is done in a contact that began before the lead, and goes on, is done for it too."""
    since = [
        moment
        for moment in (earlier.attempted_at, earlier.connected_at)
        if moment is not None and moment >= lead.created_at
    ]
    if since:
        _attempted(lead, min(since), earlier.agent)
        lead.active_at = max(lead.active_at, *since)
    if earlier.connected_at in since:
        lead.contacted_at = _earliest(lead, lead.contacted_at, earlier.connected_at)


def _attempted(lead: Lead, at: datetime | None, by: str | None) -> None:
    earliest = _earliest(lead, lead.attempted_at, at)
    if earliest != lead.attempted_at:
        lead.attempted_at, lead.attempted_by = earliest, by


def _earliest(lead: Lead, known: datetime | None, new: datetime | None) -> datetime | None:
    """The earlier of two times, nothing before the lead itself: clocks of two systems differ."""
    if new is None:
        return known
    new = max(new, lead.created_at)
    return new if known is None else min(known, new)
