"""
Business numbers in PromQL: names, labels and words come from the catalogue of metrics.

Every API process of metrics serves the same gauges, so before anything is added up, copies are
made one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

from otklik_metrics.domain.catalogue import CATALOGUE
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.gauge import Gauge, Window
from otklik_metrics.domain.gauges import GAUGES
from otklik_metrics.domain.series import label_names
from otklik_metrics.domain.silent_sources import LABELS, NAME

CHOSEN = 'company=~"$company"'
"""The companies that the reader of a dashboard has chosen."""

ANY_COMPANY = 'company!=""'
"""All of them, for alerts."""

Z = 1.96
"""Two-sided 95 %."""


def gauge_of(
    metric: str,
    window: Window | None = None,
    *,
    base: bool = False,
    params: Mapping[str, Any] = MappingProxyType({}),
) -> Gauge:
    """
    The gauge that shows a metric of the catalogue.

    Raises:
        LookupError: None does, or several do: then name the window, or the parameters.
    """
    # The same number cut in another way has labels of names of its own.
    found = [
        gauge
        for gauge in GAUGES
        if gauge.metric == metric
        and gauge.base == base
        and window in (None, gauge.window)
        and dict(gauge.params) == dict(params)
        and not gauge.renamed
        and not gauge.room
    ]
    if len(found) != 1:
        raise LookupError(f"{len(found)} gauges show {metric} of {window}")
    return found[0]


def silent_sources(companies: str) -> str:
    """How many sources are silent, by company and product; 0 where all are heard."""
    return f"max by ({', '.join(LABELS)}) ({NAME}{{{companies}}})"


def each(gauge: Gauge, companies: str) -> str:
    """Every series of a gauge once, however many processes serve it."""
    fixed = "".join(f',{name}="{value}"' for name, value in gauge.fixed.items())
    return f"max by ({', '.join(label_names(gauge))}) ({gauge.name}{{{companies}{fixed}}})"


def every(gauges: Sequence[Gauge], companies: str) -> str:
    """Every series of gauges of one name that differ in what is fixed."""
    (name,) = {gauge.name for gauge in gauges}
    return f"max by ({', '.join(label_names(gauges[0]))}) ({name}{{{companies}}})"


def total(gauge: Gauge, companies: str, by: Sequence[str] = ()) -> str:
    """The sum of a gauge that counts things, by some of its labels."""
    return f"sum by ({', '.join(by)}) ({each(gauge, companies)})"


def pooled(ratio: Gauge, base: Gauge, companies: str, by: Sequence[str] = ()) -> str:
    """A ratio over several groups: by what each stands for, never the mean of ratios."""
    labels = ", ".join(by)
    value, weight = each(ratio, companies), each(base, companies)
    return f"sum by ({labels}) ({value} * {weight}) / (sum by ({labels}) ({weight}) > 0)"


def title_of(gauge: Gauge) -> Text:
    """What the catalogue calls it, with a capital."""
    title = CATALOGUE[gauge.metric].title
    return Text(_capital(title.en), _capital(title.ru))


def about(gauge: Gauge) -> Text:
    """What the gauge shows, and the formula behind it."""
    metric = CATALOGUE[gauge.metric]
    defaults = {one.name: one.default for one in metric.parameters}
    formula = metric.formula_of(defaults | dict(gauge.params))
    return Text(
        f"{_capital(gauge.help.en)}.\n\nFormula: {formula.en}.",
        f"{_capital(gauge.help.ru)}.\n\nФормула: {formula.ru}.",
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class Nps:
    """
    NPS with its base and its interval, of how many answers were what.

    Source: adjusted Wald, J. Sauro and J. Lewis after B. Rocks, The American Statistician 70(4),
    2016: three answers are added, 3/4 of one at each end and the rest in the middle.
    """

    promoters: str
    detractors: str
    n: str

    @classmethod
    def of(cls, companies: str, by: Sequence[str]) -> Self:
        """Of the gauges of 28 days; series that were made one are added up by some labels."""
        promoter, detractor = gauge_of("nps_promoters"), gauge_of("nps_detractors")
        # Without the label that says which: all categories together.
        labels = ", ".join(label_names(promoter))
        every = f"max by ({labels}) ({promoter.name}{{{companies}}})"
        return cls(
            total(promoter, companies, by),
            total(detractor, companies, by),
            f"sum by ({', '.join(by)}) ({every})",
        )

    @property
    def points(self) -> str:
        """The score itself; nothing where nobody answered."""
        return f"100 * ({self.promoters} - {self.detractors}) / ({self.n} > 0)"

    @property
    def low(self) -> str:
        """The lower end of the interval, in points, at least -100."""
        return f"clamp_min(100 * ({self._centre} - {Z} * sqrt({self.variance})), -100)"

    @property
    def high(self) -> str:
        """The upper end of the interval, in points, at most 100."""
        return f"clamp_max(100 * ({self._centre} + {Z} * sqrt({self.variance})), 100)"

    @property
    def variance(self) -> str:
        """The square of the standard error, in shares."""
        ends = f"({self.promoters} + {self.detractors} + 1.5) / {self._n}"
        return f"({ends} - ({self._centre}) ^ 2) / {self._n}"

    @property
    def _centre(self) -> str:
        return f"({self.promoters} - {self.detractors}) / {self._n}"

    @property
    def _n(self) -> str:
        return f"({self.n} + 3)"
