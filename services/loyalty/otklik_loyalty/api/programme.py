"""What a company decides: how purchases earn points, which attributes leave with facts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from otklik_common.callers import Caller, require
from otklik_common.http import PROBLEMS, AwareTime, Forbidden, Now, StrictModel
from otklik_common.money import BadAmount, decimal_text, minor_units
from otklik_loyalty.actions import programme as actions
from otklik_loyalty.api.context import PREFIX, Currency, Db, MayReadPoints
from otklik_loyalty.api.schemas import MOST_ATTRIBUTES, AttributeName
from otklik_loyalty.domain.earning import Rule
from otklik_loyalty.domain.ledger import MOST_POINTS

router = APIRouter(prefix=PREFIX, tags=["loyalty: programme"])

MayDecide = Annotated[Caller, Depends(require("access:write"))]
MayDeclare = Annotated[Caller, Depends(require("sources:write"))]


class RuleBody(StrictModel):
    """So many points for so much money, from a moment on; 0 points: nothing is earned."""

    starts_at: AwareTime = Field(description="purchases sold from then on follow this rule")
    currency: Currency
    points: int = Field(ge=0, le=MOST_POINTS, examples=[1])
    per: str = Field(max_length=40, description="decimal text, above 0", examples=["100.00"])

    def rule(self) -> Rule:
        """The rule in minor units. Raises Refused."""
        per_minor = minor_units(self.per, self.currency)
        if per_minor == 0:
            raise BadAmount(self.per)
        return Rule(self.starts_at, self.currency, self.points, per_minor)


class RuleOut(BaseModel):
    """A rule; it is in force until the next one starts."""

    starts_at: datetime
    currency: str
    points: int
    per: str

    @classmethod
    def of(cls, rule: Rule) -> "RuleOut":
        """The rule as people write it."""
        return cls(
            starts_at=rule.starts_at,
            currency=rule.currency,
            points=rule.points,
            per=decimal_text(rule.per_minor, rule.currency),
        )


class ProgrammeOut(BaseModel):
    """What the company decided; without a rule nothing is earned."""

    rules: list[RuleOut]
    attributes: list[str]


class Names(StrictModel):
    """Attributes of purchases, by name."""

    names: list[AttributeName] = Field(max_length=MOST_ATTRIBUTES)


class NamesOut(BaseModel):
    """Attributes of purchases that leave with facts."""

    names: Sequence[str]


@router.get(
    "/programme",
    operation_id="get_programme",
    summary="Read the points programme",
    responses=PROBLEMS(401, 403),
)
async def get_programme(caller: MayReadPoints, db: Db) -> ProgrammeOut:
    """The earning rules, oldest first, and the attributes that facts carry."""
    decided = await actions.read_programme(db, caller)
    return ProgrammeOut(
        rules=[RuleOut.of(rule) for rule in decided.rules], attributes=list(decided.published)
    )


@router.post(
    "/programme/rules",
    status_code=201,
    operation_id="post_earning_rule",
    summary="Set how purchases earn points",
    responses=PROBLEMS(401, 403, 409, 422),
)
async def post_earning_rule(body: RuleBody, caller: MayDecide, db: Db, now: Now) -> RuleOut:
    """
    Let purchases sold from `starts_at` on earn points; the same rule again changes nothing.

    A purchase always follows the rule that was in force when it was sold, also when it is
    corrected or comes back. So a rule cannot start before a purchase that is kept already
    (409 `sold_since`), and one that has started cannot be replaced, only followed by another.
    """
    _whole_company(caller)
    rule = body.rule()
    await actions.add_rule(db, caller, rule, now=now)
    return RuleOut.of(rule)


@router.put(
    "/attributes",
    operation_id="put_purchase_attributes",
    summary="Declare which attributes of purchases leave with facts",
    responses=PROBLEMS(401, 403, 422),
)
async def put_attributes(body: Names, caller: MayDeclare, db: Db) -> NamesOut:
    """
    From now on facts carry these attributes and no others; `campaign` lets the campaign leave.

    Declare only what names nobody: facts go to every service and stay in the log.
    """
    _whole_company(caller)
    await actions.publish_attributes(db, caller, body.names)
    return NamesOut(names=sorted(set(body.names)))


@router.get(
    "/attributes",
    operation_id="get_purchase_attributes",
    summary="Read which attributes of purchases leave with facts",
    responses=PROBLEMS(401, 403),
)
async def get_attributes(caller: MayDeclare, db: Db) -> NamesOut:
    """Names of the attributes that facts carry."""
    return NamesOut(names=(await actions.read_programme(db, caller)).published)


def _whole_company(caller: Caller) -> None:
    if caller.branches is not None:
        raise Forbidden(
            "this needs reach over the whole company", detail_ru="нужен доступ ко всей компании"
        )
