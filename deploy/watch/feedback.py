"""What customers say: NPS and CSI with the base they rest on, and the cases that unhappy ones opened."""

from typing import Final

from deploy.watch.business import CHOSEN, Nps, about, each, gauge_of, title_of, total
from deploy.watch.layout import (
    GREEN,
    RED,
    YELLOW,
    Dashboard,
    Look,
    Panel,
    Query,
    Row,
    good_above,
)
from deploy.watch.operations import CASES_OPEN, CASES_OVERDUE
from otklik_metrics.domain.catalogue.words import LOW_BASE_UNDER
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.gauges import GAUGES

NPS: Final = gauge_of("nps")
CSI: Final = gauge_of("csi")
CSI_ANSWERS: Final = gauge_of("csi", base=True)
CSI_BY_TOUCHPOINT: Final = next(gauge for gauge in GAUGES if gauge.renamed)
CATEGORIES: Final = tuple(
    gauge_of(metric) for metric in ("nps_promoters", "nps_passives", "nps_detractors")
)

_ALL: Final = Nps.of(CHOSEN, ())
_EACH: Final = Nps.of(CHOSEN, ("company", "branch"))

_SCORE_STEPS: Final = good_above(0, 30)
_CSI_STEPS: Final = good_above(70, 80)
_BASE_STEPS: Final = ((None, YELLOW), (LOW_BASE_UNDER, GREEN))

_LOW: Final = Text("low end", "нижняя граница")
_HIGH: Final = Text("high end", "верхняя граница")
_ANSWERS: Final = Text("answers", "ответов")

_INTERVAL: Final = Text(
    "The interval holds the true score 19 times of 20 (adjusted Wald, 95 %). With few answers it is "
    "wide: compare branches only where their intervals are apart.",
    "Истинная оценка лежит в интервале 19 раз из 20 (Вальд с поправкой, 95 %). При малом числе "
    "ответов он широк: сравнивайте филиалы, только если их интервалы не пересекаются.",
)


def _with_interval(text: Text) -> Text:
    return Text(f"{text.en}\n\n{_INTERVAL.en}", f"{text.ru}\n\n{_INTERVAL.ru}")


WHOLE: Final = Row(
    Text("The whole company, 28 days", "Вся компания, 28 дней"),
    [
        Panel(
            title_of(NPS),
            _with_interval(about(NPS)),
            [Query(_ALL.points)],
            look=Look.NUMBER,
            steps=_SCORE_STEPS,
            width=5,
            height=5,
            decimals=1,
            least=-100,
            most=100,
        ),
        Panel(
            Text("NPS: interval", "NPS: интервал"),
            _INTERVAL,
            [Query(_ALL.low, _LOW), Query(_ALL.high, _HIGH)],
            look=Look.NUMBER,
            steps=_SCORE_STEPS,
            width=7,
            height=5,
            decimals=1,
            least=-100,
            most=100,
        ),
        Panel(
            Text("NPS answers", "Ответов NPS"),
            Text(
                f"The base n of NPS. Under {LOW_BASE_UNDER} chance alone moves it by tens of points.",
                f"База n для NPS. Меньше {LOW_BASE_UNDER} – её двигает на десятки пунктов сама "
                "случайность.",
            ),
            [Query(_ALL.n)],
            look=Look.NUMBER,
            steps=_BASE_STEPS,
            width=4,
            height=5,
        ),
        *(
            Panel(
                title_of(gauge),
                about(gauge),
                [Query(total(gauge, CHOSEN))],
                look=Look.NUMBER,
                steps=((None, GREEN), (1, colour)),
                width=4,
                height=5,
            )
            for gauge, colour in ((CASES_OPEN, YELLOW), (CASES_OVERDUE, RED))
        ),
    ],
)

OVER_TIME: Final = Row(
    Text("Over time", "Во времени"),
    [
        Panel(
            Text("NPS with its interval", "NPS с интервалом"),
            _with_interval(about(NPS)),
            [Query(_ALL.points, title_of(NPS)), Query(_ALL.low, _LOW), Query(_ALL.high, _HIGH)],
            steps=_SCORE_STEPS,
            least=-100,
            most=100,
        ),
        Panel(
            Text("NPS answers by category", "Ответы NPS по категориям"),
            about(CATEGORIES[0]),
            [Query(total(gauge, CHOSEN), title_of(gauge)) for gauge in CATEGORIES],
        ),
        Panel(
            title_of(CSI_BY_TOUCHPOINT),
            about(CSI_BY_TOUCHPOINT),
            [Query(each(CSI_BY_TOUCHPOINT, CHOSEN), Text("{{category}}", "{{category}}"))],
            steps=_CSI_STEPS,
            most=100,
        ),
        Panel(
            Text("Cases", "Кейсы"),
            Text(
                "Unhappy customers whose case is open, and those among them whose due time is past.",
                "Недовольные клиенты с открытым кейсом и те из них, чей срок прошёл.",
            ),
            [Query(total(gauge, CHOSEN), title_of(gauge)) for gauge in (CASES_OPEN, CASES_OVERDUE)],
        ),
    ],
)

BRANCHES: Final = Row(
    Text("By branch, 28 days", "По филиалам, 28 дней"),
    [
        Panel(
            Text("NPS by branch", "NPS по филиалам"),
            _with_interval(
                Text(
                    "Branches with fewer than 5 answers are not shown.",
                    "Филиалы, где ответов меньше 5, не показаны.",
                )
            ),
            [
                Query(each(NPS, CHOSEN), title_of(NPS)),
                Query(_EACH.low, _LOW),
                Query(_EACH.high, _HIGH),
                Query(_EACH.n, _ANSWERS),
            ],
            look=Look.TABLE,
            steps=_SCORE_STEPS,
            height=12,
            decimals=0,
            least=None,
        ),
        Panel(
            Text("CSI and cases by branch", "CSI и кейсы по филиалам"),
            about(CSI),
            [
                Query(each(CSI, CHOSEN), title_of(CSI)),
                Query(each(CSI_ANSWERS, CHOSEN), _ANSWERS),
                Query(each(CASES_OPEN, CHOSEN), title_of(CASES_OPEN)),
                Query(each(CASES_OVERDUE, CHOSEN), title_of(CASES_OVERDUE)),
            ],
            look=Look.TABLE,
            steps=_CSI_STEPS,
            height=12,
            decimals=0,
        ),
    ],
)

FEEDBACK: Final = Dashboard(
    name="feedback",
    title=Text("Otklik: what customers say", "Отклик: что говорят клиенты"),
    about=Text(
        "NPS and CSI of 28 days with their base and interval, and the cases of unhappy customers.",
        "NPS и CSI за 28 дней с базой и интервалом и кейсы недовольных клиентов.",
    ),
    rows=[WHOLE, OVER_TIME, BRANCHES],
    companies=True,
    hours=24 * 7,
)
