"""The first start of an installation, and what the command line of a server may do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_access.actions import passwords, signing
from otklik_access.actions.change import Actor, Change, database
from otklik_access.actions.keys import WantedKey, make_key
from otklik_access.actions.staff import ShownPassword, put_revision, reset_password
from otklik_access.domain.kept import Kept
from otklik_access.domain.places import Company
from otklik_access.domain.signing_in import full_login, parse_login
from otklik_access.domain.staff import Member, member_id
from otklik_access.store import places
from otklik_access.store.staff import Credential, Staff
from otklik_common import outbox
from otklik_common.callers import ALL_SCOPES
from otklik_common.db import Database
from otklik_common.errors import Conflict, NotFound
from otklik_common.events.access import Role
from otklik_common.ids import is_tenant, short_id
from otklik_common.module import Platform

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class NewCompany:
    """What a company begins with; `tenant` None means a random short id."""

    names: Mapping[str, str] = field(default_factory=dict)
    timezone: str = "Europe/Moscow"
    language: str = "ru"
    region: str = "RU"
    currency: str = "RUB"
    demo: bool = False
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class FirstStart:
    """
    A company, and its secrets where it was made just now.

    Attributes:
        login: Of the first admin.
        password, key: None where the company was there before: they are told once.
    """

    tenant: str
    login: str
    password: str | None
    key: str | None
    created_at: datetime | None = None


def _nowhere(_: FirstStart) -> None:
    """Secrets that their caller alone remembers."""


async def first_start(
    platform: Platform, wanted: NewCompany, *, keep: Callable[[FirstStart], None] = _nowhere
) -> FirstStart:
    """
    Make the installation's company, admin and key, unless that was done before.

    Two processes may try at once: one makes them, the other waits and gets no secrets.

    Args:
        keep: Called with the secrets before the commit: if it raises, nothing was made. A crash
            after it may leave the secrets of a company that was never made.
    """
    db = database(platform)
    tenant = _tenant(wanted)
    async with db.begin(tenant) as tx:
        known = await places.installed(tx)
        if known is None:
            hashed = await _admin_password()
            if await places.install(tx, tenant):
                made = await _make(tx, platform, tenant, wanted, hashed)
                keep(made)
                return made
            known = await places.installed(tx)
    assert known is not None, "either this transaction made it, or another has committed"
    return await _known(db, known)


async def make_company(platform: Platform, wanted: NewCompany) -> FirstStart:
    """
    Make one more company with its admin and key.

    Raises:
        Conflict: There is a company of the wanted short id.
    """
    tenant = _tenant(wanted)
    hashed = await _admin_password()
    async with database(platform).begin(tenant) as tx:
        if await places.company(tx, tenant) is not None:
            raise Conflict(f"there is a company {tenant}", code="company_exists")
        return await _make(tx, platform, tenant, wanted, hashed)


async def reset_console_password(platform: Platform, login: str) -> ShownPassword:
    """
    A new password for somebody who lost theirs, from the command line of the server.

    Args:
        login: What they type to sign in: `name@company`.
    Raises:
        NotFound: Nobody signs in so.
    """
    named = parse_login(login)
    if named is not None:
        name, tenant = named
        async with database(platform).begin(tenant) as tx:
            staff = Staff(tx, tenant, platform.sealer)
            credential = await staff.credential_by_login(name)
            member = None if credential is None else await staff.by_id(credential.member)
        if member is not None:
            return await reset_password(platform, Actor.console(tenant), member.value.code)
    raise NotFound(
        f"nobody signs in as {login}; a login has the form name@company",
        detail_ru=f"никто не входит как {login}; логин имеет вид имя@компания",
    )


def _tenant(wanted: NewCompany) -> str:
    if wanted.tenant is None:
        return short_id()
    if not is_tenant(wanted.tenant):
        raise ValueError(f"{wanted.tenant!r} is no company's id: 8 of a-z and 2-7, a letter first")
    return wanted.tenant


async def _admin_password() -> tuple[str, str]:
    password = passwords.random_password()
    return password, await passwords.hashed(password)


async def _known(db: Database, tenant: str) -> FirstStart:
    async with db.begin(tenant) as tx:
        company = await places.company(tx, tenant)
    assert company is not None, "the installation names its company in the same transaction"
    return FirstStart(tenant, full_login(ADMIN, tenant), None, None, company.value.created_at)


async def _make(
    tx: AsyncConnection,
    platform: Platform,
    tenant: str,
    wanted: NewCompany,
    hashed: tuple[str, str],
) -> FirstStart:
    record = await outbox.recorder(tx, tenant)
    value = Company(
        tenant=tenant,
        names=dict(wanted.names),
        timezone=wanted.timezone,
        language=wanted.language,
        region=wanted.region,
        currency=wanted.currency,
        demo=wanted.demo,
        created_at=record.now,
    )
    company = Kept(value, 1, record.now)
    await places.put_company(tx, company)
    staff = Staff(tx, tenant, platform.sealer)
    this = Change(tx, Actor.console(tenant), company, staff, record.now)
    this.publish(value.subject, company, value.fact(), verb="made")
    this.note("make", "company", tenant)
    for purpose in signing.SIGNED:
        this.announce(await signing.add_signer(tx, platform, tenant, purpose, record.now))
    await put_revision(this, Kept(Member(code=ADMIN, role=Role.ADMIN), 1, record.now))
    await staff.put_credential(Credential(member_id(tenant, ADMIN), ADMIN, hashed[1]), record.now)
    this.note("make", "member", ADMIN)
    key = await make_key(this, WantedKey("first start", ALL_SCOPES))
    await this.finish(record)
    return FirstStart(tenant, full_login(ADMIN, tenant), hashed[0], key.text, record.now)
