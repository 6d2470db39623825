"""Reviews as others may know them: without words, names and links."""

from datetime import datetime

from otklik_common.events.envelope import Event
from otklik_common.events.reviews import Review as ReviewFact
from otklik_feedback.domain.review import Review


def review_event(
    tenant: str, review: Review, *, verb: str, at: datetime, void: bool = False
) -> Event[ReviewFact]:
    """The review as it stands; `at` is when what the verb says happened."""
    assert review.recorded_at is not None
    return Event(
        tenant=tenant,
        subject=review.id,
        revision=review.revision,
        verb=verb,
        time=at,
        recorded_at=review.recorded_at,
        data=ReviewFact(
            review_source=review.source,
            branch=review.branch,
            agent=review.agent,
            stars=review.stars,
            has_text=review.has_text,
            state=review.state,
            written_at=review.written_at,
            received_at=review.received_at,
            replied_at=review.replied_at,
            removed_at=review.removed_at,
        ),
        void=void,
    )
