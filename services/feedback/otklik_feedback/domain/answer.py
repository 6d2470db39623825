"""Answers: what a body says under its survey, and whether it changes what is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from otklik_common.errors import Conflict, Unprocessable
from otklik_feedback.domain.scale import read_score
from otklik_feedback.domain.survey import MICRO, Question, Survey

MOST_COMMENT: Final = 10_000

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


class BadComment(Unprocessable):
    """Free words that are no text, or too long a one."""

    code = "bad_comment"


class SurveyInactive(Conflict):
    """The survey takes no new answers; known ones may still be corrected."""

    code = "survey_inactive"


@dataclass(frozen=True, slots=True)
class Content:
    """
    What somebody answered.

    Attributes:
        scores: By question; without those not answered or not applicable.
        not_applicable: Questions that do not apply to them.
        measures: Fields of the fact: nps, csat, …, and the sums of a CSI survey, which are
            importance × score, × highest, × lowest and alone, times 1 000 000.
        has_text: Whether they wrote something in free words; the words stand apart.
    """

    scores: Mapping[str, int] = field(default_factory=dict)
    not_applicable: tuple[str, ...] = ()
    measures: Mapping[str, int] = field(default_factory=dict)
    has_text: bool = False
    weight_micro: int = MICRO


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
        survey: The newest version of the survey that it names.
        known: What is kept under its id.
        contact: What is known of its contact.
    Raises:
        SurveyInactive, UnknownQuestion, AskedOnce, ScoreOffScale, WrongScore, BadComment.
    """
    if known is not None and known.digest == new.digest:
        return None
    if known is None and not survey.active:
        raise SurveyInactive(
            "the survey takes no new answers", detail_ru="опрос больше не принимает ответы"
        )
    content, comment = judge(survey, new.values, new.weight_micro)
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


def judge(
    survey: Survey, values: Mapping[str, object], weight_micro: int = MICRO
) -> tuple[Content, str | None]:
    """
    What `values` say under a version of a survey, and the words that go with it.

    Raises:
        UnknownQuestion, AskedOnce, ScoreOffScale, WrongScore, BadComment.
    """
    scores: dict[str, int] = {}
    skipped: list[str] = []
    comment: str | None = None
    seen: set[str] = set()
    for name, value in values.items():
        question = survey.by_name.get(name)
        if question is None:
            raise UnknownQuestion(
                f"the survey has no question {name[:100]!r}",
                detail_ru=f"в опросе нет вопроса {name[:100]!r}",
            )
        if question.id in seen:
            raise AskedOnce(
                f"question {question.id!r} is answered twice",
                detail_ru=f"на вопрос {question.id!r} два ответа",
            )
        seen.add(question.id)
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        if question.scale is None:
            comment = _text(question, value)
        elif isinstance(value, str) and value in question.not_applicable:
            skipped.append(question.id)
        else:
            scores[question.id] = read_score(question.scale, value)
    content = Content(
        scores, tuple(skipped), measures(survey, scores), comment is not None, weight_micro
    )
    return content, comment


def measures(survey: Survey, scores: Mapping[str, int]) -> dict[str, int]:
    """Fields of the fact that the metrics are made of, from the scores of one answer."""
    found: dict[str, int] = {}
    score = most = least = importance = 0
    for question in survey.questions:
        given = scores.get(question.id)
        if given is None:
            continue
        if question.measure is not None:
            found[question.measure.value] = given
        if question.importance_micro is not None and question.scale is not None:
            # An attribute without an answer leaves both sums (metrics.md §2).
            score += question.importance_micro * given
            most += question.importance_micro * question.scale.most
            least += question.importance_micro * question.scale.least
            importance += question.importance_micro
    if importance:
        found |= {
            "csi_score_micro": score,
            "csi_most_micro": most,
            "csi_least_micro": least,
            "csi_importance_micro": importance,
        }
    return found


def _text(question: Question, value: object) -> str:
    if not isinstance(value, str):
        raise BadComment(f"{question.id} must be a text", detail_ru=f"{question.id}: нужен текст")
    text = value.strip()
    if len(text) > MOST_COMMENT:
        raise BadComment(
            f"{question.id} has {len(text)} characters; at most {MOST_COMMENT} are allowed",
            detail_ru=f"{question.id}: {len(text)} символов, допустимо {MOST_COMMENT}",
        )
    return text
