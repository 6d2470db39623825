"""HTTP in and out of metrics; no rules, no SQL."""

from collections.abc import Sequence

from fastapi import APIRouter

from otklik_common.module import Platform
from otklik_metrics.api import catalogue, query, records, staffing, uniformity
from otklik_metrics.api.exposition import serve_gauges
from otklik_metrics.api.refusals import refusals
from otklik_metrics.store.tables import SCHEMA


def build_api(platform: Platform) -> Sequence[APIRouter]:
    """Every route of metrics."""
    # Opened before the first request: /readyz must ask for it.
    platform.database(SCHEMA, "api")
    serve_gauges(platform)
    refusals(platform)
    return [query.router, records.router, catalogue.router, staffing.router, uniformity.router]
