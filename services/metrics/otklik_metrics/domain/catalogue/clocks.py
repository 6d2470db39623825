"""Targets of policies: how many were met, missed, and are about to be missed."""

from typing import Final

from otklik_common.events.access import OtherTargetName, TargetName
from otklik_metrics.domain.catalogue.service import BY, KIND
from otklik_metrics.domain.catalogue.words import OWN, Metric, Params, Shape, choice, one
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.indicators.cells import Cell, Values, count, share
from otklik_metrics.domain.readings import Pick, Reading, Sum, Tally, Where, pick

CLOCK: Final = "sla_clock"
OTHER_CLOCK: Final = "feedback_clock"
CLOCK_BY: Final = "started_at"

DUE: Final = "due_at"
"""The sender's own due time of a contact, by which no policy is asked."""

ANY: Final = "any"
ANY_OTHER: Final = "any_of_feedback"
"""Of contacts, and of claims and reviews: they are facts of two kinds, never counted as one."""

TARGETS: Final = tuple(name.value for name in TargetName)
"""What policies promise about contacts."""

OTHER_TARGETS: Final = (*(name.value for name in OtherTargetName), "claim_term")
"""What policies, norms and the law promise about claims and reviews."""

_KEPT, _BROKEN = ("achieved",), ("breached", "breaching")

_WHICH: Final = Text(
    "which promise: of the sender (due_at), of a policy, or the legal term of claims (claim_term); "
    "any: of contacts, any_of_feedback: of claims and reviews",
    "какое обещание: отправителя (due_at), правила обслуживания или срок ответа на претензию по закону "
    "(claim_term); any – по обращениям, any_of_feedback – по претензиям и отзывам",
)


def _sums(names: tuple[str, ...], params: Params) -> dict[str, Sum]:
    target = params["target"]
    where = None if target in (ANY, ANY_OTHER) else Where("target", target)
    return {name: Sum(name, where=where) for name in names}


def _clocks(names: tuple[str, ...], params: Params) -> Reading:
    other = params["target"] in (ANY_OTHER, *OTHER_TARGETS)
    return Tally(OTHER_CLOCK if other else CLOCK, CLOCK_BY, _sums(names, params))


def _these(names: tuple[str, ...], params: Params) -> Pick:
    return Pick(tuple(_sums(names, params).values()))


def _read_attainment(params: Params) -> Reading:
    if params["target"] != DUE:
        return _clocks(("started", "cancelled", *_KEPT, *_BROKEN), params)
    return Tally(
        KIND,
        BY,
        {"due": Sum("due"), "met": Sum("due_met"), "missed": Sum("due_missed")},
        now={"past_due": Sum("past_due")},
    )


def _attainment(values: Values, params: Params) -> Cell:
    if params["target"] != DUE:
        kept, broken = values["achieved"], values["breached"] + values["breaching"]
        cancelled = values["cancelled"]
        running = values["started"] - kept - broken - cancelled
        return share(kept, kept + broken, cancelled=cancelled, not_due_yet=running)
    met, missed, late = values["met"], values["missed"], values["past_due"]
    pending = values["due"] - met - missed - late
    return share(met, met + missed + late, not_due_yet=pending)


def _counted(name: str, title: Text, formula: Text, states: tuple[str, ...]) -> Metric:
    return Metric(
        name=name,
        title=title,
        shape=Shape.COUNT,
        unit="promises",
        kind=CLOCK,
        time_column=CLOCK_BY,
        formula=one(formula),
        source=OWN,
        read=lambda params: _clocks(states, params),
        work_out=lambda values, _: count(sum(values[state] for state in states)),
        base=lambda params: _these(states, params),
        other_kinds={OTHER_CLOCK: CLOCK_BY},
        parameters=(choice("target", _WHICH, ANY, (ANY, ANY_OTHER, *TARGETS, *OTHER_TARGETS)),),
    )


METRICS: Final = (
    Metric(
        name="sla_attainment",
        title=Text("SLA attainment", "выполнение SLA"),
        shape=Shape.SHARE,
        unit="share",
        kind=KIND,
        time_column=BY,
        other_kinds={CLOCK: CLOCK_BY, OTHER_CLOCK: CLOCK_BY},
        formula={
            DUE: Text(
                "closed by the due time / all with a due time that is past, or closed; open past "
                "due is a breach, closed exactly at it is not",
                "закрыты к сроку / все, чей срок прошёл, и закрытые; открытое после срока – "
                "нарушение, закрытое ровно в срок – нет",
            ),
            **dict.fromkeys(
                (*TARGETS, *OTHER_TARGETS),
                Text(
                    "promises kept / promises kept or broken, by the moment from which they run; "
                    "broken and still running is broken, ended without an answer in time is neither",
                    "сдержанные обещания / сдержанные и нарушенные, по времени начала отсчёта; "
                    "нарушенное и ещё идущее – нарушено, завершённое в срок без ответа – ни то ни другое",
                ),
            ),
        },
        variant="target",
        numerator=Text("promises kept", "сдержанные обещания"),
        denominator=Text(
            "promises that are kept, or past due", "обещания сдержанные или просроченные"
        ),
        source=OWN,
        read=_read_attainment,
        work_out=_attainment,
        base=lambda params: (
            pick("due_met", "due_missed", "past_due")
            if params["target"] == DUE
            else _these((*_KEPT, *_BROKEN), params)
        ),
        above=lambda params: pick("due_met") if params["target"] == DUE else _these(_KEPT, params),
        parameters=(choice("target", _WHICH, DUE, (DUE, *TARGETS, *OTHER_TARGETS)),),
        interval="wilson",
    ),
    _counted(
        "sla_breaches",
        Text("SLA breaches", "нарушения SLA"),
        Text(
            "promises past their target, ended or not, by when their clock began",
            "обещания, чей срок превышен, завершённые или нет, по времени начала отсчёта",
        ),
        _BROKEN,
    ),
    _counted(
        "sla_at_risk",
        Text("SLA about to be breached", "SLA на грани нарушения"),
        Text(
            "promises still to be kept, within the warning before their target, by when their clock"
            " began",
            "обещания, до срока которых осталось не больше предупреждения, по времени начала отсчёта",
        ),
        ("imminent",),
    ),
    _counted(
        "sla_overdue",
        Text("SLA breached and still waited for", "SLA нарушен, и ещё ждут"),
        Text(
            "promises past their target while the customer still waits, by when their clock began",
            "обещания, срок которых прошёл, а клиент ещё ждёт, по времени начала отсчёта",
        ),
        ("breaching",),
    ),
)
