"""What the routes around sessions and keys take and give."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from otklik_access.api.words import Codes, Name, NewPassword, Origins, Password
from otklik_access.domain.kept import Kept
from otklik_access.domain.keys import ApiKey
from otklik_common.events.access import KeyPurpose, Role
from otklik_common.http import AwareTime, StrictModel, bad_value


class SignInBody(StrictModel):
    """Login and password."""

    login: str = Field(max_length=100, examples=["admin@demo2abc"])
    password: Password
    cookie: bool = Field(
        default=False,
        description="keep the refresh token in an HttpOnly cookie instead of telling it",
    )


class RefreshBody(StrictModel):
    """A refresh token; without one it is taken from the cookie."""

    refresh_token: str | None = Field(default=None, max_length=200)


class SessionOut(BaseModel):
    """A session: send `token` as Bearer until it expires, then refresh."""

    token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a word of RFC 6750
    expires_at: datetime
    refresh_token: str | None = Field(description="null where a cookie holds it")
    refresh_expires_at: datetime
    member: UUID


class PasswordBody(StrictModel):
    """The old password and the new one."""

    old: Password
    new: NewPassword


class MeOut(BaseModel):
    """Who the caller is, and what they may do."""

    company: str
    principal: str
    role: Role | None
    scopes: tuple[str, ...]
    branches: tuple[str, ...] | None = Field(description="null: every branch")
    member: UUID | None
    code: str | None
    name: str | None
    customer: UUID | None


class KeyBody(StrictModel):
    """What a new key should be."""

    name: Name
    purpose: Literal["api", "publishable"] = "api"
    scopes: tuple[Annotated[str, Field(max_length=50)], ...] | None = Field(
        default=None,
        max_length=50,
        description="required for purpose api; a publishable key has at most its two",
    )
    branches: Codes = ()
    groups: Codes = ()
    origins: Origins | None = Field(
        default=None,
        description="where browsers may use it from, none: anywhere; required for publishable keys",
    )
    expires_at: AwareTime | None = None

    @model_validator(mode="after")
    def _says_enough(self) -> Self:
        if self.purpose == "api" and self.scopes is None:
            raise bad_value("missing", "scopes are required", "нужны scopes")
        if self.purpose == "publishable" and self.origins is None:
            raise bad_value(
                "missing",
                "origins are required for a publishable key; [] means anywhere",
                "для публичного ключа нужны origins; [] — откуда угодно",
            )
        return self


class RotateBody(StrictModel):
    """How long the old key lives beside the new one."""

    overlap_seconds: int = Field(default=86_400, ge=0, le=30 * 86_400)


class KeyOut(BaseModel):
    """A key, without its secret."""

    id: str
    prefix: str = Field(description="how its text begins")
    name: str
    purpose: KeyPurpose
    scopes: tuple[str, ...]
    branches: tuple[str, ...]
    groups: tuple[str, ...]
    origins: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    rotated_to: str | None
    last_used_at: datetime | None = Field(
        default=None,
        description="to the minute, and only of calls to access: other services do not tell",
    )

    @classmethod
    def of(cls, tenant: str, kept: Kept[ApiKey], seen_at: datetime | None = None) -> Self:
        """The answer for a key."""
        value = kept.value
        return cls(
            id=value.key_id,
            prefix=f"otk_{tenant}_{value.key_id}_",
            name=value.name,
            purpose=value.purpose,
            scopes=value.scopes,
            branches=value.branches,
            groups=value.groups,
            origins=value.origins,
            created_at=value.created_at,
            expires_at=value.expires_at,
            revoked_at=value.revoked_at,
            rotated_to=value.rotated_to,
            last_used_at=seen_at,
        )


class ShownKeyOut(KeyOut):
    """A new key with its text, which is shown this once: null in answers to a repetition."""

    key: str | None


class CustomerTokenBody(StrictModel):
    """For whom a token is, and where its app runs."""

    external_id: str = Field(min_length=1, max_length=200, description="your own id of them")
    origins: Origins = Field(default=(), description="none: those of the company")
    lifetime_seconds: int = Field(default=600, ge=30, le=600)


class CustomerTokenOut(BaseModel):
    """A token with which an app sees one customer."""

    token: str
    expires_at: datetime
    customer: UUID
