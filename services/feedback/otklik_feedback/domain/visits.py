"""Templates that staff answer: a mystery shopper's visit, and how mature the service is."""

from typing import Final

from otklik_feedback.domain.question import Axis, Kind, Question, Row, Words
from otklik_feedback.domain.scale import Scale


def _row(name: str, axis: Axis, ru: str, en: str) -> Row:
    return Row(name, Words(ru, en), axis=axis)


_NOTES: Final = Question(
    "comment",
    Words("Что ещё стоит знать?", "What else should we know?"),
    not_applicable=(),
    kind=Kind.TEXT,
)

SHOPPER: Final = (
    Question(
        "visited_on",
        Words("Когда вы обращались?", "When was it?"),
        not_applicable=(),
        kind=Kind.DATE,
    ),
    Question(
        "standards",
        Words("Что было сделано: нет (0) или да (1)?", "What was done: no (0) or yes (1)?"),
        Scale("standards", 0, 1),
        kind=Kind.MATRIX,
        low=Words("Нет", "No"),
        high=Words("Да", "Yes"),
        rows=(
            _row("greeted", Axis.SERVICE, "Поздоровались и назвали себя", "Greeted, said who"),
            _row("quick", Axis.SERVICE, "Не заставили ждать", "Did not keep you waiting"),
            _row("asked", Axis.SERVICE, "Выяснили, что вам нужно", "Found out what you need"),
            _row("offered", Axis.SERVICE, "Предложили подходящие варианты", "Offered what fits"),
            _row("knew", Axis.SERVICE, "Ответили на вопросы об объекте", "Knew the object"),
            _row("terms", Axis.SERVICE, "Ясно назвали условия и цену", "Told terms and price"),
            _row("next_step", Axis.SERVICE, "Договорились, что дальше", "Agreed what is next"),
            _row("called_back", Axis.SERVICE, "Перезвонили, как обещали", "Called as promised"),
        ),
    ),
    Question(
        "impression",
        Words("Общее впечатление", "Your impression"),
        Scale("impression", 1, 5),
        kind=Kind.STARS,
    ),
    _NOTES,
)

MATURITY: Final = (
    Question(
        "maturity",
        Words(
            "Как это устроено у вас: как получится (1), по правилам (2), уже вошло в привычку (3)?",
            "How is it with you: as it happens (1), by rules (2), a habit by now (3)?",
        ),
        Scale("maturity", 1, 3),
        kind=Kind.MATRIX,
        low=Words("Как получится", "As it happens"),
        high=Words("Вошло в привычку", "A habit"),
        rows=(
            _row("listening", Axis.MATURITY, "Спрашиваем клиентов и слушаем", "We ask and listen"),
            _row("answering", Axis.MATURITY, "Отвечаем вовремя", "We answer in time"),
            _row("promises", Axis.MATURITY, "Держим обещания", "We keep promises"),
            _row("complaints", Axis.MATURITY, "Разбираем жалобы", "We work off complaints"),
            _row("causes", Axis.MATURITY, "Устраняем причины жалоб", "We remove their causes"),
            _row("learning", Axis.MATURITY, "Учим сотрудников", "We teach our people"),
            _row("freedom", Axis.MATURITY, "Сотрудник может решить сам", "Staff may decide"),
            _row("example", Axis.MATURITY, "Руководители подают пример", "Heads set an example"),
        ),
    ),
    _NOTES,
)
