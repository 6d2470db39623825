"""What a gauge is that Prometheus reads: a metric over a fixed window, by bounded labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from otklik_metrics.domain.dimensions import Text


class Window(StrEnum):
    """The fixed windows."""

    TODAY = "today"
    HOUR = "1h"
    MONTH = "28d"
    EVER = "ever"


@dataclass(frozen=True, slots=True)
class Gauge:
    """
    One family of gauges.

    Attributes:
        metric, params: What it shows, by its name in the catalogue.
        labels: Dimensions that become labels, after `company`; never an agent or a person.
        fixed: Labels that say which of several numbers it is.
        renamed: Names of labels where they are not those of the dimensions.
        complete: Only groups that have a value of every dimension are shown.
        base: It shows the base n behind the metric rather than its value.
        room: Series it has of the largest company alone, beside the share that all others have;
            0 for one of all companies.
    """

    name: str
    help: Text
    metric: str
    window: Window
    labels: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    complete: bool = False
    base: bool = False
    room: int = 0
