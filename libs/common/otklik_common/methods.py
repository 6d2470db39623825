"""Which methods an address takes: those of every route there, not of the first one alone."""

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute
from starlette.types import Scope


def allowed(scope: Scope) -> str:
    """Value of Allow (RFC 9110 §10.2.1) for the address of a request."""
    routes: list[BaseRoute] = scope["app"].router.routes
    found: set[str] = set()
    for context in iter_route_contexts(routes):
        pattern = getattr(context, "path_regex", None)
        if pattern is not None and pattern.match(scope["path"]):
            found |= set(context.methods or ())
    return ", ".join(sorted(found))
