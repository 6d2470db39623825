"""Programmes to start from. Their times are ours, meant to be changed: no law and no trade sets them."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from otklik_contact_center.domain.pace.programme import Step

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_WORKING_DAY: Final = 8 * _HOUR
"""Business time counts hours, so a working day is said as eight of them."""


class Preset(NamedTuple):
    """
    A programme that may be put as it comes.

    Attributes:
        about: What it is, in plain words, by language.
    """

    code: str
    priority: int
    parties: tuple[str, ...]
    names: Mapping[str, str]
    about: Mapping[str, str]
    steps: tuple[Step, ...]


def _step(start: str, end: str, seconds: int, ru: str, en: str, *, business: bool = False) -> Step:
    return Step(start, end, seconds, business, {"ru": ru, "en": en})


PRESETS: Final = (
    Preset(
        code="buyer",
        priority=200,
        parties=("buyer",),
        names={"ru": "Покупатель: от звонка до сделки", "en": "Buyer: from the call to the deal"},
        about={
            "ru": "Первый ответ за 15 минут рабочего времени, разговор за час рабочего времени,"
            " показ за 3 дня после разговора, сделка за 30 дней после показа. Сроки наши:"
            " поменяйте на свои.",
            "en": "First answer in 15 minutes of business time, conversation in an hour of it,"
            " showing within 3 days of the conversation, deal within 30 days of the showing. The"
            " times are ours: put your own.",
        },
        steps=(
            _step(
                "created",
                "attempted",
                15 * _MINUTE,
                "Первый ответ",
                "First answer",
                business=True,
            ),
            _step("created", "contacted", _HOUR, "Разговор", "Conversation", business=True),
            _step("contacted", "showing", 3 * _DAY, "Показ", "Showing"),
            _step("showing", "deal", 30 * _DAY, "Сделка", "Deal"),
        ),
    ),
    Preset(
        code="seller",
        priority=210,
        parties=("seller",),
        names={
            "ru": "Продавец: фотографии и публикация",
            "en": "Seller: photos and publication",
        },
        about={
            "ru": "Разговор за час рабочего времени, фотографии за 2 рабочих дня (16 часов по"
            " календарю) после разговора, публикация за 1 рабочий день (8 часов) после фотографий,"
            " сделка за 90 дней после публикации. Система продаж сообщает шаги own:photo и"
            " own:published. Сроки наши: поменяйте на свои.",
            "en": "Conversation in an hour of business time, photos within 2 working days (16 hours"
            " of the calendar) of the conversation, publication within 1 working day (8 hours) of"
            " the photos, deal within 90 days of the publication. The sales system tells the steps"
            " own:photo and own:published. The times are ours: put your own.",
        },
        steps=(
            _step("created", "contacted", _HOUR, "Разговор", "Conversation", business=True),
            _step(
                "contacted",
                "own:photo",
                2 * _WORKING_DAY,
                "Фотографии",
                "Photos",
                business=True,
            ),
            _step(
                "own:photo",
                "own:published",
                _WORKING_DAY,
                "Публикация",
                "Publication",
                business=True,
            ),
            _step("own:published", "deal", 90 * _DAY, "Сделка", "Deal"),
        ),
    ),
    Preset(
        code="six_twelve",
        priority=220,
        parties=(),
        names={"ru": "6/12: шесть шагов за 12 недель", "en": "6/12: six steps in 12 weeks"},
        about={
            "ru": "Шесть шагов, каждый со своим сроком от начала заявки: назначена за день, первый"
            " ответ за день, разговор за 2 дня, потребность за неделю, показ за 3 недели, сделка"
            " за 12 недель. «6/12» нигде не описано: это наше прочтение.",
            "en": "Six steps, each with its own time from the beginning of the request: assigned in"
            " a day, first answer in a day, conversation in 2 days, needs known in a week, showing"
            ' in 3 weeks, deal in 12 weeks. "6/12" is described nowhere: this is our reading.',
        },
        steps=(
            _step("created", "assigned", _DAY, "Назначена", "Assigned"),
            _step("created", "attempted", _DAY, "Первый ответ", "First answer"),
            _step("created", "contacted", 2 * _DAY, "Разговор", "Conversation"),
            _step("created", "qualified", 7 * _DAY, "Потребность", "Needs known"),
            _step("created", "showing", 21 * _DAY, "Показ", "Showing"),
            _step("created", "deal", 84 * _DAY, "Сделка", "Deal"),
        ),
    ),
)
