"""Showings and deals as others may know them: a step, with what is known of its request."""

from typing import Any
from uuid import UUID

from otklik_common.events.contact_center import said_of
from otklik_common.events.leads import Deal, Showing
from otklik_common.ids import subject_id
from otklik_contact_center.domain.lead import Lead
from otklik_contact_center.domain.lead_step import Told

SALES: dict[str, type[Showing | Deal]] = {"showing": Showing, "deal": Deal}
"""The kinds of facts that steps are, by the step."""

VERBS = {"showing": "held", "deal": "made"}


def sale_id(tenant: str, step: Told) -> UUID:
    """Subject of a showing, or of a side of a deal: the sender's id of the step."""
    return subject_id(tenant, step.step, step.id)


OF_THE_LEAD = ("lead", "source", "channel", "campaign", "ad_source", "medium", "head_line")
"""What a sale takes from its lead alone."""


def sale_fact(
    tenant: str, step: Told, identifiers: tuple[str, ...], lead: Lead | None, subject: UUID | None
) -> Showing | Deal:
    """
    What leaves of a showing or a deal.

    Args:
        identifiers: Pseudonyms of the customer, as they were told with the step.
        lead, subject: The request that it belongs to, as it is now, and its subject; None while
            none is known.
    """
    common = _told(step, identifiers)
    if lead is not None:
        opener = lead.opener
        channel, head_line = said_of(opener.channel)
        common |= {
            "lead": subject,
            "source": opener.source,
            "channel": channel,
            "head_line": head_line,
            **opener.way._asdict(),
            "party": step.party or lead.party,
            "branch": step.branch or lead.branch,
            "agent": step.agent or lead.agent,
            "identifiers": identifiers or opener.identifiers,
        }
    return _sale(tenant, step, common)


def sale_fact_again(
    tenant: str, step: Told, identifiers: tuple[str, ...], before: Showing | Deal
) -> Showing | Deal:
    """The same of a step that is told anew, until its lead is folded: that is as it was before."""
    common = _told(step, identifiers)
    for name in OF_THE_LEAD:
        common[name] = getattr(before, name)
    for name in ("party", "branch", "agent", "identifiers"):
        common[name] = common[name] or getattr(before, name)
    return _sale(tenant, step, common)


def _told(step: Told, identifiers: tuple[str, ...]) -> dict[str, Any]:
    return {
        "party": step.party,
        "branch": step.branch,
        "agent": step.agent,
        "identifiers": identifiers,
        "object": step.object,
    }


def _sale(tenant: str, step: Told, common: dict[str, Any]) -> Showing | Deal:
    if step.step == "showing":
        return Showing.model_validate(common | {"shown_at": step.at})
    deal = {
        "deal": subject_id(tenant, "deal_of_sides", step.deal or step.id),
        "dealt_at": step.at,
        "amount_minor": step.amount_minor,
        "currency": step.currency,
    }
    return Deal.model_validate(common | deal)
