"""What is told of invitations: one fact, from the sending to the answer."""

from typing import Final

from otklik_common.events.asking import Invitation as InvitationFact
from otklik_common.events.envelope import Event
from otklik_feedback.domain.asking.invitation import Step
from otklik_feedback.store.invitations import Kept

_CODES: Final = ("channel", "branch", "team", "queue", "agent", "party", "touchpoint")


def invitation_event(kept: Kept, *, verb: str) -> Event[InvitationFact]:
    """The invitation as it stands, for whoever sends it and whoever counts."""
    sent, recorded_at = kept.sent, kept.recorded_at
    assert sent is not None, "a plan is no fact"
    assert recorded_at is not None
    one = sent.invitation
    fact = InvitationFact(
        programme=kept.programme,
        survey=sent.survey,
        template=sent.metric,
        trigger=kept.trigger,
        occasion=kept.occasion,
        state=one.state,
        ask_channel=one.channel,
        ask_channels=one.channels,
        language=sent.language,
        contact=kept.contact,
        identifiers=kept.identifiers,
        invited_at=one.invited_at,
        expires_at=one.expires_at,
        reminders=one.reminded,
        reminded_at=one.reminded_at,
        delivered_at=one.delivered_at,
        opened_at=one.moments.get(Step.OPENED),
        started_at=one.moments.get(Step.STARTED),
        partial_at=one.moments.get(Step.PARTIAL),
        done_at=one.moments.get(Step.DONE),
        bounced_at=one.bounced_at,
        opted_out_at=one.moments.get(Step.OPTED_OUT),
        answer=one.answer,
        **{name: kept.dimensions.get(name) for name in _CODES},
    )
    return Event(
        tenant=kept.tenant,
        subject=kept.id,
        revision=kept.revision,
        verb=verb,
        time=one.invited_at if kept.revision == 1 else recorded_at,
        recorded_at=recorded_at,
        data=fact,
    )
