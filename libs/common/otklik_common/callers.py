"""Who calls, what they may do, and which branches they may see."""

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Request

from otklik_common.directory import FRESH_SECONDS, Directory, Known
from otklik_common.errors import Forbidden, Unauthenticated
from otklik_common.events.access import Key, KeyPurpose, Role
from otklik_common.keys import BadKey, BadToken, parse_key, same_digest, token_key_id, verify_token

AGENT = frozenset(
    (
        "contacts:read",
        "cases:read",
        "cases:write",
        "customers:read",
        "answers:read",
        "metrics:read",
        "records:read",
        "evaluations:read",
        "evaluations:answer",
        "promises:write",
        "checklists:write",
    )
)
MANAGER = AGENT | {
    "customers:write",
    "points:read",
    "points:write",
    "surveys:read",
    "evaluations:write",
    "coaching:write",
}
HEAD = MANAGER | {"surveys:write", "access:read", "quality:write"}
ALL_SCOPES = HEAD | {
    "access:write",
    "keys:write",
    "sources:write",
    "events:push",
    "contacts:write",
    "answers:write",
    "invitations:write",
    "purchases:write",
    "operations:read",
    "demo:write",
}
OPERATIONS = frozenset(("operations:read", "metrics:read", "access:read", "sources:write"))
PUBLISHABLE = frozenset(("events:push", "answers:write"))
SELF = frozenset(("self",))

ROLE_SCOPES: Final[Mapping[Role, frozenset[str]]] = {
    Role.AGENT: AGENT,
    Role.MANAGER: MANAGER,
    Role.HEAD: HEAD,
    Role.ADMIN: ALL_SCOPES,
    Role.OPERATIONS: OPERATIONS,
}
"""What each role may do. Where, is said by the branches and groups of the member."""

MOST_REMEMBERED = 10_000
"""Credentials remembered between requests, in one process."""


@dataclass(frozen=True, slots=True)
class Caller:
    """
    Somebody who proved who they are.

    Attributes:
        tenant: The company they act for.
        principal: `key:<id>`, `member:<id>` or `customer:<id>`, for limits and the audit trail.
        role: Role of a member of staff; None for keys and customers.
        scopes: What they may do.
        branches: Codes of the branches they may see; None means every branch.
        member: Subject id of the member of staff.
        agent: Code by which contact-centre software knows the member.
        customer: Subject id of the customer who calls for themselves.
        publishable: Anybody may hold the key: it stands in the source of a site.
    """

    tenant: str
    principal: str
    scopes: frozenset[str]
    role: Role | None = None
    branches: frozenset[str] | None = None
    member: UUID | None = None
    agent: str | None = None
    customer: UUID | None = None
    publishable: bool = False

    def may(self, scope: str) -> bool:
        """Whether they have a scope."""
        return scope in self.scopes

    def may_see(self, branch: str | None) -> bool:
        """
        Whether something of that branch is within reach.

        What belongs to no branch is seen only by those who see every branch.
        """
        return self.branches is None or branch in self.branches


class Callers:
    """
    Turns credentials into callers, from one service's directory.

    A credential once proved is remembered for two seconds: within that time a revocation may
    not be seen yet.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._proved: dict[bytes, tuple[float, str, Caller]] = {}

    async def identify(
        self, authorization: str | None, origin: str | None, now: datetime
    ) -> Caller:
        """
        The caller behind an Authorization header.

        Args:
            origin: The request's Origin header; a browser sends it, and it must be allowed.
        Raises:
            Unauthenticated: No credential, or one that proves nothing (any more).
        """
        known = self.remembered(authorization, origin)
        if known is not None:
            return known
        kind, _, text = (authorization or "").partition(" ")
        text = text.strip()
        if kind.lower() != "bearer" or not text:
            raise Unauthenticated(
                "send the header Authorization: Bearer <key>",
                detail_ru="передайте заголовок Authorization: Bearer <ключ>",
            )
        read_at = time.monotonic()
        if text.startswith("otk_"):
            caller = await self._by_key(text, origin, now)
        else:
            caller = await self._by_token(text, origin, now)
        if len(self._proved) >= MOST_REMEMBERED:
            self._proved.clear()
        self._proved[mark_of(authorization)] = (read_at, origin or "", caller)
        return caller

    def remembered(self, authorization: str | None, origin: str | None) -> Caller | None:
        """The caller, if this very header was proved a moment ago from the same origin."""
        return self.proved(mark_of(authorization), origin)

    def proved(self, mark: bytes, origin: str | None = None) -> Caller | None:
        """`remembered`, of whoever keeps a header's mark instead of the header."""
        found = self._proved.get(mark)
        if found is None or found[1] != (origin or ""):
            return None
        return found[2] if time.monotonic() - found[0] < FRESH_SECONDS else None

    async def _by_key(self, text: str, origin: str | None, now: datetime) -> Caller:
        try:
            shown = parse_key(text)
        except BadKey as bad:
            raise Unauthenticated(str(bad), detail_ru=bad.ru) from None
        known = await self._directory.known(shown.tenant)
        key = known.keys.get(shown.key_id)
        if key is None or key.digest is None or not same_digest(shown.digest, key.digest):
            raise Unauthenticated("the key is unknown", detail_ru="такого ключа нет")
        self._check(key, known, origin, now)
        scopes = frozenset(key.scopes)
        if key.purpose is KeyPurpose.PUBLISHABLE:
            scopes &= PUBLISHABLE
        elif key.purpose is not KeyPurpose.API:
            raise Unauthenticated("the key is unknown", detail_ru="такого ключа нет")
        return Caller(
            tenant=shown.tenant,
            principal=f"key:{key.key_id}",
            scopes=scopes & ALL_SCOPES,
            branches=_reach(key.branches, key.groups, known),
            publishable=key.purpose is KeyPurpose.PUBLISHABLE,
        )

    async def _by_token(self, text: str, origin: str | None, now: datetime) -> Caller:
        try:
            caller, origins = await self._proved_by(text, now)
        except (BadToken, Unauthenticated):
            # In one voice: nobody writes tokens by hand, so the reason would help forgers alone.
            raise Unauthenticated(
                "the token is not valid now: sign in again, or ask for another",
                detail_ru="токен сейчас не действует: войдите снова или получите другой",
            ) from None
        if origins and origin is not None and origin not in origins:
            raise Unauthenticated(
                f"the token may not be used from {origin}",
                detail_ru=f"с {origin} этот токен не действует",
            )
        return caller

    async def _proved_by(self, text: str, now: datetime) -> tuple[Caller, tuple[str, ...]]:
        """
        The caller, and the origins of pages that may call for them; none: any.

        Raises:
            BadToken, Unauthenticated: It proves nothing, or nothing any more.
        """
        tenant, key_id = token_key_id(text)
        known = await self._directory.known(tenant)
        key = known.keys.get(key_id)
        if key is None or key.public_key is None:
            raise BadToken("the token's signer is unknown")
        claims = verify_token(key.public_key, text, tenant=tenant, purpose=key.purpose, now=now)
        self._check(key, known, None, now)
        if key.purpose is KeyPurpose.CUSTOMER:
            customer = Caller(
                tenant=tenant,
                principal=f"customer:{claims.subject}",
                scopes=SELF,
                customer=claims.subject,
                branches=frozenset(),
            )
            return customer, claims.origins
        if key.purpose is not KeyPurpose.SESSION:
            raise BadToken("the token's signer signs no sessions")
        member = known.members.get(claims.subject)
        if (
            member is None
            or not member.active
            or (member.starts_at is not None and now < member.starts_at)
            or (member.ends_at is not None and now >= member.ends_at)
            or (
                member.signed_out_before is not None and claims.issued_at < member.signed_out_before
            )
        ):
            raise BadToken("the member of staff has no access now")
        staff = Caller(
            tenant=tenant,
            principal=f"member:{claims.subject}",
            scopes=ROLE_SCOPES[member.role],
            role=member.role,
            branches=None
            if member.role is Role.ADMIN
            else _reach(member.branches, member.groups, known),
            member=claims.subject,
            agent=member.code,
        )
        return staff, ()

    @staticmethod
    def _check(key: Key, known: Known, origin: str | None, now: datetime) -> None:
        if key.revoked_at is not None and key.revoked_at <= now:
            raise Unauthenticated("the key was revoked", detail_ru="ключ отозван")
        if key.expires_at is not None and key.expires_at <= now:
            raise Unauthenticated("the key has expired", detail_ru="срок ключа истёк")
        if known.company is None or not known.company.active:
            raise Unauthenticated("the company is not active", detail_ru="компания не работает")
        # Only a browser says its origin; it cannot lie about it, others could.
        if key.origins and origin is not None and origin not in key.origins:
            raise Unauthenticated(
                f"the key may not be used from {origin}",
                detail_ru=f"с {origin} этот ключ не действует",
            )


def mark_of(authorization: str | None) -> bytes:
    """What stands for a credential in memory, where it shall not lie itself."""
    text = (authorization or "").encode("utf-8", "surrogateescape")
    return hashlib.blake2b(text, digest_size=32).digest()


def _reach(
    branches: tuple[str, ...], groups: tuple[str, ...], known: Known
) -> frozenset[str] | None:
    if not branches and not groups:
        return None
    return frozenset(branches) | known.branches_in(groups)


def schema_of(path: str) -> str:
    """The schema of the service that answers a path: the first part of every route."""
    return path.split("/", 2)[1].replace("-", "_")


async def identified(request: Request) -> Caller:
    """FastAPI dependency: whoever calls, with whatever scopes. Raises Unauthenticated."""
    platform = request.app.state.platform
    callers: Callers = platform.callers(schema_of(request.url.path))
    caller = await callers.identify(
        request.headers.get("authorization"), request.headers.get("origin"), platform.now()
    )
    request.state.caller = caller
    return caller


def require(*scopes: str) -> Callable[[Request], Awaitable[Caller]]:
    """
    A FastAPI dependency that lets in callers with any of `scopes`.

    It raises Unauthenticated (401) for nobody and Forbidden (403) for somebody without.
    """
    unknown = frozenset(scopes) - ALL_SCOPES - SELF
    if unknown or not scopes:
        raise ValueError(f"unknown scopes {sorted(unknown)}")

    async def permitted(request: Request) -> Caller:
        caller = await identified(request)
        if caller.scopes.isdisjoint(scopes):
            raise Forbidden(
                f"this needs the scope {' or '.join(scopes)}",
                detail_ru=f"нужно право {' или '.join(scopes)}",
            )
        return caller

    return permitted


def require_everywhere(*scopes: str) -> Callable[[Request], Awaitable[Caller]]:
    """
    The same as `require`, for what belongs to the whole company.

    It raises Forbidden (403) for callers limited to branches as well: a source that they made
    would push for every branch.
    """
    permitted = require(*scopes)

    async def permitted_everywhere(request: Request) -> Caller:
        caller = await permitted(request)
        if caller.branches is not None:
            raise Forbidden(
                "this needs reach over the whole company",
                detail_ru="нужен доступ ко всей компании",
            )
        return caller

    return permitted_everywhere


Identified = Annotated[Caller, Depends(identified)]
