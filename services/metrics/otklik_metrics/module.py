"""How metrics is put together."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fastapi import APIRouter
from starlette.routing import BaseRoute

from otklik_common.module import Module, Platform, Worker
from otklik_metrics.store.tables import GRANTS, SCHEMA, metadata


def _api(platform: Platform) -> Sequence[APIRouter | BaseRoute]:
    from otklik_metrics.api import build_api

    return build_api(platform)


def _numbers(platform: Platform) -> Sequence[Worker]:
    # An API never loads a client of the log.
    from otklik_metrics.consumers import facts_consumer
    from otklik_metrics.workers import workers

    return [facts_consumer(platform), *workers(platform)]


def _history(platform: Platform) -> Sequence[Worker]:
    from otklik_metrics.consumers import history_consumer

    return [history_consumer(platform)]


def _workers(platform: Platform) -> Sequence[Worker]:
    return [*_numbers(platform), *_history(platform)]


MODULE = Module(
    name="metrics",
    schema=SCHEMA,
    metadata=metadata,
    grants=GRANTS,
    migrations=Path(__file__).parent / "migrations",
    api=_api,
    workers=_workers,
)

NUMBERS = replace(MODULE, workers=_numbers)
"""Its work without the history's, for a deployment with a process for each."""

HISTORY = replace(MODULE, workers=_history)
"""The history's work alone."""
