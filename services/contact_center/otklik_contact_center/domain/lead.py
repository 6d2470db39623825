"""
Leads: requests of a person who wants something of us, from the first contact to the last step.

One fold over all contacts of one person. While nobody has worked on a request, a repeated call
makes no second lead: a customer who was not called back is one, however often they tried. Once
somebody has, the next call is a request of its own, lest the first answer stand for all later ones.
What a sales system tells of a request is folded in with the contacts, in the order of time.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from otklik_contact_center.domain.course import ms
from otklik_contact_center.domain.lead_step import Told

STAYS_OPEN: Final = timedelta(days=30)
"""A person who comes back within this time of the last activity comes for the same thing."""

MOST_CONTACTS: Final = 1_000
"""Behind a number with more contacts is no person but a switchboard: each stands for itself."""


SKEW: Final = timedelta(minutes=10)
"""A step may be told as so much earlier than the request that it belongs to: clocks differ."""

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
        shown_at, showings: The first showing, and how many there were.
        closed_at: When it was closed, if nothing was done since; with `reason` and `objections`.
        steps: Ids of the steps that belong to it.
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


def fold_leads(
    requests: Iterable[Request], most: int = MOST_CONTACTS, steps: Iterable[Told] = ()
) -> list[Lead]:
    """
    The leads in all contacts of one person, in the order of their creation.

    Args:
        most: Whoever has more contacts is a switchboard.
        steps: What a sales system tells of their requests; a step that fits no request is in none.
    """
    ordered = sorted(
        requests, key=lambda request: (request.at, not request.inbound, request.contact)
    )
    if len(ordered) > most:
        return fold_crowd(ordered, steps)
    fold = _Fold(steps)
    for number, request in enumerate(ordered):
        fold.step_until(request.at)
        fold.request(request, known=number > 0)
    fold.step_until(None)
    return fold.leads


def fold_crowd(requests: Iterable[Request], steps: Iterable[Told] = ()) -> list[Lead]:
    """The leads behind a switchboard: each inbound contact for itself, with the steps that name it."""
    named: dict[UUID | None, list[Told]] = {}
    for step in sorted(steps, key=lambda step: step.place):
        named.setdefault(step.contact, []).append(step)
    leads: list[Lead] = []
    for request in requests:
        if request.inbound:
            lead = _open(request, known=True)
            for step in named.get(request.contact, ()):
                if _reaches(step, lead):
                    stepped(lead, step)
            leads.append(lead)
    return leads


class _Fold:
    """Contacts and steps of one person, taken in the order of time."""

    def __init__(self, steps: Iterable[Told]) -> None:
        self.leads: list[Lead] = []
        self._active: list[Lead] = []
        self._going_on: list[Request] = []
        self._steps = sorted(steps, key=lambda step: step.place, reverse=True)
        self._early: list[Told] = []
        self._bound: dict[tuple[str | None, str], Lead] = {}
        self._of_contact: dict[UUID, Lead] = {}

    def request(self, request: Request, *, known: bool) -> None:
        """The next contact."""
        self._active = [one for one in self._active if request.at - one.active_at <= STAYS_OPEN]
        self._going_on = [one for one in self._going_on if _worked_until(one) >= request.at]
        mine = [
            lead
            for lead in self._active
            if _fits(lead.party, request.party) and lead.closed_at is None
        ]
        if not request.inbound:
            for lead in mine:
                _worked(lead, request)
        elif unworked := [lead for lead in mine if _waits(lead, request.at)]:
            lead = max(unworked, key=lambda lead: lead.active_at)
            _asked_again(lead, request)
            self._of_contact[request.contact] = lead
        else:
            for lead in mine:
                lead.contacted_at = _earliest(lead, lead.contacted_at, request.connected_at)
            lead = _open(request, known=known)
            for one in self._going_on:
                if _fits(lead.party, one.party):
                    _worked_meanwhile(lead, one)
            self.leads.append(lead)
            self._active.append(lead)
            self._of_contact[request.contact] = lead
        self._going_on.append(request)

    def step_until(self, at: datetime | None) -> None:
        """The steps before a moment; None: all that are left."""
        self._try_early()
        while self._steps and (at is None or self._steps[-1].at < at):
            self._step(self._steps.pop())
        if at is None:
            # One of them may have told which request the others are about.
            while self._early and self._try_early():
                pass

    def _try_early(self) -> bool:
        early, self._early = self._early, []
        for step in early:
            self._step(step)
        return len(self._early) < len(early)

    def _step(self, step: Told) -> None:
        lead = self._lead_of(step)
        if lead is None:
            self._early.append(step)
            return
        self._bound.setdefault(_name(step), lead)
        stepped(lead, step)
        if all(one is not lead for one in self._active):
            self._active.append(lead)

    def _lead_of(self, step: Told) -> Lead | None:
        of_contact = None if step.contact is None else self._of_contact.get(step.contact)
        for told in (self._bound.get(_name(step)), of_contact):
            if told is not None and _reaches(step, told):
                return told
        fitting = [
            lead
            for lead in self.leads
            if _fits(lead.party, step.party)
            and _reaches(step, lead)
            and lead.created_at - SKEW <= step.at
        ]
        return max(fitting, key=lambda lead: _likely(lead, step), default=None)


def _name(step: Told) -> tuple[str | None, str]:
    """What a request is called: by who tells of one branch only, within that branch."""
    return step.branch if step.confined else None, step.lead


def _reaches(step: Told, lead: Lead) -> bool:
    return not step.confined or lead.branch == step.branch


def _likely(lead: Lead, step: Told) -> tuple[bool, bool, datetime]:
    """How likely a step belongs to a request: of its branch, not closed, new."""
    return lead.branch == step.branch, lead.closed_at is None, lead.created_at


def _fits(one: str | None, other: str | None) -> bool:
    """A seller's call is no answer to a buyer's; where the party is not said, it may be."""
    return one is None or other is None or one == other


def _waits(lead: Lead, at: datetime) -> bool:
    """Whether by then nobody had worked on a lead; what was done later is done for both."""
    return lead.attempted_at is None or lead.attempted_at >= at


def stepped(lead: Lead, step: Told) -> None:
    """What a step adds to the lead that it belongs to."""
    lead.steps.append(step.id)
    lead.party = lead.party or step.party
    lead.branch = lead.branch or step.branch
    lead.active_at = max(lead.active_at, step.at)
    if step.step == "closed":
        lead.closed_at = max(step.at, lead.created_at)
        lead.reason, lead.objections = step.reason, step.objections
        return
    lead.closed_at, lead.reason, lead.objections = None, None, ()
    if step.step == "assigned":
        lead.agent = step.agent or lead.agent
        lead.assigned_at = _earliest(lead, lead.assigned_at, step.at)
        return
    lead.agent = lead.agent or step.agent
    # Whoever was shown something was talked to, whether or not that was told.
    _attempted(lead, step.at, step.agent)
    if step.step != "attempted":
        lead.contacted_at = _earliest(lead, lead.contacted_at, step.at)
    if step.step == "qualified":
        lead.qualified_at = _earliest(lead, lead.qualified_at, step.at)
    elif step.step == "showing":
        lead.shown_at = _earliest(lead, lead.shown_at, step.at)
        lead.showings += 1
    elif step.step == "deal":
        lead.dealt_at = _earliest(lead, lead.dealt_at, step.at)


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
