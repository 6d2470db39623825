"""The clocks of a contact: which policy holds for each, what it shows, and when that changes next."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from otklik_common.clocks import sla
from otklik_common.clocks.policies import Choice, Policies, Promised, Subject
from otklik_common.clocks.shown import Shown, counted, shown
from otklik_common.clocks.sla import State
from otklik_common.events.contact_center import channel_of
from otklik_common.ids import subject_id
from otklik_contact_center.domain.watch import Watch, Watched, marks


class About(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of a contact's fact: what its clocks say as well."""

    source: UUID
    channel: str
    party: str | None = None
    branch: str | None = None
    team: str | None = None
    queue: str | None = None
    agent: str | None = None
    segment: str | None = None
    identifiers: tuple[str, ...] = ()
    head_line: bool = False

    @property
    def told_channel(self) -> str:
        """The channel by which policies are chosen."""
        return channel_of(self)


class ClockFact(About, frozen=True, kw_only=True, omit_defaults=True):
    """
    A clock as others may know it: the fields of the contract `sla_clock`, in its order of meaning.

    A struct, not the contract's class: it is made for several clocks at each change of a contact,
    and stepped on by the thousand when they fall due. A test holds the two together.
    """

    contact: UUID
    target: str
    policy: str
    priority: int
    target_ms: int
    started_at: datetime
    matched: tuple[str, ...] = ()
    calendar: str | None = None
    warning_ms: int = 0
    state: str = State.PENDING.value
    paused: bool = False
    due_at: datetime | None = None
    breached_at: datetime | None = None
    ended_at: datetime | None = None
    used_ms: int | None = None


class Kept(NamedTuple):
    """A clock with its subject."""

    id: UUID
    shown: Shown[ClockFact]


def about_of(data: str | bytes) -> About:
    """What clocks say of a contact, out of its fact as published."""
    return _about.decode(data)


_about: Final = msgspec.json.Decoder(About)
_clock: Final = msgspec.json.Decoder(ClockFact)
_encode: Final = msgspec.json.Encoder().encode


def rendered(fact: ClockFact) -> bytes:
    """A clock's fact as it travels; unset fields are what the contract says by default."""
    return _encode(fact)


def read(data: str | bytes) -> ClockFact:
    """A clock's fact out of what `rendered` made."""
    return _clock.decode(data)


def clock_id(tenant: str, contact: UUID, target: str, key: str) -> UUID:
    """Subject of a clock: the contact, the target, and the sender's id of what began it."""
    return subject_id(tenant, "sla_clock", str(contact), target, key)


def clocks(
    tenant: str,
    contact: UUID,
    about: About,
    watched: Watched,
    policies: Policies,
    *,
    now: datetime,
    known: Mapping[UUID, datetime],
) -> Iterator[Kept]:
    """
    Every clock of a contact that some policy promises something about.

    Args:
        now: What the clocks show is what they show at this moment.
        known: When each clock was recorded last: it never shows an earlier moment again.
    """
    for watch in watched.watches:
        found = promised(about, watch, watched, policies)
        if found is None:
            continue
        choice, target, promise, calendar = found
        clock = sla.run(marks(watch, watched.pauses, promise.pauses), target)
        assert clock is not None, "every watch begins"
        id_ = clock_id(tenant, contact, watch.target, watch.key)
        # Whose clock runs ahead tells of an end that is still to come: it has come then.
        at = max(now, known.get(id_, now), clock.ended_at or now)
        fact = _fact(contact, about, watch, choice, calendar, clock, at)
        yield Kept(id_, shown(fact, clock))


def promised(about: About, watch: Watch, watched: Watched, policies: Policies) -> Promised | None:
    """What the policy that held when a clock began says of it; None where nothing is promised."""
    branch = watch.branch or about.branch
    subject = Subject(
        about.told_channel,
        about.party,
        branch,
        watch.queue or about.queue,
        watched.segment or about.segment,
        watched.service_level,
    )
    return policies.promised(subject, watch.target, watch.started_at)


def _fact(
    contact: UUID,
    about: About,
    watch: Watch,
    choice: Choice,
    calendar: str | None,
    clock: sla.Clock,
    now: datetime,
) -> ClockFact:
    return ClockFact(
        contact=contact,
        source=about.source,
        channel=about.channel,
        party=about.party,
        branch=watch.branch or about.branch,
        team=about.team,
        queue=watch.queue or about.queue,
        agent=watch.agent or about.agent,
        segment=about.segment,
        identifiers=about.identifiers,
        head_line=about.head_line,
        target=watch.target,
        policy=choice.policy,
        priority=choice.terms.priority,
        matched=choice.matched,
        calendar=calendar,
        paused=clock.is_paused,
        **counted(clock, now),
    )
