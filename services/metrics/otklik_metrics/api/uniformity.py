"""The uniformity route: how far branches, teams or agents differ beyond chance."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, Field

from otklik_common.http import PROBLEMS, AwareTime, Language, Now, StrictModel, bad_value
from otklik_common.language import Lang
from otklik_metrics.actions.query import Answered, compared
from otklik_metrics.api.answering import freshness_out, plan_out, query_of, receipts_out
from otklik_metrics.api.context import PREFIX, Db, Lent, MayRead, company_asking
from otklik_metrics.api.query import as_json
from otklik_metrics.api.refusals import counted_refusals
from otklik_metrics.api.schemas import (
    FilterBody,
    FreshnessOut,
    MetricBody,
    Name,
    QueryBody,
    RangeBody,
    ReceiptOut,
    TimeBody,
)
from otklik_metrics.domain.dimensions import BRANCH_GROUP
from otklik_metrics.domain.group_means import MOST_GROUPS, Compared, compare
from otklik_metrics.domain.limits import MOST_FILTERS
from otklik_metrics.domain.query import Query, check_past
from otklik_metrics.domain.uniform_cells import check_comparable, check_groups, comparable
from otklik_metrics.domain.uniformity import Judged, judge, spread
from otklik_metrics.domain.uniformity_words import Verdict, method, told_differences, verdict

router = APIRouter(prefix=PREFIX, tags=["metrics"])


def _each_once(groups: list[str]) -> list[str]:
    if len(set(groups)) != len(groups):
        raise bad_value("repeated", "names a group twice", "группа названа дважды")
    return groups


Groups = Annotated[
    list[Name],
    Field(min_length=2, max_length=MOST_GROUPS, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_each_once),
]


class UniformityBody(StrictModel):
    """Whose share is compared with whose."""

    metric: MetricBody
    by: Literal["branch", "agent", "team"] = "branch"
    time: RangeBody
    filters: list[FilterBody] = Field(default_factory=list, max_length=MOST_FILTERS)
    groups: Groups | None = Field(
        default=None,
        description="groups of branches, as own and franchise; others are held against the first",
        examples=[["own", "franchise"]],
    )
    as_of: AwareTime | None = Field(default=None, description="as it was known at that moment")
    explain: bool = False


Interval = tuple[float, float]


class UnitOut(BaseModel):
    """A unit beside all others together."""

    unit: str = Field(description="code of the branch, agent or team")
    numerator: int
    denominator: int
    value: float = Field(description="as counted, 0 to 1")
    limits: Interval | None = Field(
        description="where 95 % of units of this size lie if they are like the others"
    )
    p_value: float | None = Field(description="Fisher's exact test against all others")
    p_adjusted: float | None = Field(description="after Benjamini and Hochberg, over all units")
    differs: Literal["above", "below"] | None = Field(description="null: it does not stand out")
    shrunk: float = Field(description="the likeliest true share")
    interval: Interval | None = Field(description="95 % of it")


class SpreadOut(BaseModel):
    """How far units differ; null where there are fewer than two."""

    units: int
    pooled: float | None = Field(description="of all that was counted together")
    mean: float | None = Field(description="of the units' true shares")
    q: float | None = Field(description="Pearson's chi-squared of heterogeneity")
    df: int | None
    p_value: float | None = Field(description="how likely chance alone makes q so great")
    i_squared: float | None = Field(description="share of q beyond chance, 0 to 1")
    chance_share: float | None = Field(description="share of the seen spread that chance explains")
    tau: float | None = Field(description="standard deviation of the true shares; 0.04: 4 points")
    tau_interval: Interval | None = Field(description="95 %; null where nothing varies at all")


class GroupOut(BaseModel):
    """A group of branches."""

    group: str
    units: int
    numerator: int
    denominator: int
    mean: float | None = Field(description="of its units' true shares")
    interval: Interval | None = Field(description="95 %; null: one unit a group tells nothing")


class DifferenceOut(BaseModel):
    """How far a group lies from the first."""

    first: str
    second: str
    value: float | None = Field(description="mean of the first less that of the second")
    interval: Interval | None = Field(description="95 %, of all differences together")
    p_value: float | None
    text: str = Field(description="the same in plain words")


class GroupsOut(BaseModel):
    """Groups of branches beside one another."""

    groups: list[GroupOut]
    differences: list[DifferenceOut]
    tau: float | None = Field(description="how far units of one group differ")
    df: int = Field(description="units less groups")
    in_several: int = Field(description="units of more than one group: they are in none of these")


class VerdictOut(BaseModel):
    """What it comes to."""

    code: Verdict
    text: str
    standing_out: int


class UniformityOut(BaseModel):
    """Units, those that stand out first, how far they differ, and what that comes to."""

    verdict: VerdictOut
    spread: SpreadOut
    units: list[UnitOut]
    groups: GroupsOut | None
    left_out: dict[str, int] = Field(
        description="units that cannot be compared: too_few (withheld), no_data, contradictory"
    )
    unassigned: int = Field(description="things that belong to no unit")
    method: list[str]
    receipt: ReceiptOut
    freshness: FreshnessOut
    plan: list[dict[str, Any]] | None = None


@router.post(
    "/uniformity",
    operation_id="compare_units",
    summary="How far branches, teams or agents differ beyond chance",
    response_model=UniformityOut,
    responses=PROBLEMS(401, 403, 409, 422, 503),
)
async def compare_units(
    body: UniformityBody,
    caller: MayRead,
    platform: Lent,
    db: Db,
    now: Now,
    language: Language,
) -> Response:
    """
    Of a share such as `sla_attainment`, `service_level` or `unworked_rate`: whether units differ
    more than chance explains and by how much (`spread.tau`), which of them really stand out, and
    each one's likeliest true share. With `groups`, how far groups of branches differ, without a
    few large branches deciding for all.

    Reads, filters and refuses as a query does; besides, `not_comparable` (it lists the metrics
    that can be compared), `groups_need_branches` and `unknown_group`.
    """
    with counted_refusals(platform):
        company = await company_asking(platform, db, caller, body.as_of)
        query = query_of(_question(body), company, caller, now)
        check_comparable(query.asked[0])
        groups = body.groups or []
        check_groups(company, groups, body.by)
        check_past(body.as_of, query.asked, [BRANCH_GROUP] if groups else [])

        def written(found: Answered) -> Response:
            out = _out(body, query, found, language)
            out["freshness"] = freshness_out(found.fresh, now)
            return as_json(out)

        return await compared(db, query, now, written)


def _question(body: UniformityBody) -> QueryBody:
    return QueryBody(
        metrics=[body.metric],
        time=TimeBody.model_validate(body.time.model_dump(by_alias=True)),
        group_by=[body.by],
        filters=body.filters,
        as_of=body.as_of,
    )


def _out(body: UniformityBody, query: Query, found: Answered, language: Lang) -> dict[str, Any]:
    able = comparable(found.rows)
    whole = spread(able.units)
    judged = judge(able.units, whole)
    told = verdict(body.by, whole, judged, language)
    (receipt,) = receipts_out(query, found, language).values()
    groups = None
    if body.groups:
        groups = _groups(compare(able.units, body.groups, query.company.groups_of), language)
    return {
        "verdict": {
            "code": told.code,
            "text": told.text,
            "standing_out": sum(one.differs != 0 for one in judged),
        },
        "spread": {name: getattr(whole, name) for name in SpreadOut.model_fields},
        "units": [_unit(one) for one in judged],
        "groups": groups,
        "left_out": able.left_out,
        "unassigned": able.unassigned,
        "method": method(language, groups=bool(body.groups)),
        "receipt": receipt,
        "plan": plan_out(query, found, language) if body.explain else None,
    }


_SIDES = {1: "above", -1: "below", 0: None}


def _unit(one: Judged[str]) -> dict[str, Any]:
    return {
        "unit": one.code,
        "numerator": one.hits,
        "denominator": one.of,
        "value": one.share,
        "limits": one.limits,
        "p_value": one.p_value,
        "p_adjusted": one.p_adjusted,
        "differs": _SIDES[one.differs],
        "shrunk": one.shrunk,
        "interval": one.interval,
    }


def _groups(found: Compared, language: Lang) -> dict[str, Any]:
    texts = told_differences(found, language)
    return {
        "groups": [
            {
                "group": one.group,
                "units": one.units,
                "numerator": one.hits,
                "denominator": one.of,
                "mean": one.mean,
                "interval": one.interval,
            }
            for one in found.groups
        ],
        "differences": [
            {**one._asdict(), "text": text}
            for one, text in zip(found.differences, texts, strict=True)
        ],
        "tau": found.tau,
        "df": found.df,
        "in_several": found.in_several,
    }
