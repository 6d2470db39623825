"""The touches of a person's requests: of what they are made, and what is published of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from otklik_common.events.contact_center import said_of
from otklik_common.events.leads import Deal, Touch
from otklik_common.ids import subject_id
from otklik_contact_center.domain.lead import Lead, Request
from otklik_contact_center.domain.tracking.attribution import Certainty
from otklik_contact_center.domain.tracking.touches import (
    MICRO,
    Arrival,
    Arrivals,
    Model,
    Path,
    split,
    weights,
)
from otklik_contact_center.domain.tracking.ways import NO_WAY, Way

MOST_VISITS: Final = 200
"""Of a visitor: the latest; whoever came more often is a machine."""

MOST_VISITORS: Final = 10
"""Of a person: those of their latest contacts, as a person has few browsers."""

MOST_DEALS: Final = 20
"""Of a request: the first ones are split, what comes later is that of the request's own touch."""

MOST_LEADS: Final = 100
"""Of a person: the first ones are split, as a person with more requests is a placeholder."""

TOLD: Final = "told"
"""The certainty of what the sender of a contact says itself."""

Visitor = tuple[str, bytes]
"""Company and visitor."""


class Visited(NamedTuple):
    """A visit, and by which way the visitor came."""

    at: datetime
    way: Way


class Made(NamedTuple):
    """A side of a deal as it is published, and its subject."""

    subject: UUID
    fact: Deal


def visitors_of(requests: Iterable[Request]) -> dict[bytes, str]:
    """The visitors that somebody is known to be, and how certainly at best."""
    found: dict[bytes, str] = {}
    for request in sorted(requests, key=lambda one: (one.at, one.contact), reverse=True):
        link = request.link
        if link is None or link.visitor is None:
            continue
        if link.visitor in found or len(found) < MOST_VISITORS:
            sure = found.get(link.visitor) == Certainty.CERTAIN or link.sure
            found[link.visitor] = str(Certainty.CERTAIN if sure else Certainty.LIKELY)
    return found


def arrivals_of(
    tenant: str, requests: Sequence[Request], visits: Mapping[Visitor, Sequence[Visited]]
) -> Arrivals:
    """All arrivals of a person: contacts that say their way, and visits of who they are known to be."""
    found = [
        Arrival(one.at, one.way, TOLD if one.link is None else one.link.certainty, one.contact)
        for one in requests
        if one.inbound and one.way.known
    ]
    for visitor, certainty in visitors_of(requests).items():
        mine = visits.get((tenant, visitor), ())
        found += [Arrival(one.at, one.way, certainty) for one in mine]
    return Arrivals(found)


def touch_id(lead: UUID, deal: UUID | None, place: int, tenant: str) -> UUID:
    """Subject of a touch: its request, or side of a deal, and its place there."""
    return subject_id(tenant, "touch", str(lead), str(deal or ""), str(place))


def touch_facts(
    tenant: str, lead: Lead, subject: UUID, deals: Sequence[Made], arrivals: Arrivals
) -> dict[UUID, Touch]:
    """
    What is published of the touches of a request and of its deals.

    Nothing where every model gives all to what brought the request itself: its fact says that.
    """
    begun, opener = lead.created_at, lead.opener
    channel, head_line = said_of(opener.channel)
    found: dict[UUID, Touch] = {}
    path = arrivals.path(opener.contact, begun, begun)
    if path.splits:
        of_lead: dict[str, Any] = {
            "lead": subject,
            "credited_at": begun.astimezone(UTC),
            "source": opener.source,
            "channel": channel,
            "head_line": head_line,
            "party": lead.party,
            "branch": lead.branch,
            "agent": lead.agent,
        }
        for place, said in _said(path, None):
            found[touch_id(subject, None, place, tenant)] = Touch(**of_lead, **said)
    earliest = sorted(deals, key=lambda one: (one.fact.dealt_at, one.subject))
    for made in earliest[:MOST_DEALS]:
        fact = made.fact
        path = arrivals.path(opener.contact, begun, fact.dealt_at)
        if not path.splits:
            continue
        of_deal: dict[str, Any] = {
            "lead": subject,
            "deal": made.subject,
            "credited_at": fact.dealt_at,
            "currency": fact.currency,
            "amount_minor": fact.amount_minor,
            **{name: getattr(fact, name) for name in ("source", "channel", "head_line", "party")},
            **{name: getattr(fact, name) for name in ("branch", "agent")},
        }
        for place, said in _said(path, fact.amount_minor):
            found[touch_id(subject, made.subject, place, tenant)] = Touch(**of_deal, **said)
    return found


def gone_touch(lead: UUID, at: datetime) -> Touch:
    """What is said of a touch that is none any more: only where it was."""
    return Touch(lead=lead, credited_at=at.astimezone(UTC), place=0, touches=0)


def _said(path: Path, amount: int | None) -> Iterable[tuple[int, dict[str, Any]]]:
    """By place what is said of each touch; place 0 is what nobody knows, where that is the opener."""
    parts = {model: split(MICRO, weights(model, path)) for model in Model}
    common = {"touches": len(path.touches), "left_out": path.left_out}
    if path.opener is None:
        yield 0, common | NO_WAY._asdict() | {"place": 0, "opener": True}
    minor = {
        model: split(amount or 0, weights(model, path)) for model in (Model.LINEAR, Model.POSITION)
    }
    for place, one in enumerate(path.touches):
        said: dict[str, Any] = {
            "place": place + 1,
            "touched_at": one.at.astimezone(UTC),
            "certainty": one.certainty,
            "first": parts[Model.FIRST][place] > 0,
            "opener": parts[Model.LEAD][place] > 0,
            "last": parts[Model.LAST][place] > 0,
            "last_non_direct": parts[Model.LAST_NON_DIRECT][place] > 0,
            "linear_micro": parts[Model.LINEAR][place],
            "position_micro": parts[Model.POSITION][place],
            "linear_minor": minor[Model.LINEAR][place],
            "position_minor": minor[Model.POSITION][place],
        }
        yield place + 1, common | one.way._asdict() | said
