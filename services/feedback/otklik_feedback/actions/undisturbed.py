"""Transactions that are begun anew where others got in their way."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.db import Database
from otklik_common.errors import Unavailable
from otklik_common.faults import DEADLOCK, sqlstate_of

T = TypeVar("T")

ATTEMPTS: Final = 5


class Raced(Exception):
    """Somebody inserted what we were about to insert while we were deciding."""


async def undisturbed(
    db: Database,
    tenant: str,
    work: Callable[[AsyncConnection], Awaitable[T]],
    *,
    detail: str,
    detail_ru: str,
) -> T:
    """
    What `work` makes of a transaction of its own, begun again where it raced or met a deadlock.

    Args:
        detail, detail_ru: What is said when others kept getting in the way.
    Raises:
        Unavailable: They did; and whatever else `work` raises.
    """
    for _ in range(ATTEMPTS):
        try:
            async with db.begin(tenant) as tx:
                return await work(tx)
        except Raced:
            continue
        except DBAPIError as broken:
            # What one transaction writes meets that of another in another order.
            if sqlstate_of(broken) != DEADLOCK:
                raise
    raise Unavailable(detail, detail_ru=detail_ru, retry_after=1)
