"""How access is put together."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter
from starlette.routing import BaseRoute

from otklik_access.store.tables import GRANTS, SCHEMA, metadata
from otklik_common.module import Module, Platform, Worker


def _api(platform: Platform) -> Sequence[APIRouter | BaseRoute]:
    from otklik_access.api import routers

    return routers(platform)


def _workers(platform: Platform) -> Sequence[Worker]:
    # An API never loads a client of the log.
    from otklik_access.workers import workers

    return workers(platform)


MODULE = Module(
    name="access",
    schema=SCHEMA,
    metadata=metadata,
    grants=GRANTS,
    migrations=Path(__file__).parent / "migrations",
    api=_api,
    workers=_workers,
)
