"""Quality of talk: what evaluations gave, how many failed, and how many were disputed."""

from fractions import Fraction
from typing import Final

from otklik_metrics.domain.catalogue.words import OWN, Metric, Params, Shape, one
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.indicators.cells import NO_DATA, Cell, Values, count, share
from otklik_metrics.domain.measures import MICRO
from otklik_metrics.domain.readings import Reading, Sum, Tally, pick

KIND: Final = "evaluation"
BY: Final = "released_at"


def _tally(*names: str) -> Reading:
    return Tally(KIND, BY, {name: Sum(name) for name in names})


def _score(values: Values, _: Params) -> Cell:
    n, micro = values["evaluations"], values["score_micro"]
    if n <= 0:
        return Cell(None, micro / MICRO, n, 0, reason=NO_DATA)
    return Cell(float(Fraction(micro, MICRO * n)), micro / MICRO, n, n)


def _share(name: str, title: Text, formula: Text, above: Text, which: str) -> Metric:
    return Metric(
        name=name,
        title=title,
        shape=Shape.SHARE,
        unit="share",
        kind=KIND,
        time_column=BY,
        formula=one(formula),
        numerator=above,
        denominator=Text("evaluations released", "выпущенные оценки"),
        source=OWN,
        read=lambda _: _tally("evaluations", which),
        work_out=lambda values, _: share(values[which], values["evaluations"]),
        base=lambda _: pick("evaluations"),
        above=lambda _: pick(which),
        interval="wilson",
    )


METRICS: Final = (
    Metric(
        name="evaluations",
        title=Text("evaluations released", "выпущено оценок"),
        shape=Shape.COUNT,
        unit="evaluations",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "evaluations of contacts that were released and not withdrawn, by their release",
                "оценки обращений, выпущенные и не отозванные, по времени выпуска",
            )
        ),
        source=OWN,
        read=lambda _: _tally("evaluations"),
        work_out=lambda values, _: count(values["evaluations"]),
        base=lambda _: pick("evaluations"),
    ),
    Metric(
        name="qa_score",
        title=Text("QA score", "оценка качества (QA)"),
        shape=Shape.MEAN,
        unit="share",
        kind=KIND,
        time_column=BY,
        formula=one(
            Text(
                "sum of scores, 0 to 1 / evaluations released and not withdrawn; an automatic fail "
                "is 0, what a dispute changed counts as changed",
                "сумма баллов от 0 до 1 / выпущенные и не отозванные оценки; автопровал – 0, "
                "изменённое после спора считается изменённым",
            )
        ),
        numerator=Text("sum of scores", "сумма баллов"),
        denominator=Text("evaluations released", "выпущенные оценки"),
        source=OWN,
        read=lambda _: _tally("evaluations", "score_micro"),
        work_out=_score,
        base=lambda _: pick("evaluations"),
        unlisted=lambda _: Text(
            "a sum of scores is no set of facts", "сумма баллов – не набор фактов"
        ),
    ),
    _share(
        "qa_failed_rate",
        Text("automatic fails", "доля автопровалов"),
        Text(
            "evaluations that an answer failed / evaluations released and not withdrawn",
            "оценки с автопровалом / выпущенные и не отозванные оценки",
        ),
        Text("evaluations failed by an answer", "оценки с автопровалом"),
        "failed",
    ),
    _share(
        "qa_dispute_rate",
        Text("evaluations disputed", "доля оспоренных оценок"),
        Text(
            "evaluations that the agent disputed, whatever came of it / evaluations released and "
            "not withdrawn",
            "оценки, оспоренные сотрудником, чем бы спор ни кончился / выпущенные и не отозванные",
        ),
        Text("evaluations disputed", "оспоренные оценки"),
        "disputed",
    ),
)
