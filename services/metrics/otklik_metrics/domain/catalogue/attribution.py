"""What brought requests and deals, by models of attribution: in sum as many as there are."""

from collections.abc import Callable
from typing import Final

from otklik_metrics.domain.catalogue.business import CURRENCY, ONE_CURRENCY, major
from otklik_metrics.domain.catalogue.words import Metric, Params, Shape, choice, one
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.indicators.cells import Cell, Values, kept
from otklik_metrics.domain.measures import MICRO, MODELS
from otklik_metrics.domain.readings import Reading, Sum, Tally, Where

KIND, BY = "touch", "credited_at"

OWN_TOUCH: Final = "lead"
"""The model that gives all to what brought the request itself, as its fact says."""

MODEL: Final = choice(
    "model",
    Text(
        "which touches it is given to: all to the first, to that of the request itself (lead), to the "
        "last, to the last one that is not direct; to all in equal parts (linear); 40 % to the first, "
        "40 % to the last and 20 % to those between, of two a half each (position)",
        "каким касаниям засчитать: всё первому, касанию самой заявки (lead), последнему, последнему "
        "непрямому; всем поровну (linear); 40 % первому, 40 % последнему и 20 % остальным, из двух – "
        "пополам (position)",
    ),
    "last_non_direct",
    (OWN_TOUCH, *MODELS),
)

_SOURCE: Final = Text("models of multi-touch attribution", "модели мультиканальной атрибуции")


def _moved(params: Params, counter: str, where: Where | None = None) -> dict[str, Sum]:
    """What the model moves between touches; nothing where the request's own has all."""
    if params["model"] == OWN_TOUCH:
        return {}
    return {"moved": Sum(f"{counter}_{params['model']}", where=where)}


def _credit(values: Values, _: Params) -> Cell:
    micro = values["own"] * MICRO + values["moved"]
    # Whole where it is whole: the total is the number of requests itself.
    found = micro // MICRO if micro % MICRO == 0 else micro / MICRO
    return Cell(found, found, n=values["own"] + values["touches"])


def _counted(name: str, title: Text, formula: Text, unit: str, of: tuple[str, str, str]) -> Metric:
    """Facts by what they are given to; `of`: their kind, time column and counter."""
    kind, by, counter = of

    def read(params: Params) -> Reading:
        moved = {"touches": Sum(f"{kind}_touches"), **_moved(params, kind)}
        return Tally(kind, by, {"own": Sum(counter)}, beside=Tally(KIND, BY, moved))

    return _metric(name, (title, formula), (Shape.COUNT, unit), (kind, by), read, _credit)


def _metric(
    name: str,
    texts: tuple[Text, Text],
    shape: tuple[Shape, str],
    of: tuple[str, str],
    read: Callable[[Params], Reading],
    work_out: Callable[[Values, Params], Cell],
) -> Metric:
    money = shape[0] is Shape.AMOUNT
    return Metric(
        name=name,
        title=texts[0],
        shape=shape[0],
        unit=shape[1],
        kind=of[0],
        time_column=of[1],
        beside={KIND: BY},
        formula=one(texts[1]),
        source=_SOURCE,
        read=read,
        work_out=work_out,
        parameters=(MODEL, CURRENCY) if money else (MODEL,),
        impossible=ONE_CURRENCY if money else {},
        shared=True,
    )


def _read_amount(params: Params) -> Reading:
    mine = Where("currency", params["currency"])
    sums = {
        "amount": Sum("amount_minor", where=mine),
        "priced": Sum("priced", where=mine),
        "all": Sum("deals"),
    }
    moved = {"touches": Sum("deal_touches", where=mine), **_moved(params, "amount", mine)}
    return Tally("deal", "dealt_at", sums, beside=Tally(KIND, BY, moved))


def _amount(values: Values, params: Params) -> Cell:
    amount = major(values["amount"] + values["moved"], params)
    excluded = kept({"without_amount_in_it": values["all"] - values["priced"]})
    return Cell(amount, amount, n=values["priced"] + values["touches"], excluded=excluded)


METRICS: Final = (
    _counted(
        "attributed_leads",
        Text("requests by what brought them", "заявки по тому, что привело"),
        Text(
            "requests by the time they were made, each shared out among the touches of 90 days before "
            "it by the model; in millionths that add up, so all together are `leads`; what nobody "
            "knows stands under null",
            "заявки по времени обращения, каждая разделена по модели между касаниями за 90 дней до "
            "неё; в миллионных долях без остатка, всего – `leads`; неизвестное – под null",
        ),
        "leads",
        ("lead", "created_at", "created"),
    ),
    _counted(
        "attributed_deals",
        Text("sides of deals by what brought them", "стороны сделок по тому, что привело"),
        Text(
            "sides of deals by when they were made, each shared out by the model among the touches from "
            "90 days before its request to the deal; all together are `deals`",
            "стороны сделок по времени сделки, каждая разделена по модели между касаниями за 90 дней до "
            "заявки и до самой сделки; всего – `deals`",
        ),
        "deals",
        ("deal", "dealt_at", "deals"),
    ),
    _metric(
        "attributed_amount",
        (
            Text("amount of deals by what brought them", "сумма сделок по тому, что привело"),
            Text(
                "what was told with each side of a deal, in one currency, shared out like the deals, to "
                "the minor unit; all together are `deal_amount`",
                "сумма каждой стороны сделки в одной валюте, разделённая, как сделки, до копейки; всего "
                "– `deal_amount`",
            ),
        ),
        (Shape.AMOUNT, "currency"),
        ("deal", "dealt_at"),
        _read_amount,
        _amount,
    ),
)
