"""
Leads: requests of a person who wants something of us, from the first contact to the last step.

What contacts and the steps of a sales system add to a lead; which of them belong to it is for
`lead_fold` to find.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from otklik_contact_center.domain.course import ms
from otklik_contact_center.domain.lead_step import Told
from otklik_contact_center.domain.tracking.touches import Link
from otklik_contact_center.domain.tracking.ways import NO_WAY, Way

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
        way: By which it came; its campaign stands in it.
        link: To what brought it, where it came to a tracked number.
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
    identifiers: tuple[str, ...] = ()
    assigned_at: datetime | None = None
    attempted_at: datetime | None = None
    connected_at: datetime | None = None
    missed: bool = False
    way: Way = NO_WAY
    link: Link | None = None


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
        shown_at, showings: The first showing, and how many there were.
        closed_at: When it was closed, if nothing was done since; with `reason` and `objections`.
        steps: Ids of the steps that belong to it.
        stepped_at: When the last of them happened that does not close it.
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
    qualified_at: datetime | None = None
    shown_at: datetime | None = None
    showings: int = 0
    dealt_at: datetime | None = None
    closed_at: datetime | None = None
    reason: str | None = None
    objections: tuple[str, ...] = ()
    steps: list[str] = msgspec.field(default_factory=list)
    stepped_at: datetime | None = None

    @property
    def state(self) -> str:
        """How far it has come: what was reached last of all that can be."""
        reached = {
            "closed": self.closed_at,
            "deal": self.dealt_at,
            "showing": self.shown_at,
            "qualified": self.qualified_at,
            "contacted": self.contacted_at,
            "attempted": self.attempted_at,
        }
        return next((name for name, at in reached.items() if at is not None), "waiting")

    @property
    def assign_ms(self) -> int | None:
        """From the request until it was somebody's."""
        return None if self.assigned_at is None else ms(self.assigned_at - self.created_at)

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


def fits(one: str | None, other: str | None) -> bool:
    """A seller's call is no answer to a buyer's; where the party is not said, it may be."""
    return one is None or other is None or one == other


def waits(lead: Lead, at: datetime) -> bool:
    """Whether by then nobody had worked on a lead; what was done later is done for both."""
    return lead.attempted_at is None or lead.attempted_at >= at


def stepped(lead: Lead, step: Told) -> None:
    """What a step adds to the lead that it belongs to."""
    lead.steps.append(step.id)
    lead.party = lead.party or step.party
    lead.branch = lead.branch or step.branch
    lead.active_at = max(lead.active_at, step.at)
    if step.step == "closed":
        # One that is known to belong to it late closes nothing that was worked on since.
        if lead.stepped_at is None or step.at >= lead.stepped_at:
            lead.closed_at = max(step.at, lead.created_at)
            lead.reason, lead.objections = step.reason, step.objections
        return
    lead.stepped_at = max(lead.stepped_at or step.at, step.at)
    if lead.closed_at is not None and step.at > lead.closed_at:
        lead.closed_at, lead.reason, lead.objections = None, None, ()
    if step.step == "assigned":
        lead.agent = step.agent or lead.agent
        lead.assigned_at = earliest(lead, lead.assigned_at, step.at)
        return
    lead.agent = lead.agent or step.agent
    if step.step == "own":
        # What happened is the company's to know: nobody need have talked to the customer.
        return
    # Whoever was shown something was talked to, whether or not that was told.
    _attempted(lead, step.at, step.agent)
    if step.step != "attempted":
        lead.contacted_at = earliest(lead, lead.contacted_at, step.at)
    if step.step == "qualified":
        lead.qualified_at = earliest(lead, lead.qualified_at, step.at)
    elif step.step == "showing":
        lead.shown_at = earliest(lead, lead.shown_at, step.at)
        lead.showings += 1
    elif step.step == "deal":
        lead.dealt_at = earliest(lead, lead.dealt_at, step.at)


def worked_until(request: Request) -> datetime:
    """The last moment at which somebody is known to have worked in a contact."""
    moments = (request.at, request.attempted_at, request.connected_at)
    return max(moment for moment in moments if moment is not None)


def opened(request: Request, *, known: bool) -> Lead:
    """The lead that a contact begins."""
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


def asked_again(lead: Lead, request: Request) -> None:
    """One more contact of a lead that nobody has worked on."""
    lead.requests += 1
    lead.last_requested_at = request.at
    _joined(lead, request)


def _joined(lead: Lead, request: Request) -> None:
    lead.members.append(request.contact)
    if request.missed:
        lead.missed.append(request.contact)
    worked(lead, request)


def worked(lead: Lead, request: Request) -> None:
    """What a contact adds to the lead that it belongs to."""
    lead.party = lead.party or request.party
    lead.branch = lead.branch or request.branch
    lead.queue = lead.queue or request.queue
    lead.agent = lead.agent or request.agent
    lead.assigned_at = earliest(lead, lead.assigned_at, request.assigned_at)
    _attempted(lead, request.attempted_at, request.agent)
    lead.contacted_at = earliest(lead, lead.contacted_at, request.connected_at)
    moments = (lead.active_at, request.at, request.attempted_at, request.connected_at)
    lead.active_at = max(moment for moment in moments if moment is not None)


def worked_meanwhile(lead: Lead, earlier: Request) -> None:
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
        lead.contacted_at = earliest(lead, lead.contacted_at, earlier.connected_at)


def _attempted(lead: Lead, at: datetime | None, by: str | None) -> None:
    first = earliest(lead, lead.attempted_at, at)
    if first != lead.attempted_at:
        lead.attempted_at, lead.attempted_by = first, by


def earliest(lead: Lead, known: datetime | None, new: datetime | None) -> datetime | None:
    """The earlier of two times, nothing before the lead itself: clocks of two systems differ."""
    if new is None:
        return known
    new = max(new, lead.created_at)
    return new if known is None else min(known, new)
