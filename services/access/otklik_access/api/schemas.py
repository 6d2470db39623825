"""What the routes of access take and give."""

from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Literal, Self
from uuid import UUID
from zoneinfo import available_timezones

import phonenumbers
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from otklik_access.domain.kept import Kept
from otklik_access.domain.keys import ApiKey, origin
from otklik_access.domain.places import Branch, BranchGroup, Company
from otklik_access.domain.signing_in import LEAST_PASSWORD, LOGIN_NAME, MOST_PASSWORD
from otklik_access.domain.staff import Member
from otklik_access.store.audit import Entry
from otklik_common.events.access import KeyPurpose, Role
from otklik_common.http import AwareTime, StrictModel, bad_value

# --- Words --------------------------------------------------------------------------------------

Code = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=100,
        pattern=r"^[^\s\x00-\x1f\x7f/]([^\x00-\x1f\x7f/]*[^\s\x00-\x1f\x7f/])?$",
    ),
]
"""A company's own code; it stands in addresses, so it has no slash."""


@lru_cache(1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime", "Factory"}


def _zone(name: str) -> str:
    if name not in _zones():
        raise bad_value(
            "unknown_timezone",
            "is no time zone of the IANA database",
            "нет такой зоны в базе IANA",
        )
    return name


def _region(code: str) -> str:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise bad_value("unknown_region", "is no country with phones", "нет такой страны")
    return code


def _origin(text: str) -> str:
    try:
        return origin(text)
    except ValueError:
        raise bad_value(
            "malformed",
            "must be an origin like https://example.org",
            "ожидается источник вида https://example.org",
        ) from None


def _in_our_languages(names: dict[str, str]) -> dict[str, str]:
    if not names.keys() <= {"ru", "en"}:
        raise bad_value("unknown_field", "names are in ru and en", "названия бывают ru и en")
    return names


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _ascending(values: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(values)))


Zone = Annotated[str, Field(max_length=64), AfterValidator(_zone)]
Region = Annotated[str, Field(max_length=2), AfterValidator(_region)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Language = Literal["ru", "en"]
Origin = Annotated[str, Field(max_length=300), AfterValidator(_origin)]
Origins = Annotated[tuple[Origin, ...], Field(max_length=20), AfterValidator(_unique)]
Codes = Annotated[tuple[Code, ...], Field(max_length=200), AfterValidator(_unique)]
Thresholds = Annotated[
    tuple[Annotated[int, Field(ge=1, le=86_400)], ...],
    Field(max_length=12, description="waits in seconds of which exact counts are kept"),
    AfterValidator(_ascending),
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Names = Annotated[
    dict[str, Name],
    AfterValidator(_in_our_languages),
    Field(description="display names by language", examples=[{"ru": "Тюмень", "en": "Tyumen"}]),
]
LoginName = Annotated[str, StringConstraints(pattern=LOGIN_NAME.pattern)]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
Password = Annotated[str, StringConstraints(min_length=1, max_length=MOST_PASSWORD)]
NewPassword = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MOST_PASSWORD),
    Field(description=f"at least {LEAST_PASSWORD} characters; long is better than odd"),
]

# --- Company and branches -----------------------------------------------------------------------


class CompanyEdit(StrictModel):
    """Fields to change; those left out stay as they are."""

    names: Names | None = None
    timezone: Zone | None = None
    language: Language | None = None
    region: Region | None = None
    currency: Currency | None = None
    thresholds_seconds: Thresholds | None = None
    origins: Origins | None = None

    @model_validator(mode="after")
    def _nothing_is_removed(self) -> Self:
        for name in self.model_fields_set:
            if getattr(self, name) is None:
                raise bad_value(
                    "wrong_type", f"{name} cannot be null", f"{name} не может быть null"
                )
        return self


class CompanyOut(BaseModel):
    """A company."""

    id: str
    names: dict[str, str]
    timezone: str
    language: str
    region: str
    currency: str
    demo: bool
    active: bool
    thresholds_seconds: tuple[int, ...]
    origins: tuple[str, ...]
    created_at: datetime

    @classmethod
    def of(cls, kept: Kept[Company]) -> Self:
        """The answer for a company."""
        value = kept.value
        return cls(
            id=value.tenant,
            names=value.names,
            timezone=value.timezone,
            language=value.language,
            region=value.region,
            currency=value.currency,
            demo=value.demo,
            active=value.active,
            thresholds_seconds=value.thresholds_seconds,
            origins=value.origins,
            created_at=value.created_at,
        )


class BranchGroupBody(StrictModel):
    """A branch group as it should be."""

    grouping: Code = Field(description="heading: region, ownership, …")
    names: Names = Field(default_factory=dict)
    active: bool = True


class BranchGroupOut(BaseModel):
    """A branch group."""

    code: str
    grouping: str
    names: dict[str, str]
    active: bool

    @classmethod
    def of(cls, kept: Kept[BranchGroup]) -> Self:
        """The answer for a branch group."""
        value = kept.value
        return cls(code=value.code, grouping=value.grouping, names=value.names, active=value.active)


class BranchBody(StrictModel):
    """A branch as it should be."""

    names: Names = Field(default_factory=dict)
    groups: Codes = ()
    timezone: Zone | None = Field(default=None, description="null: the company's")
    opened_on: date | None = None
    closed_on: date | None = Field(default=None, description="the first day without work")
    active: bool = True

    @model_validator(mode="after")
    def _opens_first(self) -> Self:
        if self.opened_on and self.closed_on and self.closed_on < self.opened_on:
            raise bad_value(
                "end_before_start",
                "closed_on is before opened_on",
                "closed_on раньше, чем opened_on",
            )
        return self


class BranchOut(BaseModel):
    """A branch."""

    code: str
    names: dict[str, str]
    groups: tuple[str, ...]
    timezone: str | None
    opened_on: date | None
    closed_on: date | None
    active: bool

    @classmethod
    def of(cls, kept: Kept[Branch]) -> Self:
        """The answer for a branch."""
        value = kept.value
        return cls(
            code=value.code,
            names=value.names,
            groups=value.groups,
            timezone=value.timezone,
            opened_on=value.opened_on,
            closed_on=value.closed_on,
            active=value.active,
        )


# --- Staff --------------------------------------------------------------------------------------


class MemberBody(StrictModel):
    """A member of staff as they should be."""

    name: Name | None = None
    email: Email | None = None
    role: Role
    branches: Codes = Field(
        default=(), description="where the role holds; without branches and groups: everywhere"
    )
    groups: Codes = ()
    starts_on: date | None = None
    ends_on: date | None = Field(default=None, description="the last day of work")
    active: bool = True
    login: LoginName | None = Field(
        default=None, description="name to sign in by; null: the present one, or the code"
    )


class MemberOut(BaseModel):
    """A member of staff; e-mail and login are shown to those with access:read."""

    id: UUID
    code: str
    role: Role
    branches: tuple[str, ...]
    groups: tuple[str, ...]
    starts_on: date | None
    ends_on: date | None
    active: bool
    name: str | None
    email: str | None = None
    login: str | None = None

    @classmethod
    def of(cls, member: UUID, kept: Kept[Member], *, login: str | None, whole: bool) -> Self:
        """The answer for a member; `whole`: with e-mail and login."""
        value = kept.value
        return cls(
            id=member,
            code=value.code,
            role=value.role,
            branches=value.branches,
            groups=value.groups,
            starts_on=value.starts_on,
            ends_on=value.ends_on,
            active=value.active,
            name=value.name,
            email=value.email if whole else None,
            login=login if whole else None,
        )


class ShownPasswordOut(BaseModel):
    """A new password; it is shown this once."""

    login: str
    password: str


# --- Sessions -----------------------------------------------------------------------------------


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


# --- Keys ---------------------------------------------------------------------------------------


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


# --- Audit --------------------------------------------------------------------------------------


class AuditOut(BaseModel):
    """Who did what to which object, and when."""

    number: int
    at: datetime
    principal: str
    action: str
    object_kind: str
    object_id: str
    request_id: str | None
    fields: tuple[str, ...] = Field(description="names of what changed, never the values")

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The answer for a line of the audit trail."""
        return cls(
            number=entry.number,
            at=entry.at,
            principal=entry.principal,
            action=entry.action,
            object_kind=entry.object_kind,
            object_id=entry.object_id,
            request_id=entry.request_id,
            fields=entry.fields,
        )
