"""What words say, and topics, as they come in and go out."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator

from otklik_common.events.feedback import Sentiment
from otklik_common.http import StrictModel, bad_value
from otklik_feedback.actions.readings import Rule, Said
from otklik_feedback.actions.topics import Progress
from otklik_feedback.domain.answer import Answer
from otklik_feedback.domain.enrichment import (
    MOST_TOPICS,
    Correction,
    Known,
    Machine,
    Shown,
    State,
    Topical,
    Why,
    shown,
)
from otklik_feedback.domain.question import Words
from otklik_feedback.domain.text import topics as trees
from otklik_feedback.domain.text.language import Language
from otklik_feedback.domain.text.phrases import MOST_PHRASE
from otklik_feedback.domain.text.topics import MOST_PHRASES, Topic
from otklik_feedback.store.topics import Kept

MOST_RULES = 10

TopicCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A topic's name for programs. It leaves with facts, so its form has no room for a person's."""

Phrase = Annotated[str, StringConstraints(min_length=1, max_length=MOST_PHRASE)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Score = Annotated[float, Field(ge=-1, le=1, description="-1 the worst, 1 the best")]

# --- What words say -----------------------------------------------------------------------------


class TopicOut(BaseModel):
    """A topic that the words speak of."""

    code: str
    sentiment: Sentiment | None = Field(description="about this topic; null: a person found it")
    score: Score | None


class CorrectionOut(BaseModel):
    """What somebody says that the words say."""

    topics: list[str] | None = Field(description="null: ours hold")
    sentiment: Sentiment | None = Field(description="null: ours holds")
    by: str
    at: datetime

    @classmethod
    def of(cls, said: Correction | None) -> "CorrectionOut | None":
        """What the caller sees of a correction."""
        if said is None:
            return None
        topics = None if said.topics is None else list(said.topics)
        return cls(topics=topics, sentiment=said.sentiment, by=said.by, at=said.at)


class ReadingOut(BaseModel):
    """What an answer's words say: a person's word before ours."""

    state: State
    why: Why | None = Field(
        description="why it is not enriched: `waiting` to be read, in another `language`, `no_words`"
    )
    language: Language | None
    sentiment: Sentiment | None
    score: Score | None = Field(description="as we read them; a person gives none")
    topics: list[TopicOut]
    correction: CorrectionOut | None
    outdated_correction: CorrectionOut | None = Field(
        description="of words that have changed since; it holds no more"
    )
    lexicon: str | None = Field(description="version of the words that it was read by")
    topics_version: int | None = Field(description="version of the topics; 0: those shipped")
    revision: int

    @classmethod
    def of(cls, answer: Answer, known: Known | None) -> "ReadingOut | None":
        """What the caller sees of the words of an answer; None where it has none."""
        if not answer.content.has_text:
            return None
        return cls(**_reading(shown(known, answer.body_revision), known))


class SpanOut(BaseModel):
    """Words that show something, and where they stand."""

    text: str
    start: int = Field(description="in characters of the comment, from 0")
    end: int = Field(description="exclusive")


class Felt(SpanOut):
    """Words that gave a feeling."""

    weight: float = Field(description="what they added: above 0 good, below 0 bad")


class TopicShown(TopicOut):
    """A topic with the words that speak of it."""

    words: list[SpanOut]


class ReadingDetail(ReadingOut):
    """What an answer's words say, and which of them say it."""

    topics: list[TopicShown]  # type: ignore[assignment]  # each of them is a TopicOut
    evidence: list[Felt] = Field(description="words that gave the feeling, as we read them")
    cut: bool = Field(description="whether the end of a long text was not read")

    @classmethod
    def with_words(
        cls, answer: Answer, known: Known | None, comment: str | None
    ) -> "ReadingDetail | None":
        """The same with the words, for who may read them."""
        if comment is None or not answer.content.has_text:
            return None
        said = shown(known, answer.body_revision)
        machine = said.machine
        evidence = () if machine is None else machine.reading.evidence
        return cls(
            **_reading(said, known)
            | {
                "topics": [
                    TopicShown(**_topic(each), words=_words(each, comment)) for each in said.topics
                ]
            },
            evidence=[
                Felt(
                    text=comment[each.start : each.end],
                    start=each.start,
                    end=each.end,
                    weight=each.weight,
                )
                for each in evidence
            ],
            cut=machine is not None and machine.reading.cut,
        )


def _reading(said: Shown, known: Known | None) -> dict[str, Any]:
    machine: Machine | None = said.machine
    return {
        "state": said.state,
        "why": said.why,
        "language": None if machine is None else machine.reading.language,
        "sentiment": said.sentiment,
        "score": None
        if machine is None or said.state is State.NOT_ENRICHED
        else machine.reading.score,
        "topics": [TopicOut(**_topic(each)) for each in said.topics],
        "correction": CorrectionOut.of(said.correction),
        "outdated_correction": CorrectionOut.of(said.outdated),
        "lexicon": None if machine is None else machine.lexicon,
        "topics_version": None if machine is None else machine.tree,
        "revision": 0 if known is None else known.revision,
    }


def _topic(each: Topical) -> dict[str, Any]:
    return {"code": each.topic, "sentiment": each.sentiment, "score": each.score}


def _words(each: Topical, comment: str) -> list[SpanOut]:
    return [SpanOut(text=comment[start:end], start=start, end=end) for start, end in each.spans]


class RuleBody(StrictModel):
    """A phrase of this answer that from now on means a topic, in every answer of the company."""

    phrase: Phrase = Field(examples=["ждать лифт*"])
    topic: TopicCode

    def rule(self) -> Rule:
        """The same for the action."""
        return Rule(self.phrase, self.topic)


class ReadingBody(StrictModel):
    """What somebody says that the words say."""

    topics: Annotated[list[TopicCode], Field(max_length=MOST_TOPICS)] | None = Field(
        default=None, description="all topics of the answer; left out: ours hold; empty: none"
    )
    sentiment: Sentiment | None = Field(default=None, description="left out: ours holds")
    rules: Annotated[list[RuleBody], Field(max_length=MOST_RULES)] = Field(
        default_factory=list, description="for who may change topics in the whole company"
    )

    @model_validator(mode="after")
    def _says_something(self) -> "ReadingBody":
        if self.topics is None and self.sentiment is None and not self.rules:
            raise bad_value(
                "nothing_said",
                "say topics, a sentiment or rules",
                "укажите темы, тональность или правила",
            )
        return self

    def said(self) -> Said:
        """The same for the action."""
        return Said(
            None if self.topics is None else tuple(dict.fromkeys(self.topics)),
            self.sentiment,
            tuple(each.rule() for each in self.rules),
        )


# --- Topics -------------------------------------------------------------------------------------


class NameBody(StrictModel):
    """A name in both languages."""

    ru: Title
    en: Title


class PhrasesBody(StrictModel):
    """
    Phrases of one to five words in their order; at most two other words may stand between two.

    `word` is any form of it, `=word` this form, `word*` a beginning, `a|b` either.
    """

    ru: list[Phrase] = Field(default_factory=list, max_length=MOST_PHRASES)
    en: list[Phrase] = Field(default_factory=list, max_length=MOST_PHRASES)


class TopicBody(StrictModel):
    """One topic of a company."""

    code: TopicCode = Field(description="never changes: facts name it")
    name: NameBody
    parent: TopicCode | None = Field(default=None, description="code of the topic above")
    tone: Literal[-1, 0, 1] | None = Field(
        default=None, description="-1 blames, 1 praises, 0 neither; null: a matter, no reason"
    )
    opposite: TopicCode | None = Field(
        default=None, description="what is meant when a phrase is denied"
    )
    phrases: PhrasesBody = Field(default_factory=PhrasesBody)
    active: bool = Field(default=True, description="whether it is looked for")

    def topic(self) -> Topic:
        """The same for the domain."""
        phrases = {"ru": tuple(self.phrases.ru), "en": tuple(self.phrases.en)}
        return Topic(
            self.code,
            Words(self.name.ru, self.name.en),
            self.parent,
            self.tone,
            self.opposite,
            {language: listed for language, listed in phrases.items() if listed},
            self.active,
        )

    @classmethod
    def of(cls, topic: Topic) -> "TopicBody":
        """What the caller sees of a topic."""
        return cls(
            code=topic.code,
            name=NameBody(ru=topic.name.ru, en=topic.name.en),
            parent=topic.parent,
            tone=topic.tone,  # type: ignore[arg-type]  # the tree has no others
            opposite=topic.opposite,
            phrases=PhrasesBody(
                ru=list(topic.phrases.get("ru", ())), en=list(topic.phrases.get("en", ()))
            ),
            active=topic.active,
        )


class TopicsBody(StrictModel):
    """All topics of a company."""

    topics: list[TopicBody] = Field(max_length=trees.MOST_TOPICS)

    def wanted(self) -> list[Topic]:
        """The same for the action."""
        return [each.topic() for each in self.topics]


class ProgressOut(BaseModel):
    """How far answers are read by the present words and topics."""

    state: Literal["current", "running"]
    total: int = Field(
        description="answers with words when reading again began; 0 until its first step"
    )
    done: int = Field(description="of them, those read again")
    waiting: int = Field(description="answers still to be read, new ones included")


class TopicsOut(BaseModel):
    """All topics of a company in their newest version."""

    version: int = Field(description="0: those that are shipped")
    changed_by: str | None
    changed_at: datetime | None
    topics: list[TopicBody]
    reading: ProgressOut

    @classmethod
    def of(cls, kept: Kept, progress: Progress) -> "TopicsOut":
        """What the caller sees of topics."""
        sweep, waiting = progress.sweep, progress.waiting
        running = waiting > 0 or (sweep is not None and sweep.finished_at is None)
        marked = 0 if sweep is None else sweep.done
        return cls(
            version=kept.version,
            changed_by=kept.sender,
            changed_at=kept.recorded_at,
            topics=[TopicBody.of(topic) for topic in kept.tree.topics],
            reading=ProgressOut(
                state="running" if running else "current",
                total=0 if sweep is None else max(sweep.total, marked),
                done=max(0, marked - waiting),
                waiting=waiting,
            ),
        )
