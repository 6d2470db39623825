"""Panels of one gauge, as several rows show them."""

from deploy.watch.business import CHOSEN, about, each, title_of
from deploy.watch.layout import Panel, Query, Steps
from deploy.watch.steps import LEVEL_STEPS, PER_BRANCH
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.gauge import Gauge


def by_branch(gauge: Gauge, steps: Steps, *, title: Text | None = None) -> Panel:
    """How many of each branch, over time."""
    return Panel(
        title or title_of(gauge),
        about(gauge),
        [Query(each(gauge, CHOSEN), PER_BRANCH)],
        steps=steps,
    )


def share_by_branch(gauge: Gauge, steps: Steps = LEVEL_STEPS) -> Panel:
    """Which share of each branch, over time."""
    return Panel(
        title_of(gauge),
        about(gauge),
        [Query(each(gauge, CHOSEN), PER_BRANCH)],
        unit="percentunit",
        steps=steps,
        most=1,
    )
