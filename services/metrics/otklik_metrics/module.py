"""How metrics is put together."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter
from starlette.routing import BaseRoute

from otklik_common.module import Module, Platform, Worker
from otklik_metrics.store.tables import GRANTS, SCHEMA, metadata


def _api(platform: Platform) -> Sequence[APIRouter | BaseRoute]:
    from otklik_metrics.api import build_api

    return build_api(platform)


def _workers(platform: Platform) -> Sequence[Worker]:
    # An API never loads a client of the log.
    from otklik_metrics.consumers import consumers
    from otklik_metrics.workers import workers

    return [*consumers(platform), *workers(platform)]


MODULE = Module(
    name="metrics",
    schema=SCHEMA,
    metadata=metadata,
    grants=GRANTS,
    migrations=Path(__file__).parent / "migrations",
    api=_api,
    workers=_workers,
)
