"""Showings and deals, by when they were."""

from typing import Final

from otklik_metrics.domain.catalogue.business import CURRENCY, ONE_CURRENCY, major
from otklik_metrics.domain.catalogue.leads import counted
from otklik_metrics.domain.catalogue.words import OWN, Metric, Params, Shape, one
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.indicators.cells import Cell, Values, kept
from otklik_metrics.domain.readings import Pick, Reading, Sum, Tally, Where


def _read_amount(params: Params) -> Reading:
    mine = Where("currency", params["currency"])
    sums = {
        "amount": Sum("amount_minor", where=mine),
        "priced": Sum("priced", where=mine),
        "all": Sum("deals"),
    }
    return Tally("deal", "dealt_at", sums)


def _amount(values: Values, params: Params) -> Cell:
    amount = major(values["amount"], params)
    excluded = kept({"without_amount_in_it": values["all"] - values["priced"]})
    return Cell(amount, amount, n=values["priced"], excluded=excluded)


METRICS: Final = (
    counted(
        "showings",
        Text("showings", "показы"),
        Text("showings by when they were held", "показы по времени проведения"),
        "showings",
        ("showing", "shown_at", "shown"),
    ),
    counted(
        "deals",
        Text("sides of deals", "стороны сделок"),
        Text(
            "sides of deals by when they were made: a buyer's and a seller's are two",
            "стороны сделок по времени сделки: покупатель и продавец – две стороны",
        ),
        "deals",
        ("deal", "dealt_at", "deals"),
    ),
    Metric(
        name="deal_amount",
        title=Text("amount of deals", "сумма сделок"),
        shape=Shape.AMOUNT,
        unit="currency",
        kind="deal",
        time_column="dealt_at",
        formula=one(
            Text(
                "sum of what was told with each side of a deal, in one currency",
                "сумма, сообщённая с каждой стороной сделки, в одной валюте",
            )
        ),
        source=OWN,
        read=_read_amount,
        work_out=_amount,
        base=lambda params: Pick((Sum("priced", where=Where("currency", params["currency"])),)),
        parameters=(CURRENCY,),
        impossible=ONE_CURRENCY,
    ),
)
