"""Use cases around members of staff and their passwords."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from otklik_access.actions import passwords
from otklik_access.actions.change import Actor, Change, change, changed_fields, database
from otklik_access.domain.kept import Kept, present, renewed, standing
from otklik_access.domain.places import check_known
from otklik_access.domain.signing_in import LOGIN_NAME, full_login, login_name
from otklik_access.domain.staff import (
    Member,
    by_group,
    check_gift,
    check_member,
    member_id,
    reach_of,
)
from otklik_access.store import places
from otklik_access.store.staff import Credential, Staff
from otklik_common.callers import ROLE_SCOPES
from otklik_common.errors import Conflict, NotFound, Unprocessable
from otklik_common.etags import Expected
from otklik_common.events.access import Role
from otklik_common.module import Platform
from otklik_common.paging import Part

Groups = Mapping[str, frozenset[str]]
"""Codes of the branches in each branch group."""


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A member with the name to sign in by; None where they cannot sign in."""

    kept: Kept[Member]
    login: str | None


@dataclass(frozen=True, slots=True)
class ShownPassword:
    """A login and its new password: the only time that the password is known."""

    login: str
    password: str


async def page(platform: Platform, actor: Actor, part: Part) -> list[StaffMember]:
    """Members who work within the actor's reach, in the order of their codes."""
    async with database(platform).begin(actor.tenant) as tx:
        groups = by_group(await places.branch_codes(tx, actor.tenant))
        reach = actor.reach
        within = frozenset(
            group for group, branches in groups.items() if reach is None or branches & reach
        )
        staff = Staff(tx, actor.tenant, platform.sealer)
        found = await staff.page(part, reach=reach, groups=within)
        logins = await staff.logins([member_id(actor.tenant, one.value.code) for one in found])
    return [
        StaffMember(one, _full(logins.get(member_id(actor.tenant, one.value.code)), actor.tenant))
        for one in found
    ]


def _full(login: str | None, tenant: str) -> str | None:
    return None if login is None else full_login(login, tenant)


async def member(platform: Platform, actor: Actor, code: str) -> StaffMember:
    """One member. Raises NotFound, also where they work out of the actor's reach."""
    async with database(platform).begin(actor.tenant) as tx:
        staff = Staff(tx, actor.tenant, platform.sealer)
        groups = by_group(await places.branch_codes(tx, actor.tenant))
        found = _seen(actor, standing(await staff.by_code(code)), groups, code)
        credential = await staff.credential_of(member_id(actor.tenant, code))
    return StaffMember(found, _full(credential.login if credential else None, actor.tenant))


def _seen(actor: Actor, found: Kept[Member] | None, groups: Groups, code: str) -> Kept[Member]:
    """The member, if the actor sees them. Raises NotFound."""
    if found is not None:
        theirs = reach_of(frozenset(found.value.branches), frozenset(found.value.groups), groups)
        if actor.reach is None or (theirs is not None and theirs & actor.reach):
            return found
    raise NotFound(
        f"no member of staff has the code {code}", detail_ru=f"нет сотрудника с кодом {code}"
    )


async def put_member(
    platform: Platform, actor: Actor, value: Member, *, login: str | None, expected: Expected
) -> StaffMember:
    """
    Make or replace a member of staff.

    Args:
        login: Name to sign in by; None leaves the present one, or makes one of the code.
    Raises:
        Unprocessable: A branch or group is unknown, or the parts contradict each other.
        Forbidden: The actor would give more than they have.
        NotFound: A member of that code works out of the actor's reach.
        Conflict: The login is taken, or nobody would be left to administer.
    """
    check_member(value)
    async with change(platform, actor) as this:
        branches = await places.branch_codes(this.tx, actor.tenant)
        groups = by_group(branches)
        check_known("branch", value.branches, branches)
        check_known("branch_group", value.groups, await places.group_codes(this.tx, actor.tenant))
        known = await this.staff.by_code(value.code)
        if known is not None:
            _check_gift(actor, _seen(actor, known, groups, value.code).value, groups)
            value = replace(value, signed_out_before=known.value.signed_out_before)
        expected.check(present(known))
        _check_gift(actor, value, groups)
        await _keep_an_admin(this, known, value)
        kept = renewed(known, value, this.now)
        if kept is not None:
            await put_revision(this, kept)
            this.note("put", "member", value.code, changed_fields(known, value))
        name = await _put_login(this, value, login)
        return StaffMember(kept or known or _never(), _full(name, actor.tenant))


def _never() -> Kept[Member]:
    raise AssertionError("a member is either known or new")


def _check_gift(actor: Actor, value: Member, groups: Groups) -> None:
    check_gift(
        scopes=ROLE_SCOPES[value.role],
        own_scopes=actor.scopes,
        reach=reach_of(frozenset(value.branches), frozenset(value.groups), groups),
        own_reach=actor.reach,
    )


async def _keep_an_admin(this: Change, known: Kept[Member] | None, value: Member) -> None:
    if known is None or known.void or known.value.role is not Role.ADMIN:
        return
    leaves = value.role is not Role.ADMIN or not value.active or value.ends_on is not None
    if leaves and not await this.staff.other_admins(value.code):
        raise Conflict(
            f"{value.code} is the last admin",
            detail_ru=f"{value.code} – последний администратор",
            code="last_admin",
        )


async def put_revision(this: Change, kept: Kept[Member]) -> None:
    """Keep and announce a revision of a member."""
    await this.staff.put(kept)
    this.publish(
        member_id(this.actor.tenant, kept.value.code),
        kept,
        kept.value.fact(this.company.value.timezone),
    )


async def _put_login(this: Change, value: Member, login: str | None) -> str | None:
    member = member_id(this.actor.tenant, value.code)
    known = await this.staff.credential_of(member)
    # The login of a member who was removed is none that can be typed.
    kept = known is not None and LOGIN_NAME.fullmatch(known.login) is not None
    name = login or (known.login if known and kept else login_name(value.code))
    if name is None or (known is not None and known.login == name):
        return name
    taken = await this.staff.credential_by_login(name)
    if taken is not None and taken.member != member:
        if login is None:
            return None
        raise Conflict(
            f"the login {name} is taken", detail_ru=f"логин {name} занят", code="login_taken"
        )
    made = Credential(member, name, known.password_hash if known else None)
    await this.staff.put_credential(made, this.now)
    return name


async def reset_password(platform: Platform, actor: Actor, code: str) -> ShownPassword:
    """
    Give a member a new random password and end all their sessions.

    Raises:
        NotFound: No such member within the actor's reach.
        Forbidden: The member may do more than the actor.
        Unprocessable: The member has no name to sign in by.
    """
    password = passwords.random_password()
    made = await passwords.hashed(password)
    async with change(platform, actor) as this:
        groups = by_group(await places.branch_codes(this.tx, actor.tenant))
        known = _seen(actor, standing(await this.staff.by_code(code)), groups, code)
        _check_gift(actor, known.value, groups)
        credential = await this.staff.credential_of(member_id(actor.tenant, code))
        if credential is None:
            raise Unprocessable(
                f"{code} has no login; give them one first",
                detail_ru=f"у {code} нет логина; сначала задайте его",
                code="no_login",
            )
        await this.staff.put_credential(replace(credential, password_hash=made), this.now)
        await end_sessions(this, known)
        this.note("reset_password", "member", code)
    return ShownPassword(full_login(credential.login, actor.tenant), password)


async def end_sessions(this: Change, known: Kept[Member]) -> None:
    """End every session of a member: no refresh, and no token signed until now."""
    await this.staff.end_sessions_of(member_id(this.actor.tenant, known.value.code), this.now)
    await sign_out_tokens(this, known)


async def sign_out_tokens(this: Change, known: Kept[Member]) -> None:
    """No token of a member signed until now is believed any more."""
    kept = renewed(known, known.value.signed_out(this.now), this.now)
    if kept is not None:
        await put_revision(this, kept)
