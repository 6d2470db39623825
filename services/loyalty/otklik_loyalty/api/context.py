"""What routes take from the platform, and the types that several of them share."""

from typing import Annotated

from fastapi import Depends, Path, Request
from pydantic import StringConstraints

from otklik_common.callers import Caller, require
from otklik_common.db import Database
from otklik_common.module import Platform
from otklik_loyalty.actions.customers import Means
from otklik_loyalty.store.tables import SCHEMA

PREFIX = "/loyalty/v1"

MayReadCustomers = Annotated[Caller, Depends(require("customers:read"))]
MayWriteCustomers = Annotated[Caller, Depends(require("customers:write"))]
MayWritePurchases = Annotated[Caller, Depends(require("purchases:write"))]
MayReadPoints = Annotated[Caller, Depends(require("points:read"))]
MayMovePoints = Annotated[Caller, Depends(require("points:write"))]
OnlySelf = Annotated[Caller, Depends(require("self"))]

Code = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""A company's own code of a branch, an agent, …"""

Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,62}$")]
"""A code for programs. It leaves with facts, so its form has no room for a phone or a name."""

Reference = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""The sender's own id."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]

CustomerPath = Annotated[
    str,
    Path(alias="customer", max_length=200, description="our id, else the company's own id of them"),
]
PurchasePath = Annotated[str, Path(alias="purchase", max_length=200, description="the seller's id")]


async def _database(request: Request) -> Database:
    platform: Platform = request.app.state.platform
    return platform.database(SCHEMA, "api")


Db = Annotated[Database, Depends(_database)]


async def means_of(request: Request, tenant: str) -> Means:
    """Keys to find and seal customers with, and the region whose phones have no plus."""
    platform: Platform = request.app.state.platform
    region = await platform.directory(SCHEMA).region(tenant)
    return Means(platform.pseudonyms, platform.sealer, region)
