"""Scores that people give: NPS, CSAT, CES, CSI, and how many gave them."""

from typing import Final

from otklik_metrics.domain.catalogue.words import (
    EMPLOYEES_MINIMUM,
    MINIMUM,
    OWN,
    Computation,
    Metric,
    Parameter,
    ParameterType,
    Params,
    Shape,
    choice,
    one,
)
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.indicators.cells import Cell, Values, count
from otklik_metrics.domain.indicators.scores import (
    SCALES,
    categories,
    easy,
    employee_score,
    leaked,
    net_promoter_score,
    satisfaction_index,
    satisfied,
)
from otklik_metrics.domain.measures import CES, CSAT, ENPS, LOST_DEAL, NPS, NPS_CATEGORIES
from otklik_metrics.domain.readings import Histories, Pick, Question, Reading, Sum, Tally, pick

KIND, BY = "answer", "answered_at"

REICHHELD: Final = Text(
    "F. Reichheld, HBR 12/2003; interval: B. Rocks, The American Statistician 70(4), 2016",
    "F. Reichheld, HBR 12/2003; интервал: B. Rocks, The American Statistician 70(4), 2016",
)
SCALE: Final = choice(
    "scale",
    Text(
        "1-10 is for history collected so; the two are never pooled",
        "1-10 – для старых данных; шкалы не смешиваются",
    ),
    "0-10",
    tuple(SCALES),
)

_WEIGHTED_NPS: Final = (
    *NPS,
    *(f"{column}_extra" for column in NPS),
    *(f"nps_{category}_extra2" for category in NPS_CATEGORIES),
)


def _named(names: tuple[str, ...]) -> Tally:
    return Tally(KIND, BY, {name: Sum(name) for name in names})


def _scale(params: Params) -> tuple[str, ...]:
    return SCALES[params["scale"]]


def _read_nps(params: Params) -> Reading:
    if params["basis"] == "latest":
        score = "nps" if params["scale"] == "0-10" else "nps_1_10"
        return Histories(KIND, BY, Question.LATEST, score=score)
    return _named(_WEIGHTED_NPS if params["scale"] == "0-10" else _scale(params))


def _read_enps(params: Params) -> Reading:
    anonymous = params["answers"] == "anonymous"
    return Tally(KIND, BY, {name: Sum(name) for name in ENPS}, anonymous=anonymous)


def _columns(scale: tuple[str, ...], place: int) -> Pick:
    """The scores of promoters (0), passives (1) or detractors (2) as columns."""
    ranges = (range(9, 11), range(7, 9), range(7))
    return pick(*(c for c in scale if int(c.rpartition("_")[2]) in ranges[place]))


def _category(name: str, title: Text, formula: Text, place: int) -> Metric:
    def work_out(values: Values, params: Params) -> Cell:
        found = categories(values, _scale(params))
        cell = count(found[place])
        return Cell(cell.value, cell.numerator, n=sum(found))

    return Metric(
        name=name,
        title=title,
        shape=Shape.SCORE_COUNT,
        unit="answers",
        kind=KIND,
        time_column=BY,
        formula=one(formula),
        source=REICHHELD,
        read=lambda params: _named(_scale(params)),
        work_out=work_out,
        base=lambda params: _columns(_scale(params), place),
        parameters=(SCALE,),
        minimum_n=MINIMUM,
    )


def _unless_share(params: Params) -> Text | None:
    if params["variant"] == "share":
        return None
    return Text(
        "only the numerator of its share counts answers: list the base, which shows the scores",
        "только числитель доли считает ответы: запросите базу, в ней видны оценки",
    )


METRICS: Final = (
    Metric(
        name="answers",
        title=Text("answers", "ответов"),
        shape=Shape.COUNT,
        unit="answers",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "answers to surveys, anonymous ones left out",
                "ответы на опросы, кроме анонимных",
            )
        ),
        source=OWN,
        read=lambda _: _named(("answers",)),
        work_out=lambda values, _: count(values["answers"]),
        base=lambda _: pick("answers"),
    ),
    Metric(
        name="nps",
        title=Text("NPS", "NPS"),
        shape=Shape.SCORE,
        unit="points",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "100 · (promoters 9–10 − detractors) / answered; weighted where answers carry weights",
                "100 · (промоутеры 9–10 − критики) / ответившие; взвешенно, если у ответов есть веса",
            )
        ),
        numerator=Text("promoters − detractors", "промоутеры − критики"),
        denominator=Text("answers with a score", "ответы с оценкой"),
        source=REICHHELD,
        read=_read_nps,
        work_out=lambda values, params: net_promoter_score(values, _scale(params)),
        base=lambda params: pick(*_scale(params)),
        unlisted=lambda _: Text(
            "its numerator is promoters − detractors: list nps_promoters and nps_detractors",
            "его числитель – промоутеры − критики: запросите nps_promoters и nps_detractors",
        ),
        parameters=(
            choice(
                "basis",
                Text(
                    "all answers, or the latest of each person in each bucket",
                    "все ответы или последний ответ каждого человека в каждом интервале",
                ),
                "all",
                ("all", "latest"),
            ),
            SCALE,
        ),
        minimum_n=MINIMUM,
        interval="adjusted_wald",
    ),
    _category(
        "nps_promoters",
        Text("promoters", "промоутеров"),
        Text("answers of 9 or 10", "ответы 9 и 10"),
        0,
    ),
    _category(
        "nps_passives",
        Text("passives", "нейтралов"),
        Text("answers of 7 or 8", "ответы 7 и 8"),
        1,
    ),
    _category(
        "nps_detractors",
        Text("detractors", "критиков"),
        Text("answers of 6 or less", "ответы 6 и ниже"),
        2,
    ),
    Metric(
        name="csat",
        title=Text("CSAT", "CSAT"),
        shape=Shape.SCORE,
        unit="share",
        kind=KIND,
        time_column=BY,
        variant="variant",
        formula={
            "share": Text(
                "answers of the top boxes of 1–5 / answers",
                "ответы верхних оценок шкалы 1–5 / ответы",
            ),
            "mean": Text("mean answer on 1–5", "средний ответ по шкале 1–5"),
        },
        numerator=Text("answers of the top boxes", "ответы верхних оценок"),
        denominator=Text("answers with a score", "ответы с оценкой"),
        source=Text("common practice: top two boxes", "общая практика: две верхние оценки"),
        read=lambda _: _named(CSAT),
        work_out=lambda values, params: satisfied(values, params["top"], params["variant"]),
        base=lambda _: pick(*CSAT),
        above=lambda params: pick(*CSAT[-params["top"] :]),
        unlisted=_unless_share,
        parameters=(
            choice("variant", Text("what is shown", "что показать"), "share", ("share", "mean")),
            Parameter(
                "top",
                ParameterType.INTEGER,
                Text(
                    "how many of the highest scores count: 2 is 4–5",
                    "сколько верхних оценок: 2 – это 4–5",
                ),
                2,
                least=1,
                most=4,
            ),
        ),
        minimum_n=MINIMUM,
        interval="wilson",
    ),
    Metric(
        name="leakage_rate",
        title=Text("deals made without us", "сделки без нас"),
        shape=Shape.SCORE,
        unit="share",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "deals made alone or with another agency / answers of what became of the deal",
                "сделки в одиночку или с другим агентством / ответы о том, что стало со сделкой",
            )
        ),
        numerator=Text(
            "answers that the deal was made without us", "ответы, что сделка прошла без нас"
        ),
        denominator=Text(
            "answers of customers whose request was closed without a deal",
            "ответы клиентов, чья заявка закрыта без сделки",
        ),
        source=Text(
            "Otklik; the question is that of the survey template lost_deal",
            "Отклик; вопрос – из шаблона опроса lost_deal",
        ),
        read=lambda _: _named(LOST_DEAL),
        work_out=lambda values, _: leaked(values),
        base=lambda _: pick(*LOST_DEAL),
        above=lambda _: pick(*LOST_DEAL[1:]),
        minimum_n=MINIMUM,
        interval="wilson",
    ),
    Metric(
        name="ces",
        title=Text("CES 2.0", "CES 2.0"),
        shape=Shape.SCORE,
        unit="share",
        kind=KIND,
        time_column=BY,
        variant="variant",
        formula={
            "share": Text("answers of 5–7 of 1–7 / answers", "ответы 5–7 по шкале 1–7 / ответы"),
            "mean": Text("mean answer on 1–7", "средний ответ по шкале 1–7"),
            "net": Text("share of 5–7 − share of 1–3", "доля 5–7 − доля 1–3"),
        },
        numerator=Text("answers that it was easy", "ответы «было легко»"),
        denominator=Text("answers with a score", "ответы с оценкой"),
        source=Text(
            "Dixon, Toman & DeLisi, The Effortless Experience, 2013",
            "Dixon, Toman & DeLisi, The Effortless Experience, 2013",
        ),
        read=lambda _: _named(CES),
        work_out=lambda values, params: easy(values, params["variant"]),
        base=lambda _: pick(*CES),
        above=lambda _: pick(*CES[4:]),
        unlisted=_unless_share,
        parameters=(
            choice(
                "variant", Text("what is shown", "что показать"), "share", ("share", "mean", "net")
            ),
        ),
        minimum_n=MINIMUM,
        interval="wilson",
    ),
    Metric(
        name="csi",
        title=Text("CSI", "CSI"),
        shape=Shape.SCORE,
        unit="points",
        kind=KIND,
        time_column=BY,
        variant="variant",
        formula={
            "raw": Text(
                "100 · Σ importance·score / Σ importance·highest",
                "100 · Σ важность·оценка / Σ важность·максимум",
            ),
            "rescaled": Text(
                "100 · Σ importance·(score − lowest) / Σ importance·(highest − lowest)",
                "100 · Σ важность·(оценка − минимум) / Σ важность·(максимум − минимум)",
            ),
            "mean": Text(
                "Σ importance·score / Σ importance, on the survey's own scale",
                "Σ важность·оценка / Σ важность, в шкале самого опроса",
            ),
        },
        numerator=Text("weighted scores given", "взвешенные оценки"),
        denominator=Text(
            "weighted scores possible (of the mean: weights)",
            "взвешенный максимум (для среднего – веса)",
        ),
        source=Text(
            "common practice; the variant is part of the name",
            "общая практика; вариант – часть имени",
        ),
        read=lambda _: _named(("csi_n", "csi_score", "csi_most", "csi_least", "csi_importance")),
        work_out=lambda values, params: satisfaction_index(values, params["variant"]),
        base=lambda _: pick("csi_n"),
        parameters=(
            choice("variant", Text("formula", "формула"), "raw", ("raw", "rescaled", "mean")),
        ),
        minimum_n=MINIMUM,
    ),
    Metric(
        name="enps",
        title=Text("eNPS", "eNPS"),
        shape=Shape.SCORE,
        unit="points",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "100 · (promoters 9–10 − detractors 0–6) / answered, employees",
                "100 · (промоутеры 9–10 − критики 0–6) / ответившие, сотрудники",
            )
        ),
        numerator=Text("promoters − detractors", "промоутеры − критики"),
        denominator=Text("answers with a score", "ответы с оценкой"),
        source=REICHHELD,
        read=_read_enps,
        work_out=lambda values, _: employee_score(values),
        base=lambda _: pick(*ENPS),
        unlisted=lambda _: Text(
            "its numerator is promoters − detractors: list its base, which shows the scores",
            "его числитель – промоутеры − критики: запросите базу, в ней видны оценки",
        ),
        parameters=(
            choice(
                "answers",
                Text(
                    "those of named surveys, or of anonymous ones: these only by whole past "
                    "months in the company's zone, in total or by branch",
                    "именные опросы или анонимные: последние – только за целые прошедшие месяцы "
                    "в зоне компании, всего или по филиалам",
                ),
                "anonymous",
                ("anonymous", "named"),
            ),
        ),
        computation=Computation.ROLLUP,
        minimum_n=EMPLOYEES_MINIMUM,
        interval="adjusted_wald",
        closed_cells="answers",
    ),
)
