"""What is known of an answer's words: read by us, corrected by people, or neither yet."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from otklik_common.errors import Conflict, Unprocessable
from otklik_common.events.feedback import Sentiment
from otklik_feedback.domain.text.language import Language
from otklik_feedback.domain.text.reading import Reading
from otklik_feedback.domain.text.topics import Tree

MOST_TOPICS: Final = 20
"""That somebody may say one answer speaks of."""


class NoWords(Conflict):
    """The answer has no words that could say anything."""

    code = "no_words"


class UnknownTopic(Unprocessable):
    """The company has no such topic."""

    code = "unknown_topic"


class State(StrEnum):
    """Whether it is known what an answer's words say."""

    ENRICHED = "enriched"
    NOT_ENRICHED = "not_enriched"


class Why(StrEnum):
    """Why nothing is known of them."""

    WAITING = "waiting"
    """They are still to be read."""

    LANGUAGE = "language"
    """They are neither Russian nor English."""

    NO_WORDS = "no_words"
    """There are signs and digits alone, none of which says anything."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A reading of ours, and the version of words and of topics that made it."""

    reading: Reading
    lexicon: str
    tree: int
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Correction:
    """
    What somebody says that the words say.

    Attributes:
        topics: Codes; None leaves ours.
        sentiment: None leaves ours.
        digest: Of the words that they read: of other words they have said nothing.
    """

    topics: tuple[str, ...] | None
    sentiment: Sentiment | None
    by: str
    at: datetime
    digest: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """
    Everything that is kept of one answer's words.

    Attributes:
        revision: From 1 upwards; rises with readings and corrections.
        body_revision: The body that has these words.
        digest: Of the words.
        recorded_at: When the revision was.
        told: Digest of the fact that told it.
    """

    revision: int
    body_revision: int
    digest: bytes
    machine: Machine | None = None
    correction: Correction | None = None
    recorded_at: datetime | None = None
    told: bytes = b""


@dataclass(frozen=True, slots=True)
class Topical:
    """A topic with the feeling about it; a topic that only a person found has none."""

    topic: str
    sentiment: Sentiment | None = None
    score: float | None = None
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """
    What an answer's words say, people's word before ours.

    Attributes:
        why: Why it is not enriched; None where it is.
        correction: The one that holds.
        machine: Our reading beneath it.
        outdated: A correction of words that have changed since; it holds no more.
    """

    state: State
    why: Why | None = None
    sentiment: Sentiment | None = None
    topics: tuple[Topical, ...] = ()
    machine: Machine | None = None
    correction: Correction | None = None
    outdated: Correction | None = None


def digest_of(key: bytes, words: str) -> bytes:
    """What makes two comments the same, to those who hold the key."""
    return hashlib.blake2b(words.encode(), key=key, digest_size=16).digest()


def same(one: Known, other: Known) -> bool:
    """Whether both say the same of the same words, whenever it was read."""
    return (one.body_revision, one.digest, one.correction) == (
        other.body_revision,
        other.digest,
        other.correction,
    ) and _timeless(one.machine) == _timeless(other.machine)


def _timeless(machine: Machine | None) -> tuple[Reading, str, int] | None:
    return None if machine is None else (machine.reading, machine.lexicon, machine.tree)


def shown(known: Known | None, body_revision: int) -> Shown:
    """
    What is known of the words in a body.

    Args:
        body_revision: That of the body which stands now.
    """
    if known is None or known.body_revision < body_revision:
        return Shown(State.NOT_ENRICHED, Why.WAITING)
    said, ours = known.correction, known.machine
    holds = said if said is not None and said.digest == known.digest else None
    outdated = said if holds is None else None
    why = _why(ours)
    if holds is None and why is not None:
        return Shown(State.NOT_ENRICHED, why, machine=ours, outdated=outdated)
    return Shown(
        State.ENRICHED,
        sentiment=_sentiment(holds, ours),
        topics=_topics(holds, ours),
        machine=ours,
        correction=holds,
        outdated=outdated,
    )


def check_topics(codes: Sequence[str], tree: Tree) -> None:
    """Raises UnknownTopic if the tree lacks one of the codes, or it is switched off."""
    for code in codes:
        topic = tree.by_code.get(code)
        if topic is None or not topic.active:
            raise UnknownTopic(
                f"there is no topic {code[:50]!r}; GET /feedback/v1/topics lists those there are",
                detail_ru=f"темы {code[:50]!r} нет; все темы: GET /feedback/v1/topics",
            )


def _why(ours: Machine | None) -> Why | None:
    if ours is None:
        return Why.WAITING
    if ours.reading.language is Language.OTHER:
        return Why.LANGUAGE
    if ours.reading.language is Language.NONE and not ours.reading.evidence:
        return Why.NO_WORDS
    return None


def _sentiment(said: Correction | None, ours: Machine | None) -> Sentiment | None:
    if said is not None and said.sentiment is not None:
        return said.sentiment
    return None if ours is None or _why(ours) is not None else ours.reading.sentiment


def _topics(said: Correction | None, ours: Machine | None) -> tuple[Topical, ...]:
    found = {
        each.topic: Topical(each.topic, each.sentiment, each.score, each.spans)
        for each in (() if ours is None else ours.reading.mentions)
    }
    if said is None or said.topics is None:
        return tuple(found.values())
    return tuple(found.get(code, Topical(code)) for code in said.topics)
