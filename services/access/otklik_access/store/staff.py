"""Members of staff, how they sign in, and their sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from otklik_access.domain.kept import Kept, standing
from otklik_access.domain.signing_in import RefreshToken
from otklik_access.domain.staff import Member, member_id
from otklik_access.store import tables
from otklik_access.store.rows import put
from otklik_common.events.access import Role
from otklik_common.paging import Part, keyset
from otklik_common.pseudonym import Sealer

PURPOSE = "member"
"""What names and addresses of staff are sealed for."""


@dataclass(frozen=True, slots=True)
class Credential:
    """How a member signs in; without a hash nobody can."""

    member: UUID
    login: str
    password_hash: str | None


class Staff:
    """Reads and writes of one company's staff; opens and seals what is personal."""

    def __init__(self, tx: AsyncConnection, tenant: str, sealer: Sealer) -> None:
        self._tx = tx
        self._tenant = tenant
        self._sealer = sealer

    async def by_code(self, code: str) -> Kept[Member] | None:
        """The member of that code, also one who was removed."""
        return await self._one(tables.member.c.code == code)

    async def by_id(self, member: UUID) -> Kept[Member] | None:
        """The member of that subject id, unless removed."""
        return standing(await self._one(tables.member.c.id == member))

    async def _one(self, condition: ColumnElement[bool]) -> Kept[Member] | None:
        table = tables.member
        found = await self._tx.execute(
            select(table).where(table.c.tenant == self._tenant, condition)
        )
        row = found.one_or_none()
        return None if row is None else self._member(row)

    async def page(
        self, part: Part, *, reach: frozenset[str] | None, groups: frozenset[str]
    ) -> list[Kept[Member]]:
        """
        Members in the order of their codes.

        Args:
            reach: Only members who work in one of these branches, or in one of `groups`; None
                means everybody.
        """
        table = tables.member
        rows = select(table).where(table.c.tenant == self._tenant, ~table.c.void)
        if reach is not None:
            rows = rows.where(
                or_(
                    table.c.branches.overlap(_texts(reach)),
                    table.c.groups.overlap(_texts(groups)),
                )
            )
        found = await self._tx.execute(keyset(rows, part, order=(table.c.code,)))
        return [self._member(row) for row in found]

    async def with_days(self) -> list[Kept[Member]]:
        """Members whose work has a first or a last day."""
        table = tables.member
        rows = select(table).where(
            table.c.tenant == self._tenant,
            ~table.c.void,
            or_(table.c.starts_on.is_not(None), table.c.ends_on.is_not(None)),
        )
        return [self._member(row) for row in await self._tx.execute(rows)]

    def _member(self, row: Row[Any]) -> Kept[Member]:
        value = Member(
            code=row.code,
            role=Role(row.role),
            branches=tuple(row.branches),
            groups=tuple(row.groups),
            starts_on=row.starts_on,
            ends_on=row.ends_on,
            active=row.active,
            signed_out_before=row.signed_out_before,
            name=self._open(row.name_sealed),
            email=self._open(row.email_sealed),
        )
        return Kept(value, row.revision, row.recorded_at, row.void)

    def _open(self, sealed: bytes | None) -> str | None:
        return None if sealed is None else self._sealer.open(self._tenant, PURPOSE, sealed)

    def _seal(self, text: str | None) -> bytes | None:
        return None if text is None else self._sealer.seal(self._tenant, PURPOSE, text)

    async def put(self, kept: Kept[Member]) -> None:
        """Keep a revision of a member."""
        value = kept.value
        await put(
            self._tx,
            tables.member,
            kept,
            {
                "tenant": self._tenant,
                "code": value.code,
                "id": member_id(self._tenant, value.code),
                "role": value.role.value,
                "branches": list(value.branches),
                "groups": list(value.groups),
                "starts_on": value.starts_on,
                "ends_on": value.ends_on,
                "active": value.active,
                "signed_out_before": value.signed_out_before,
                "name_sealed": self._seal(value.name),
                "email_sealed": self._seal(value.email),
            },
        )

    async def credential_of(self, member: UUID) -> Credential | None:
        """How a member signs in."""
        return await self._credential(tables.credential.c.member == member)

    async def credential_by_login(self, login: str) -> Credential | None:
        """Who signs in with that name."""
        return await self._credential(tables.credential.c.login == login)

    async def _credential(self, condition: ColumnElement[bool]) -> Credential | None:
        table = tables.credential
        found = await self._tx.execute(
            select(table.c.member, table.c.login, table.c.password_hash).where(
                table.c.tenant == self._tenant, condition
            )
        )
        row = found.one_or_none()
        return None if row is None else Credential(row.member, row.login, row.password_hash)

    async def logins(self, members: list[UUID]) -> dict[UUID, str]:
        """Names by which members sign in."""
        table = tables.credential
        rows = await self._tx.execute(
            select(table.c.member, table.c.login).where(
                table.c.tenant == self._tenant, table.c.member.in_(members)
            )
        )
        return {row.member: row.login for row in rows}

    async def other_admins(self, code: str) -> int:
        """How many admins there are for good, beside the member of that code."""
        table = tables.member
        found: int | None = await self._tx.scalar(
            select(func.count()).where(
                table.c.tenant == self._tenant,
                table.c.role == Role.ADMIN.value,
                ~table.c.void,
                table.c.active,
                table.c.ends_on.is_(None),
                table.c.code != code,
            )
        )
        return found or 0

    async def put_credential(self, credential: Credential, now: datetime) -> None:
        """Keep how a member signs in, in the place of what was kept."""
        table = tables.credential
        new = insert(table).values(
            tenant=self._tenant,
            member=credential.member,
            login=credential.login,
            password_hash=credential.password_hash,
            changed_at=now,
        )
        changed = {name: new.excluded[name] for name in ("login", "password_hash", "changed_at")}
        await self._tx.execute(
            new.on_conflict_do_update(index_elements=["tenant", "member"], set_=changed)
        )

    async def replace_hash(self, verified: Credential, made: str, now: datetime) -> bool:
        """
        Another hash for a credential that is still what was verified; False if it is not.

        Between verifying and writing it may have been reset, or retired for ever.
        """
        table = tables.credential
        written = await self._tx.execute(
            update(table)
            .where(
                table.c.tenant == self._tenant,
                table.c.member == verified.member,
                table.c.login == verified.login,
                table.c.password_hash == verified.password_hash,
            )
            .values(password_hash=made, changed_at=now)
        )
        return written.rowcount == 1

    async def retire_credential(self, member: UUID, now: datetime) -> None:
        """Nobody signs in as this member any more, and their login is free."""
        table = tables.credential
        await self._tx.execute(
            update(table)
            .where(table.c.tenant == self._tenant, table.c.member == member)
            .values(login=f"-{member}", password_hash=None, changed_at=now)
        )

    async def add_refresh(self, token: RefreshToken, digest: str) -> None:
        """Keep a new refresh token."""
        await self._tx.execute(
            insert(tables.refresh_token).values(
                tenant=self._tenant,
                id=token.token_id,
                session=token.session,
                member=token.member,
                digest=digest,
                began_at=token.began_at,
                expires_at=token.expires_at,
            )
        )

    async def lock_refresh(self, token_id: UUID) -> tuple[RefreshToken, str] | None:
        """The refresh token of that id and the digest of its secret, locked."""
        table = tables.refresh_token
        found = await self._tx.execute(
            select(table)
            .where(table.c.tenant == self._tenant, table.c.id == token_id)
            .with_for_update()
        )
        row = found.one_or_none()
        if row is None:
            return None
        token = RefreshToken(
            token_id=row.id,
            session=row.session,
            member=row.member,
            began_at=row.began_at,
            expires_at=row.expires_at,
            used_at=row.used_at,
            revoked_at=row.revoked_at,
        )
        return token, row.digest

    async def use_refresh(self, token_id: UUID, now: datetime) -> None:
        """Mark a refresh token as exchanged."""
        table = tables.refresh_token
        await self._tx.execute(
            update(table)
            .where(table.c.tenant == self._tenant, table.c.id == token_id)
            .values(used_at=now)
        )

    async def end_session(self, session: UUID, now: datetime) -> None:
        """No token of this session can be exchanged any more."""
        await self._end(tables.refresh_token.c.session == session, now)

    async def end_sessions_of(self, member: UUID, now: datetime) -> None:
        """No token of any session of a member can be exchanged any more."""
        await self._end(tables.refresh_token.c.member == member, now)

    async def _end(self, condition: ColumnElement[bool], now: datetime) -> None:
        table = tables.refresh_token
        await self._tx.execute(
            update(table)
            .where(table.c.tenant == self._tenant, condition, table.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )


def _texts(codes: frozenset[str]) -> Any:
    return cast(sorted(codes), ARRAY(Text))
