"""Surveys: questions with their scales, made from a template and what the company adds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from otklik_common.errors import Unprocessable
from otklik_feedback.domain.scale import Scale

COMMENT: Final = "comment"
OVERALL: Final = "overall"

MICRO: Final = 1_000_000
MOST_ATTRIBUTES: Final = 24
MOST_IMPORTANCE: Final = 1_000
CASE_DUE: Final = timedelta(hours=48)
"""How long after its opening a case may last, unless the survey says otherwise."""

NOT_APPLICABLE: Final = ("na",)
ATTRIBUTE_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Template(StrEnum):
    """What a survey is for; it decides the questions."""

    NPS = "nps"
    TNPS = "tnps"
    CSAT = "csat"
    CES = "ces"
    CSI = "csi"
    ENPS = "enps"
    FORCES = "forces"
    LADDER = "ladder"
    ATTACHMENT = "attachment"
    LOST_DEAL = "lost_deal"


class Measure(StrEnum):
    """A score that facts carry under a name of its own, since a metric is made of it."""

    NPS = "nps"
    NPS_1_10 = "nps_1_10"
    ENPS = "enps"
    CSAT = "csat"
    CES = "ces"
    LOST_DEAL = "lost_deal"


class Words(NamedTuple):
    """A text in both languages."""

    ru: str
    en: str


@dataclass(frozen=True, slots=True)
class Question:
    """
    One thing that is asked.

    Attributes:
        id: Its name in answers.
        text: What people read.
        scale: None for a question that is answered in free words.
        measure: The metric that its score belongs to; None for all others.
        importance_micro: Weight of an attribute of a CSI survey, times 1 000 000; None elsewhere.
        not_applicable: Values that mean "does not apply to me"; they leave the base.
        also: Other names that answers may use for it.
    """

    id: str
    text: Words
    scale: Scale | None = None
    measure: Measure | None = None
    importance_micro: int | None = None
    not_applicable: tuple[str, ...] = NOT_APPLICABLE
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attribute:
    """What a company wants weighed in a CSI survey; `importance` > 0, times 1 000 000."""

    id: str
    title: Words
    importance_micro: int
    least: int = 1
    most: int = 5


@dataclass(frozen=True, slots=True)
class Survey:
    """
    One version of a questionnaire.

    Attributes:
        reference: Its own name for itself, under which answers may name it as well as by `id`.
        version: From 1 upwards; every edit makes a new one, and answers remember theirs.
        anonymous: Answers keep nobody: no customer, no contact, no agent, no case.
        active: Whether new answers are taken.
        case_due: How long after its opening a case may last.
    """

    id: UUID
    reference: str
    template: Template
    title: Words
    questions: tuple[Question, ...]
    created_at: datetime
    version: int = 1
    anonymous: bool = False
    active: bool = True
    case_due: timedelta = CASE_DUE
    by_name: Mapping[str, Question] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        by_name = {name: each for each in self.questions for name in (each.id, *each.also)}
        object.__setattr__(self, "by_name", by_name)

    @property
    def scales(self) -> tuple[str, ...]:
        """Names of the questions that are answered by a score."""
        return tuple(each.id for each in self.questions if each.scale is not None)

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """The weighted attributes of a CSI survey; empty for others."""
        return tuple(
            Attribute(each.id, each.text, each.importance_micro, each.scale.least, each.scale.most)
            for each in self.questions
            if each.importance_micro is not None and each.scale is not None
        )


class BadSurvey(Unprocessable):
    """What a company added does not make a survey."""

    code = "bad_survey"


_COMMENT = Question(
    COMMENT,
    Words("Что повлияло на вашу оценку?", "What is the main reason for your score?"),
    not_applicable=(),
)
_RECOMMEND = Words(
    "Насколько вероятно, что вы порекомендуете нас друзьям или коллегам?",
    "How likely are you to recommend us to a friend or colleague?",
)
_NPS = Question("nps", _RECOMMEND, Scale("NPS", 0, 10), Measure.NPS)
_NPS_1_10 = replace(_NPS, scale=Scale("NPS", 1, 10), measure=Measure.NPS_1_10)
_TNPS = replace(
    _NPS,
    text=Words(
        "После этого обращения: насколько вероятно, что вы порекомендуете нас?",
        "After this contact: how likely are you to recommend us?",
    ),
)
_ENPS = Question(
    "enps",
    Words(
        "Насколько вероятно, что вы порекомендуете нас как место работы?",
        "How likely are you to recommend us as a place to work?",
    ),
    Scale("eNPS", 0, 10),
    Measure.ENPS,
    also=("nps",),
)
_CSAT = Question(
    "csat",
    Words("Насколько вы довольны обслуживанием?", "How satisfied are you with our service?"),
    Scale("CSAT", 1, 5),
    Measure.CSAT,
)
# CES 2.0 (Dixon, Toman, DeLisi, 2013): agreement, so that higher is better.
_CES = Question(
    "ces",
    Words(
        "Согласны ли вы: решить мой вопрос было легко?",
        "Do you agree: the company made it easy for me to handle my issue?",
    ),
    Scale("CES", 1, 7),
    Measure.CES,
)


def _agree(name: str, ru: str, en: str) -> Question:
    return Question(name, Words(ru, en), Scale(name, 1, 7))


def _overall(most: int) -> Question:
    text = Words("Насколько вы довольны в целом?", "How satisfied are you overall?")
    return Question(OVERALL, text, Scale(OVERALL, 1, most))


# The six forces of Ipsos; its "certainty" is our clarity.
_FORCES = (
    _agree("clarity", "Мне было понятно, что происходит", "I knew what was going on"),
    _agree("enjoyment", "С вами было приятно", "Dealing with you was a pleasure"),
    _agree("control", "Решения оставались за мной", "I felt in control"),
    _agree("belonging", "Вы на моей стороне", "You were on my side"),
    _agree("fairness", "Со мной поступили честно", "I was treated fairly"),
    _agree("status", "Ко мне отнеслись с уважением", "I felt valued and respected"),
)
_LADDER = Question(
    "ladder",
    Words(
        "Мы оказались хуже ожиданий (−1), такими же (0) или лучше (+1)?",
        "Were we below your expectations (-1), as expected (0) or above (+1)?",
    ),
    Scale("ladder", -1, 1),
)
_ATTACHMENT = (
    _agree("trust", "Я доверяю этой компании", "I trust this company"),
    _agree("closeness", "Эта компания мне близка", "I feel close to this company"),
    _agree("pride", "Мне приятно быть её клиентом", "I am proud to be its customer"),
    _agree("loss", "Мне бы её не хватало", "I would miss it"),
)
# Asked some time after a request was closed without a deal.
_LOST_DEAL = (
    Question(
        "lost_deal",
        Words(
            "Состоялась ли сделка: пока нет (0), без агентства (1), с другим агентством (2)?",
            "Was the deal made: not yet (0), without an agency (1), with another agency (2)?",
        ),
        Scale("lost_deal", 0, 2, upward=False),
        Measure.LOST_DEAL,
    ),
    Question(
        "attention",
        Words("Хватило ли вам нашего внимания?", "Did we give you enough attention?"),
        Scale("attention", 1, 5),
    ),
    Question(
        COMMENT,
        Words("С кем вы заключили сделку и почему?", "With whom was the deal made, and why?"),
        not_applicable=(),
    ),
)

QUESTIONS: Final[Mapping[Template, tuple[Question, ...]]] = {
    Template.NPS: (_NPS, _COMMENT),
    Template.TNPS: (_TNPS, _COMMENT),
    Template.CSAT: (_CSAT, _COMMENT),
    Template.CES: (_CES, _COMMENT),
    Template.CSI: (_overall(5), _COMMENT),
    Template.ENPS: (_ENPS, _COMMENT),
    # NPS and satisfaction stand beside the forces, so that what drives them can be found.
    Template.FORCES: (*_FORCES, _NPS, _overall(7), _COMMENT),
    Template.LADDER: (_LADDER, _COMMENT),
    Template.ATTACHMENT: (*_ATTACHMENT, _COMMENT),
    Template.LOST_DEAL: _LOST_DEAL,
}
"""What each template asks; a CSI survey asks for its attributes before that."""


def questions_of(
    template: Template, *, attributes: Sequence[Attribute] = (), nps_from_one: bool = False
) -> tuple[Question, ...]:
    """
    The questions of a new version of a survey.

    Args:
        attributes: Of a CSI survey, in the order in which they are asked.
        nps_from_one: Scores run from 1 to 10, as in some old data; never pooled with 0 to 10.
    Raises:
        BadSurvey: A CSI survey without attributes, others with some, or attributes that clash.
    """
    fixed = QUESTIONS[template]
    if nps_from_one:
        if template not in {Template.NPS, Template.TNPS}:
            raise BadSurvey(
                f"template {template} has no scale 1 to 10",
                detail_ru=f"у шаблона {template} нет шкалы 1–10",
            )
        fixed = (_NPS_1_10, *fixed[1:])
    if (template is Template.CSI) != bool(attributes):
        raise BadSurvey(
            f"template {template} takes {'at least one attribute' if not attributes else 'none'}",
            detail_ru="атрибуты нужны шаблону csi, и только ему",
        )
    _check(attributes)
    return (*(_question(each) for each in attributes), *fixed)


def _question(attribute: Attribute) -> Question:
    scale = Scale(attribute.id, attribute.least, attribute.most)
    return Question(
        attribute.id, attribute.title, scale, importance_micro=attribute.importance_micro
    )


def _check(attributes: Sequence[Attribute]) -> None:
    if len(attributes) > MOST_ATTRIBUTES:
        raise BadSurvey(
            f"{len(attributes)} attributes; at most {MOST_ATTRIBUTES} are allowed",
            detail_ru=f"атрибутов {len(attributes)}; допустимо не больше {MOST_ATTRIBUTES}",
        )
    names = [each.id for each in attributes]
    taken = {COMMENT, OVERALL, *Measure}
    for each in attributes:
        if not ATTRIBUTE_ID.fullmatch(each.id) or each.id in taken or names.count(each.id) > 1:
            raise BadSurvey(
                f"attribute id {each.id!r} is taken or is not a-z, 0-9 and _",
                detail_ru=f"имя атрибута {each.id!r} занято или не из a–z, 0–9 и _",
            )
        if not 0 < each.importance_micro <= MOST_IMPORTANCE * MICRO:
            raise BadSurvey(
                f"importance of {each.id} is not above 0 and at most {MOST_IMPORTANCE}",
                detail_ru=f"важность {each.id} должна быть больше 0 и не больше {MOST_IMPORTANCE}",
            )
        if not -100 <= each.least < each.most <= 100:
            raise BadSurvey(
                f"scale of {each.id} does not run upwards within -100 to 100",
                detail_ru=f"шкала {each.id} должна расти в пределах от −100 до 100",
            )
