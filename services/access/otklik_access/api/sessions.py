"""Signing in and out, and who the caller is."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from otklik_access.actions import sessions, staff
from otklik_access.actions.change import Actor
from otklik_access.actions.sessions import Session, SessionOver, WrongLogin
from otklik_access.api.callers import Lent, RequestId
from otklik_access.api.credentials import (
    MeOut,
    PasswordBody,
    RefreshBody,
    SessionOut,
    SignInBody,
)
from otklik_access.domain.signing_in import parse_login
from otklik_common.callers import Caller, Identified, identified
from otklik_common.errors import Forbidden
from otklik_common.http import PROBLEMS, PUBLIC, Now
from otklik_common.limits import RateLimit, client_ip, per_ip

router = APIRouter(prefix="/access/v1", tags=["sessions"])

PATH: Final = "/access/v1"

SIGN_IN: Final = RateLimit("sign-in", per_second=0.5, burst=30)
"""Of one address: an office behind one address signs in at nine o'clock."""

GUESSES: Final = RateLimit("login", per_second=0.05, burst=20)
"""Of one login from one address: 4,320 guesses a day."""

FAILURES: Final = RateLimit("login-failures", per_second=0.5, burst=1000)
"""
Of one login from everywhere, wrong passwords alone: 43,200 guesses a day.

So much larger that nobody with a few addresses can keep its owner out.
"""

REFRESHES: Final = RateLimit("refresh", per_second=5, burst=100)


@router.post(
    "/sign-in",
    operation_id="sign_in",
    summary="Sign in with a login and a password",
    response_model=SessionOut,
    responses=PROBLEMS(401, 422, 429),
    openapi_extra=PUBLIC,
    dependencies=[Depends(per_ip(SIGN_IN))],
)
async def sign_in(
    body: SignInBody,
    request: Request,
    response: Response,
    platform: Lent,
    request_id: RequestId,
    now: Now,
) -> SessionOut:
    """
    Begin a session. The token is believed by every service for ten minutes; then refresh it.

    An unknown login, a wrong password and somebody who has left are answered alike, after the
    same time.
    """
    named = parse_login(body.login)
    client = client_ip(request.scope, platform.settings.trusted_proxies)
    with _guess("@".join(named), client) if named else nullcontext():
        session = await sessions.sign_in(
            platform, login=body.login, password=body.password, request_id=request_id, now=now
        )
    return _answer(session, request, response, cookie=body.cookie)


@contextmanager
def _guess(login: str, client: str) -> Iterator[None]:
    """
    A guess at a password; of those from everywhere only a wrong one counts.

    Raises:
        TooMany: There were too many from this client, or too many wrong ones.
    """
    GUESSES.take(f"{login}/{client}")
    FAILURES.take(login)
    wrong = False
    try:
        yield
    except WrongLogin:
        wrong = True
        raise
    finally:
        if not wrong:
            FAILURES.give_back(login)


@router.post(
    "/refresh",
    operation_id="refresh_session",
    summary="Exchange a refresh token for the next session token",
    response_model=SessionOut,
    responses=PROBLEMS(401, 422, 429),
    openapi_extra=PUBLIC,
    dependencies=[Depends(per_ip(REFRESHES))],
)
async def refresh(
    body: RefreshBody,
    request: Request,
    response: Response,
    platform: Lent,
    request_id: RequestId,
    now: Now,
) -> SessionOut:
    """
    Go on with a session. A refresh token works once: using one again ends the session.

    Without `refresh_token` in the body the cookie is used, and the next token goes there too.
    """
    kept = request.cookies.get(_cookie_name(request))
    text = body.refresh_token or kept
    if text is None:
        raise SessionOver
    session = await sessions.refresh(platform, text, request_id=request_id, now=now)
    return _answer(session, request, response, cookie=body.refresh_token is None)


@router.post(
    "/sign-out",
    operation_id="sign_out",
    summary="End a session",
    status_code=204,
    responses=PROBLEMS(401, 422, 429),
    openapi_extra={"security": [{}, {"key": []}]},
    dependencies=[Depends(per_ip(REFRESHES))],
)
async def sign_out(
    request: Request,
    response: Response,
    platform: Lent,
    request_id: RequestId,
    body: RefreshBody | None = None,
) -> None:
    """
    End the session of a refresh token, in the body or the cookie, in effect within 5 s.

    With a session token alone, which does not say of which session it is, all sessions of its
    member end.
    """
    text = (body and body.refresh_token) or request.cookies.get(_cookie_name(request))
    if text is not None:
        await sessions.sign_out(platform, text, request_id=request_id)
    elif request.headers.get("authorization"):
        caller = await identified(request)
        if caller.member is not None:
            by = Actor.of(caller, request_id)
            await sessions.sign_out_member(platform, by, caller.member)
    response.delete_cookie(
        _cookie_name(request), path=PATH, secure=_secure(request), httponly=True, samesite="strict"
    )


@router.get(
    "/me",
    operation_id="me",
    summary="Who the caller is, and what they may do",
    response_model=MeOut,
    responses=PROBLEMS(401),
)
async def me(caller: Identified, platform: Lent, request_id: RequestId) -> MeOut:
    """For every credential: key, session or customer token."""
    name = None
    if caller.agent is not None:
        # Oneself is within reach, whatever the reach.
        own = Actor(caller.tenant, caller.principal, caller.scopes, request_id=request_id)
        name = (await staff.member(platform, own, caller.agent)).kept.value.name
    return MeOut(
        company=caller.tenant,
        principal=caller.principal,
        role=caller.role,
        scopes=tuple(sorted(caller.scopes)),
        branches=None if caller.branches is None else tuple(sorted(caller.branches)),
        member=caller.member,
        code=caller.agent,
        name=name,
        customer=caller.customer,
    )


async def _member(caller: Identified) -> Caller:
    if caller.member is None:
        raise Forbidden(
            "only a member of staff who has signed in can do this",
            detail_ru="это может только сотрудник, который вошёл",
        )
    return caller


SignedIn = Annotated[Caller, Depends(_member)]


@router.post(
    "/me/password",
    operation_id="change_password",
    summary="Change one's own password",
    status_code=204,
    responses=PROBLEMS(401, 403, 422, 429),
)
async def change_password(
    body: PasswordBody, caller: SignedIn, platform: Lent, request_id: RequestId
) -> None:
    """Every session ends, this one too: sign in again with the new password."""
    assert caller.member is not None
    GUESSES.take(f"{caller.member}@{caller.tenant}")
    await sessions.change_password(
        platform, Actor.of(caller, request_id), caller.member, old=body.old, new=body.new
    )


@router.post(
    "/me/sign-out",
    operation_id="sign_out_everywhere",
    summary="End every session of one's own",
    status_code=204,
    responses=PROBLEMS(401, 403),
)
async def sign_out_everywhere(caller: SignedIn, platform: Lent, request_id: RequestId) -> None:
    """On every device, in effect within 5 s."""
    assert caller.member is not None
    await sessions.sign_out_member(platform, Actor.of(caller, request_id), caller.member)


def _answer(session: Session, request: Request, response: Response, *, cookie: bool) -> SessionOut:
    if cookie:
        response.set_cookie(
            _cookie_name(request),
            session.refresh,
            expires=session.refresh_expires_at,
            path=PATH,
            secure=_secure(request),
            httponly=True,
            samesite="strict",
        )
    return SessionOut(
        token=session.token,
        expires_at=session.expires_at,
        refresh_token=None if cookie else session.refresh,
        refresh_expires_at=session.refresh_expires_at,
        member=session.member,
    )


def _secure(request: Request) -> bool:
    platform = request.app.state.platform
    return bool(platform.settings.public_url.startswith("https:"))


def _cookie_name(request: Request) -> str:
    # A browser takes a name with this prefix only over TLS.
    return "__Secure-otklik-refresh" if _secure(request) else "otklik-refresh"
