"""Answers: what a body says under its survey, and whether it changes what is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from otklik_common.errors import Conflict, Unprocessable
from otklik_feedback.domain.question import MICRO, Kind
from otklik_feedback.domain.survey import Survey
from otklik_feedback.domain.templates import COMMENT
from otklik_feedback.domain.values import Read, indices, read_into, read_shown

SAID: Final = (
    "channel",
    "direction",
    "branch",
    "team",
    "queue",
    "agent",
    "party",
    "touchpoint",
    "stage",
)
"""Dimensions that an answer may say of itself."""

COPIED: Final = (
    "channel",
    "direction",
    "branch",
    "team",
    "queue",
    "agent",
    "party",
    "campaign",
    "stage",
    "segment",
)
"""Dimensions that an answer takes from its contact, where it does not say them itself."""

Dimensions = Mapping[str, str]
"""Codes by dimension; what is unknown is left out."""


class UnknownQuestion(Unprocessable):
    """The survey does not ask this."""

    code = "unknown_question"


class AskedOnce(Unprocessable):
    """One question is answered under two of its names."""

    code = "question_twice"


class SurveyInactive(Conflict):
    """The survey takes no new answers; known ones may still be corrected."""

    code = "survey_inactive"


@dataclass(frozen=True, slots=True)
class Content:
    """
    What somebody answered.

    Attributes:
        scores: By question, or by line of a matrix; without those not answered or not applicable.
        not_applicable: Questions and lines that do not apply to them.
        measures: Fields of the fact: nps, csat, …, and the sums of a CSI survey, which are
            importance × score, × highest, × lowest and alone, times 1 000 000.
        has_text: Whether they wrote something in free words; the words stand apart.
        choices: Ids of the options chosen, by question.
        indices: Of the axes that the survey asks about, 0 to 100.
        not_shown: Questions whose answers were dropped, since they were not asked.
    """

    scores: Mapping[str, int] = field(default_factory=dict)
    not_applicable: tuple[str, ...] = ()
    measures: Mapping[str, int] = field(default_factory=dict)
    has_text: bool = False
    weight_micro: int = MICRO
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    indices: Mapping[str, int] = field(default_factory=dict)
    not_shown: tuple[str, ...] = ()


class Judged(NamedTuple):
    """
    What a body says under a version of a survey.

    Attributes:
        comment: The words of the question `comment`.
        texts: Words and days of all other questions.
    """

    content: Content
    comment: str | None
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """
    An answer as it was sent.

    Attributes:
        reference: The sender's own id; `id` is made of it.
        values: By question id; None and blank are no answer.
        said: Dimensions that it says of itself.
        contact: Subject of the contact it is about.
        source: Subject of the source that the contact came from.
        identifiers: Pseudonyms of the customer, strongest first.
        digest: What makes two bodies the same.
        sender: Who sent it.
        survey_version: The version that it was begun with; None for the newest.
    """

    id: UUID
    reference: str
    survey: UUID
    answered_at: datetime
    values: Mapping[str, object]
    digest: bytes
    sender: str
    said: Dimensions = field(default_factory=dict)
    contact: UUID | None = None
    source: UUID | None = None
    identifiers: tuple[str, ...] = ()
    customer: UUID | None = None
    weight_micro: int = MICRO
    survey_version: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """
    An answer as it is kept.

    Attributes:
        survey_version: The version under which it was judged.
        revision: Of the fact; from 1 upwards.
        body_revision: The revision that this body made; later ones learned of its contact.
        body_at: When this body was recorded.
        dimensions: What it says itself, else what its contact says.
        identifiers: Its own, else its contact's.
        own_identifiers: Its own.
        comment: The words; None too where they were not read with it.
        texts: Words and days of other questions; empty too where they were not read with it.
    """

    id: UUID
    reference: str
    survey: UUID
    survey_version: int
    template: str
    anonymous: bool
    answered_at: datetime
    content: Content
    digest: bytes
    sender: str
    comment: str | None = field(default=None, repr=False)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    said: Dimensions = field(default_factory=dict)
    contact: UUID | None = None
    source: UUID | None = None
    own_identifiers: tuple[str, ...] = ()
    customer: UUID | None = None
    dimensions: Dimensions = field(default_factory=dict)
    identifiers: tuple[str, ...] = ()
    revision: int = 0
    recorded_at: datetime | None = None
    body_revision: int = 0
    body_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ContactKnown:
    """What is known of the contact that an answer is about."""

    dimensions: Dimensions = field(default_factory=dict)
    identifiers: tuple[str, ...] = ()


NOTHING_KNOWN: Final = ContactKnown()


def accept(
    new: NewAnswer,
    survey: Survey,
    known: Answer | None,
    contact: ContactKnown = NOTHING_KNOWN,
) -> Answer | None:
    """
    The answer to keep, without revision and time of recording; None if nothing changes.

    Args:
        survey: The version of the survey that it was begun with, and whether it is active now.
        known: What is kept under its id.
        contact: What is known of its contact.
    Raises:
        SurveyInactive, and what `judge` raises.
    """
    if known is not None and known.digest == new.digest:
        return None
    if known is None and not survey.active:
        raise SurveyInactive(
            "the survey takes no new answers", detail_ru="опрос больше не принимает ответы"
        )
    content, comment, texts = judge(survey, new.values, new.weight_micro)
    said, own, kept_contact = new.said, new.identifiers, new.contact
    if survey.anonymous:
        # Whoever answers in confidence is named by nothing, the agent and the contact included.
        said = {name: value for name, value in said.items() if name != "agent"}
        own, kept_contact, contact = (), None, NOTHING_KNOWN
    return Answer(
        id=new.id,
        reference=new.reference,
        survey=survey.id,
        survey_version=survey.version,
        template=survey.template.value,
        anonymous=survey.anonymous,
        answered_at=new.answered_at,
        content=content,
        comment=comment,
        texts=texts,
        digest=new.digest,
        sender=new.sender,
        said=said,
        contact=kept_contact,
        source=None if survey.anonymous else new.source,
        own_identifiers=own,
        customer=None if survey.anonymous else new.customer,
        dimensions={**contact.dimensions, **said},
        identifiers=own or contact.identifiers,
    )


def judge(survey: Survey, values: Mapping[str, object], weight_micro: int = MICRO) -> Judged:
    """
    What `values` say under a version of a survey.

    Each is held to its question, then those whose questions were not shown are dropped.

    Raises:
        UnknownQuestion, AskedOnce, AnswerRequired, and what `read_value` raises.
    """
    read = Read()
    said: dict[str, Read] = {}
    for name, value in values.items():
        question = survey.by_name.get(name)
        if question is None:
            raise unknown_question(survey, name)
        if question.id in said:
            raise AskedOnce(
                f"question {question.id!r} is answered twice",
                detail_ru=f"на вопрос {question.id!r} два ответа",
            )
        # Where everything is asked nothing has to be told apart: batches are large.
        said[question.id] = read if survey.is_plain else Read()
        read_into(said[question.id], question, value)
    if not survey.is_plain:
        read = read_shown(survey.questions, said)
    content = Content(
        read.scores,
        tuple(read.not_applicable),
        measures(survey, read.scores),
        bool(read.texts) and _has_words(survey, read),
        weight_micro,
        read.choices,
        indices(survey.axes, read.scores) if survey.axes else {},
        tuple(read.not_shown),
    )
    return Judged(content, read.texts.pop(COMMENT, None), read.texts)


def unknown_question(survey: Survey, name: str) -> UnknownQuestion:
    """What is said of a question that this version of a survey does not ask."""
    called = name[:100]
    if survey.version == 1:
        return UnknownQuestion(
            f"the survey has no question {called!r}", detail_ru=f"в опросе нет вопроса {called!r}"
        )
    return UnknownQuestion(
        f"version {survey.version} of the survey has no question {called!r};"
        " an answer begun with another version names it in survey_version",
        detail_ru=f"в версии {survey.version} опроса нет вопроса {called!r};"
        " если ответ начат по другой версии, укажите её в survey_version",
    )


def _has_words(survey: Survey, read: Read) -> bool:
    return COMMENT in read.texts or any(
        survey.by_name[name].kind is Kind.TEXT for name in read.texts
    )


def measures(survey: Survey, scores: Mapping[str, int]) -> dict[str, int]:
    """Fields of the fact that the metrics are made of, from the scores of one answer."""
    found: dict[str, int] = {}
    score = most = least = importance = 0
    for item in survey.items:
        given = scores.get(item.id)
        if given is None:
            continue
        if item.measure is not None:
            found[item.measure.value] = given
        if item.importance_micro is not None:
            # An attribute without an answer leaves both sums (metrics.md §2).
            score += item.importance_micro * given
            most += item.importance_micro * item.scale.most
            least += item.importance_micro * item.scale.least
            importance += item.importance_micro
    if importance:
        found |= {
            "csi_score_micro": score,
            "csi_most_micro": most,
            "csi_least_micro": least,
            "csi_importance_micro": importance,
        }
    return found
