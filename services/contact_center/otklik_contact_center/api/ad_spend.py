"""What is spent on advertising."""

from datetime import date
from typing import Annotated, Final, Self

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, StringConstraints

from otklik_common.callers import Caller, require
from otklik_common.edge import MIB, edge
from otklik_common.events.envelope import Currency
from otklik_common.http import PROBLEMS, Now, Page, Pages, StrictModel, WrittenDate
from otklik_common.module import Platform
from otklik_common.money import decimal_text, minor_units
from otklik_contact_center.actions.ad_spend import Spending
from otklik_contact_center.api.schemas import Code
from otklik_contact_center.domain.ad_spend import MOST_ROWS, Key, Row
from otklik_contact_center.store.ad_spend import SpendRow, Wanted
from otklik_contact_center.store.columns import SCHEMA

PREFIX: Final = "/contact-center/v1"

Reads = Annotated[Caller, Depends(require("metrics:read"))]
Writes = Annotated[Caller, Depends(require("contacts:write"))]


class SpendBody(StrictModel):
    """What was spent in a day; all but the amount says what the row is about."""

    day: date = Field(description="in the company's zone")
    ad_source: Code = Field(
        description="where the advertising stood: utm_source", examples=["yandex"]
    )
    medium: Code | None = Field(default=None, description="of which sort it was: cpc, social, …")
    campaign: Code | None = Field(default=None, description="as contacts and leads name it")
    agency: Code | None = Field(
        default=None, description="who spends it for the company; left out: it does itself"
    )
    branch: Code | None = Field(
        default=None, description="whose money it is; left out: no branch's"
    )
    currency: Currency = Field(examples=["RUB"])
    amount: Annotated[str, StringConstraints(min_length=1, max_length=30)] = Field(
        description="a plain decimal number, no finer than the currency; 0 takes the row out",
        examples=["57000.00"],
    )

    def row(self) -> Row:
        """The row in minor units. Raises Refused: a currency or an amount that is none."""
        said = self.model_dump(exclude={"amount"})
        return Row(Key(**said), minor_units(self.amount, self.currency))


class UploadBody(StrictModel):
    """An upload; it changes the rows that it names and no others."""

    rows: Annotated[list[SpendBody], Field(max_length=MOST_ROWS)]


class UploadedOut(BaseModel):
    """What became of an upload."""

    written: int = Field(description="rows that are new or have another amount")
    unchanged: int
    removed: int


class SpendOut(BaseModel):
    """What was spent in a day, and on what."""

    day: date
    ad_source: str
    medium: str | None
    campaign: str | None
    agency: str | None
    branch: str | None
    currency: str
    amount: str

    @classmethod
    def of(cls, row: SpendRow) -> Self:
        """The answer for a row."""
        said = {name: getattr(row, name) for name in cls.model_fields if name != "amount"}
        return cls(**said, amount=decimal_text(row.amount_minor, row.currency))


async def _wanted(
    since: Annotated[WrittenDate | None, Query(description="first day")] = None,
    until: Annotated[WrittenDate | None, Query(description="day after the last")] = None,
    ad_source: Annotated[Code | None, Query()] = None,
    campaign: Annotated[Code | None, Query()] = None,
    branch: Annotated[Code | None, Query()] = None,
) -> Wanted:
    return Wanted(since, until, ad_source, campaign, branch)


def router(platform: Platform) -> APIRouter:
    """The routes."""
    spending = Spending(platform.database(SCHEMA, "api"), platform.directory(SCHEMA))
    made = APIRouter(prefix=PREFIX, tags=["advertising"])

    @made.put(
        "/ad-spend",
        operation_id="put_ad_spend",
        summary="Say what was spent on advertising",
        responses=PROBLEMS(401, 403, 413, 422),
    )
    @edge(body_limit=5 * MIB)
    async def put(body: UploadBody, caller: Writes, now: Now) -> UploadedOut:
        """
        Rows by day, source, medium, campaign, agency, branch and currency; up to 5,000. The same
        upload again changes nothing; a later amount of the same row replaces the one before, 0
        takes the row out. One row that cannot be taken in refuses them all.
        """
        done = await spending.put(caller, [one.row() for one in body.rows], now)
        return UploadedOut(written=done.written, unchanged=done.unchanged, removed=done.removed)

    @made.get(
        "/ad-spend",
        operation_id="list_ad_spend",
        summary="What was spent on advertising",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_spend(
        caller: Reads, wanted: Annotated[Wanted, Depends(_wanted)], paging: Pages
    ) -> Page[SpendOut]:
        """Rows of branches within reach, the newest day first."""
        part = paging.part(caller.tenant)
        found = await spending.listed(caller, wanted, part)
        return part.page(found, key=lambda one: (one.day, one.id), item=SpendOut.of)

    return made
