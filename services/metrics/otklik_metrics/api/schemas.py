"""What queries look like from outside."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from otklik_common.http import AwareTime, StrictModel, bad_value
from otklik_metrics.domain.catalogue import CATALOGUE
from otklik_metrics.domain.dimensions import DIMENSIONS
from otklik_metrics.domain.limits import MOST_FILTERS, MOST_GROUP_BY, MOST_METRICS, MOST_VALUES
from otklik_metrics.domain.query import NAME

Granularity = Literal["15m", "hour", "day", "week", "month", "quarter", "year", "total"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
# Said in the description alone: who misspells a name is told the near ones.
MetricName = Annotated[Name, Field(json_schema_extra={"enum": list(CATALOGUE)})]
DimensionName = Annotated[Name, Field(json_schema_extra={"enum": list(DIMENSIONS)})]
RowName = Annotated[str, Field(json_schema_extra={"pattern": NAME.pattern})]


def _moment(text: str) -> str:
    # Queries may ask for any year and are told what is wrong with it: too many buckets, mostly.
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise bad_value(
            "malformed",
            "must be a time with offset, like 2026-03-02T09:14:05+03:00",
            "ожидается время со смещением, например 2026-03-02T09:14:05+03:00",
        ) from None
    if found.tzinfo is None:
        raise bad_value(
            "time_without_zone",
            "must say its offset from UTC, like 2026-03-02T09:14:05+03:00",
            "нужно смещение от UTC, например 2026-03-02T09:14:05+03:00",
        )
    if not 2 <= found.year <= 9998:
        raise bad_value("out_of_range", "must be a year of four digits", "год из четырёх цифр")
    return text


Moment = Annotated[
    str,
    StringConstraints(min_length=16, max_length=40),
    AfterValidator(_moment),
    Field(json_schema_extra={"format": "date-time"}),
]
"""A moment as RFC 3339 with offset."""


def instant(text: str) -> datetime:
    """A checked moment, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


class MetricBody(StrictModel):
    """A metric by its name in the catalogue, with any of its parameters beside it."""

    model_config = ConfigDict(
        extra="allow",
        allow_inf_nan=False,
        str_max_length=200,
        json_schema_extra={
            "examples": [{"name": "service_level", "threshold_seconds": 20, "as": "sl20"}]
        },
    )

    name: MetricName
    as_: RowName | None = Field(default=None, alias="as", description="what rows call it")

    def wanted(self) -> tuple[str, str | None, dict[str, Any]]:
        """Name, `as`, parameters."""
        return self.name, self.as_, dict(self.model_extra or {})


class RangeBody(StrictModel):
    """A range of time: `from` belongs to it, `to` does not."""

    from_: Moment = Field(alias="from")
    to: Moment
    timezone: Annotated[str, StringConstraints(max_length=60)] | None = Field(
        default=None, description="IANA name; the company's own by default"
    )


class TimeBody(RangeBody):
    """A range of time and the length of its buckets."""

    granularity: Granularity = "total"


Value = str | int | None


class FilterBody(StrictModel):
    """A condition on a dimension; null is the missing value."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["value"], "not": {"required": ["values"]}},
                {
                    "required": ["values"],
                    "not": {"required": ["value"]},
                    "properties": {"values": {"type": "array"}},
                },
            ]
        }
    )

    dimension: DimensionName
    op: Literal["eq", "ne", "in", "not_in"]
    value: Value = None
    values: Annotated[list[Value], Field(max_length=MOST_VALUES)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "FilterBody":
        said = self.model_fields_set & {"value", "values"}
        if len(said) != 1 or ("values" in said and self.values is None):
            raise bad_value(
                "invalid",
                "must have either value or values",
                "нужно либо value, либо values",
            )
        return self

    def said(self) -> Sequence[Value]:
        """The values, one or several."""
        return [self.value] if self.values is None else self.values


class TopBody(StrictModel):
    """Only the groups with the highest values; the others together as one row."""

    n: int = Field(ge=1, le=200)
    other: bool = True
    by: Name | None = Field(default=None, description="name of a metric in the rows; the first")


class QueryBody(StrictModel):
    """One question to the numbers."""

    metrics: Annotated[list[MetricBody], Field(min_length=1, max_length=MOST_METRICS)]
    time: TimeBody
    group_by: list[DimensionName] = Field(default_factory=list, max_length=MOST_GROUP_BY)
    filters: list[FilterBody] = Field(default_factory=list, max_length=MOST_FILTERS)
    compare: Literal["previous"] | None = None
    as_of: AwareTime | None = Field(default=None, description="as it was known at that moment")
    top: TopBody | None = None
    explain: bool = False


class RecordsBody(StrictModel):
    """The cell whose facts are wanted: the query it came from, its bucket and its group."""

    metric: MetricBody
    time: TimeBody
    filters: list[FilterBody] = Field(default_factory=list, max_length=MOST_FILTERS)
    bucket: Moment | None = Field(default=None, description="`bucket` of the row")
    group: dict[DimensionName, Value] = Field(
        default_factory=dict, max_length=MOST_GROUP_BY, description="the row's dimensions"
    )
    part: Literal["base", "numerator"] = Field(
        default="base", description="all facts of the base, or those above the line"
    )
    as_of: AwareTime | None = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: Annotated[str, StringConstraints(max_length=2000)] | None = None


# --- Answers --------------------------------------------------------------------------------------


class CellOut(BaseModel):
    """A value with its base. Shares are 0 to 1, NPS is in points, times in seconds."""

    value: float | int | None
    numerator: float | int | None
    denominator: float | int | None
    n: int | None = Field(description="null where even that is withheld: anonymous answers")
    n_effective: float | None = Field(
        description="of weighted answers: how many equal ones are worth as much (Kish)"
    )
    low_base: bool = Field(description="a score of fewer than 30 (effective) answers")
    interval: tuple[float, float] | None = Field(description="95 %")
    excluded: dict[str, int] = Field(description="facts left out of the base, by reason")
    suppressed: bool
    reason: str | None = Field(description="why the value is null")
    open: int | None = Field(description="how many of n have not ended yet")
    previous: dict[str, Any] | None = Field(description="the same of the period before")


class ColumnOut(BaseModel):
    """What a field of the rows is."""

    name: str
    kind: Literal["bucket", "dimension", "metric"]
    metric: str | None = None
    unit: str | None = None


class ReceiptOut(BaseModel):
    """How a number came about."""

    metric: str
    definition: str = Field(description="the full name of the number, every parameter said")
    formula: str
    version: int
    source: str
    unit: str = Field(description="of money: the currency, that of the company if none was said")
    timezone: str = Field(description="whose days these are; the company's if none was said")
    numerator: str | None
    denominator: str | None
    computation: Literal["rollup", "facts", "derived_fact"]
    minimum_n: int
    interval: str | None
    excluded: dict[str, int]
    closed: int | None = None
    open: int | None = None
    calendars: list[str] | None = Field(
        default=None, description="of business time: by which calendars it was told"
    )
    notes: list[str]


class FreshnessOut(BaseModel):
    """How far the numbers reach: everything recorded before `log` is in them."""

    log: datetime | None
    lag_seconds: float | None


class QueryOut(BaseModel):
    """
    The answer. Each row has `bucket` (local start with offset, null for `total`), one field for
    each dimension, and one cell for each metric; the row of the other groups says `other`.
    """

    columns: list[ColumnOut]
    rows: list[dict[str, Any]]
    receipts: dict[str, ReceiptOut]
    freshness: FreshnessOut
    plan: list[dict[str, Any]] | None = None


class RecordOut(BaseModel):
    """One fact behind a cell."""

    kind: str
    subject: str
    contact: str | None = Field(
        description="open it at /contact-center/v1/contacts/{id}; null where there is none"
    )
    at: datetime
    dimensions: dict[str, str | None]
    values: dict[str, Any]
