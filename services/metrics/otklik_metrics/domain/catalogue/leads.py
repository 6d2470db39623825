"""Requests from the first contact to the deal: how soon they are worked, and what becomes of them."""

from typing import Final

from otklik_metrics.domain.catalogue.spans import Span, span_metric
from otklik_metrics.domain.catalogue.words import (
    OWN,
    Computation,
    Metric,
    Parameter,
    ParameterType,
    Params,
    Shape,
    choice,
    one,
)
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.indicators.cells import Cell, Values, count, mean_seconds, share
from otklik_metrics.domain.measures import BANDS_MINUTES
from otklik_metrics.domain.readings import Pick, Reading, Sum, Tally, Where, pick

KIND, BY = "lead", "created_at"

PRACTICE: Final = Text("practice of estate agencies", "практика агентств недвижимости")

STEPS: Final = {
    "assigned": "assigned",
    "attempted": "attempted",
    "contacted": "contacted",
    "qualified": "qualified",
    "showing": "shown",
    "deal": "dealt",
    "closed": "closed",
}
"""Counters of the requests that came so far, by the step."""


def _read_unworked(params: Params) -> Reading:
    party = params["party"]
    where = None if party is None else Where("party", party)
    return Tally(
        KIND, BY, {"created": Sum("created", where=where), "worked": Sum("worked", where=where)}
    )


def _requests(params: Params, *none: str) -> Pick:
    where = None if params["party"] is None else Where("party", params["party"])
    return Pick((Sum("created", where=where),), tuple(map(Sum, none)))


def _unworked(values: Values, _: Params) -> Cell:
    return share(values["created"] - values["worked"], values["created"])


def _step(params: Params) -> str:
    return STEPS[params["step"]]


def _band(params: Params) -> str:
    return f"attempted_{params['within_minutes']}m"


def _mean(name: str, title: Text, formula: Text, measure: str, source: Text) -> Metric:
    return Metric(
        name=name,
        title=title,
        shape=Shape.MEAN,
        unit="seconds",
        kind=KIND,
        time_column=BY,
        formula=one(formula),
        numerator=Text("seconds", "секунды"),
        denominator=Text("requests with both times", "заявки, где известны оба времени"),
        source=source,
        read=lambda _: Tally(KIND, BY, {"n": Sum(f"{measure}_n"), "ms": Sum(f"{measure}_ms")}),
        work_out=lambda values, _: mean_seconds(values["ms"], values["n"]),
        base=lambda _: pick(f"{measure}_n"),
    )


def counted(
    name: str, title: Text, formula: Text, unit: str, where: tuple[str, str, str]
) -> Metric:
    """A number of facts; `where`: their kind, the time that they are counted by, the counter."""
    kind, by, measure = where
    return Metric(
        name=name,
        title=title,
        shape=Shape.COUNT,
        unit=unit,
        kind=kind,
        time_column=by,
        formula=one(formula),
        source=OWN,
        read=lambda _: Tally(kind, by, {"value": Sum(measure)}),
        work_out=lambda values, _: count(values["value"]),
        base=lambda _: pick(measure),
    )


METRICS: Final = (
    counted(
        "leads",
        Text("requests", "заявки"),
        Text(
            "requests by the time they were made; a repeated call makes no second one while nobody "
            "has worked on the first",
            "заявки по времени обращения; повторный звонок не создаёт второй, пока над первой не "
            "работали",
        ),
        "leads",
        (KIND, BY, "created"),
    ),
    Metric(
        name="leads_waiting",
        title=Text("requests nobody works on", "заявки, над которыми никто не работает"),
        shape=Shape.COUNT,
        unit="leads",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "requests without a human attempt that are not closed, by when they were made",
                "незакрытые заявки без попытки человека, по времени обращения",
            )
        ),
        source=OWN,
        read=lambda _: Tally(KIND, BY, now={"value": Sum("waiting")}),
        work_out=lambda values, _: count(values["value"]),
        base=lambda _: pick("waiting"),
    ),
    Metric(
        name="unworked_rate",
        title=Text("unworked requests", "необработанные заявки"),
        shape=Shape.SHARE,
        unit="share",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "requests of the party without a human attempt by the end of their month (in the "
                "company's zone) plus 24 h / all requests of the party; of the running month: so far",
                "заявки стороны без попытки человека до конца их месяца (в зоне компании) плюс "
                "24 ч / все заявки стороны; за текущий месяц – пока что",
            )
        ),
        numerator=Text("requests nobody worked on", "заявки, над которыми никто не работал"),
        denominator=Text("requests of the party", "заявки стороны"),
        source=PRACTICE,
        read=_read_unworked,
        work_out=_unworked,
        base=_requests,
        above=lambda params: _requests(params, "worked"),
        parameters=(
            Parameter(
                "party",
                ParameterType.CODE,
                Text("whose requests; null: everybody's", "чьи заявки; null – всех"),
                "buyer",
                nullable=True,
            ),
        ),
        computation=Computation.DERIVED_FACT,
        interval="wilson",
    ),
    Metric(
        name="unserved_rate",
        title=Text("unserved requests", "необслуженные заявки"),
        shape=Shape.SHARE,
        unit="share",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "requests, of whatever party, in which nobody talked with the customer by the end of "
                "their month (in the company's zone) plus 24 h / all requests; an attempt is no talk",
                "заявки любой стороны, по которым с клиентом никто не поговорил до конца их месяца (в "
                "зоне компании) плюс 24 ч / все заявки; попытка – не разговор",
            )
        ),
        numerator=Text("requests without a talk", "заявки без разговора"),
        denominator=Text("requests", "заявки"),
        source=OWN,
        read=lambda _: Tally(KIND, BY, {"created": Sum("created"), "served": Sum("served")}),
        work_out=lambda values, _: share(values["created"] - values["served"], values["created"]),
        base=lambda _: pick("created"),
        above=lambda _: pick("created", none=("served",)),
        computation=Computation.DERIVED_FACT,
        interval="wilson",
    ),
    Metric(
        name="lead_conversion",
        title=Text("how far requests come", "до чего доходят заявки"),
        shape=Shape.SHARE,
        unit="share",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "requests that came to the step, whenever / all requests, by the time of the request; "
                "younger ones may still come to it",
                "заявки, дошедшие до шага когда-либо / все заявки, по времени заявки; недавние ещё "
                "могут дойти",
            )
        ),
        numerator=Text("requests that came to the step", "заявки, дошедшие до шага"),
        denominator=Text("requests", "заявки"),
        source=OWN,
        read=lambda params: Tally(
            KIND, BY, {"created": Sum("created"), "came": Sum(_step(params))}
        ),
        work_out=lambda values, _: share(values["came"], values["created"]),
        base=lambda _: pick("created"),
        above=lambda params: pick(_step(params)),
        parameters=(choice("step", Text("which step", "какой шаг"), "deal", tuple(STEPS)),),
        interval="wilson",
    ),
    Metric(
        name="speed_to_lead",
        title=Text("requests tried in time", "заявки, взятые вовремя"),
        shape=Shape.SHARE,
        unit="share",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "requests with a human attempt within so many minutes, elapsed / all requests",
                "заявки с попыткой человека не позже стольких минут, по часам / все заявки",
            )
        ),
        numerator=Text("requests tried in time", "заявки, взятые вовремя"),
        denominator=Text("requests", "заявки"),
        source=Text("speed-to-lead bands of sales teams", "нормы скорости отделов продаж"),
        read=lambda params: Tally(
            KIND, BY, {"created": Sum("created"), "soon": Sum(_band(params))}
        ),
        work_out=lambda values, _: share(values["soon"], values["created"]),
        base=lambda _: pick("created"),
        above=lambda params: pick(_band(params)),
        parameters=(
            choice(
                "within_minutes",
                Text("an attempt exactly then is in time", "попытка ровно в срок – вовремя"),
                str(BANDS_MINUTES[0]),
                tuple(map(str, BANDS_MINUTES)),
            ),
        ),
        interval="wilson",
    ),
    span_metric(
        "lead_attempt_seconds",
        Text("request to first attempt", "от заявки до первой попытки"),
        Text(
            "request to the first human attempt; those not tried yet are censored, at their closing "
            "if they were closed",
            "от заявки до первой попытки человека; ещё не взятые цензурируются, закрытые – временем "
            "закрытия",
        ),
        Span(KIND, BY, "attempt", "created", "attempted"),
    ),
    span_metric(
        "lead_contact_seconds",
        Text("request to first talk", "от заявки до первого разговора"),
        Text(
            "request to the first talk with a person of ours; those not talked with yet are censored",
            "от заявки до первого разговора с сотрудником; где ещё не поговорили – цензурируются",
        ),
        Span(KIND, BY, "contact", "created", "contacted"),
    ),
    _mean(
        "lead_system_delay_seconds",
        Text("delay of systems", "задержка систем"),
        Text("mean from the request until it was somebody's", "среднее от заявки до назначения"),
        "assign",
        OWN,
    ),
    _mean(
        "lead_human_delay_seconds",
        Text("delay of people", "задержка людей"),
        Text(
            "mean from when it was somebody's to the first attempt; tried before is 0",
            "среднее от назначения до первой попытки; попытка до назначения – 0",
        ),
        "human",
        OWN,
    ),
)
