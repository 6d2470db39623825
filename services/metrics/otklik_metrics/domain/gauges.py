"""The business numbers that Prometheus reads: a few metrics over fixed windows, bounded labels."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from otklik_metrics.domain.catalogue.clocks import TARGETS
from otklik_metrics.domain.company import Company
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.gauge import Gauge, Window
from otklik_metrics.domain.planner import FIRST
from otklik_metrics.domain.query import Query, ask, range_of
from otklik_metrics.domain.zones import Granularity

COMPANIES: Final = 20
"""Companies with a label of their own; the smaller ones are `other`, together."""
MOST_SAMPLES: Final = 1_200
"""Of all SHARED gauges together: a process has others, and a scrape should stay under 2,000."""


def _contacts(metric: str, outcome: str) -> Gauge:
    help_ = Text(
        "contacts offered today in the company's zone, by what became of them",
        "обращения, поступившие сегодня по времени компании, по исходу",
    )
    return Gauge(
        "otklik_contacts",
        help_,
        metric,
        Window.TODAY,
        ("channel", "queue"),
        fixed={"state": outcome},
    )


def _answers(metric: str, category: str) -> Gauge:
    help_ = Text("NPS answers of 28 days by category", "ответы NPS за 28 дней по категориям")
    return Gauge(
        "otklik_nps_answers",
        help_,
        metric,
        Window.MONTH,
        ("branch",),
        fixed={"category": category},
    )


def _level(window: Window) -> Gauge:
    help_ = Text(
        "share answered within 20 s (excl_short, 5 s)",
        "доля отвеченных за 20 с (excl_short, 5 с)",
    )
    return Gauge(
        "otklik_service_level_ratio",
        help_,
        "service_level",
        window,
        ("channel", "queue"),
        fixed={"window": window.value},
    )


def _level_base(window: Window) -> Gauge:
    help_ = Text(
        "contacts behind otklik_service_level_ratio: few of them prove little",
        "сколько обращений за otklik_service_level_ratio: по нескольким судить нельзя",
    )
    return replace(_level(window), name="otklik_service_level_contacts", help=help_, base=True)


def _promises(target: str) -> Gauge:
    help_ = Text(
        "share of promises kept by policy, 28 days; absent where none has come due",
        "доля сдержанных обещаний по правилам, 28 дней",
    )
    return Gauge(
        "otklik_sla_policy_attainment_ratio",
        help_,
        "sla_attainment",
        Window.MONTH,
        ("policy",),
        params={"target": target},
        fixed={"target": target},
    )


CSI: Final = Gauge(
    "otklik_csi_points",
    Text("CSI (raw) of 28 days; absent under 5 answers", "CSI (raw) за 28 дней"),
    "csi",
    Window.MONTH,
    ("branch",),
)

QA: Final = Gauge(
    "otklik_qa_score_ratio",
    Text(
        "mean score of evaluations released in 28 days; absent where there are none",
        "средний балл оценок, выпущенных за 28 дней; нет, если оценок нет",
    ),
    "qa_score",
    Window.MONTH,
    ("branch",),
)

SCRIPT_KEPT: Final = Gauge(
    "otklik_script_kept_ratio",
    Text(
        "compulsory steps of scripts done, of those asked in 28 days; absent where there are none",
        "доля выполненных обязательных пунктов скриптов за 28 дней; нет, если их нет",
    ),
    "script_kept",
    Window.MONTH,
    ("branch",),
)

SHARED: Final[tuple[Gauge, ...]] = (
    _contacts("contacts_offered", "offered"),
    _contacts("contacts_answered", "answered"),
    _contacts("contacts_abandoned", "abandoned"),
    _contacts("contacts_open", "open"),
    _level(Window.TODAY),
    _level(Window.HOUR),
    _level_base(Window.TODAY),
    _level_base(Window.HOUR),
    Gauge(
        "otklik_wait_mean_seconds",
        Text("mean wait of those answered today", "среднее ожидание отвеченных сегодня"),
        "asa_seconds",
        Window.TODAY,
        ("channel", "queue"),
    ),
    Gauge(
        "otklik_first_response_mean_seconds",
        Text(
            "mean time to the first response, contacts of today that have one",
            "среднее время до первого ответа, сегодняшние обращения, где он есть",
        ),
        "first_response_seconds",
        Window.TODAY,
        ("channel", "queue"),
    ),
    Gauge(
        "otklik_contacts_missed",
        Text(
            "contacts of today missed: given up, and nobody has spoken with the person since",
            "потерянные сегодня обращения: брошены, и с человеком с тех пор никто не говорил",
        ),
        "contacts_missed",
        Window.TODAY,
        ("branch",),
    ),
    Gauge(
        "otklik_sla_attainment_ratio",
        Text("share closed by the due time, 28 days", "доля закрытых в срок, 28 дней"),
        "sla_attainment",
        Window.MONTH,
        ("branch",),
    ),
    *(_promises(target) for target in TARGETS),
    Gauge(
        "otklik_sla_at_risk_promises",
        Text(
            "promises of 28 days that run and are about to break",
            "обещания за 28 дней на грани срыва",
        ),
        "sla_at_risk",
        Window.MONTH,
        ("branch",),
    ),
    Gauge(
        "otklik_sla_overdue_promises",
        Text(
            "promises of 28 days that are broken and still waited for",
            "обещания за 28 дней, которые просрочены и которых ещё ждут",
        ),
        "sla_overdue",
        Window.MONTH,
        ("branch",),
    ),
    Gauge(
        "otklik_promises_kept_ratio",
        Text(
            "share of agents' promises due in 28 days that were kept in time",
            "доля обещаний сотрудников, выполненных в срок, 28 дней",
        ),
        "promises_kept",
        Window.MONTH,
        ("branch",),
    ),
    Gauge(
        "otklik_promises_at_risk",
        Text(
            "promises of agents that are about to break",
            "обещания сотрудников на грани срыва",
        ),
        "promises_at_risk",
        Window.MONTH,
        ("branch",),
    ),
    Gauge(
        "otklik_not_called_back_people",
        Text("people nobody called back today", "кому сегодня никто не перезвонил"),
        "not_called_back",
        Window.TODAY,
        ("branch",),
    ),
    Gauge(
        "otklik_leads_waiting",
        Text(
            "requests nobody has worked on, whenever made",
            "заявки, над которыми никто не работал, когда бы ни поступили",
        ),
        "leads_waiting",
        Window.EVER,
        ("branch",),
    ),
    Gauge(
        "otklik_speed_to_lead_ratio",
        Text(
            "requests of 28 days that were tried within 5 minutes",
            "заявки за 28 дней, взятые за 5 минут",
        ),
        "speed_to_lead",
        Window.MONTH,
        ("branch",),
    ),
    Gauge(
        "otklik_unserved_ratio",
        Text(
            "requests of 28 days in which nobody talked with the customer",
            "заявки за 28 дней, по которым с клиентом никто не поговорил",
        ),
        "unserved_rate",
        Window.MONTH,
        ("branch",),
    ),
    Gauge(
        "otklik_unworked_ratio",
        Text("buyers' requests of 28 days nobody worked on", "необработанные заявки, 28 дней"),
        "unworked_rate",
        Window.MONTH,
        ("branch",),
    ),
    QA,
    replace(
        QA,
        name="otklik_qa_evaluations",
        help=Text(
            "evaluations behind otklik_qa_score_ratio", "сколько оценок за otklik_qa_score_ratio"
        ),
        base=True,
    ),
    SCRIPT_KEPT,
    replace(
        SCRIPT_KEPT,
        name="otklik_script_checklists",
        help=Text(
            "checklists behind otklik_script_kept_ratio",
            "сколько чек-листов за otklik_script_kept_ratio",
        ),
        base=True,
    ),
    Gauge(
        "otklik_nps_points",
        Text("NPS of 28 days; absent under 5 answers", "NPS за 28 дней; нет, если ответов < 5"),
        "nps",
        Window.MONTH,
        ("branch",),
    ),
    _answers("nps_promoters", "promoter"),
    _answers("nps_passives", "passive"),
    _answers("nps_detractors", "detractor"),
    CSI,
    replace(
        CSI,
        name="otklik_csi_answers",
        help=Text("answers behind otklik_csi_points", "сколько ответов за otklik_csi_points"),
        base=True,
    ),
    Gauge(
        "otklik_csi_category_points",
        Text(
            "CSI (raw) of 28 days by what was rated: the touchpoint, where a survey names one",
            "CSI (raw) за 28 дней по точкам касания, где они указаны",
        ),
        "csi",
        Window.MONTH,
        ("touchpoint",),
        renamed={"touchpoint": "category"},
        complete=True,
    ),
    Gauge(
        "otklik_cases_open",
        Text("cases that are open, whenever opened", "открытые кейсы, когда бы ни открыты"),
        "cases_open",
        Window.EVER,
        ("branch",),
    ),
    Gauge(
        "otklik_cases_overdue",
        Text("cases that are open past due", "открытые кейсы с прошедшим сроком"),
        "cases_overdue",
        Window.EVER,
        ("branch",),
    ),
)

WHEN: Final = tuple(
    Gauge(
        name,
        Text(
            f"contacts offered in 28 days, by {en}, of the largest company alone",
            f"обращения за 28 дней {ru}, только у самой большой компании",
        ),
        "contacts_offered",
        Window.MONTH,
        labels,
        room=room,
    )
    for name, labels, room, en, ru in (
        (
            "otklik_contacts_by_hour",
            ("weekday", "two_hour_slot"),
            7 * 12,
            "weekday and two hours of its day",
            "по дням недели и двухчасовым интервалам",
        ),
        ("otklik_contacts_by_day", ("day_of_month",), 31, "day of the month", "по числам месяца"),
    )
)
"""When people turn to a company: too many series to have them of each."""

GAUGES: Final = (*SHARED, *WHEN)

RANKED_BY: Final = Gauge(
    "", Text("size of a company", "размер компании"), "contacts_offered", Window.MONTH
)
"""By what companies are ranked: at midnight nobody has had a contact today."""


def query_of(company: Company, gauges: Sequence[Gauge], now: datetime) -> Query:
    """The query of gauges that share a window and labels; rows name each by its number."""
    first = gauges[0]
    wanted = [
        (gauge.metric, f"g{number}", dict(gauge.params)) for number, gauge in enumerate(gauges)
    ]
    return Query(
        company=company,
        asked=ask(company, wanted),
        buckets=range_of(
            _start(first.window, company, now), _end(now), Granularity.TOTAL, company.timezone
        ),
        group_by=first.labels,
        filters=(),
    )


def _start(window: Window, company: Company, now: datetime) -> datetime:
    local = now.astimezone(ZoneInfo(company.timezone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if window is Window.TODAY:
        return midnight
    if window is Window.MONTH:
        return midnight - timedelta(days=27)
    if window is Window.EVER:
        return FIRST
    # Whole quarters of an hour, so that rollups can tell.
    return now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0) - timedelta(
        minutes=60
    )


def _end(now: datetime) -> datetime:
    """Nothing lies further ahead: so the end of the range cuts no cell."""
    return (now + timedelta(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)


def together() -> list[list[int]]:
    """Places of the gauges that one query can answer, in lists."""
    found: dict[tuple[Window, tuple[str, ...], bool], list[int]] = {}
    for place, gauge in enumerate(GAUGES):
        found.setdefault((gauge.window, gauge.labels, bool(gauge.room)), []).append(place)
    return list(found.values())
