"""What feedback tells the others: surveys, answers, words and cases as facts, with nothing personal."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from otklik_common.events.envelope import Event
from otklik_common.events.feedback import Answer as AnswerFact
from otklik_common.events.feedback import AnswerReading, Sentiment
from otklik_common.events.feedback import Case as CaseFact
from otklik_common.events.feedback import Survey as SurveyFact
from otklik_common.ids import subject_id
from otklik_feedback.domain.answer import COPIED, SAID, Answer
from otklik_feedback.domain.case import Case
from otklik_feedback.domain.enrichment import Known, State, Topical, shown
from otklik_feedback.domain.question import Measure
from otklik_feedback.domain.survey import Survey

_TICK: Final = timedelta(microseconds=1)
_MEASURES: Final = frozenset(Measure)

_ANSWER_DIMENSIONS: Final = frozenset(SAID) | frozenset(COPIED)
_CASE_DIMENSIONS: Final = frozenset(
    ("branch", "team", "queue", "agent", "party", "touchpoint", "channel")
)


def next_moment(now: datetime, previous: datetime | None) -> datetime:
    """When something is recorded now: strictly after the time its subject was last recorded."""
    return now if previous is None else max(now, previous + _TICK)


def survey_event(
    tenant: str, survey: Survey, *, verb: str, recorded_at: datetime, void: bool = False
) -> Event[SurveyFact]:
    """The survey's shape; its version is the revision."""
    fact = SurveyFact(
        template=survey.template,
        scales=survey.scales,
        anonymous=survey.anonymous,
        active=survey.active,
        created_at=survey.created_at,
    )
    return Event(
        tenant=tenant,
        subject=survey.id,
        revision=survey.version,
        verb=verb,
        time=survey.created_at if survey.version == 1 else recorded_at,
        recorded_at=recorded_at,
        data=fact,
        void=void,
    )


def answer_event(
    tenant: str, answer: Answer, *, verb: str, void: bool = False
) -> Event[AnswerFact]:
    """The answer with its scores; whoever wrote words is told by `has_text` alone."""
    assert answer.recorded_at is not None
    content = answer.content
    named: dict[str, Any] = dict(content.measures)
    named |= {n: v for n, v in answer.dimensions.items() if n in _ANSWER_DIMENSIONS}
    fact = AnswerFact(
        survey=answer.survey,
        template=answer.template,
        answered_at=answer.answered_at,
        contact=answer.contact,
        source=answer.source,
        identifiers=answer.identifiers,
        anonymous=answer.anonymous,
        weight_micro=content.weight_micro,
        scores={name: score for name, score in content.scores.items() if name not in _MEASURES}
        | dict(content.indices),
        has_text=content.has_text,
        **named,
    )
    return Event(
        tenant=tenant,
        subject=answer.id,
        revision=answer.revision,
        verb=verb,
        time=answer.answered_at,
        recorded_at=answer.recorded_at,
        data=fact,
        void=void,
    )


def reading_subject(tenant: str, answer: UUID) -> UUID:
    """Subject id of what an answer's words say."""
    return subject_id(tenant, "answer_reading", str(answer))


def reading_fact(answer: Answer, known: Known) -> AnswerReading:
    """What the words say; none of them is in it, nor a person."""
    said = shown(known, known.body_revision)
    machine = said.machine
    reading = None if machine is None else machine.reading
    told = said.state is State.ENRICHED
    of_answer = {n: v for n, v in answer.dimensions.items() if n in _ANSWER_DIMENSIONS}
    return AnswerReading(
        answer=answer.id,
        survey=answer.survey,
        template=answer.template,
        answered_at=answer.answered_at,
        anonymous=answer.anonymous,
        language=None if reading is None else reading.language,
        why=said.why,
        sentiment=said.sentiment,
        score_milli=round(reading.score * 1000) if reading is not None and told else None,
        topics=tuple(each.topic for each in said.topics),
        praised=_felt(said.topics, Sentiment.POSITIVE),
        blamed=_felt(said.topics, Sentiment.NEGATIVE),
        corrected=said.correction is not None,
        lexicon=None if machine is None else machine.lexicon,
        topics_version=None if machine is None else machine.tree,
        **of_answer,
    )


def _felt(topics: Iterable[Topical], sentiment: Sentiment) -> tuple[str, ...]:
    return tuple(each.topic for each in topics if each.sentiment is sentiment)


def reading_event(
    tenant: str, answer: Answer, known: Known, *, verb: str, void: bool = False
) -> Event[AnswerReading]:
    """What the words of an answer say, as it stands."""
    assert known.recorded_at is not None
    return Event(
        tenant=tenant,
        subject=reading_subject(tenant, answer.id),
        revision=known.revision,
        verb=verb,
        time=answer.answered_at,
        recorded_at=known.recorded_at,
        data=reading_fact(answer, known),
        void=void,
    )


def case_event(
    tenant: str, case: Case, *, verb: str, at: datetime, void: bool = False
) -> Event[CaseFact]:
    """The case as it stands; `at` is when what the verb says happened."""
    assert case.recorded_at is not None
    fact = CaseFact(
        answer=case.answer,
        contact=case.contact,
        reason=case.reason,
        state=case.state,
        level=case.level,
        identifiers=case.identifiers,
        opened_at=case.opened_at,
        due_at=case.due_at,
        contacted_at=case.contacted_at,
        closed_at=case.closed_at,
        resolution=case.resolution,
        **{n: v for n, v in case.dimensions.items() if n in _CASE_DIMENSIONS},
    )
    return Event(
        tenant=tenant,
        subject=case.id,
        revision=case.revision,
        verb=verb,
        time=at,
        recorded_at=case.recorded_at,
        data=fact,
        void=void,
    )
