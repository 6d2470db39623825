"""The facts that feedback writes: surveys, answers, what their words say, cases."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from otklik_common.events.envelope import Code, Fact, Instant, Pseudonym
from otklik_common.events.registry import contract

OWNER = "feedback"

Micro = Annotated[int, Field(description="a number times 1 000 000, so that sums stay exact")]


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    CONTACTED = "contacted"
    CLOSED = "closed"


@contract("survey", version=1, owner=OWNER)
class Survey(Fact):
    """A questionnaire: which scores it asks for, never its wording."""

    template: Code
    scales: tuple[Code, ...] = ()
    anonymous: bool = False
    active: bool = True
    created_at: Instant


@contract("answer", version=1, owner=OWNER)
class Answer(Fact):
    """
    One person's answer to one survey; a second submission is a new revision.

    Scores are on the scale that the survey declares, None where not answered or not applicable.
    `csi_*` are the importance-weighted sums over the answered attributes of a CSI survey,
    times 1 000 000: `csi_score` = Σ importance·score, `csi_most` = Σ importance·highest,
    `csi_least` = Σ importance·lowest, `csi_importance` = Σ importance.
    `weight_micro` is the answer's survey weight times 1 000 000. `lost_deal` is what became of a
    deal that was not made with us: 0 nothing yet, 1 made without an agency, 2 made with another.
    """

    survey: UUID
    template: Code
    answered_at: Instant
    contact: UUID | None = None
    channel: Code | None = None
    direction: Code | None = None
    branch: Code | None = None
    team: Code | None = None
    queue: Code | None = None
    agent: Code | None = None
    party: Code | None = None
    source: UUID | None = None
    campaign: Code | None = None
    touchpoint: Code | None = None
    stage: Code | None = None
    segment: Code | None = None
    identifiers: tuple[Pseudonym, ...] = ()
    anonymous: bool = False
    weight_micro: int = 1_000_000
    nps: int | None = Field(default=None, ge=0, le=10)
    nps_1_10: int | None = Field(default=None, ge=1, le=10)
    enps: int | None = Field(default=None, ge=0, le=10)
    csat: int | None = Field(default=None, ge=1, le=5)
    ces: int | None = Field(default=None, ge=1, le=7)
    csi_score_micro: Micro | None = None
    csi_most_micro: Micro | None = None
    csi_least_micro: Micro | None = None
    csi_importance_micro: Micro | None = None
    scores: dict[str, int] = Field(default_factory=dict, max_length=32)
    has_text: bool = False
    lost_deal: int | None = Field(default=None, ge=0, le=2)


class Sentiment(StrEnum):
    """The feeling that words tell."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


@contract("answer_reading", version=1, owner=OWNER)
class AnswerReading(Fact):
    """
    What the words of one answer say, never the words; a person's word stands before ours.

    `why` is told where nothing is known: the words are in another `language`, or there are
    `no_words`; then there is neither a sentiment nor a topic. `topics` are codes of the company's
    topics; those of `praised` and `blamed` are among them.
    """

    answer: UUID
    survey: UUID
    template: Code
    answered_at: Instant
    channel: Code | None = None
    direction: Code | None = None
    branch: Code | None = None
    team: Code | None = None
    queue: Code | None = None
    agent: Code | None = None
    party: Code | None = None
    campaign: Code | None = None
    touchpoint: Code | None = None
    stage: Code | None = None
    segment: Code | None = None
    anonymous: bool = False
    language: Code | None = None
    why: Code | None = None
    sentiment: Sentiment | None = None
    score_milli: Annotated[
        int | None, Field(ge=-1000, le=1000, description="-1000 the worst, 1000 the best; as read")
    ] = None
    topics: tuple[Code, ...] = Field(default=(), max_length=200)
    praised: tuple[Code, ...] = Field(default=(), max_length=200)
    blamed: tuple[Code, ...] = Field(default=(), max_length=200)
    corrected: bool = False
    lexicon: Code | None = Field(default=None, description="version of the words it was read by")
    topics_version: int | None = Field(default=None, description="0: the topics shipped")


@contract("case", version=1, owner=OWNER)
class Case(Fact):
    """An unhappy customer whom somebody must call, until it is closed."""

    answer: UUID | None = None
    contact: UUID | None = None
    reason: Code
    state: CaseState = CaseState.OPEN
    level: Code = "frontline"
    branch: Code | None = None
    team: Code | None = None
    queue: Code | None = None
    agent: Code | None = None
    party: Code | None = None
    touchpoint: Code | None = None
    channel: Code | None = None
    identifiers: tuple[Pseudonym, ...] = ()
    opened_at: Instant
    due_at: Instant
    contacted_at: Instant | None = None
    closed_at: Instant | None = None
    resolution: Code | None = None
