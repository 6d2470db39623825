"""Cases, purchases and points."""

from collections.abc import Callable, Mapping
from typing import Final

from otklik_common.money import EXPONENTS
from otklik_metrics.domain.catalogue.words import (
    OWN,
    Metric,
    Parameter,
    ParameterType,
    Params,
    Shape,
    one,
)
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.indicators.cells import Cell, Values, count, kept
from otklik_metrics.domain.readings import Pick, Reading, Sum, Tally, Where, pick

CURRENCY: Final = Parameter(
    "currency",
    ParameterType.CURRENCY,
    Text("ISO 4217; by default the company's own", "ISO 4217; по умолчанию валюта компании"),
    None,
)
ONE_CURRENCY: Final = {
    "currency": Text(
        "it is counted in one currency: name it as the parameter",
        "считается в одной валюте: назовите её параметром",
    )
}


def _cases(name: str, title: Text, formula: Text, by: str, value: Sum) -> Metric:
    return Metric(
        name=name,
        title=title,
        shape=Shape.COUNT,
        unit="cases",
        kind="case",
        time_column=by,
        formula=one(formula),
        source=OWN,
        read=lambda _: Tally("case", by, {"value": value}),
        work_out=lambda values, _: count(values["value"]),
        base=lambda _: Pick((value,)),
    )


def _cases_now(name: str, title: Text, formula: Text, measure: str) -> Metric:
    """A number of cases that are so at this moment: asked of the facts, where few are open."""
    return Metric(
        name=name,
        title=title,
        shape=Shape.COUNT,
        unit="cases",
        kind="case",
        time_column="opened_at",
        formula=one(formula),
        source=OWN,
        read=lambda _: Tally("case", "opened_at", now={"value": Sum(measure)}),
        work_out=lambda values, _: count(values["value"]),
        base=lambda _: pick(measure),
    )


def _read_money(params: Params) -> Reading:
    mine = Where("currency", params["currency"])
    other = Where("currency", params["currency"], equal=False)
    return Tally(
        "purchase",
        "sold_at",
        {
            "net": Sum("net_minor", where=mine),
            "purchases": Sum("purchases", where=mine),
            "other": Sum("purchases", where=other),
        },
    )


def _bought(params: Params) -> Pick:
    return Pick((Sum("purchases", where=Where("currency", params["currency"])),))


def major(minor: int, params: Params) -> float | int:
    """Minor units of the asked currency as people write them."""
    digits = EXPONENTS.get(params["currency"], 2)
    return minor / 10**digits if digits else minor


def _revenue(values: Values, params: Params) -> Cell:
    amount = major(values["net"], params)
    excluded = kept({"other_currency": values["other"]})
    return Cell(amount, amount, n=values["purchases"], excluded=excluded)


def _average_check(values: Values, params: Params) -> Cell:
    net, n = values["net"], values["purchases"]
    excluded = kept({"other_currency": values["other"]})
    amount = major(net, params)
    if n == 0:
        return Cell(None, amount, 0, 0, excluded=excluded, reason="no_data")
    digits = EXPONENTS.get(params["currency"], 2)
    return Cell(net / (n * 10**digits), amount, n, n, excluded=excluded)


def _points(
    name: str,
    title: Text,
    formula: Text,
    n: Callable[[Values], int],
    *,
    counted: Mapping[str, Sum],
    **sums: Sum,
) -> Metric:
    """
    A number of points.

    Args:
        n: How many movements it rests on, by what `counted` counts.
        sums: Points; the movements that they add up are the facts behind the number.
    """

    def work_out(values: Values, _: Params) -> Cell:
        undone = values["undone"] + values["taken_back"]
        net = values["moved"] - undone
        return Cell(net, net, n=n(values), excluded=kept({"reversed": undone}))

    return Metric(
        name=name,
        title=title,
        shape=Shape.AMOUNT,
        unit="points",
        kind="points",
        time_column="moved_at",
        formula=one(formula),
        source=OWN,
        read=lambda _: Tally("points", "moved_at", {**counted, **sums}),
        work_out=work_out,
        base=lambda _: Pick(tuple(sums.values())),
        version=2,
    )


_TAKEN_BACK: Final = Where("movement", "taken_back")
_OTHERWISE: Final = Where("movement", "taken_back", equal=False)


METRICS: Final = (
    _cases(
        "cases_opened",
        Text("cases opened", "открыто кейсов"),
        Text("cases by the time they were opened", "кейсы по времени открытия"),
        "opened_at",
        Sum("opened"),
    ),
    _cases(
        "cases_closed",
        Text("cases closed", "закрыто кейсов"),
        Text("cases by the time they were closed", "кейсы по времени закрытия"),
        "closed_at",
        Sum("closed"),
    ),
    _cases_now(
        "cases_open",
        Text("cases open now", "открытых кейсов сейчас"),
        Text("opened in the range and not closed now", "открыты в период и не закрыты сейчас"),
        "open",
    ),
    _cases_now(
        "cases_overdue",
        Text("cases overdue now", "просроченных кейсов сейчас"),
        Text(
            "opened in the range, not closed now, and their due time is past",
            "открыты в период, не закрыты сейчас, и срок прошёл",
        ),
        "overdue",
    ),
    Metric(
        name="purchases",
        title=Text("purchases", "покупок"),
        shape=Shape.COUNT,
        unit="purchases",
        kind="purchase",
        time_column="sold_at",
        formula=one(Text("purchases by the time of sale", "покупки по времени продажи")),
        source=OWN,
        read=lambda _: Tally("purchase", "sold_at", {"value": Sum("purchases")}),
        work_out=lambda values, _: count(values["value"]),
        base=lambda _: pick("purchases"),
    ),
    Metric(
        name="revenue",
        title=Text("revenue", "выручка"),
        shape=Shape.AMOUNT,
        unit="currency",
        kind="purchase",
        time_column="sold_at",
        formula=one(
            Text(
                "sum of purchases in the currency, less what came back of them",
                "сумма покупок в валюте за вычетом возвращённого",
            )
        ),
        source=OWN,
        read=_read_money,
        work_out=_revenue,
        base=_bought,
        parameters=(CURRENCY,),
        impossible=ONE_CURRENCY,
    ),
    Metric(
        name="average_check",
        title=Text("average check", "средний чек"),
        shape=Shape.MEAN,
        unit="currency",
        kind="purchase",
        time_column="sold_at",
        formula=one(Text("revenue / purchases, in the currency", "выручка / покупки, в валюте")),
        numerator=Text("revenue", "выручка"),
        denominator=Text("purchases", "покупки"),
        source=OWN,
        read=_read_money,
        work_out=_average_check,
        base=_bought,
        parameters=(CURRENCY,),
        impossible=ONE_CURRENCY,
    ),
    _points(
        "points_issued",
        Text("points issued", "начислено баллов"),
        Text(
            "points given, less those taken back or reversed, each when it happened",
            "начисленные баллы минус отозванные и отменённые, каждое по своему времени",
        ),
        lambda values: values["all"] - values["spent"] - values["returned"] + values["back"],
        counted={
            "all": Sum("movements"),
            "spent": Sum("spendings"),
            "returned": Sum("spendings_reversed"),
            "back": Sum("spendings", where=_TAKEN_BACK),
        },
        moved=Sum("issued"),
        undone=Sum("issue_reversed"),
        taken_back=Sum("spent", where=_TAKEN_BACK),
    ),
    _points(
        "points_spent",
        Text("points spent", "списано баллов"),
        Text(
            "points spent, less those whose spending was reversed, each when it happened",
            "потраченные баллы минус отменённые списания, каждое по своему времени",
        ),
        lambda values: values["spent"] + values["returned"],
        counted={
            "spent": Sum("spendings", where=_OTHERWISE),
            "returned": Sum("spendings_reversed"),
        },
        moved=Sum("spent", where=_OTHERWISE),
        undone=Sum("spend_reversed"),
    ),
)
