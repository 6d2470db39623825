"""What routes take from the platform."""

from typing import Annotated, Final

from fastapi import Depends, Request

from otklik_common.callers import Caller, require
from otklik_common.db import Database
from otklik_common.module import Platform
from otklik_metrics.actions.company import company_of
from otklik_metrics.domain.query import Company
from otklik_metrics.store.tables import SCHEMA

PREFIX: Final = "/metrics/v1"

MayRead = Annotated[Caller, Depends(require("metrics:read"))]
MayReadRecords = Annotated[Caller, Depends(require("records:read"))]


async def _platform(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform


Lent = Annotated[Platform, Depends(_platform)]


async def _database(platform: Lent) -> Database:
    return platform.database(SCHEMA, "api")


Db = Annotated[Database, Depends(_database)]


async def company_asking(platform: Platform, caller: Caller) -> Company:
    """The caller's company."""
    return await company_of(platform.directory(SCHEMA), caller.tenant)
