"""How feedback is put together."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter
from starlette.routing import BaseRoute

from otklik_common.module import Module, Platform, Worker
from otklik_feedback.store.asking_tables import ASKING_GRANTS
from otklik_feedback.store.columns import SCHEMA, metadata
from otklik_feedback.store.tables import GRANTS


def _api(platform: Platform) -> Sequence[APIRouter | BaseRoute]:
    from otklik_feedback.api import routers

    return routers(platform)


def _workers(platform: Platform) -> Sequence[Worker]:
    # An API never loads a client of the log.
    from otklik_feedback.workers import workers

    return workers(platform)


MODULE = Module(
    name="feedback",
    schema=SCHEMA,
    metadata=metadata,
    grants={**GRANTS, **ASKING_GRANTS},
    migrations=Path(__file__).parent / "migrations",
    api=_api,
    workers=_workers,
)
