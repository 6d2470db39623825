"""Advertising: what is spent on it, and what of that each request costs."""

from typing import Final

from otklik_metrics.domain.catalogue.business import CURRENCY, ONE_CURRENCY, major
from otklik_metrics.domain.catalogue.words import OWN, Metric, Params, Shape, one
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.indicators.cells import NO_DATA, Cell, Values, kept
from otklik_metrics.domain.readings import Pick, Sum, Tally, Where, pick

KIND, BY = "ad_spend", "spent_at"

_BY_DAY: Final = Text("spending is known by whole days", "расходы известны только по целым дням")
IMPOSSIBLE: Final = {**ONE_CURRENCY, "hour_of_day": _BY_DAY, "two_hour_slot": _BY_DAY}


def spent(params: Params) -> Tally:
    """What was spent in a currency; amounts in others are counted and left out."""
    mine = Where("currency", params["currency"])
    other = Where("currency", params["currency"], equal=False)
    return Tally(
        KIND,
        BY,
        {
            "spent": Sum("amount_minor", where=mine),
            "rows": Sum("rows", where=mine),
            "other": Sum("rows", where=other),
        },
    )


def _amounts(params: Params) -> Pick:
    return Pick((Sum("rows", where=Where("currency", params["currency"])),))


def _spent(values: Values, params: Params) -> Cell:
    amount = major(values["spent"], params)
    excluded = kept({"other_currency": values["other"]})
    return Cell(amount, amount, n=values["rows"], excluded=excluded)


def _cost(values: Values, params: Params) -> Cell:
    n, amount = values["n"], major(values["spent"], params)
    excluded = kept({"other_currency": values["other"]})
    if n == 0:
        return Cell(None, amount, 0, 0, excluded=excluded, reason=NO_DATA)
    return Cell(amount / n, amount, n, n, excluded=excluded)


def _cost_of(
    name: str, title: Text, of: tuple[str, str, str], formula: Text, things: Text, source: Text
) -> Metric:
    """
    What was spent by each of something.

    Args:
        of: Kind, time column and counter of what it is spent on.
    """
    kind, by, counter = of
    return Metric(
        name=name,
        title=title,
        shape=Shape.MEAN,
        unit="currency",
        kind=kind,
        time_column=by,
        beside={KIND: BY},
        formula=one(formula),
        numerator=Text("advertising spend", "расходы на рекламу"),
        denominator=things,
        source=source,
        read=lambda params: Tally(kind, by, {"n": Sum(counter)}, beside=spent(params)),
        work_out=_cost,
        base=lambda _: pick(counter),
        unlisted=lambda _: Text(
            "money is no set of these facts: ask ad_spend for its records",
            "деньги – не набор этих фактов: записи есть у ad_spend",
        ),
        parameters=(CURRENCY,),
        impossible=IMPOSSIBLE,
    )


METRICS: Final = (
    Metric(
        name="ad_spend",
        title=Text("advertising spend", "расходы на рекламу"),
        shape=Shape.AMOUNT,
        unit="currency",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "sum of what was spent on advertising in the currency, by day in the company's zone",
                "сумма расходов на рекламу в валюте, по дням в зоне компании",
            )
        ),
        source=OWN,
        read=spent,
        work_out=_spent,
        base=_amounts,
        parameters=(CURRENCY,),
        impossible=IMPOSSIBLE,
    ),
    _cost_of(
        "cost_per_lead",
        Text("cost per lead", "стоимость заявки"),
        ("lead", "created_at", "created"),
        Text(
            "spent on advertising in the currency / requests created, both in the range; null where "
            "nobody asked; requests that no advertising brought are among them unless a campaign is "
            "named",
            "расходы на рекламу в валюте / созданные заявки, всё за период; null, если заявок нет; "
            "заявки не с рекламы тоже входят, если не выбрана кампания",
        ),
        Text("requests", "заявки"),
        Text("CPL, practice of advertising", "CPL, практика рекламы"),
    ),
    _cost_of(
        "cost_per_deal",
        Text("cost per side of a deal", "стоимость стороны сделки"),
        ("deal", "dealt_at", "deals"),
        Text(
            "spent on advertising in the currency / sides of deals, both in the range: deals follow "
            "what was spent long before, so take ranges longer than they take; null where there are "
            "none",
            "расходы на рекламу в валюте / стороны сделок, всё за период: сделки следуют за "
            "расходами намного позже, берите период длиннее их срока; null, если сделок нет",
        ),
        Text("sides of deals", "стороны сделок"),
        Text("CPA, practice of advertising", "CPA, практика рекламы"),
    ),
)
