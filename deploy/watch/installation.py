"""PromQL about processes that several dashboards and alerts share."""

from typing import Final

JOBS: Final = 'job=~"otklik.*"'
"""Scrapes of Otklik's processes, whether one job or several, such as otklik-api and otklik-worker."""

RATE: Final = "$__rate_interval"
"""Of a dashboard: as long as Grafana finds right for what it shows."""


def quantile(q: float, histogram: str, by: str, window: str) -> str:
    """A quantile of a histogram, of all processes together."""
    return f"histogram_quantile({q}, sum by ({by}, le) (rate({histogram}_bucket[{window}])))"


def errors(window: str, by: str = "") -> str:
    """The share of requests that ended in an error of ours; 0 where none did."""
    every = f"sum by ({by}) (rate(otklik_http_requests_total[{window}]))"
    failed = f'sum by ({by}) (rate(otklik_http_requests_total{{status="5xx"}}[{window}]))'
    return f"({failed} or 0 * {every}) / {every}"
