"""
The description of the API: each route with everything that it may answer.

Routes name the refusals that are theirs. What every route may answer (an address that cannot be
read, an unknown parameter, a body that is no JSON, a database that is away) is added here, so that
no route can forget it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from otklik_common.problems import MEDIA_TYPE, Problem

MUST_BE_SENT: Final = "x-must-be-sent"
"""Marks a header that the route itself refuses to do without, with a better answer than 422."""

PUBLIC: Final[dict[str, Any]] = {"security": []}
"""`openapi_extra` of a route that asks for no credential."""

_DESCRIPTIONS: Final[Mapping[int, str]] = {
    400: "The request cannot be understood",
    401: "No credential, or one that proves nothing",
    403: "The caller lacks the scope",
    404: "Missing, foreign or out of the caller's reach: the answer is the same",
    409: "The present state does not allow it",
    410: "It is gone",
    412: "It has changed since the caller read it",
    413: "The body is too large",
    415: "The body is of a kind that is not read here, or compressed",
    416: "The part that is asked for does not exist",
    422: "Well-formed, but against the rules; `errors` names the fields",
    428: "An edit must carry If-Match",
    429: "Over a rate limit; wait for Retry-After seconds",
    502: "Another server that this depends on has failed",
    503: "Not now; wait for Retry-After seconds",
}
_REFERENCE: Final = {"$ref": "#/components/schemas/Problem"}
_TEXT: Final = {"type": "string"}
_SECONDS: Final = {"type": "string", "pattern": "^[1-9][0-9]*$"}
_LANGUAGE: Final = {
    "Content-Language": {"required": True, "schema": {"type": "string", "enum": ["ru", "en"]}}
}
_HEADERS: Final[Mapping[int, dict[str, Any]]] = {
    401: {"WWW-Authenticate": {"required": True, "schema": _TEXT}},
    429: {"Retry-After": {"required": True, "schema": _SECONDS}},
    503: {"Retry-After": {"required": True, "schema": _SECONDS}},
}


def PROBLEMS(*statuses: int) -> dict[int | str, dict[str, Any]]:  # noqa: N802 - reads as a constant
    """For `responses=` of a route: these statuses are answered with a problem document."""
    return {
        status: {
            "description": _DESCRIPTIONS[status],
            "headers": {**_LANGUAGE, **_HEADERS.get(status, {})},
            "content": {MEDIA_TYPE: {"schema": _REFERENCE}},
        }
        for status in statuses
    }


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an application, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        document["components"]["securitySchemes"] = {
            "key": {
                "type": "http",
                "scheme": "bearer",
                "description": "an API key, or a session's or a customer's token",
            }
        }
        document["security"] = [{"key": []}]
        _add_problem(schemas)
        for operation in _operations(document):
            _complete(operation)
        _close(document)
        app.openapi_schema = document
    return app.openapi_schema


def _add_problem(schemas: dict[str, Any]) -> None:
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document.get("paths", {}).values():
        yield from (one for one in path.values() if isinstance(one, dict))


def _complete(operation: dict[str, Any]) -> None:
    """Add what the framework and the edge answer for every route."""
    responses = operation["responses"]
    statuses = [400, 422, 503]
    if operation.get("security") != []:
        statuses.append(401)
    if "requestBody" in operation:
        statuses += [413, 415]
    for status, answer in PROBLEMS(*statuses).items():
        if str(status) == "422" or str(status) not in responses:  # FastAPI says another 422
            responses[str(status)] = answer
    operation["responses"] = dict(sorted(responses.items()))
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        if schema.pop(MUST_BE_SENT, False):
            parameter["required"] = True
        # Parameters are texts: one that is not there is left out, and none says null.
        plain = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
        if len(plain) == 1:
            del schema["anyOf"]
            schema.update(plain[0])


def _close(part: Any) -> None:
    """Say of objects that take names of a pattern only that they take no others."""
    if isinstance(part, dict):
        if "patternProperties" in part:
            part.setdefault("additionalProperties", False)
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            _close(one)
