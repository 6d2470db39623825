"""Claims as others may know them: without words and names."""

from datetime import datetime

from otklik_common.events.claims import Claim as ClaimFact
from otklik_common.events.envelope import Event
from otklik_feedback.domain.claim import Claim


def claim_event(
    tenant: str, claim: Claim, *, verb: str, at: datetime, void: bool = False
) -> Event[ClaimFact]:
    """The claim as it stands; `at` is when what the verb says happened."""
    assert claim.recorded_at is not None
    return Event(
        tenant=tenant,
        subject=claim.id,
        revision=claim.revision,
        verb=verb,
        time=at,
        recorded_at=claim.recorded_at,
        data=ClaimFact(
            claim_kind=claim.claim_kind,
            topic=claim.topic,
            severity=claim.severity,
            wish=claim.wish,
            currency=claim.currency,
            amount_minor=claim.amount_minor,
            contact=claim.contact,
            identifiers=claim.identifiers,
            state=claim.state,
            received_at=claim.received_at,
            term_at=claim.openings[-1].term_at,
            reacted_at=claim.reacted_at,
            worked_off_at=claim.worked_off_at,
            outcome=claim.outcome,
            reopenings=claim.reopenings,
            **claim.dimensions,
        ),
        void=void,
    )
