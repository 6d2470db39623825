"""What feedback tells of claims: codes and times, never words or names."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from otklik_common.events.envelope import Code, Currency, Fact, Instant, Pseudonym
from otklik_common.events.feedback import OWNER
from otklik_common.events.registry import contract


class ClaimState(StrEnum):
    """Where a claim stands."""

    RECEIVED = "received"
    IN_WORK = "in_work"
    """Somebody of ours has reacted."""
    WORKED_OFF = "worked_off"


class Severity(StrEnum):
    """How bad it is for whoever claims."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Wish(StrEnum):
    """What whoever claims asks for."""

    REFUND = "refund"
    COMPENSATION = "compensation"
    APOLOGY = "apology"
    OTHER = "other"


@contract("claim", version=1, owner=OWNER)
class Claim(Fact):
    """
    What somebody demands of us, until it is worked off.

    `claim_kind` decides the legal term, whose last moment is `term_at`. `reacted_at` is our first
    reaction. `worked_off_at` and `outcome` are None again once it is reopened; `reopenings` counts
    that. `amount_minor` is what is asked for, in minor units of `currency`.
    """

    claim_kind: Code
    topic: Code | None = None
    severity: Severity = Severity.MEDIUM
    wish: Wish | None = None
    currency: Currency | None = None
    amount_minor: Annotated[int, Field(ge=0)] | None = None
    contact: UUID | None = None
    channel: Code | None = None
    party: Code | None = None
    branch: Code | None = None
    team: Code | None = None
    queue: Code | None = None
    agent: Code | None = None
    segment: Code | None = None
    identifiers: tuple[Pseudonym, ...] = ()
    state: ClaimState = ClaimState.RECEIVED
    received_at: Instant
    term_at: Instant | None = None
    reacted_at: Instant | None = None
    worked_off_at: Instant | None = None
    outcome: Code | None = None
    reopenings: int = 0
