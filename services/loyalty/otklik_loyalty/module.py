"""How loyalty is put together."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter

from otklik_common.module import Module, Platform, Worker
from otklik_loyalty.store.tables import GRANTS, SCHEMA, metadata


def _api(platform: Platform) -> Sequence[APIRouter]:
    from otklik_loyalty.api import routers

    # Opened before the first request: /readyz must ask for it.
    platform.database(SCHEMA, "api")
    return routers()


def _workers(platform: Platform) -> Sequence[Worker]:
    # An API never loads a client of the log.
    from otklik_loyalty.workers import workers

    return workers(platform)


MODULE = Module(
    name="loyalty",
    schema=SCHEMA,
    metadata=metadata,
    grants=GRANTS,
    migrations=Path(__file__).parent / "migrations",
    api=_api,
    workers=_workers,
)
