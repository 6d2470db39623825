"""The case beside a claim: whom somebody of the claim's branch has to call."""

from dataclasses import replace
from uuid import UUID

from otklik_feedback.domain.answer import Dimensions
from otklik_feedback.domain.case import Case
from otklik_feedback.domain.claim import CASE_DUE, Claim


def case_of(id_: UUID, claim: Claim) -> Case:
    """The case of a claim; a customer has one in each branch that has claims of theirs."""
    return Case(
        id=id_,
        answer=None,
        contact=claim.contact,
        claim=claim.id,
        reason="claim",
        person=f"claim/{claim.identifiers[0] if claim.identifiers else claim.id}",
        opened_at=claim.received_at,
        due_at=claim.received_at + CASE_DUE,
        dimensions=_where(claim),
        identifiers=claim.identifiers,
        steps=1,
    )


def case_placed(case: Case, claim: Claim) -> Case:
    """The case of `claim` alone, where the claim is now."""
    dimensions = _where(claim)
    if dimensions == case.dimensions:
        return case
    return replace(case, dimensions=dimensions, steps=case.steps + 1)


def _where(claim: Claim) -> Dimensions:
    placed = ("channel", "party", "branch", "team", "queue", "agent")
    known = {name: claim.dimensions[name] for name in placed if name in claim.dimensions}
    return known | {"touchpoint": "claim"}
