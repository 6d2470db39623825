"""Requests from step to step: how long it takes, and whether it was in time."""

from typing import Final

from otklik_metrics.domain.catalogue.leads import BY, KIND, PRACTICE, STEPS
from otklik_metrics.domain.catalogue.spans import CLOCK, STATISTIC, Span
from otklik_metrics.domain.catalogue.words import (
    OWN,
    Computation,
    Metric,
    Parameter,
    ParameterType,
    Params,
    Shape,
    choice,
    milliseconds,
    one,
)
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.indicators.cells import Cell, Values, share
from otklik_metrics.domain.indicators.service import span
from otklik_metrics.domain.lead_steps import PROCESSES
from otklik_metrics.domain.readings import Pick, Reading, Sum, Tally

BETWEEN: Final = choice(
    "between", Text("which two steps", "какие два шага"), "created_to_deal", tuple(PROCESSES)
)


def _process(params: Params) -> Span:
    name = params["between"]
    first = name.split("_to_")[0]
    return Span(KIND, BY, name, STEPS.get(first, first), f"{name}_n")


def _limited(params: Params) -> dict[str, Sum]:
    limit = milliseconds(params["within_seconds"])
    return {which: Sum(f"{params['between']}_{which}", limit) for which in ("within", "beyond")}


def _read_kept(params: Params) -> Reading:
    first = params["between"].split("_to_")[0]
    limited = _limited(params)
    return Tally(
        KIND,
        BY,
        {"begun": Sum(STEPS.get(first, first)), "within": limited["within"]},
        now={"beyond": limited["beyond"]},
    )


def _kept(values: Values, _: Params) -> Cell:
    within, beyond = values["within"], values["beyond"]
    left = values["begun"] - within - beyond
    return share(within, within + beyond, closed_or_not_due_yet=left)


METRICS: Final = (
    Metric(
        name="process_seconds",
        title=Text("between two steps", "между двумя шагами"),
        shape=Shape.MEAN,
        unit="seconds",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "from the one step to the other, of requests that came to the first; those that have "
                "not come to the second are censored, at their closing if they were closed; a second "
                "step before the first is 0",
                "от одного шага до другого по заявкам, дошедшим до первого; не дошедшие до второго "
                "цензурируются, закрытые – временем закрытия; второй раньше первого – 0",
            )
        ),
        numerator=Text("seconds (of a mean)", "секунды (для среднего)"),
        denominator=Text("requests that came to both", "заявки, дошедшие до обоих"),
        source=OWN,
        read=lambda params: _process(params).read(params),
        work_out=lambda values, params: span(values, params["statistic"]),
        base=lambda params: _process(params).base(params),
        parameters=(
            BETWEEN,
            STATISTIC,
            CLOCK,
        ),
        computation=Computation.FACTS,
    ),
    Metric(
        name="process_kept",
        title=Text("steps made in time", "шаги, сделанные в срок"),
        shape=Shape.SHARE,
        unit="share",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "requests that came from the one step to the other in time / those that did, or have "
                "had longer; closed before then without the second step is neither",
                "заявки, дошедшие от шага до шага в срок / дошедшие и те, у кого срок прошёл; закрытые "
                "до срока без второго шага – ни то ни другое",
            )
        ),
        numerator=Text("requests in time", "заявки в срок"),
        denominator=Text("requests in time or late", "заявки в срок и с опозданием"),
        source=PRACTICE,
        read=_read_kept,
        work_out=_kept,
        base=lambda params: Pick(tuple(_limited(params).values())),
        above=lambda params: Pick((_limited(params)["within"],)),
        parameters=(
            BETWEEN,
            Parameter(
                "within_seconds",
                ParameterType.NUMBER,
                Text("exactly so long is in time; up to a year", "ровно столько – в срок; до года"),
                86_400,
                least=0,
                most=366 * 86_400,
            ),
        ),
        computation=Computation.FACTS,
        interval="wilson",
    ),
)
