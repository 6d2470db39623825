"""What routes need from HTTP, in one place; `install` makes an application behave as agreed."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException

from otklik_common.edge import BODY_LIMIT, MIB, Edge, HttpMetrics, edge, route_of
from otklik_common.errors import (
    BadRequest,
    Conflict,
    FieldError,
    Forbidden,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Refused,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from otklik_common.etags import Expected, IfMatch, MustMatch, etag
from otklik_common.idempotency import Once, OnceIfKeyed, OnceOnly, Reply
from otklik_common.keys import same_text
from otklik_common.language import Lang, Language, language_of
from otklik_common.limits import RateLimit, client_ip, forwarded, per_caller, per_ip, per_tenant
from otklik_common.openapi import PROBLEMS, PUBLIC, describe
from otklik_common.paging import Page, Pages, Paging, Part, keyset
from otklik_common.problems import (
    Problem,
    answer_http_exception,
    answer_invalid,
    answer_refused,
    problem_response,
)
from otklik_common.settings import Settings
from otklik_common.validation import (
    AwareTime,
    StrictModel,
    TimeInFuture,
    TimeTooOld,
    WrittenDate,
    bad_value,
    check_time,
    field_errors,
    never_null,
    storable_json,
)

__all__ = [
    "API_VERSION",
    "BODY_LIMIT",
    "MIB",
    "PROBLEMS",
    "PUBLIC",
    "AwareTime",
    "BadRequest",
    "Conflict",
    "Expected",
    "FieldError",
    "Forbidden",
    "IfMatch",
    "Lang",
    "Language",
    "MustMatch",
    "NotFound",
    "Now",
    "Once",
    "OnceIfKeyed",
    "OnceOnly",
    "Page",
    "Pages",
    "Paging",
    "Part",
    "PreconditionFailed",
    "PreconditionRequired",
    "Problem",
    "RateLimit",
    "Refused",
    "Reply",
    "StrictModel",
    "TimeInFuture",
    "TimeTooOld",
    "TooLarge",
    "TooMany",
    "Unauthenticated",
    "Unavailable",
    "Unprocessable",
    "WrittenDate",
    "bad_value",
    "check_time",
    "client_ip",
    "edge",
    "etag",
    "field_errors",
    "forwarded",
    "install",
    "keyset",
    "language_of",
    "never_null",
    "now",
    "only_known_query",
    "per_caller",
    "per_ip",
    "per_tenant",
    "problem_response",
    "route_of",
    "same_text",
    "storable_json",
]

API_VERSION: Final = "1.0.0"


async def now() -> datetime:
    """The time, in UTC. Tests put another in its place by `app.dependency_overrides`."""
    return datetime.now(UTC)


Now = Annotated[datetime, Depends(now)]
"""FastAPI dependency: the time of the request, aware, in UTC."""


def install(app: FastAPI, settings: Settings, registry: CollectorRegistry) -> HttpMetrics:
    """
    Make an application answer as agreed: problems, limits, headers, log, metrics, traces.

    Returns:
        What counts its requests.
    """
    metrics = HttpMetrics(registry)
    app.add_middleware(Edge, settings=settings, metrics=metrics)
    app.add_exception_handler(Refused, answer_refused)
    app.add_exception_handler(HTTPException, answer_http_exception)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    app.router.dependencies.append(Depends(only_known_query))
    app.state.http_settings = settings
    app.state.known_parameters = {}
    app.state.route_templates = {}
    if app.openapi_url is not None:
        app.openapi = lambda: describe(app)  # type: ignore[method-assign]  # FastAPI's own way
    return metrics


# --- Query parameters ---------------------------------------------------------------------------


async def only_known_query(request: Request) -> None:
    """
    FastAPI dependency, in force everywhere: a misspelt filter must not be ignored.

    Raises:
        Unprocessable: The query has a parameter that the route does not read, or one twice.
    """
    if not request.scope["query_string"]:
        return
    known = _parameters(request)
    errors = [
        FieldError(
            f"query.{name[:100]}",
            "unknown_parameter",
            "is not a known parameter",
            "неизвестный параметр",
        )
        for name in request.query_params
        if name not in known
    ]
    twice = [
        name
        for name, times in Counter(name for name, _ in request.query_params.multi_items()).items()
        if times > 1
    ]
    if errors:
        raise Unprocessable(
            f"unknown query parameters; known are: {', '.join(sorted(known)) or 'none'}",
            detail_ru=f"неизвестные параметры; известны: {', '.join(sorted(known)) or 'никакие'}",
            errors=errors[:50],
        )
    if twice:
        # Of two values one would be ignored, and who knows which was meant.
        raise Unprocessable(
            "a parameter stands in the query twice",
            detail_ru="параметр стоит в запросе дважды",
            errors=[
                FieldError(f"query.{name}", "repeated", "stands twice", "стоит дважды")
                for name in twice
            ],
        )


def _parameters(request: Request) -> frozenset[str]:
    """Names that the route reads; found out once per route of an application."""
    remembered: dict[tuple[str, str], frozenset[str]] = request.app.state.known_parameters
    scope = request.scope
    place = (route_of(scope), scope["method"])
    known = remembered.get(place)
    if known is None:
        context = scope.get("fastapi", {}).get("effective_route_context") or scope["route"]
        known = remembered[place] = frozenset(_names(context.dependant))
    return known


def _names(dependant: Dependant) -> set[str]:
    names: set[str] = set()
    for parameter in dependant.query_params:
        fields = getattr(parameter.field_info.annotation, "model_fields", None)
        if fields is None:
            names.add(parameter.alias)
        else:  # a whole model read from the query
            names |= {field.alias or name for name, field in fields.items()}
    for inner in dependant.dependencies:
        names |= _names(inner)
    return names
