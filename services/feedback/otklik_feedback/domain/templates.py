"""Templates: what a survey is for, and what it asks."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Final

from otklik_feedback.domain.condition import Op, Test
from otklik_feedback.domain.presets import (
    AGREE,
    AGREEMENT,
    ATTACHMENT,
    DISAGREE,
    FORCES,
    WHY_BETTER,
    WHY_SAME,
    WHY_WORSE,
)
from otklik_feedback.domain.question import MICRO, Kind, Measure, Option, Question, Row, Words
from otklik_feedback.domain.scale import Scale
from otklik_feedback.domain.visits import MATURITY, SHOPPER

COMMENT: Final = "comment"
OVERALL: Final = "overall"
DEAL_TARGET_MICRO: Final = 4_400_000
"""Of the mean of a CSI survey after a deal, on 1 to 5."""


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
    PREFERENCE = "preference"
    MYSTERY_SHOPPER = "mystery_shopper"
    MATURITY = "maturity"
    OWN = "own"


KEYS: Final = {
    Template.NPS: "nps",
    Template.TNPS: "nps",
    Template.ENPS: "enps",
    Template.CSAT: "csat",
    Template.CES: "ces",
    Template.LADDER: "ladder",
    Template.LOST_DEAL: "lost_deal",
}
"""The question that a template is named after."""


class Moment(StrEnum):
    """What a survey is asked after."""

    CONTACT = "contact"
    DEAL = "deal"
    DELIVERY = "delivery"


_COMMENT = Question(
    COMMENT,
    Words("Что повлияло на вашу оценку?", "What is the main reason for your score?"),
    not_applicable=(),
    kind=Kind.TEXT,
)
_UNLIKELY = Words("Точно нет", "Not at all likely")
_LIKELY = Words("Точно да", "Extremely likely")
_RECOMMEND = Words(
    "Насколько вероятно, что вы порекомендуете нас друзьям или коллегам?",
    "How likely are you to recommend us to a friend or colleague?",
)
_NPS = Question("nps", _RECOMMEND, Scale("NPS", 0, 10), Measure.NPS, low=_UNLIKELY, high=_LIKELY)
NPS_1_10: Final = replace(_NPS, scale=Scale("NPS", 1, 10), measure=Measure.NPS_1_10)
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


def _agreement(row: Row) -> Question:
    return Question(
        row.id,
        row.text,
        replace(AGREEMENT, name=row.id),
        kind=Kind.AGREEMENT,
        low=DISAGREE,
        high=AGREE,
        axis=row.axis,
    )


def _overall(most: int) -> Question:
    text = Words("Насколько вы довольны в целом?", "How satisfied are you overall?")
    return Question(OVERALL, text, Scale(OVERALL, 1, most))


_LADDER = Question(
    "ladder",
    Words(
        "Мы оказались хуже ожиданий (−1), такими же (0) или лучше (+1)?",
        "Were we below your expectations (-1), as expected (0) or above (+1)?",
    ),
    Scale("ladder", -1, 1),
    kind=Kind.LADDER,
    low=Words("Хуже, чем ожидали", "Worse than expected"),
    high=Words("Лучше, чем ожидали", "Better than expected"),
)


def _why(name: str, ru: str, en: str, options: tuple[Option, ...], step: int) -> Question:
    return Question(
        name,
        Words(ru, en),
        kind=Kind.MULTIPLE,
        options=options,
        visible_if=Test("ladder", Op.EQ, step),
    )


_WHY = (
    _why("why_worse", "Что было не так?", "What went wrong?", WHY_WORSE, -1),
    _why("why_same", "Чего не хватило?", "What was missing?", WHY_SAME, 0),
    _why("why_better", "Что понравилось?", "What did you like?", WHY_BETTER, 1),
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
        kind=Kind.TEXT,
    ),
)


def _preferred(name: str, ru: str, en: str, step: str) -> Question:
    reasons = (
        ("service", "Отношение к клиенту", "How they treat you"),
        ("price", "Цена", "The price"),
        ("choice", "Выбор объектов", "The choice of objects"),
        ("speed", "Скорость", "Speed"),
        ("trust", "Доверие", "Trust"),
        ("advice", "Совет знакомых", "Advice of friends"),
    )
    return Question(
        name,
        Words(ru, en),
        kind=Kind.MULTIPLE,
        options=tuple(Option(id_, Words(r, e)) for id_, r, e in reasons),
        most_chosen=3,
        visible_if=Test("first_choice", Op.EQ, step),
    )


_PREFERENCE = (
    Question(
        "first_choice",
        Words("К кому вы обратитесь в следующий раз?", "Whom will you turn to next time?"),
        kind=Kind.CHOICE,
        options=(
            Option("us", Words("К вам", "To you")),
            Option("other_agency", Words("В другое агентство", "To another agency")),
            Option("nobody", Words("Справлюсь без агентства", "I can do it without an agency")),
            Option("undecided", Words("Пока не знаю", "I do not know yet")),
        ),
    ),
    _preferred("why_us", "Почему к нам?", "Why us?", "us"),
    _preferred("why_other", "Что у них лучше?", "What do they do better?", "other_agency"),
    Question(
        "compared",
        Words("Какие мы в сравнении с другими агентствами?", "How do we compare with others?"),
        Scale("compared", 1, 5),
        low=Words("Намного хуже", "Much worse"),
        high=Words("Намного лучше", "Much better"),
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
    Template.FORCES: (*map(_agreement, FORCES), _NPS, _overall(7), _COMMENT),
    Template.LADDER: (_LADDER, *_WHY, _COMMENT),
    Template.ATTACHMENT: (*map(_agreement, ATTACHMENT), _COMMENT),
    Template.LOST_DEAL: _LOST_DEAL,
    Template.PREFERENCE: (*_PREFERENCE, _COMMENT),
    Template.MYSTERY_SHOPPER: SHOPPER,
    Template.MATURITY: MATURITY,
}
"""What each template asks; a CSI survey asks for its attributes before that."""


def _attribute(name: str, ru: str, en: str) -> Question:
    return Question(
        name,
        Words(ru, en),
        Scale(name, 1, 5),
        importance_micro=MICRO,
        low=_BAD,
        high=_GOOD,
    )


_BAD = Words("Очень плохо", "Very bad")
_GOOD = Words("Отлично", "Excellent")
# All weigh the same until the company has measured what matters to its customers.
AFTER_THE_DEAL: Final = (
    _attribute("attention", "Внимание к вашим пожеланиям", "Attention to your wishes"),
    _attribute("knowledge", "Знание рынка и объектов", "Knowledge of the market"),
    _attribute("clarity", "Понятность условий и документов", "Clear terms and documents"),
    _attribute("speed", "Скорость ответов", "Quick answers"),
    _attribute("honesty", "Честность", "Honesty"),
    _attribute("result", "Итог сделки", "The result of the deal"),
)


def _tnps(ru: str, en: str) -> tuple[Question, ...]:
    return (replace(_NPS, text=Words(ru, en)), _COMMENT)


AFTER: Final[Mapping[tuple[Template, Moment], tuple[Question, ...]]] = {
    (Template.TNPS, Moment.CONTACT): (_TNPS, _COMMENT),
    (Template.TNPS, Moment.DEAL): _tnps(
        "Сделка завершена. Насколько вероятно, что вы порекомендуете нас?",
        "The deal is done. How likely are you to recommend us?",
    ),
    (Template.TNPS, Moment.DELIVERY): _tnps(
        "Вы получили ключи и документы. Насколько вероятно, что вы порекомендуете нас?",
        "You have the keys and the documents. How likely are you to recommend us?",
    ),
    (Template.CSI, Moment.DEAL): QUESTIONS[Template.CSI],
}
"""What is asked after what; other templates are the same whenever they are asked."""
