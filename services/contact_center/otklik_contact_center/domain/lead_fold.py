"""
The leads of a person: one fold over all their contacts, and what a sales system tells of them.

While nobody has worked on a request, a repeated call makes no second lead: a customer who was not
called back is one, however often they tried. Once somebody has, the next call is a request of its
own, lest the first answer stand for all later ones.
"""

from collections.abc import Container, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from otklik_contact_center.domain.lead import (
    Lead,
    Request,
    asked_again,
    earliest,
    fits,
    opened,
    stepped,
    waits,
    worked,
    worked_meanwhile,
    worked_until,
)
from otklik_contact_center.domain.lead_step import Told

STAYS_OPEN: Final = timedelta(days=30)
"""A person who comes back within this time of the last activity comes for the same thing."""

MOST_CONTACTS: Final = 1_000
"""Behind a number with more contacts is no person but a switchboard: each stands for itself."""

SKEW: Final = timedelta(minutes=10)
"""A step may be told as so much earlier than the request that it belongs to: clocks differ."""

MOST_STEPS: Final = 500
"""Behind somebody with more steps is a placeholder: only those that name a contact are theirs."""


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
    told = list(steps)
    few = len(told) <= MOST_STEPS
    if len(ordered) > most or not few:
        told = named_only(told, {request.contact for request in ordered})
    if len(ordered) > most:
        return fold_crowd(ordered, told)
    fold = _Fold(told, search=few)
    for number, request in enumerate(ordered):
        fold.step_until(request.at)
        fold.request(request, known=number > 0)
    fold.step_until(None)
    return fold.leads


def named_only(steps: Iterable[Told], contacts: Container[UUID]) -> list[Told]:
    """Of too many steps those that name a contact: the others may be anybody's."""
    return [step for step in steps if step.contact in contacts]


def fold_crowd(requests: Iterable[Request], steps: Iterable[Told] = ()) -> list[Lead]:
    """The leads behind a switchboard: each inbound contact for itself, with the steps that name it."""
    named: dict[UUID | None, list[Told]] = {}
    for step in sorted(steps, key=lambda step: step.place):
        named.setdefault(step.contact, []).append(step)
    leads: list[Lead] = []
    for request in requests:
        if request.inbound:
            lead = opened(request, known=True)
            for step in named.get(request.contact, ()):
                if _reaches(step, lead):
                    stepped(lead, step)
            leads.append(lead)
    return leads


class _Fold:
    """
    Contacts and steps of one person, taken in the order of time.

    A step that fits no request yet waits for what it may belong to: its contact, a step of the
    same name, or a request that begins within minutes.
    """

    def __init__(self, steps: Sequence[Told], *, search: bool) -> None:
        """`search`: a step may find its request by what the two have in common."""
        self.leads: list[Lead] = []
        self._search = search
        self._active: list[Lead] = []
        self._going_on: list[Request] = []
        self._steps = sorted(steps, key=lambda step: step.place, reverse=True)
        self._bound: dict[tuple[str | None, str], Lead] = {}
        self._of_contact: dict[UUID, Lead] = {}
        self._early: dict[str, Told] = {}
        self._recent: list[Told] = []
        self._by_contact: dict[UUID, list[Told]] = {}
        self._by_name: dict[tuple[str | None, str], list[Told]] = {}

    def request(self, request: Request, *, known: bool) -> None:
        """The next contact."""
        self._active = [one for one in self._active if request.at - one.active_at <= STAYS_OPEN]
        self._going_on = [one for one in self._going_on if worked_until(one) >= request.at]
        mine = [lead for lead in self._active if fits(lead.party, request.party)]
        if not request.inbound:
            for lead in mine:
                worked(lead, request)
        else:
            self._asked(request, [lead for lead in mine if lead.closed_at is None], known=known)
            for step in self._by_contact.pop(request.contact, ()):
                self._again(step)
        self._going_on.append(request)

    def _asked(self, request: Request, mine: Sequence[Lead], *, known: bool) -> None:
        if unworked := [lead for lead in mine if waits(lead, request.at)]:
            lead = max(unworked, key=lambda lead: lead.active_at)
            asked_again(lead, request)
            self._of_contact[request.contact] = lead
            return
        for lead in mine:
            lead.contacted_at = earliest(lead, lead.contacted_at, request.connected_at)
        lead = opened(request, known=known)
        for one in self._going_on:
            if fits(lead.party, one.party):
                worked_meanwhile(lead, one)
        self.leads.append(lead)
        self._active.append(lead)
        self._of_contact[request.contact] = lead
        self._recent = [one for one in self._recent if one.at >= lead.created_at - SKEW]
        for step in list(self._recent):
            self._again(step)

    def step_until(self, at: datetime | None) -> None:
        """The steps before a moment; None: all that are left."""
        while self._steps and (at is None or self._steps[-1].at < at):
            self._step(self._steps.pop())
        if at is None:
            # By now more may be known of a request: its branch, its party.
            for step in list(self._early.values()):
                self._again(step)

    def _again(self, step: Told) -> None:
        """A step that waits, if it still does."""
        if self._early.pop(step.id, None) is not None:
            self._step(step)

    def _step(self, step: Told) -> None:
        lead = self._lead_of(step)
        name = _name(step)
        if lead is None:
            self._early[step.id] = step
            if self._search:
                self._recent.append(step)
            self._by_name.setdefault(name, []).append(step)
            if step.contact is not None:
                self._by_contact.setdefault(step.contact, []).append(step)
            return
        stepped(lead, step)
        if all(one is not lead for one in self._active):
            self._active.append(lead)
        if name not in self._bound:
            self._bound[name] = lead
            for waiting in self._by_name.pop(name, ()):
                self._again(waiting)

    def _lead_of(self, step: Told) -> Lead | None:
        of_contact = None if step.contact is None else self._of_contact.get(step.contact)
        for told in (self._bound.get(_name(step)), of_contact):
            if told is not None and _reaches(step, told):
                return told
        if not self._search:
            return None
        fitting = [
            lead
            for lead in self.leads
            if fits(lead.party, step.party)
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
    same = step.branch is not None and lead.branch == step.branch
    return same, lead.closed_at is None, lead.created_at
