"""Who calls the routes of access."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from otklik_access.actions import keys
from otklik_access.actions.change import Actor
from otklik_common.callers import Caller, identified, require
from otklik_common.errors import Forbidden
from otklik_common.events.access import Role
from otklik_common.module import Platform
from otklik_common.problems import REQUEST_ID_KEY

MOST_SEEN = 10_000

_seen: dict[tuple[str, str], datetime] = {}


def platform_of(request: Request) -> Platform:
    """What this process lends."""
    platform: Platform = request.app.state.platform
    return platform


Lent = Annotated[Platform, Depends(platform_of)]


def request_id_of(request: Request) -> str | None:
    """The request's id, for the audit trail."""
    found: str | None = request.scope.get(REQUEST_ID_KEY)
    return found


RequestId = Annotated[str | None, Depends(request_id_of)]


def actor(*scopes: str) -> Callable[..., Awaitable[Actor]]:
    """A dependency: the caller with any of `scopes`, as an actor. Raises as `require`."""
    permitted = require(*scopes)

    async def acting(request: Request, caller: Annotated[Caller, Depends(permitted)]) -> Actor:
        await _note(request, caller)
        return Actor.of(caller, request_id_of(request))

    return acting


async def reader_of_staff(request: Request) -> Actor:
    """A dependency: who may see names of staff: access:read, and managers of theirs."""
    caller = await identified(request)
    if not caller.may("access:read") and caller.role is not Role.MANAGER:
        raise Forbidden("this needs the scope access:read", detail_ru="нужно право access:read")
    await _note(request, caller)
    return Actor.of(caller, request_id_of(request))


async def _note(request: Request, caller: Caller) -> None:
    """Remember when a key was used, to the minute."""
    kind, _, key_id = caller.principal.partition(":")
    platform = platform_of(request)
    now, known = platform.now(), (caller.tenant, key_id)
    if kind != "key" or (known in _seen and now - _seen[known] < keys.SEEN_EVERY):
        return
    if len(_seen) >= MOST_SEEN:
        _seen.clear()
    _seen[known] = now
    await keys.note_seen(platform, caller.tenant, key_id, now)
