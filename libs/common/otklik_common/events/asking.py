"""The facts of feedback about whom it asks: invitations, from their sending to their answer."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from otklik_common.events.envelope import Code, Fact, Instant, Pseudonym
from otklik_common.events.feedback import OWNER
from otklik_common.events.registry import contract


class InvitationState(StrEnum):
    """How far an invitation has come; the last three are ends."""

    INVITED = "invited"
    DELIVERED = "delivered"
    OPENED = "opened"
    STARTED = "started"
    PARTIAL = "partial"
    DONE = "done"
    BOUNCED = "bounced"
    OPTED_OUT = "opted_out"


@contract("invitation", version=1, owner=OWNER)
class Invitation(Fact):
    """
    Somebody is to be asked, or was: whom by pseudonyms, what about, and how far it has come.

    Who sends it makes the link's token of the subject's id and the master key; no token is ever in a
    fact. `ask_channel` is the way to use now, `ask_channels` all that may be used, in this order: after
    a bounce the next one is used. `occasion` is the subject of what happened (a contact, a deal, a
    request, a case). `reminders` counts those sent; `reminded_at` is the last. The link is of no use
    from `expires_at` on. Times are None until they happen.
    """

    programme: Code
    survey: UUID
    template: Code
    trigger: Code
    occasion: UUID
    state: InvitationState = InvitationState.INVITED
    ask_channel: Code
    ask_channels: tuple[Code, ...]
    language: Code
    contact: UUID | None = None
    channel: Code | None = None
    branch: Code | None = None
    team: Code | None = None
    queue: Code | None = None
    agent: Code | None = None
    party: Code | None = None
    touchpoint: Code | None = None
    identifiers: tuple[Pseudonym, ...] = ()
    invited_at: Instant
    expires_at: Instant
    reminders: int = Field(default=0, ge=0)
    reminded_at: Instant | None = None
    delivered_at: Instant | None = None
    opened_at: Instant | None = None
    started_at: Instant | None = None
    partial_at: Instant | None = None
    done_at: Instant | None = None
    bounced_at: Instant | None = None
    opted_out_at: Instant | None = None
    answer: UUID | None = None
