"""Purchases, one or many, and what comes back of them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from otklik_common.batches import BatchOut, items_of, parsed, refusals
from otklik_common.errors import Refused
from otklik_common.http import MIB, PROBLEMS, Now, Unprocessable, edge
from otklik_loyalty.actions import purchases as actions
from otklik_loyalty.actions.customers import Means
from otklik_loyalty.actions.purchases import Fate, NewPurchase
from otklik_loyalty.api.context import (
    PREFIX,
    Db,
    MayReadCustomers,
    MayWritePurchases,
    PurchasePath,
    means_of,
)
from otklik_loyalty.api.schemas import PurchaseBody, PurchaseDetail, PurchaseOut, ReturnBody

router = APIRouter(prefix=PREFIX, tags=["loyalty: purchases"])

ReturnPath = Annotated[str, Path(alias="return", max_length=100, description="the seller's id")]


class KeptOut(BaseModel):
    """What became of a purchase."""

    id: str
    subject: UUID = Field(description="id of the purchase in facts and metrics")
    result: Literal["new", "changed", "duplicate"]


class OtherId(Unprocessable):
    """Address and body name different ids."""

    code = "id_differs"


@router.put(
    "/purchases/{purchase}",
    operation_id="put_purchase",
    summary="Keep a purchase",
    responses={201: {"model": KeptOut}, **PROBLEMS(401, 403, 409, 413, 422)},
)
async def put_purchase(
    purchase: PurchasePath,
    body: PurchaseBody,
    request: Request,
    response: Response,
    caller: MayWritePurchases,
    db: Db,
    now: Now,
) -> KeptOut:
    """
    Keep one purchase; the id makes it safe to send again.

    The same body again is a duplicate; another body is a correction: customer, totals and
    earned points follow it, and returns still stand. The person named by phone, e-mail or
    external id is found, or becomes a customer.
    """
    _same_id(purchase, body.id)
    means = await means_of(request, caller.tenant)
    sent = body.sent(caller.tenant, means, now)
    [fate] = await actions.keep_purchases(db, means.sealer, caller, [sent])
    if isinstance(fate, Refused):
        raise fate
    response.status_code = 201 if fate is Fate.NEW else 200
    return KeptOut(id=purchase, subject=sent.purchase.id, result=fate.value)


@router.post(
    "/purchases:batch",
    status_code=202,
    operation_id="post_purchases",
    summary="Keep up to 5,000 purchases",
    responses=PROBLEMS(400, 401, 403, 413),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "array",
                        "items": {"$ref": "#/components/schemas/PurchaseBody"},
                    }
                },
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        }
    },
)
@edge(body_limit=5 * MIB)
async def post_purchases(request: Request, caller: MayWritePurchases, db: Db, now: Now) -> BatchOut:
    """
    Keep purchases from an array or from NDJSON, at most 5,000 or 5 MiB, in one transaction.

    Good ones are kept where others are refused; a refused one is named by its index. Each is
    treated as in `PUT /loyalty/v1/purchases/{id}`.
    """
    means = await means_of(request, caller.tenant)
    body = await request.body()
    sent, refused = await asyncio.to_thread(_read, body, caller.tenant, means, now)
    fates = await actions.keep_purchases(
        db, means.sealer, caller, [purchase for _, purchase in sent]
    )
    refused += [
        (index, fate)
        for (index, _), fate in zip(sent, fates, strict=True)
        if isinstance(fate, Refused)
    ]
    duplicates = sum(fate is Fate.DUPLICATE for fate in fates)
    accepted = sum(fate in (Fate.NEW, Fate.CHANGED) for fate in fates)
    return BatchOut(accepted=accepted, duplicates=duplicates, refused=refusals(refused))


def _read(
    body: bytes, tenant: str, means: Means, now: datetime
) -> tuple[Sequence[tuple[int, NewPurchase]], list[tuple[int, Refused]]]:
    sent: list[tuple[int, NewPurchase]] = []
    refused: list[tuple[int, Refused]] = []
    for index, item in enumerate(items_of(body)):
        try:
            sent.append((index, parsed(PurchaseBody, item).sent(tenant, means, now)))
        except Refused as no:
            refused.append((index, no))
    return sent, refused


@router.get(
    "/purchases/{purchase}",
    operation_id="get_purchase",
    summary="Read a purchase",
    responses=PROBLEMS(401, 403, 404),
)
async def get_purchase(purchase: PurchasePath, caller: MayReadCustomers, db: Db) -> PurchaseDetail:
    """A purchase with its lines, and everything that came back."""
    kept, returns = await actions.read_purchase(db, caller, purchase)
    return PurchaseDetail.with_returns(kept.purchase, returns)


@router.post(
    "/purchases/{purchase}/returns",
    operation_id="post_return",
    summary="Keep a return",
    responses={201: {"model": PurchaseOut}, **PROBLEMS(401, 403, 404, 409, 422)},
)
async def post_return(
    purchase: PurchasePath,
    body: ReturnBody,
    response: Response,
    caller: MayWritePurchases,
    db: Db,
    now: Now,
) -> PurchaseOut:
    """
    Keep what came back of a purchase, by line; the return's id makes it safe to send again.

    A line's amount comes back in proportion to its quantity, and with it the points it earned.
    Points that were spent already are owed, and withheld from what the customer earns next.
    Nothing comes back that was not sold: such a return is refused.
    """
    bought, known = await actions.keep_return(db, caller, purchase, body.sent(now))
    response.status_code = 200 if known else 201
    return PurchaseOut.of(bought)


@router.put(
    "/purchases/{purchase}/returns/{return}",
    operation_id="put_return",
    summary="Keep a return under its id",
    responses={201: {"model": PurchaseOut}, **PROBLEMS(401, 403, 404, 409, 422)},
)
async def put_return(
    purchase: PurchasePath,
    return_id: ReturnPath,
    body: ReturnBody,
    response: Response,
    caller: MayWritePurchases,
    db: Db,
    now: Now,
) -> PurchaseOut:
    """The same as `POST …/returns`, with the return's id in the address."""
    _same_id(return_id, body.id)
    return await post_return(purchase, body, response, caller, db, now)


def _same_id(address: str, body: str) -> None:
    if address != body:
        raise OtherId(
            "the id in the body is not the one in the address",
            detail_ru="id в теле запроса не тот, что в адресе",
        )
