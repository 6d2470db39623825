"""Service level: one question, six published formulas, and which of them is meant is always said."""

from typing import Final

from otklik_metrics.domain.catalogue.words import (
    Metric,
    Params,
    Shape,
    choice,
    milliseconds,
    seconds,
)
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.indicators.service import FORMULAS, service_level
from otklik_metrics.domain.readings import Pick, Reading, Sum, Tally, pick

KIND, BY = "contact", "offered_at"

ICMI: Final = Text(
    "ICMI QueueTips 2002 and 2005; Call Centre Helper",
    "ICMI QueueTips 2002, 2005; Call Centre Helper",
)
BY_OUTCOME: Final = Text(
    "the outcome is what the metric counts: within one outcome it says nothing",
    "исход – это то, что считает показатель: внутри одного исхода он ничего не значит",
)
NO_OUTCOME: Final = {"outcome": BY_OUTCOME}


def _read_service_level(params: Params) -> Reading:
    threshold = milliseconds(params["threshold_seconds"])
    short = milliseconds(params["short_abandon_seconds"])
    formula = params["formula"]
    sums = {
        "offered": Sum("offered"),
        "answered": Sum("answered"),
        "abandoned": Sum("abandoned"),
        "overflowed": Sum("outcome_overflowed"),
        "callback": Sum("outcome_callback_requested"),
        "still_open": Sum("outcome_open"),
        "answered_in_time": Sum("answered_within", threshold),
    }
    # Each formula asks only for what it uses: an undeclared limit would send it to the facts.
    if formula in ("excl_short", "short_as_success"):
        sums["abandoned_short"] = Sum("abandoned_within", short)
    if formula in ("removed_within", "ignore_abandoned_within"):
        sums["abandoned_in_time"] = Sum("abandoned_within", threshold)
    if formula == "removed_within":
        sums["callback_in_time"] = Sum("callback_within", threshold)
    return Tally(KIND, BY, sums)


def _base_of_service_level(params: Params) -> Pick:
    """Whom each formula has in its base: the same people that `indicators.service` counts."""
    threshold = milliseconds(params["threshold_seconds"])
    none: tuple[Sum, ...] = ()
    if params["formula"] == "answered_only":
        return pick("answered")
    if params["formula"] == "removed_within":
        return pick("offered", none=("outcome_open",))
    if params["formula"] == "excl_short":
        none = (Sum("abandoned_within", milliseconds(params["short_abandon_seconds"])),)
    if params["formula"] == "ignore_abandoned_within":
        none = (Sum("abandoned_within", threshold),)
    return Pick(pick("answered", "abandoned", "outcome_overflowed").some, none)


def _served(params: Params) -> Pick:
    threshold = milliseconds(params["threshold_seconds"])
    found = [Sum("answered_within", threshold)]
    if params["formula"] == "short_as_success":
        found.append(Sum("abandoned_within", milliseconds(params["short_abandon_seconds"])))
    if params["formula"] == "removed_within":
        found += [Sum("abandoned_within", threshold), Sum("callback_within", threshold)]
    return Pick(tuple(found))


SERVICE_LEVEL = Metric(
    name="service_level",
    title=Text("service level", "уровень обслуживания"),
    shape=Shape.SHARE,
    unit="share",
    kind=KIND,
    time_column=BY,
    variant="formula",
    formula={
        "offered_all": Text(
            "answered within T / (answered + abandoned + overflowed)",
            "отвечено за T / (отвечено + брошено + переполнение)",
        ),
        "excl_short": Text(
            "answered within T / (answered + abandoned + overflowed − abandoned within S)",
            "отвечено за T / (отвечено + брошено + переполнение − брошено за S)",
        ),
        "removed_within": Text(
            "(answered + abandoned + callback asked for, each within T) / all who have left the queue",
            "(отвечено + брошено + заказан обратный звонок, каждое за T) / все, кто вышел из очереди",
        ),
        "ignore_abandoned_within": Text(
            "answered within T / (answered + abandoned + overflowed − abandoned within T)",
            "отвечено за T / (отвечено + брошено + переполнение − брошено за T)",
        ),
        "short_as_success": Text(
            "(answered within T + abandoned within S) / (answered + abandoned + overflowed)",
            "(отвечено за T + брошено за S) / (отвечено + брошено + переполнение)",
        ),
        "answered_only": Text(
            "answered within T / answered; flatters: whoever gave up is not in it",
            "отвечено за T / отвечено; приукрашивает: бросивших здесь нет",
        ),
    },
    numerator=Text("contacts served within the threshold T", "контакты, обслуженные за порог T"),
    denominator=Text("contacts in the base of the formula", "контакты в базе формулы"),
    source=ICMI,
    read=_read_service_level,
    work_out=lambda values, params: service_level(values, params["formula"]),
    base=_base_of_service_level,
    above=_served,
    parameters=(
        seconds(
            "threshold_seconds",
            Text("T: a wait of exactly T is in time", "T: ожидание ровно T – вовремя"),
            20,
        ),
        choice(
            "formula", Text("named formula", "именованная формула"), "excl_short", tuple(FORMULAS)
        ),
        seconds(
            "short_abandon_seconds",
            Text("S: who hung up so soon did not wait", "S: бросивший так быстро не ждал"),
            5,
        ),
    ),
    interval="wilson",
    impossible=NO_OUTCOME,
)
