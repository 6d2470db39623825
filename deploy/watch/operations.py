"""What a head of client service and a shift lead look at: who was answered, who waits, who is owed."""

from typing import Final

from deploy.watch.business import (
    CHOSEN,
    about,
    each,
    every,
    gauge_of,
    pooled,
    silent_sources,
    title_of,
    total,
)
from deploy.watch.layout import (
    GREEN,
    RED,
    Dashboard,
    Look,
    Panel,
    Query,
    Row,
    Steps,
    bad_above,
)
from deploy.watch.panels import by_branch
from deploy.watch.pools import POOLS
from deploy.watch.requests import PROMISES, QUALITY, REQUESTS
from deploy.watch.steps import ANY_IS_BAD, LEVEL_STEPS, PLAIN
from deploy.watch.when import WHEN
from otklik_metrics.domain.catalogue import clocks
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.gauge import Gauge, Window

OFFERED: Final = gauge_of("contacts_offered")
ANSWERED: Final = gauge_of("contacts_answered")
ABANDONED: Final = gauge_of("contacts_abandoned")
OPEN: Final = gauge_of("contacts_open")
MISSED: Final = gauge_of("contacts_missed")
NOT_CALLED_BACK: Final = gauge_of("not_called_back")
LEVEL_TODAY: Final = gauge_of("service_level", Window.TODAY)
LEVEL_HOUR: Final = gauge_of("service_level", Window.HOUR)
BASE_TODAY: Final = gauge_of("service_level", Window.TODAY, base=True)
BASE_HOUR: Final = gauge_of("service_level", Window.HOUR, base=True)
WAIT: Final = gauge_of("asa_seconds")
FIRST_RESPONSE: Final = gauge_of("first_response_seconds")
ATTAINMENT: Final = gauge_of("sla_attainment")
POLICIES: Final = [
    gauge_of("sla_attainment", params={"target": target}) for target in clocks.TARGETS
]
AT_RISK: Final = gauge_of("sla_at_risk")
SLA_OVERDUE: Final = gauge_of("sla_overdue")
UNWORKED: Final = gauge_of("unworked_rate")
CASES_OPEN: Final = gauge_of("cases_open")
CASES_OVERDUE: Final = gauge_of("cases_overdue")


_BY_QUEUE: Final = Text("{{channel}} · {{queue}}", "{{channel}} · {{queue}}")


def _number(gauge: Gauge, steps: Steps = PLAIN) -> Panel:
    """How many today, all companies and queues that were chosen together."""
    return Panel(
        title_of(gauge),
        about(gauge),
        [Query(total(gauge, CHOSEN))],
        look=Look.NUMBER,
        steps=steps,
        width=4,
        height=5,
    )


def _level(level: Gauge, base: Gauge, title: Text) -> Panel:
    return Panel(
        title,
        about(level),
        [Query(pooled(level, base, CHOSEN))],
        unit="percentunit",
        look=Look.NUMBER,
        steps=LEVEL_STEPS,
        width=4,
        height=5,
        decimals=1,
        most=1,
    )


def _by_queue(gauge: Gauge, unit: str, steps: Steps, *, most: float | None = None) -> Panel:
    return Panel(
        title_of(gauge),
        about(gauge),
        [Query(each(gauge, CHOSEN), _BY_QUEUE)],
        unit=unit,
        steps=steps,
        most=most,
    )


NOW: Final = Row(
    Text("Today", "Сегодня"),
    [
        _number(OFFERED),
        _number(ANSWERED),
        _level(
            LEVEL_TODAY,
            BASE_TODAY,
            Text("Answered within 20 s, today", "Ответ за 20 с, сегодня"),
        ),
        _level(
            LEVEL_HOUR,
            BASE_HOUR,
            Text("Answered within 20 s, last hour", "Ответ за 20 с, последний час"),
        ),
        _number(NOT_CALLED_BACK, ANY_IS_BAD),
        _number(CASES_OVERDUE, ANY_IS_BAD),
    ],
)

THROUGH_THE_DAY: Final = Row(
    Text("Through the day", "В течение дня"),
    [
        Panel(
            Text("Contacts of today by outcome", "Обращения за сегодня по исходу"),
            Text(
                "Counted from midnight in the company's zone, so the lines climb and fall to 0 at "
                "midnight. A gap between offered and answered that widens: people wait.",
                "Счёт с полуночи по времени компании: линии растут и в полночь падают до 0. "
                "Разрыв между «поступило» и «отвечено» растёт – люди ждут.",
            ),
            [
                Query(total(gauge, CHOSEN), title_of(gauge))
                for gauge in (OFFERED, ANSWERED, ABANDONED, OPEN)
            ],
        ),
        Panel(
            Text("Answered within 20 s by queue", "Ответ за 20 с по очередям"),
            about(LEVEL_HOUR),
            [Query(each(LEVEL_HOUR, CHOSEN), _BY_QUEUE)],
            unit="percentunit",
            steps=LEVEL_STEPS,
            most=1,
        ),
        _by_queue(WAIT, "s", bad_above(20, 60)),
        _by_queue(FIRST_RESPONSE, "s", bad_above(900, 3600)),
    ],
)

BY_CHANNEL: Final = Row(
    Text("By channel and queue", "По каналам и очередям"),
    [
        Panel(
            Text("Today by channel and queue", "Сегодня по каналам и очередям"),
            Text(
                "Contacts of today. `other` are the queues that did not fit among the series.",
                "Обращения за сегодня. `other` – очереди, которым не хватило рядов.",
            ),
            [
                *(
                    Query(total(gauge, CHOSEN, ("company", "channel", "queue")), title_of(gauge))
                    for gauge in (OFFERED, ANSWERED, ABANDONED, OPEN)
                ),
                Query(
                    pooled(LEVEL_TODAY, BASE_TODAY, CHOSEN, ("company", "channel", "queue")),
                    title_of(LEVEL_TODAY),
                    "percentunit",
                ),
                Query(
                    f"max by (company, channel, queue) ({each(WAIT, CHOSEN)})", title_of(WAIT), "s"
                ),
            ],
            look=Look.TABLE,
            width=24,
        ),
    ],
)

BY_BRANCH: Final = Row(
    Text("By branch", "По филиалам"),
    [
        by_branch(NOT_CALLED_BACK, ANY_IS_BAD),
        by_branch(MISSED, ANY_IS_BAD),
        Panel(
            Text("Branches side by side", "Филиалы рядом"),
            Text(
                "Of 28 days: the share closed by its due time, and buyers' requests that nobody "
                "worked on. Of today: people nobody called back. Now: cases open and past due.",
                "За 28 дней: доля закрытых в срок и заявки покупателей без единой попытки. За "
                "сегодня: кому не перезвонили. Сейчас: открытые и просроченные кейсы.",
            ),
            [
                Query(each(CASES_OVERDUE, CHOSEN), title_of(CASES_OVERDUE)),
                Query(each(CASES_OPEN, CHOSEN), title_of(CASES_OPEN)),
                Query(each(NOT_CALLED_BACK, CHOSEN), title_of(NOT_CALLED_BACK)),
                Query(each(ATTAINMENT, CHOSEN), title_of(ATTAINMENT), "percentunit"),
                Query(each(UNWORKED, CHOSEN), title_of(UNWORKED), "percentunit"),
            ],
            look=Look.TABLE,
            steps=ANY_IS_BAD,
            width=24,
            height=12,
        ),
    ],
)

TARGETS: Final = Row(
    Text("Service targets", "Нормы обслуживания"),
    [
        by_branch(AT_RISK, ANY_IS_BAD),
        by_branch(SLA_OVERDUE, ANY_IS_BAD),
        Panel(
            Text("Targets met, by policy", "Выполнение норм по правилам"),
            Text(
                "Of 28 days, by the policy that held when each clock began and by its target. A target "
                "that is missed and still waited for counts as missed.",
                "За 28 дней, по правилу, действовавшему в начале отсчёта, и по его норме. Нарушенная "
                "норма, по которой ещё ждут, считается нарушенной.",
            ),
            [
                Query(
                    every(POLICIES, CHOSEN),
                    Text("{{policy}} · {{target}}", "{{policy}} · {{target}}"),
                )
            ],
            unit="percentunit",
            steps=LEVEL_STEPS,
            most=1,
            width=24,
        ),
    ],
)

TRUST: Final = Row(
    Text("Can these numbers be trusted?", "Можно ли верить этим числам?"),
    [
        Panel(
            Text("Age of the numbers", "Возраст чисел"),
            Text(
                "How long ago everything above was computed. Old numbers stay in place, so look "
                "here before you act on them; above two minutes something stands still.",
                "Как давно посчитано всё, что выше. Старые числа остаются на месте, поэтому перед "
                "решением смотрите сюда; больше двух минут – что-то стоит.",
            ),
            [Query("max(otklik_exposition_age_seconds)", Text("age", "возраст"))],
            unit="s",
            steps=bad_above(60, 120),
        ),
    ],
)

INTEGRATIONS: Final = Row(
    Text("Integrations", "Интеграции"),
    [
        Panel(
            Text("Silent sources", "Замолчавшие источники"),
            Text(
                "Sources that by the same hours of their last eight weeks should not be silent for "
                "so long. Nights and weekends are no silence. The doctor names them and says what to "
                "do: `GET /contact-center/v1/sources:health`.",
                "Источники, которые молчат дольше, чем можно объяснить случаем, судя по тем же часам "
                "последних восьми недель. Ночи и выходные не считаются. Кто это и что делать, "
                "говорит `GET /contact-center/v1/sources:health`.",
            ),
            [Query(silent_sources(CHOSEN), Text("{{product}}", "{{product}}"))],
            steps=((None, GREEN), (1, RED)),
        ),
        Panel(
            Text("Events taken in", "Принято событий"),
            Text(
                "Events per second that telephony, chats and forms pushed. A line at 0 in working "
                "hours is a silent source, not a quiet day. Refused ones can be replayed.",
                "Событий в секунду от телефонии, чатов и форм. Линия на 0 в рабочее время – это "
                "замолчавший источник, а не спокойный день. Отклонённые можно повторить.",
            ),
            [
                Query(
                    "sum by (result) (rate(otklik_contact_center_events_total[$__rate_interval]))",
                    Text("{{result}}", "{{result}}"),
                )
            ],
            unit="cps",
        ),
    ],
)

OPERATIONS: Final = Dashboard(
    name="operations",
    title=Text("Otklik: answering customers", "Отклик: как мы отвечаем"),
    about=Text(
        "Who called and wrote today, who was answered and how fast, whom nobody called back.",
        "Кто сегодня звонил и писал, кому и как быстро ответили, кому не перезвонили.",
    ),
    rows=[
        NOW,
        THROUGH_THE_DAY,
        BY_CHANNEL,
        REQUESTS,
        TARGETS,
        PROMISES,
        QUALITY,
        BY_BRANCH,
        WHEN,
        INTEGRATIONS,
        POOLS,
        TRUST,
    ],
    companies=True,
    hours=12,
)
