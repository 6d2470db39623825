"""By what numbers can be cut: columns that facts carry, and parts of the local clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple


class Text(NamedTuple):
    """The same in both languages."""

    en: str
    ru: str

    def in_(self, language: str) -> str:
        """The text in `ru`, else in English."""
        return self.ru if language == "ru" else self.en


class Type(StrEnum):
    """What values a dimension has."""

    CODE = "code"
    UUID = "uuid"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Dimension:
    """
    Something to group and filter by.

    Attributes:
        least, most: Bounds of a number.
        of_day: It looks inside a day, so that cells of whole days cannot tell.
        computed: It is read off the clock in the query's zone, not off the fact.
    """

    name: str
    title: Text
    type: Type = Type.CODE
    least: int = 0
    most: int = 0
    of_day: bool = False

    @property
    def computed(self) -> bool:
        """Whether it is read off the clock in the query's zone, not off the fact."""
        return self.type is Type.NUMBER


def _number(name: str, en: str, ru: str, least: int, most: int, *, of_day: bool) -> Dimension:
    return Dimension(name, Text(en, ru), Type.NUMBER, least, most, of_day)


BRANCH_GROUP: Final = "branch_group"

DIMENSIONS: Final[Mapping[str, Dimension]] = {
    dimension.name: dimension
    for dimension in (
        Dimension("branch", Text("branch", "филиал")),
        Dimension(BRANCH_GROUP, Text("group of branches", "группа филиалов")),
        Dimension("team", Text("team", "команда")),
        Dimension("agent", Text("agent", "сотрудник")),
        Dimension("channel", Text("channel", "канал")),
        Dimension("queue", Text("queue", "очередь")),
        Dimension("direction", Text("direction", "направление")),
        Dimension("party", Text("party (buyer, seller, …)", "сторона (покупатель, продавец, …)")),
        Dimension("source", Text("source of events", "источник событий"), Type.UUID),
        Dimension("campaign", Text("campaign", "кампания")),
        Dimension("stage", Text("stage of the journey", "этап пути")),
        Dimension("touchpoint", Text("touchpoint", "точка касания")),
        Dimension("segment", Text("segment", "сегмент")),
        Dimension("survey", Text("survey", "опрос"), Type.UUID),
        Dimension("template", Text("kind of survey", "вид опроса")),
        Dimension("outcome", Text("outcome", "исход")),
        Dimension("policy", Text("policy of service", "правило обслуживания")),
        Dimension("target", Text("target of a policy", "норма правила")),
        Dimension("promise_kind", Text("what was promised", "что обещано")),
        Dimension("ad_source", Text("where advertising stood", "место рекламы")),
        Dimension("medium", Text("sort of advertising", "вид рекламы")),
        Dimension("agency", Text("agency that advertises", "рекламное агентство")),
        Dimension("form", Text("form of the evaluation", "форма оценки")),
        Dimension("script", Text("script of conversations", "скрипт разговоров")),
        Dimension("reason", Text("reason", "причина")),
        Dimension("origin", Text("origin of the purchase", "происхождение покупки")),
        Dimension("currency", Text("currency", "валюта")),
        Dimension("review_source", Text("site with reviews", "площадка отзывов")),
        Dimension("claim_kind", Text("kind of claim", "вид претензии")),
        Dimension("topic", Text("topic", "тема")),
        Dimension("severity", Text("severity", "серьёзность")),
        Dimension("movement", Text("movement of points", "движение баллов")),
        _number(
            "weekday", "weekday, 1 = Monday", "день недели, 1 = понедельник", 1, 7, of_day=False
        ),
        _number("hour_of_day", "hour of the day", "час суток", 0, 23, of_day=True),
        _number(
            "two_hour_slot",
            "two hours of the day, by the hour they begin with",
            "двухчасовой интервал суток, по его первому часу",
            0,
            22,
            of_day=True,
        ),
        _number("day_of_month", "day of the month", "число месяца", 1, 31, of_day=False),
    )
}

COMPUTED: Final = tuple(name for name, dimension in DIMENSIONS.items() if dimension.computed)

_CONTACT = (
    "branch team agent channel queue direction party source campaign stage touchpoint segment "
    "outcome"
)
CARRIED: Final[Mapping[str, frozenset[str]]] = {
    kind: frozenset(names.split())
    for kind, names in {
        "contact": _CONTACT,
        "reply": "branch agent channel queue party source",
        "sla_clock": "branch team agent channel queue party source segment policy target",
        "feedback_clock": "branch team agent channel queue party segment policy target",
        "promise": "branch agent channel party promise_kind",
        "ad_spend": "branch ad_source medium campaign agency currency",
        "lead": "branch agent channel queue party source campaign ad_source medium reason",
        "showing": "branch agent channel party source campaign ad_source medium",
        "deal": "branch agent channel party source campaign ad_source medium currency",
        "touch": "branch agent channel party source campaign ad_source medium currency",
        "evaluation": "branch team agent channel queue party source form",
        "script_run": "branch team agent channel direction queue party source script",
        "answer": "branch team agent channel queue direction party source campaign stage "
        "touchpoint segment survey template",
        "case": "branch team agent channel queue party touchpoint reason",
        "review": "branch agent review_source",
        "claim": "branch team agent channel queue party segment claim_kind topic severity",
        "purchase": "branch agent party campaign segment origin currency",
        "points": "branch reason movement",
        "agent_state": "branch team agent queue",
    }.items()
}
"""The dimensions that the facts of each kind carry as columns of the same name."""


def dimensions_of(kind: str) -> frozenset[str]:
    """Everything that facts of `kind` can be cut by."""
    carried = CARRIED[kind]
    groups = {BRANCH_GROUP} if "branch" in carried else set()
    return carried | groups | frozenset(COMPUTED)
