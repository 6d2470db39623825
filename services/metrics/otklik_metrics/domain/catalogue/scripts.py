"""Scripts of conversations: how much of them is kept, and of how many contacts that is known."""

from typing import Final

from otklik_metrics.domain.catalogue.words import OWN, Metric, Params, Shape, one
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.indicators.cells import NO_DATA, Cell, Values, count, share
from otklik_metrics.domain.readings import Reading, Sum, Tally, Where, pick

KIND, BY = "script_run", "filled_at"

_STEPS: Final = Text(
    "steps are no facts: script_runs lists the checklists",
    "пункты – не факты: чек-листы перечисляет script_runs",
)


def _tally(*names: str) -> Reading:
    return Tally(KIND, BY, {name: Sum(name) for name in names})


def _share(above: int, below: int, n: int) -> Cell:
    """What is done of what `n` facts ask for: no share of these, so without an interval."""
    if below <= 0:
        return Cell(None, above, below, n, reason=NO_DATA)
    return Cell(above / below, above, below, n)


def _read_coverage(_: Params) -> Reading:
    inbound = Where("direction", "in")
    filled = Tally(KIND, BY, {"filled": Sum("runs", where=inbound)})
    return Tally("contact", "offered_at", {"answered": Sum("answered")}, beside=filled)


def _coverage(values: Values, _: Params) -> Cell:
    return _share(values["filled"], values["answered"], values["answered"])


METRICS: Final = (
    Metric(
        name="script_runs",
        title=Text("checklists of scripts", "заполнено чек-листов"),
        shape=Shape.COUNT,
        unit="checklists",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "contacts in which a script was ticked, by when that was done first",
                "обращения с заполненным чек-листом скрипта, по времени первого заполнения",
            )
        ),
        source=OWN,
        read=lambda _: _tally("runs"),
        work_out=lambda values, _: count(values["runs"]),
        base=lambda _: pick("runs"),
    ),
    Metric(
        name="script_kept",
        title=Text("steps of scripts kept", "соблюдение скрипта"),
        shape=Shape.MEAN,
        unit="share",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "compulsory steps of scripts that were done / those that were asked and applied; "
                "what is not ticked was not done, what a condition hides is neither",
                "выполненные обязательные пункты скрипта / заданные и применимые; неотмеченное не "
                "выполнено, скрытое условием не в счёт",
            )
        ),
        numerator=Text("compulsory steps done", "выполненные обязательные пункты"),
        denominator=Text(
            "compulsory steps that were asked and applied", "обязательные применимые пункты"
        ),
        source=OWN,
        read=lambda _: _tally("runs", "asked", "done"),
        work_out=lambda values, _: _share(values["done"], values["asked"], values["runs"]),
        base=lambda _: pick("runs"),
        unlisted=lambda _: _STEPS,
    ),
    Metric(
        name="script_kept_whole",
        title=Text("conversations that kept the script", "разговоры без пропусков по скрипту"),
        shape=Shape.SHARE,
        unit="share",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "checklists in which no compulsory step was missed, of at least one that was asked / "
                "all checklists",
                "чек-листы без единого пропуска обязательных пунктов, если задан хотя бы один / все "
                "чек-листы",
            )
        ),
        numerator=Text("checklists with nothing missed", "чек-листы без пропусков"),
        denominator=Text("checklists", "чек-листы"),
        source=OWN,
        read=lambda _: _tally("runs", "whole"),
        work_out=lambda values, _: share(values["whole"], values["runs"]),
        base=lambda _: pick("runs"),
        above=lambda _: pick("whole"),
        interval="wilson",
    ),
    Metric(
        name="script_coverage",
        title=Text("contacts with a checklist", "доля обращений с чек-листом"),
        shape=Shape.MEAN,
        unit="share",
        kind="contact",
        time_column="offered_at",
        beside={KIND: BY},
        formula=one(
            Text(
                "checklists of inbound contacts, by when they were first filled / inbound contacts "
                "answered, by when they came; both in the range, so take ranges longer than a few days",
                "чек-листы входящих обращений по времени первого заполнения / отвеченные входящие по "
                "времени поступления; всё за период, берите период длиннее нескольких дней",
            )
        ),
        numerator=Text("checklists of inbound contacts", "чек-листы входящих обращений"),
        denominator=Text("inbound contacts answered", "отвеченные входящие обращения"),
        source=OWN,
        read=_read_coverage,
        work_out=_coverage,
        base=lambda _: pick("answered"),
        unlisted=lambda _: Text(
            "checklists are no contacts: script_runs lists them",
            "чек-листы – не обращения: их перечисляет script_runs",
        ),
    ),
)
