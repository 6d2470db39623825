"""Customers: kept by the company's own id, found by phone, e-mail or external id."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from otklik_common.http import PROBLEMS, IfMatch, StrictModel, etag
from otklik_loyalty.actions import customers as actions
from otklik_loyalty.actions.customers import Profile
from otklik_loyalty.api.context import (
    PREFIX,
    Code,
    CustomerPath,
    Db,
    MayReadCustomers,
    MayWriteCustomers,
    Reference,
    means_of,
)

router = APIRouter(prefix=PREFIX, tags=["loyalty: customers"])

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class CustomerBody(StrictModel):
    """What is known of a customer. A field left out stays as it is; null empties it."""

    name: Text | None = None
    phone: Text | None = Field(default=None, examples=["+79991234567"])
    email: Text | None = None
    external_id: Reference | None = Field(
        default=None, description="the company's own id, given once and never changed"
    )
    branch: Code | None = None
    segment: Code | None = None


class CustomerOut(BaseModel):
    """A customer in the clear."""

    id: UUID
    external_id: str | None
    name: str | None
    phone: str | None
    email: str | None
    branch: str | None
    segment: str | None
    created_at: datetime

    @classmethod
    def of(cls, profile: Profile) -> "CustomerOut":
        """The customer for those who may read them."""
        return cls(**{name: getattr(profile, name) for name in cls.model_fields})


class Wanted(StrictModel):
    """Whom to find. Several fields find everybody who fits any of them."""

    phone: Text | None = None
    email: Text | None = None
    external_id: Reference | None = None


class Found(BaseModel):
    """Customers who fit; more than one where people share a phone or an address."""

    items: list[CustomerOut]


@router.put(
    "/customers/{customer}",
    operation_id="put_customer",
    summary="Create or edit a customer",
    responses={201: {"model": CustomerOut}, **PROBLEMS(401, 403, 404, 409, 412, 422)},
)
async def put_customer(
    customer: CustomerPath,
    body: CustomerBody,
    request: Request,
    response: Response,
    caller: MayWriteCustomers,
    db: Db,
    expected: IfMatch,
) -> CustomerOut:
    """
    Keep what the company knows of a customer; sending it again changes nothing.

    A customer who is known by this phone or e-mail and has no external id yet gets this one.
    Customers with different external ids stay different, whatever else they share. A changed
    phone or e-mail leads to the customer besides the former ones.
    """
    means = await means_of(request, caller.tenant)
    given = body.model_dump(include=body.model_fields_set)
    profile, new = await actions.keep_customer(
        db, means, caller, customer, given, expected=expected
    )
    response.status_code = 201 if new else 200
    response.headers["ETag"] = etag(profile.version)
    return CustomerOut.of(profile)


@router.get(
    "/customers/{customer}",
    operation_id="get_customer",
    summary="Read a customer",
    responses=PROBLEMS(401, 403, 404),
)
async def get_customer(
    customer: CustomerPath,
    request: Request,
    response: Response,
    caller: MayReadCustomers,
    db: Db,
) -> CustomerOut:
    """A customer by our id or by the company's own."""
    means = await means_of(request, caller.tenant)
    profile = await actions.read_customer(db, means, caller, customer)
    response.headers["ETag"] = etag(profile.version)
    return CustomerOut.of(profile)


@router.post(
    "/customers:find",
    operation_id="find_customers",
    summary="Find customers by phone, e-mail or external id",
    responses=PROBLEMS(401, 403, 422),
)
async def find_customers(body: Wanted, request: Request, caller: MayReadCustomers, db: Db) -> Found:
    """
    Customers within reach who are known by any of the values, however they are written.

    A POST, so that a phone stands in no address, no log of a proxy and no browser history.
    """
    means = await means_of(request, caller.tenant)
    named = actions.said(
        means,
        caller.tenant,
        phone=body.phone,
        email=body.email,
        external_id=body.external_id,
    )
    found = await actions.search_customers(db, means, caller, named)
    return Found(items=[CustomerOut.of(profile) for profile in found])
