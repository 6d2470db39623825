"""The catalogue: every metric, declared once."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

from otklik_metrics.domain.catalogue import (
    advertising,
    attribution,
    business,
    clocks,
    contacts,
    deals,
    feedback,
    leads,
    processes,
    promises,
    quality,
    scores,
    scripts,
    spans,
)
from otklik_metrics.domain.catalogue.words import (
    FILLED,
    HIDDEN,
    Computation,
    Metric,
    Parameter,
    ParameterType,
    Params,
    Shape,
)

__all__ = [
    "CATALOGUE",
    "FILLED",
    "HIDDEN",
    "Computation",
    "Metric",
    "Parameter",
    "ParameterType",
    "Params",
    "Shape",
    "near",
]

CATALOGUE: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        *contacts.METRICS,
        *clocks.METRICS,
        *promises.METRICS,
        *quality.METRICS,
        *scripts.METRICS,
        *feedback.METRICS,
        *spans.METRICS,
        *scores.METRICS,
        *leads.METRICS,
        *processes.METRICS,
        *deals.METRICS,
        *attribution.METRICS,
        *business.METRICS,
        *advertising.METRICS,
    )
}


def near(name: str) -> list[str]:
    """Names in the catalogue that look like `name`, the likest first; at most five."""
    inside = [known for known in CATALOGUE if name in known or known in name]
    alike = get_close_matches(name, CATALOGUE, n=5, cutoff=0.5)
    return list(dict.fromkeys([*alike, *inside]))[:5]
