"""Signing in, staying signed in, signing out."""

import asyncio
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_access.actions import passwords, signing
from otklik_access.actions.change import Actor, change, database
from otklik_access.actions.staff import end_sessions, sign_out_tokens
from otklik_access.domain.kept import Kept
from otklik_access.domain.places import Company
from otklik_access.domain.signing_in import (
    SESSION,
    RefreshToken,
    RefreshVerdict,
    check_password,
    full_login,
    judge,
    parse_login,
    refresh_expiry,
)
from otklik_access.domain.staff import Member, member_id
from otklik_access.store import audit, places
from otklik_access.store.staff import Credential, Staff
from otklik_common.errors import NotFound, Unauthenticated
from otklik_common.events.access import KeyPurpose
from otklik_common.ids import is_tenant
from otklik_common.module import Platform
from otklik_common.observability import get_logger

log = get_logger(__name__)

_REFRESH: Final = re.compile(r"otr_([a-z][a-z2-7]{7})_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


class WrongLogin(Unauthenticated):
    """The one answer to an unknown login, a wrong password, and somebody who left."""

    code = "wrong_login"

    def __init__(self) -> None:
        super().__init__(
            "the login or the password is wrong", detail_ru="неверный логин или пароль"
        )


class SessionOver(Unauthenticated):
    """The refresh token opens nothing: sign in again."""

    code = "session_over"

    def __init__(self) -> None:
        super().__init__("the session is over; sign in", detail_ru="сеанс окончен, войдите снова")


@dataclass(frozen=True, slots=True)
class Session:
    """
    What a person holds after signing in.

    Attributes:
        token: Believed by every service until `expires_at`.
        refresh: Exchanged here, once, for the next pair.
    """

    token: str
    expires_at: datetime
    refresh: str
    refresh_expires_at: datetime
    member: UUID


async def sign_in(
    platform: Platform, *, login: str, password: str, request_id: str | None, now: datetime
) -> Session:
    """
    Begin a session.

    Raises:
        WrongLogin: After as long as it takes to verify a password, whatever was wrong.
    """
    named = parse_login(login)
    known = None if named is None else await _known(platform, name=named[0], tenant=named[1])
    right = await passwords.verified(password, known.password_hash if known else None)
    if named is None or known is None:
        raise WrongLogin
    tenant = named[1]
    entry = audit.Entry(
        at=now,
        principal=f"member:{known.member}",
        action="sign_in",
        object_kind="member",
        object_id=str(known.member),
        request_id=request_id,
    )
    begun = await _begin(platform, tenant, known, password, entry) if right else None
    if begun is None:
        _note_aside(platform, tenant, replace(entry, action="sign_in_refused"))
        raise WrongLogin
    return begun


async def _begin(
    platform: Platform, tenant: str, known: Credential, password: str, entry: audit.Entry
) -> Session | None:
    """A session after the password was right; None if who it belongs to may not act now."""
    stronger = None
    if known.password_hash and passwords.outdated(known.password_hash):
        stronger = await passwords.hashed(password)
    now = entry.at
    async with database(platform).begin(tenant) as tx:
        company = await places.hold_company(tx, tenant)
        staff = Staff(tx, tenant, platform.sealer)
        member = await _working(staff, company, known.member, now)
        # A password is verified outside of transactions, and may be another one by now.
        if member is None or await staff.credential_of(known.member) != known:
            return None
        await audit.append(tx, tenant, [entry])
        if stronger is not None:
            await staff.replace_hash(known, stronger, now)
        return await _next(
            tx, platform, staff, tenant, member, session=uuid4(), began_at=now, now=now
        )


_aside: Final[set[asyncio.Task[None]]] = set()


def _note_aside(platform: Platform, tenant: str, entry: audit.Entry) -> None:
    """
    Write a line of the audit trail without letting the caller wait.

    An answer that comes later by one commit would tell that the login exists.
    """

    async def write() -> None:
        try:
            async with database(platform).begin(tenant) as tx:
                await audit.append(tx, tenant, [entry])
        except Exception:
            log.warning("audit line lost", tenant=tenant, exc_info=True)

    task = asyncio.create_task(write())
    _aside.add(task)
    task.add_done_callback(_aside.discard)


async def _known(platform: Platform, *, name: str, tenant: str) -> Credential | None:
    async with database(platform).begin(tenant) as tx:
        return await Staff(tx, tenant, platform.sealer).credential_by_login(name)


async def _working(
    staff: Staff, company: Kept[Company] | None, member: UUID, now: datetime
) -> Kept[Member] | None:
    """The member, if they and their company may act now."""
    found = await staff.by_id(member)
    if company is None or found is None or not company.value.active:
        return None
    return found if found.value.works_at(now, company.value.timezone) else None


async def _next(
    tx: AsyncConnection,
    platform: Platform,
    staff: Staff,
    tenant: str,
    member: Kept[Member],
    *,
    session: UUID,
    began_at: datetime,
    now: datetime,
) -> Session:
    token_id, secret = uuid4(), secrets.token_urlsafe(32)
    who = member_id(tenant, member.value.code)
    expires_at = refresh_expiry(began_at, now)
    await staff.add_refresh(
        RefreshToken(token_id, session, who, began_at, expires_at), _digest(secret)
    )
    # Right after signing out, `signed_out_before` lies up to a second ahead: do not sign a token
    # that is refused already.
    at = max(now, member.value.signed_out_before or now)
    token = await signing.token(
        tx, platform, tenant, purpose=KeyPurpose.SESSION, subject=who, now=at, life=SESSION
    )
    return Session(
        token=token,
        expires_at=at.replace(microsecond=0) + SESSION,
        refresh=f"otr_{tenant}_{token_id.hex}_{secret}",
        refresh_expires_at=expires_at,
        member=who,
    )


def _digest(secret: str) -> str:
    # 256 random bits: nothing that a slow hash could make safer.
    return hashlib.sha256(secret.encode()).hexdigest()


async def refresh(
    platform: Platform, text: str, *, request_id: str | None, now: datetime
) -> Session:
    """
    Exchange a refresh token for the next session and refresh token.

    A token used twice means that two parties hold it: the session ends, and every token of that
    member signed until now.

    Raises:
        SessionOver: It is unknown, used, expired, revoked, or its member has left.
    """
    found = _REFRESH.fullmatch(text)
    if found is None or not is_tenant(found[1]):
        raise SessionOver
    tenant, token_id, secret = found[1], UUID(hex=found[2]), found[3]
    async with database(platform).begin(tenant) as tx:
        company = await places.hold_company(tx, tenant)
        staff = Staff(tx, tenant, platform.sealer)
        kept = await staff.lock_refresh(token_id)
        if kept is None or not hmac.compare_digest(kept[1], _digest(secret)):
            raise SessionOver
        token = kept[0]
        verdict = judge(token, now)
        if verdict is RefreshVerdict.GOOD:
            member = await _working(staff, company, token.member, now)
            if member is None:
                raise SessionOver
            await staff.use_refresh(token_id, now)
            return await _next(
                tx,
                platform,
                staff,
                tenant,
                member,
                session=token.session,
                began_at=token.began_at,
                now=now,
            )
    if verdict is RefreshVerdict.REUSED:
        await _end(platform, tenant, token, "refresh_reused", request_id)
    raise SessionOver


async def sign_out(platform: Platform, text: str, *, request_id: str | None) -> None:
    """End the session of a refresh token; one that opens nothing is ended already."""
    found = _REFRESH.fullmatch(text)
    if found is None or not is_tenant(found[1]):
        return
    tenant = found[1]
    async with database(platform).begin(tenant) as tx:
        kept = await Staff(tx, tenant, platform.sealer).lock_refresh(UUID(hex=found[2]))
    if kept is None or not hmac.compare_digest(kept[1], _digest(found[3])):
        return
    if kept[0].revoked_at is None:
        await _end(platform, tenant, kept[0], "sign_out", request_id)


async def _end(
    platform: Platform, tenant: str, token: RefreshToken, action: str, request_id: str | None
) -> None:
    actor = Actor(tenant, f"member:{token.member}", frozenset(), request_id=request_id)
    async with change(platform, actor) as this:
        await this.staff.end_session(token.session, this.now)
        member = await this.staff.by_id(token.member)
        if member is not None:  # Nobody believes tokens of one who was removed.
            # Other sessions of the member go on: their next refresh gives a younger token.
            await sign_out_tokens(this, member)
        this.note(action, "member", str(token.member))


async def sign_out_member(platform: Platform, actor: Actor, member: UUID) -> None:
    """End every session of a member who asks for it."""
    async with change(platform, actor) as this:
        known = await this.staff.by_id(member)
        if known is None:
            raise NotFound("no such member of staff", detail_ru="такого сотрудника нет")
        await end_sessions(this, known)
        this.note("sign_out_everywhere", "member", str(member))


async def change_password(
    platform: Platform, actor: Actor, member: UUID, *, old: str, new: str
) -> None:
    """
    Change one's own password; every session ends, this one too.

    Raises:
        WrongLogin: The old password is wrong, or no longer theirs.
        Unprocessable: The new one is too short, too long or easily guessed.
    """
    async with database(platform).begin(actor.tenant) as tx:
        known = await Staff(tx, actor.tenant, platform.sealer).credential_of(member)
    if not await passwords.verified(old, known.password_hash if known else None):
        raise WrongLogin
    assert known is not None
    check_password(new, login=full_login(known.login, actor.tenant))
    made = await passwords.hashed(new)
    async with change(platform, actor) as this:
        kept = await this.staff.by_id(member)
        if kept is None or not await this.staff.replace_hash(known, made, this.now):
            raise WrongLogin
        await end_sessions(this, kept)
        this.note("change_password", "member", str(member))
