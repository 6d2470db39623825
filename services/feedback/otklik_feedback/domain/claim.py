"""Claims: what is demanded of us, by when it is to be worked off, and how that went."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import orjson

from otklik_common.clocks.policies import CLAIM
from otklik_common.errors import Conflict, Unprocessable
from otklik_common.events.claims import ClaimState, Severity, Wish
from otklik_feedback.domain.answer import Dimensions
from otklik_feedback.domain.case import BadStep
from otklik_feedback.domain.clock import Own, Watch, Watched

MOST_TEXT: Final = 10_000
MOST_DAYS: Final = 366
MOST_KINDS: Final = 100
MOST_REOPENINGS: Final = 20
MOST_STEPS: Final = 200
"""As many as a claim has, it is changed no more; it is still worked off, and reopened."""

NORM: Final = Own(timedelta(hours=24), timedelta(hours=4))
"""By when a claim is worked off where no policy promises it: elapsed hours, by day and by night."""

TERM_WARNING: Final = timedelta(days=2)
"""How long before its end a legal term is about to be missed."""

CASE_DUE: Final = timedelta(hours=24)

CONSUMER: Final = "consumer"

SHIPPED: Final[Mapping[str, int | None]] = {CONSUMER: 10, "letter": 30, "other": None}
"""
Calendar days of the legal term by kind of claim, until a company says otherwise.

Russian defaults: ten days for demands of consumers (article 31 of the law on the protection of
consumers' rights), thirty for letters in general. Defaults, and no legal advice.
"""


class EmptyClaim(Unprocessable):
    """It says nothing."""

    code = "empty_claim"


class ClaimDiffers(Conflict):
    """Another claim came under this id."""

    code = "claim_differs"


class ClaimWorkedOff(Conflict):
    """It is worked off; it can be reopened."""

    code = "claim_worked_off"


class ClaimInWork(Conflict):
    """Somebody has reacted before."""

    code = "claim_in_work"


class ClaimOpen(Conflict):
    """Only what is worked off can be reopened."""

    code = "claim_open"


class TooManySteps(Conflict):
    """More steps or reopenings than one claim takes."""

    code = "too_many_steps"


class Opening(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    One time that a claim waited for us: from when it was received, or reopened.

    Attributes:
        term_at: The end of the legal term; None where there is none.
    """

    opened_at: datetime
    term_at: datetime | None = None
    worked_off_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewClaim:
    """
    A claim as it was sent.

    Attributes:
        said: Dimensions that the sender names.
        amount_minor: What is asked for, in minor units of `currency`.
        identifiers: Pseudonyms of whoever claims, strongest first.
    """

    id: UUID
    reference: str
    received_at: datetime
    text: str
    claim_kind: str = CONSUMER
    topic: str | None = None
    severity: Severity = Severity.MEDIUM
    wish: Wish | None = None
    currency: str | None = None
    amount_minor: int | None = None
    said: Dimensions = field(default_factory=dict)
    contact: UUID | None = None
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """
    A claim as it is kept, its words apart.

    Attributes:
        openings: From the receipt on; the last one is the present.
        term_days: Of its kind when it was received; None: there is no legal term.
        steps: How many steps it has had.
        last_at: When the last of them was.
    """

    id: UUID
    reference: str
    digest: bytes
    sender: str
    claim_kind: str
    severity: Severity
    received_at: datetime
    openings: tuple[Opening, ...]
    term_days: int | None
    zone: str
    topic: str | None = None
    wish: Wish | None = None
    currency: str | None = None
    amount_minor: int | None = None
    dimensions: Dimensions = field(default_factory=dict)
    contact: UUID | None = None
    identifiers: tuple[str, ...] = ()
    reacted_at: datetime | None = None
    outcome: str | None = None
    steps: int = 1
    last_at: datetime | None = None
    revision: int = 0
    recorded_at: datetime | None = None

    @property
    def state(self) -> ClaimState:
        """Where it stands."""
        if self.worked_off_at is not None:
            return ClaimState.WORKED_OFF
        return ClaimState.RECEIVED if self.reacted_at is None else ClaimState.IN_WORK

    @property
    def worked_off_at(self) -> datetime | None:
        """When it was worked off; None while it is open, also again."""
        return self.openings[-1].worked_off_at

    @property
    def reopenings(self) -> int:
        """How often it was reopened."""
        return len(self.openings) - 1

    @property
    def branch(self) -> str | None:
        """Whose it is; None: nobody's."""
        return self.dimensions.get("branch")


def digest_of(key: bytes, new: NewClaim) -> bytes:
    """Keyed digest of a claim as it was meant: the same claim sent again has the same."""
    parts: list[Any] = [
        new.received_at.timestamp(),
        new.text,
        new.claim_kind,
        new.topic,
        new.severity,
        new.wish,
        new.currency,
        new.amount_minor,
        dict(sorted(new.said.items())),
        new.contact,
        new.identifiers,
    ]
    return hashlib.blake2b(orjson.dumps(parts), key=key, digest_size=16).digest()


def check_words(new: NewClaim) -> None:
    """Raises EmptyClaim: its text is blank."""
    if not new.text.strip():
        raise EmptyClaim(
            "a claim has a text; say what is demanded",
            detail_ru="у претензии есть текст; напишите, чего требуют",
        )


def term_of(opened_at: datetime, days: int | None, zone: str) -> datetime | None:
    """
    The end of a legal term: of the last of so many calendar days after the day it began.

    A term that ends on a day off is not prolonged: the earlier moment is the safe one.
    """
    if days is None:
        return None
    local = opened_at.astimezone(ZoneInfo(zone))
    last = local.date() + timedelta(days=days + 1)
    return datetime.combine(last, time(), ZoneInfo(zone)).astimezone(opened_at.tzinfo)


def received(
    new: NewClaim,
    *,
    digest: bytes,
    sender: str,
    dimensions: Dimensions,
    identifiers: tuple[str, ...],
    term_days: int | None,
    zone: str,
) -> Claim:
    """A new claim; `dimensions` and `identifiers` are the sender's, else those of its contact."""
    return Claim(
        id=new.id,
        reference=new.reference,
        digest=digest,
        sender=sender,
        claim_kind=new.claim_kind,
        severity=new.severity,
        received_at=new.received_at,
        openings=(Opening(new.received_at, term_of(new.received_at, term_days, zone)),),
        term_days=term_days,
        zone=zone,
        topic=new.topic,
        wish=new.wish,
        currency=new.currency,
        amount_minor=new.amount_minor,
        dimensions=dimensions,
        contact=new.contact,
        identifiers=identifiers,
        last_at=new.received_at,
    )


def reacted(claim: Claim, at: datetime) -> Claim:
    """
    The claim after our first reaction.

    Raises:
        ClaimWorkedOff, ClaimInWork, BadStep.
    """
    _check_open(claim)
    if claim.reacted_at is not None:
        raise ClaimInWork("somebody has reacted before", detail_ru="претензия уже в работе")
    return _stepped(replace(claim, reacted_at=at), claim, at)


def worked_off(claim: Claim, at: datetime, *, outcome: str) -> Claim:
    """
    The claim after it was worked off; whoever had not reacted before has reacted now.

    Raises:
        ClaimWorkedOff, BadStep.
    """
    _check_open(claim)
    last = msgspec.structs.replace(claim.openings[-1], worked_off_at=at)
    done = replace(
        claim,
        openings=(*claim.openings[:-1], last),
        outcome=outcome,
        reacted_at=claim.reacted_at or at,
    )
    return _stepped(done, claim, at)


def reopened(claim: Claim, at: datetime) -> Claim:
    """
    The claim after it was reopened: the norm and the legal term begin anew.

    Raises:
        ClaimOpen, BadStep, TooManySteps.
    """
    if claim.worked_off_at is None:
        raise ClaimOpen("the claim is open", detail_ru="претензия не закрыта")
    if claim.reopenings >= MOST_REOPENINGS:
        raise TooManySteps(
            f"a claim is reopened {MOST_REOPENINGS} times at most",
            detail_ru=f"претензию открывают снова не больше {MOST_REOPENINGS} раз",
        )
    again = Opening(at, term_of(at, claim.term_days, claim.zone))
    return _stepped(replace(claim, openings=(*claim.openings, again), outcome=None), claim, at)


@dataclass(frozen=True, slots=True)
class Change:
    """What of a claim becomes different; None: it stays."""

    severity: Severity | None = None
    topic: str | None = None
    branch: str | None = None
    agent: str | None = None


def changed(claim: Claim, change: Change, at: datetime) -> Claim:
    """
    The claim with another severity or topic, or given to others.

    Raises:
        ClaimWorkedOff, BadStep, TooManySteps.
    """
    _check_open(claim)
    if claim.steps >= MOST_STEPS:
        raise TooManySteps(
            f"a claim of {MOST_STEPS} steps is changed no more",
            detail_ru=f"претензию, у которой {MOST_STEPS} шагов, больше не меняют",
        )
    placed = {"branch": change.branch, "agent": change.agent}
    dimensions = {**claim.dimensions, **{n: v for n, v in placed.items() if v is not None}}
    after = replace(
        claim,
        severity=change.severity or claim.severity,
        topic=change.topic or claim.topic,
        dimensions=dimensions,
    )
    return _stepped(after, claim, at)


def _stepped(after: Claim, before: Claim, at: datetime) -> Claim:
    last = before.last_at or before.received_at
    if at < last:
        raise BadStep(
            f"{at.isoformat()} is before the step before it at {last.isoformat()}",
            detail_ru=f"{at.isoformat()} раньше предыдущего шага {last.isoformat()}",
        )
    return replace(after, steps=before.steps + 1, last_at=at)


def _check_open(claim: Claim) -> None:
    if claim.worked_off_at is not None:
        raise ClaimWorkedOff("the claim is worked off", detail_ru="претензия уже отработана")


def watched_of(claim: Claim) -> Watched:
    """
    What clocks of a claim are made of: the reaction once, the answer and the term of each opening.
    """
    reaction = Watch("claim_reaction", claim.received_at, claim.reacted_at)
    watches = [reaction, *_of_openings(claim.openings)]
    placed = ("channel", "party", "branch", "team", "queue", "agent", "segment")
    return Watched(
        matter=claim.id,
        about=CLAIM,
        watches=tuple(watches),
        identifiers=claim.identifiers,
        **{name: claim.dimensions.get(name) for name in placed},
    )


def _of_openings(openings: Sequence[Opening]) -> list[Watch]:
    found: list[Watch] = []
    for place, one in enumerate(openings):
        key = str(place) if place else ""
        ended = one.worked_off_at
        found.append(Watch("claim_answer", one.opened_at, ended, key=key, own=NORM))
        if one.term_at is not None:
            span = one.term_at - one.opened_at
            term = Own(span, min(span, TERM_WARNING), law=True)
            found.append(Watch("claim_term", one.opened_at, ended, key=key, own=term))
    return found
