"""What agents promise: how much of it is kept, broken, and about to break."""

from typing import Final

from otklik_metrics.domain.catalogue.words import OWN, Metric, Params, Shape, one
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.indicators.cells import Cell, Values, count, share
from otklik_metrics.domain.readings import Reading, Sum, Tally, pick

KIND, BY = "promise", "due_at"

_UNKEPT: Final = ("kept_late", "broken")
_PAST_DUE: Final = {"past_due": Sum("past_due")}
"""Those that are past due and that no worker has looked at yet: for a moment at most."""


def _read_kept(_: Params) -> Reading:
    counted = ("due", "kept", *_UNKEPT, "cancelled")
    return Tally(KIND, BY, {name: Sum(name) for name in counted}, now=_PAST_DUE)


def _kept(values: Values, _: Params) -> Cell:
    kept, cancelled = values["kept"], values["cancelled"]
    unkept = values["kept_late"] + values["broken"] + values["past_due"]
    waiting = values["due"] - kept - unkept - cancelled
    return share(kept, kept + unkept, cancelled=cancelled, not_due_yet=waiting)


METRICS: Final = (
    Metric(
        name="promises_kept",
        title=Text("promises kept", "доля сдержанных обещаний"),
        shape=Shape.SHARE,
        unit="share",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "agents' promises kept by their due time / those kept, in time or late, or past due, "
                "by when they are due; cancelled before that is neither",
                "обещания сотрудников, выполненные к сроку / выполненные (в срок или позже) и "
                "просроченные, по времени срока; отменённые до срока не в счёт",
            )
        ),
        numerator=Text("promises kept in time", "обещания, выполненные в срок"),
        denominator=Text(
            "promises that are kept, or past due", "обещания выполненные или просроченные"
        ),
        source=OWN,
        read=_read_kept,
        work_out=_kept,
        base=lambda _: pick("kept", *_UNKEPT, "past_due"),
        above=lambda _: pick("kept"),
        interval="wilson",
    ),
    Metric(
        name="promises_broken",
        title=Text("promises broken", "сорвано обещаний"),
        shape=Shape.COUNT,
        unit="promises",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "agents' promises that are past due or were kept late, by when they are due",
                "обещания сотрудников просроченные или выполненные позже срока, по времени срока",
            )
        ),
        source=OWN,
        read=lambda _: Tally(KIND, BY, {name: Sum(name) for name in _UNKEPT}, now=_PAST_DUE),
        work_out=lambda values, _: count(
            values["kept_late"] + values["broken"] + values["past_due"]
        ),
        base=lambda _: pick(*_UNKEPT, "past_due"),
    ),
    Metric(
        name="promises_at_risk",
        title=Text("promises about to break", "обещания на грани срыва"),
        shape=Shape.COUNT,
        unit="promises",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "agents' promises that are due in the range, not kept now, and within the warning "
                "before they are due",
                "обещания сотрудников со сроком в периоде, ещё не выполненные, до срока которых "
                "осталось не больше предупреждения",
            )
        ),
        source=OWN,
        read=lambda _: Tally(KIND, BY, now={"value": Sum("at_risk_now")}),
        work_out=lambda values, _: count(values["value"]),
        base=lambda _: pick("at_risk_now"),
    ),
)
