"""Contacts: how many, how many were served, and how fast."""

from typing import Final

from otklik_metrics.domain.catalogue.service import BY, ICMI, KIND, NO_OUTCOME, SERVICE_LEVEL
from otklik_metrics.domain.catalogue.words import (
    OWN,
    Computation,
    Metric,
    Parameter,
    ParameterType,
    Params,
    Shape,
    milliseconds,
    one,
    seconds,
)
from otklik_metrics.domain.dimensions import COMPUTED, Text
from otklik_metrics.domain.indicators.cells import Cell, Values, count, mean_seconds, share
from otklik_metrics.domain.readings import Histories, Pick, Question, Reading, Sum, Tally, pick

BY_CLOCK: Final = Text(
    "spans of time are cut by buckets, not by hours of the day: ask for granularity hour",
    "отрезки времени делятся по интервалам, а не по часам суток: запросите granularity hour",
)


def _tally(**sums: Sum) -> Tally:
    return Tally(KIND, BY, sums)


def _counted(name: str, title: Text, formula: Text, measure: str) -> Metric:
    return Metric(
        name=name,
        title=title,
        shape=Shape.COUNT,
        unit="contacts",
        kind=KIND,
        time_column=BY,
        formula=one(formula),
        source=OWN,
        read=lambda _: _tally(value=Sum(measure)),
        work_out=lambda values, _: count(values["value"]),
        base=lambda _: pick(measure),
    )


def _early(params: Params) -> tuple[Sum, ...]:
    short = params["short_abandon_seconds"]
    return () if short is None else (Sum("abandoned_within", milliseconds(short)),)


def _read_abandonment(params: Params) -> Reading:
    sums = {"abandoned": Sum("abandoned"), "offered": Sum("offered")}
    if params["short_abandon_seconds"] is not None:
        short = milliseconds(params["short_abandon_seconds"])
        sums["short"] = Sum("abandoned_within", short)
    return Tally(KIND, BY, sums)


def _abandonment(values: Values, _: Params) -> Cell:
    short = values["short"]
    return share(values["abandoned"] - short, values["offered"] - short, short_abandon=short)


def _asa(values: Values, _: Params) -> Cell:
    return mean_seconds(values["ms"], values["n"], unknown_wait=values["answered"] - values["n"])


def _patience(values: Values, _: Params) -> Cell:
    return mean_seconds(values["ms"] + values["gone_ms"], values["gone"])


def _aht(values: Values, _: Params) -> Cell:
    return mean_seconds(values["ms"], values["n"], not_ended=values["answered"] - values["n"])


def _occupancy(values: Values, _: Params) -> Cell:
    busy, present = values["busy_us"] // 1000, values["present_us"] // 1000
    if present <= 0:
        return Cell(None, busy / 1000, present / 1000, 0, reason="no_data")
    return Cell(busy / present, busy / 1000, present / 1000, values["agents"])


METRICS: Final = (
    _counted(
        "contacts_offered",
        Text("contacts offered", "поступило обращений"),
        Text("contacts with an offer time", "обращения, предложенные сотрудникам"),
        "offered",
    ),
    _counted(
        "contacts_answered",
        Text("contacts answered", "отвечено"),
        Text(
            "offered contacts that a person answered first", "обращения, на которые ответил человек"
        ),
        "answered",
    ),
    _counted(
        "contacts_abandoned",
        Text("contacts abandoned", "брошено"),
        Text(
            "offered contacts that ended in the queue unanswered",
            "обращения, завершённые в очереди без ответа",
        ),
        "abandoned",
    ),
    Metric(
        name="contacts_open",
        title=Text("contacts open now", "открыто сейчас"),
        shape=Shape.COUNT,
        unit="contacts",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "offered in the range and not ended now", "поступили в период и не завершены сейчас"
            )
        ),
        source=OWN,
        read=lambda _: _tally(offered=Sum("offered"), ended=Sum("ended")),
        work_out=lambda values, _: count(values["offered"] - values["ended"]),
        base=lambda _: pick("offered", none=("ended",)),
    ),
    Metric(
        name="contacts_missed",
        title=Text("contacts missed", "потеряно обращений"),
        shape=Shape.COUNT,
        unit="contacts",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "abandoned contacts with neither an answered contact nor a connected callback of "
                "the same person within 24 h; of an unknown person: all",
                "брошенные обращения, после которых за 24 ч не было ни отвеченного обращения, ни "
                "состоявшегося звонка этому человеку; от неизвестных – все",
            )
        ),
        source=OWN,
        read=lambda _: Histories(KIND, BY, Question.MISSED),
        work_out=lambda values, _: count(values["value"]),
        computation=Computation.FACTS,
    ),
    Metric(
        name="not_called_back",
        title=Text("people nobody called back", "никто не перезвонил"),
        shape=Shape.COUNT,
        unit="people",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "people whose abandoned inbound contact has been followed by neither an answered "
                "contact nor a connected callback, as of now",
                "люди, за чьим брошенным обращением до сих пор не последовало ни отвеченного "
                "обращения, ни состоявшегося звонка",
            )
        ),
        source=OWN,
        read=lambda _: Histories(KIND, BY, Question.NOT_CALLED_BACK),
        work_out=lambda values, _: count(values["value"], unknown_person=values["unknown_person"]),
        computation=Computation.FACTS,
    ),
    SERVICE_LEVEL,
    Metric(
        name="asa_seconds",
        title=Text("average speed of answer", "средняя скорость ответа"),
        shape=Shape.MEAN,
        unit="seconds",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "sum of waits of answered contacts / answered",
                "сумма ожиданий отвеченных / отвечено",
            )
        ),
        numerator=Text("seconds waited by those answered", "секунды ожидания отвеченных"),
        denominator=Text("answered contacts with a known wait", "отвеченные с известным ожиданием"),
        source=ICMI,
        read=lambda _: _tally(ms=Sum("wait_ms"), n=Sum("wait_n"), answered=Sum("answered")),
        work_out=_asa,
        base=lambda _: pick("wait_n"),
    ),
    Metric(
        name="aht_seconds",
        title=Text("average handle time", "среднее время обработки"),
        shape=Shape.MEAN,
        unit="seconds",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "(answer to end, hold included, plus after-contact work) / handled contacts",
                "(от ответа до конца с удержанием, плюс поствызывная работа) / обработанные",
            )
        ),
        numerator=Text("seconds of handling", "секунды обработки"),
        denominator=Text("answered contacts that have ended", "отвеченные и завершённые обращения"),
        source=ICMI,
        read=lambda _: _tally(ms=Sum("handle_ms"), n=Sum("handle_n"), answered=Sum("answered")),
        work_out=_aht,
        base=lambda _: pick("handle_n"),
    ),
    Metric(
        name="patience_seconds",
        title=Text("patience", "терпение"),
        shape=Shape.MEAN,
        unit="seconds",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "seconds waited by all / those who gave up: how long callers would wait on average",
                "секунды ожидания всех / бросившие: сколько в среднем готовы ждать",
            )
        ),
        numerator=Text("seconds waited by all", "секунды ожидания всех"),
        denominator=Text("abandoned contacts with a known wait", "брошенные с известным ожиданием"),
        source=Text(
            "exponential patience, censored by the answer (Garnett, Mandelbaum & Reiman 2002)",
            "показательное терпение, цензурированное ответом (Garnett, Mandelbaum, Reiman 2002)",
        ),
        read=lambda _: _tally(
            ms=Sum("wait_ms"), gone_ms=Sum("abandon_wait_ms"), gone=Sum("abandon_wait_n")
        ),
        work_out=_patience,
        base=lambda _: pick("abandon_wait_n"),
    ),
    Metric(
        name="abandonment_rate",
        title=Text("abandonment rate", "доля брошенных"),
        shape=Shape.SHARE,
        unit="share",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "abandoned / offered; with S, both without those abandoned within S",
                "брошено / поступило; с S – и то и другое без брошенных за S",
            )
        ),
        numerator=Text("abandoned contacts", "брошенные обращения"),
        denominator=Text("offered contacts", "поступившие обращения"),
        source=ICMI,
        read=_read_abandonment,
        work_out=_abandonment,
        base=lambda params: Pick((Sum("offered"),), _early(params)),
        above=lambda params: Pick((Sum("abandoned"),), _early(params)),
        parameters=(
            seconds(
                "short_abandon_seconds",
                Text("S: leave out who hung up so soon", "S: не считать бросивших так быстро"),
                None,
                nullable=True,
            ),
        ),
        interval="wilson",
        impossible=NO_OUTCOME,
    ),
    Metric(
        name="transfer_rate",
        title=Text("transfer rate", "доля переведённых"),
        shape=Shape.SHARE,
        unit="share",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "answered contacts that a person passed on at least once / answered; each counts "
                "once and for whoever answered first, who need not have passed it on; what a bot "
                "or a system passes on is no transfer",
                "отвеченные обращения, которые человек перевёл хотя бы раз / отвечено; каждое "
                "считается один раз и за тем, кто ответил первым, а перевести мог и другой; "
                "передача ботом или системой – не перевод",
            )
        ),
        numerator=Text("answered contacts with a transfer", "отвеченные обращения с переводом"),
        denominator=Text("answered contacts", "отвеченные обращения"),
        source=OWN,
        read=lambda _: _tally(transferred=Sum("transferred"), answered=Sum("answered")),
        work_out=lambda values, _: share(values["transferred"], values["answered"]),
        base=lambda _: pick("answered"),
        above=lambda _: pick("transferred"),
        interval="wilson",
        impossible=NO_OUTCOME,
    ),
    Metric(
        name="fcr",
        title=Text("first contact resolution", "решение с первого обращения"),
        shape=Shape.SHARE,
        unit="share",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "first contacts without another of the same person within the days that follow / "
                "first contacts older than that; first contacts are answered ones, and what "
                "follows within the days belongs to them",
                "первые обращения без повторного от того же человека за следующие дни / первые "
                "обращения старше этого срока; первое – отвеченное, следующие за ним в эти дни – "
                "его повторы",
            )
        ),
        numerator=Text("first contacts without a repeat", "первые обращения без повторных"),
        denominator=Text("first contacts of known people", "первые обращения известных людей"),
        source=Text(
            "common practice; the window is part of the name", "общая практика; срок – часть имени"
        ),
        read=lambda params: Histories(KIND, BY, Question.REPEATED, days=params["days"]),
        work_out=lambda values, _: share(
            values["value"],
            values["first"],
            immature=values["immature"],
            unknown_person=values["unknown_person"],
        ),
        parameters=(
            Parameter(
                "days",
                ParameterType.INTEGER,
                Text(
                    "days in which a repeat counts, the last included",
                    "дни, в которые считается повтор, последний включён",
                ),
                7,
                least=1,
                most=90,
            ),
        ),
        computation=Computation.FACTS,
        interval="wilson",
        impossible=NO_OUTCOME,
    ),
    Metric(
        name="occupancy",
        title=Text("occupancy", "занятость"),
        shape=Shape.SHARE,
        unit="share",
        kind="agent_state",
        time_column="from_at",
        formula=one(
            Text(
                "time in contact / (time in contact + available idle), by the wall clock: contacts "
                "side by side count once; breaks and training are outside; what has ended counts "
                "for at most 7 days from its beginning",
                "время в контактах / (время в контактах + свободное доступное), по часам: "
                "одновременные контакты считаются один раз; перерывы и обучение не входят; "
                "завершённое считается не дольше 7 дней от начала",
            )
        ),
        numerator=Text("seconds in contact", "секунды в контактах"),
        denominator=Text("seconds in contact or available", "секунды в контактах или в готовности"),
        source=Text(
            "Amazon Connect, agent occupancy by wall clock",
            "Amazon Connect, занятость по часам",
        ),
        read=lambda _: Histories("agent_state", "from_at", Question.OCCUPIED),
        work_out=_occupancy,
        computation=Computation.FACTS,
        version=2,
        impossible=dict.fromkeys(COMPUTED, BY_CLOCK),
    ),
)
