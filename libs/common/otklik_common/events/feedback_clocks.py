"""What feedback tells of clocks: by when reviews and claims must be dealt with."""

from uuid import UUID

from otklik_common.events.contact_center import ClockState, Millis
from otklik_common.events.envelope import Code, Fact, Instant, Pseudonym
from otklik_common.events.feedback import OWNER
from otklik_common.events.registry import contract


@contract("feedback_clock", version=1, owner=OWNER)
class FeedbackClock(Fact):
    """
    The clock of one target for a claim or a review.

    `matter` is the claim or the review, `about` says which. `policy` and `priority` are null where
    no policy promises it: a norm or a legal term then. The other fields are as of `sla_clock`:
    `calendar` is null where elapsed time counts, `due_at` is the earliest moment by which the
    target is, or would have been, used up, `breached_at` is when more than it was used, if that
    has come, and `used_ms` is what it had used when it ended.
    """

    matter: UUID
    about: Code
    channel: Code | None = None
    party: Code | None = None
    branch: Code | None = None
    team: Code | None = None
    queue: Code | None = None
    agent: Code | None = None
    segment: Code | None = None
    identifiers: tuple[Pseudonym, ...] = ()
    target: Code
    policy: Code | None = None
    priority: int | None = None
    matched: tuple[Code, ...] = ()
    calendar: Code | None = None
    target_ms: Millis
    warning_ms: Millis = 0
    state: ClockState = ClockState.PENDING
    started_at: Instant
    due_at: Instant | None = None
    breached_at: Instant | None = None
    ended_at: Instant | None = None
    used_ms: Millis | None = None
