"""Scores of surveys, from how many gave each answer."""

from typing import Final

from otklik_metrics.domain.indicators.cells import NO_DATA, NO_WEIGHT, Cell, Values, share
from otklik_metrics.domain.intervals import adjusted_wald, effective_size, weighted_score
from otklik_metrics.domain.measures import (
    CES,
    CSAT,
    ENPS,
    LOST_DEAL,
    MICRO,
    NPS,
    NPS_1_10,
    NPS_CATEGORIES,
)

SCALES: Final = {"0-10": NPS, "1-10": NPS_1_10}
FIRST_PROMOTER: Final = 9
LAST_DETRACTOR: Final = 6


def categories(values: Values, scale: tuple[str, ...]) -> tuple[int, int, int]:
    """How many promoters (9, 10), passives (7, 8) and detractors (below) there are."""
    by_score = [(int(column.rpartition("_")[2]), values[column]) for column in scale]
    promoters = sum(n for score, n in by_score if score >= FIRST_PROMOTER)
    detractors = sum(n for score, n in by_score if score <= LAST_DETRACTOR)
    answered = sum(n for _, n in by_score)
    return promoters, answered - promoters - detractors, detractors


def net_promoter_score(values: Values, scale: tuple[str, ...] = NPS) -> Cell:
    """
    Per cent of promoters minus per cent of detractors, weighted if answers carry weights.

    Args:
        values: How many gave each score, by column; on the scale 0-10 also what weights add
            (`nps_9_extra`) and their squares (`nps_promoters_extra2`).
    Returns:
        Points from -100 to 100 with Rocks' adjusted interval, or, weighted, a linearised one.
        `n` counts answers; the numerator and denominator are weights where there are any, and
        then `n_effective` is Kish's.
    Source: F. Reichheld, The One Number You Need to Grow, HBR, December 2003.
    """
    promoters, passives, detractors = categories(values, scale)
    n = promoters + passives + detractors
    if scale is NPS and _is_weighted(values):
        return _weighted(values, n)
    if n == 0:
        return Cell(None, 0, 0, 0, reason=NO_DATA)
    net = promoters - detractors
    interval = adjusted_wald(promoters, detractors, n)
    return Cell(100 * net / n, net, n, n, interval)


def _is_weighted(values: Values) -> bool:
    squares = (f"nps_{category}_extra2" for category in NPS_CATEGORIES)
    return any(values[f"{column}_extra"] for column in NPS) or any(map(values.__getitem__, squares))


def _weighted(values: Values, n: int) -> Cell:
    weight = dict.fromkeys(NPS_CATEGORIES, 0)
    square = dict(weight)
    for name, scores in NPS_CATEGORIES.items():
        weight[name] = sum(MICRO * values[c] + values[f"{c}_extra"] for c in scores)
        square[name] = MICRO * MICRO * sum(values[c] for c in scores)
        square[name] += values[f"nps_{name}_extra2"]
    total, net = sum(weight.values()), weight["promoters"] - weight["detractors"]
    if total <= 0:
        return Cell(None, net / MICRO, total / MICRO, n, reason=NO_WEIGHT)
    interval = weighted_score(
        total,
        net,
        sum(square.values()),
        square["promoters"] - square["detractors"],
        square["promoters"] + square["detractors"],
    )
    worth = effective_size(total, sum(square.values()))
    return Cell(100 * net / total, net / MICRO, total / MICRO, n, interval, n_effective=worth)


def employee_score(values: Values) -> Cell:
    """The Net Promoter Score of employees."""
    return net_promoter_score(values, ENPS)


def satisfied(values: Values, top: int, variant: str) -> Cell:
    """
    Customer satisfaction on 1 to 5.

    Args:
        variant: `share` of the `top` highest scores, or `mean`.
    """
    n = sum(values[column] for column in CSAT)
    if variant == "mean" and n:
        return _mean(values, CSAT, n)
    return share(sum(values[column] for column in CSAT[-top:]), n)


def leaked(values: Values) -> Cell:
    """Of those who made no deal with us and said what became of it: who made it without us."""
    return share(
        sum(values[column] for column in LOST_DEAL[1:]), sum(values[column] for column in LOST_DEAL)
    )


def easy(values: Values, variant: str) -> Cell:
    """
    Customer Effort Score 2.0 on 1 to 7, where 7 is "strongly agree that it was easy".

    Args:
        variant: `share` of 5 to 7, `mean`, or `net`: share of 5 to 7 minus share of 1 to 3.
    """
    n = sum(values[column] for column in CES)
    easy_, hard = sum(values[c] for c in CES[4:]), sum(values[c] for c in CES[:3])
    if variant == "share" or n == 0:
        return share(easy_, n)
    if variant == "mean":
        return _mean(values, CES, n)
    return Cell((easy_ - hard) / n, easy_ - hard, n, n)


def _mean(values: Values, scale: tuple[str, ...], n: int) -> Cell:
    """The mean score of a scale that begins at 1."""
    total = sum(score * values[column] for score, column in enumerate(scale, start=1))
    return Cell(total / n, total, n, n)


def satisfaction_index(values: Values, variant: str) -> Cell:
    """
    Customer Satisfaction Index, weighted by importance.

    Args:
        values: `csi_n`, `csi_score` = Σ importance·score, `csi_most` = Σ importance·highest,
            `csi_least` = Σ importance·lowest, `csi_importance` = Σ importance; all × 10⁶.
        variant: `raw` = 100·score/most; `rescaled` = 100·(score-least)/(most-least); `mean` =
            score/importance, on the survey's own scale. The same answers give 77 raw and 71
            rescaled, so the variant is part of the number's name.
    Returns:
        None as value where importance sums to nothing.
    """
    score, most, least = values["csi_score"], values["csi_most"], values["csi_least"]
    n = values["csi_n"]
    up, down, scale = {
        "raw": (score, most, 100),
        "rescaled": (score - least, most - least, 100),
        "mean": (score, values["csi_importance"], 1),
    }[variant]
    if down <= 0:
        return Cell(None, up / MICRO, down / MICRO, n, reason=NO_WEIGHT if n else NO_DATA)
    return Cell(scale * up / down, up / MICRO, down / MICRO, n)
