"""Spans of time: waits, handling, responses, resolution; each by any statistic."""

from dataclasses import dataclass
from typing import Final

from otklik_metrics.domain.catalogue.words import (
    OWN,
    Metric,
    Parameter,
    Params,
    Shape,
    choice,
    one,
)
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.indicators.cells import Cell, Values
from otklik_metrics.domain.indicators.service import QUANTILES, STATISTICS, span
from otklik_metrics.domain.readings import BUSINESS, Op, Pick, Reading, Sum, Tally, pick

STATISTIC: Final = choice(
    "statistic",
    Text(
        "p50 … p99 are the nearest rank ⌈q·n⌉, within 1 %; with open ones Kaplan-Meier, exact",
        "p50 … p99 – ближайший ранг ⌈q·n⌉ с точностью 1 %; при незавершённых – Каплан-Мейер, точно",
    ),
    "mean",
    STATISTICS,
)
CLOCKS: Final = ("elapsed", BUSINESS)
CLOCK: Final = choice(
    "clock",
    Text(
        "elapsed time, or business time of the branch's calendar, else of the company's default, "
        "exact, by facts",
        "прошедшее время или рабочее по календарю филиала, иначе по основному у компании, точно, "
        "по фактам",
    ),
    "elapsed",
    CLOCKS,
)


@dataclass(frozen=True, slots=True)
class Span:
    """
    A span that facts of a kind have.

    Attributes:
        measure: Prefix of its counters (`wait_n`, `wait_ms`) and name of its histogram.
        begun, over: Counters of all that have begun, and of those that are over, where some may
            still go on; None where the span is known only once it is over.
    """

    kind: str
    time_column: str
    measure: str
    begun: str | None = None
    over: str | None = None

    def read(self, params: Params) -> Reading:
        """What a statistic needs and no more: rollups know no least and no longest."""
        statistic, name = params["statistic"], self.measure
        if params.get("clock") == BUSINESS:
            return Tally(
                self.kind, self.time_column, business=name, censored=self.begun is not None
            )
        sums = {"n": Sum(f"{name}_n")}
        if self.begun is not None and self.over is not None:
            sums |= {"begun": Sum(self.begun), "over": Sum(self.over)}
        if statistic in QUANTILES:
            return Tally(
                self.kind,
                self.time_column,
                sums,
                histogram=name,
                censored=self.begun is not None,
            )
        if statistic == "mean":
            sums["ms"] = Sum(f"{name}_ms")
        elif statistic == "min":
            sums["least"] = Sum(name, op=Op.LEAST)
        else:
            sums["most"] = Sum(name, op=Op.MOST)
        return Tally(self.kind, self.time_column, sums)

    def base(self, params: Params) -> Pick:
        """Spans that are over; of quantiles also those that go on."""
        over = f"{self.measure}_n"
        if self.begun is None or params["statistic"] not in QUANTILES:
            return pick(over)
        return pick(over, self.begun)


def _work_out(values: Values, params: Params) -> Cell:
    return span(values, params["statistic"])


def span_metric(
    name: str,
    title: Text,
    formula: Text,
    of: Span,
    *parameters: Parameter,
    source: Text = OWN,
) -> Metric:
    """A metric of a span, by any statistic."""
    return Metric(
        name=name,
        title=title,
        shape=Shape.MEAN,
        unit="seconds",
        kind=of.kind,
        time_column=of.time_column,
        formula=one(formula),
        numerator=Text("seconds (of a mean)", "секунды (для среднего)"),
        denominator=Text("spans that are over", "завершённые отрезки"),
        source=source,
        read=of.read,
        work_out=_work_out,
        base=of.base,
        parameters=(STATISTIC, *parameters),
    )


METRICS: Final = (
    span_metric(
        "wait_seconds",
        Text("wait", "ожидание"),
        Text(
            "offer to first human answer, of answered contacts",
            "от поступления до ответа человека, отвеченные",
        ),
        Span("contact", "offered_at", "wait"),
    ),
    span_metric(
        "handle_seconds",
        Text("handling", "обработка"),
        Text(
            "answer to end, hold included, plus after-contact work",
            "от ответа до конца с удержанием, плюс поствызывная работа",
        ),
        Span("contact", "offered_at", "handle"),
    ),
    span_metric(
        "first_response_seconds",
        Text("first response", "первый ответ"),
        Text(
            "first customer message to first public human reply; notes, bots and automatic "
            "replies are none; still unanswered ones are censored",
            "от первого сообщения клиента до первого публичного ответа человека; заметки, боты и "
            "автоответы не считаются; ещё не отвеченные цензурируются",
        ),
        Span("contact", "offered_at", "first_response", "asked", "first_response_n"),
        CLOCK,
    ),
    span_metric(
        "next_response_seconds",
        Text("next response", "следующий ответ"),
        Text(
            "every gap from a customer's first unanswered message to a person's answer, the first "
            "of a contact included; still unanswered ones are censored",
            "каждый разрыв от первого неотвеченного сообщения клиента до ответа человека, включая "
            "первый в обращении; ещё не отвеченные цензурируются",
        ),
        Span("reply", "asked_at", "wait", "asked", "replied"),
        CLOCK,
    ),
    span_metric(
        "resolution_seconds",
        Text("resolution", "решение"),
        Text(
            "creation (or reopening) to last close; those not closed are censored",
            "от создания (или повторного открытия) до последнего закрытия; незакрытые цензурируются",
        ),
        Span("contact", "offered_at", "resolution", "offered", "closed"),
        CLOCK,
    ),
)
