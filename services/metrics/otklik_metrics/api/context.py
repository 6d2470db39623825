"""What routes take from the platform."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Request

from otklik_common.callers import Caller, require
from otklik_common.db import Database
from otklik_common.module import Platform
from otklik_metrics.actions.company import company_of, company_then
from otklik_metrics.domain.company import Company
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


async def company_asking(
    platform: Platform, db: Database, caller: Caller, as_of: datetime | None
) -> Company:
    """The caller's company, with the zone that it had at `as_of`."""
    company = await company_of(platform.directory(SCHEMA), caller.tenant)
    return company if as_of is None else await company_then(db, company, as_of)
