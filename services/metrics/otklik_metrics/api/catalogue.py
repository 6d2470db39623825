"""The catalogue route: every metric with its formula, parameters and dimensions."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from otklik_common.http import PROBLEMS, Language
from otklik_common.language import Lang
from otklik_metrics.api.context import PREFIX, MayRead
from otklik_metrics.api.query import as_json
from otklik_metrics.domain import limits
from otklik_metrics.domain.catalogue import CATALOGUE, FILLED, Metric, Parameter, ParameterType
from otklik_metrics.domain.dimensions import DIMENSIONS, Dimension
from otklik_metrics.domain.zones import Granularity

router = APIRouter(prefix=PREFIX, tags=["metrics"])

LIMITS = {
    "metrics": limits.MOST_METRICS,
    "group_by": limits.MOST_GROUP_BY,
    "filters": limits.MOST_FILTERS,
    "values_of_a_filter": limits.MOST_VALUES,
    "buckets": limits.MOST_BUCKETS,
    "cells": limits.MOST_CELLS,
    "groups_read": limits.MOST_READ,
    "numbers_read": limits.MOST_TAKEN,
    "facts_read": limits.MOST_FACTS,
    "spans_read": limits.MOST_SPANS,
    "people_read": limits.MOST_HISTORIES,
}


class ParameterOut(BaseModel):
    """Something that may be sent beside a metric's name."""

    name: str
    type: str
    description: str
    default: Any
    nullable: bool
    choices: list[str] | None
    minimum: float | None
    maximum: float | None


class MetricOut(BaseModel):
    """One metric."""

    name: str
    title: str
    shape: str
    unit: str
    kind: str
    time_column: str
    other_kinds: dict[str, str] = Field(
        description="kinds that are counted instead where a parameter says so, with their time column"
    )
    beside: dict[str, str] = Field(
        description="kinds that are counted too, each by its own time column"
    )
    formula: dict[str, str]
    numerator: str | None
    denominator: str | None
    source: str
    parameters: list[ParameterOut]
    dimensions: list[str]
    impossible: dict[str, str]
    computation: str
    interval: str | None
    minimum_n: int
    fills_with: int | None
    records: bool
    version: int


class DimensionOut(BaseModel):
    """Something to group and filter by."""

    name: str
    title: str
    type: str
    minimum: int | None
    maximum: int | None


class CatalogueOut(BaseModel):
    """Everything that can be asked for."""

    metrics: list[MetricOut]
    dimensions: list[DimensionOut]
    granularities: list[str]
    limits: dict[str, int]


@router.get(
    "/catalog",
    operation_id="get_catalog",
    summary="Every metric, dimension and limit",
    response_model=CatalogueOut,
    responses=PROBLEMS(401, 403),
)
async def get_catalog(_: MayRead, language: Language) -> Response:
    """
    What can be asked for, in Russian or English by Accept-Language.

    `formula` holds one text for each value of the parameter that chooses among formulas, or one
    under "" where there is only one.
    """
    return as_json(
        {
            "metrics": [_metric(metric, language) for metric in CATALOGUE.values()],
            "dimensions": [_dimension(one, language) for one in DIMENSIONS.values()],
            "granularities": list(Granularity),
            "limits": LIMITS,
        }
    )


def _metric(metric: Metric, language: Lang) -> dict[str, Any]:
    return {
        "name": metric.name,
        "title": metric.title.in_(language),
        "shape": metric.shape,
        "unit": metric.unit,
        "kind": metric.kind,
        "time_column": metric.time_column,
        "other_kinds": dict(metric.other_kinds),
        "beside": dict(metric.beside),
        "formula": {name: text.in_(language) for name, text in metric.formula.items()},
        "numerator": metric.numerator and metric.numerator.in_(language),
        "denominator": metric.denominator and metric.denominator.in_(language),
        "source": metric.source.in_(language),
        "parameters": [_parameter(one, language) for one in metric.parameters],
        "dimensions": [name for name in DIMENSIONS if name in metric.dimensions],
        "impossible": {name: text.in_(language) for name, text in metric.impossible.items()},
        "computation": metric.computation,
        "interval": metric.interval,
        "minimum_n": metric.minimum_n,
        "fills_with": 0 if metric.shape in FILLED else None,
        "records": metric.has_records,
        "version": metric.version,
    }


def _parameter(one: Parameter, language: Lang) -> dict[str, Any]:
    number = one.type in (ParameterType.INTEGER, ParameterType.NUMBER)
    return {
        "name": one.name,
        "type": one.type,
        "description": one.title.in_(language),
        "default": one.default,
        "nullable": one.nullable,
        "choices": list(one.choices) or None,
        "minimum": one.least if number else None,
        "maximum": one.most if number else None,
    }


def _dimension(one: Dimension, language: Lang) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title.in_(language),
        "type": one.type,
        "minimum": one.least if one.computed else None,
        "maximum": one.most if one.computed else None,
    }
