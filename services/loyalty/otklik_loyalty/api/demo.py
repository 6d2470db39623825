"""Taking the demo out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from otklik_common.callers import Caller, require_everywhere
from otklik_common.http import PROBLEMS
from otklik_common.module import Platform
from otklik_loyalty.actions.demo import remove_demo
from otklik_loyalty.api.context import PREFIX, Db

router = APIRouter(prefix=PREFIX, tags=["loyalty: demo"])

MayRemoveDemo = Annotated[Caller, Depends(require_everywhere("demo:write"))]


class RemovedOut(BaseModel):
    """How many were taken out."""

    purchases: int
    customers: int
    movements: int = Field(description="of points, by any of them")


@router.delete(
    "/demo",
    operation_id="remove_loyalty_demo",
    summary="Take the demo out",
    responses=PROBLEMS(401, 403),
)
async def delete_demo(request: Request, caller: MayRemoveDemo, db: Db) -> RemovedOut:
    """
    Take out every purchase and customer whose own id begins with `demo-`, and their points.

    Their facts are voided, so the numbers follow; personal values are erased. The ledger stays,
    and further movements bring the balances to 0. A customer who has bought something else
    stays. Safe to repeat.
    """
    platform: Platform = request.app.state.platform
    gone = await remove_demo(db, platform.sealer, caller)
    return RemovedOut(purchases=gone.purchases, customers=gone.customers, movements=gone.movements)
