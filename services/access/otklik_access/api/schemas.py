"""What the routes around companies, branches and staff take and give."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from otklik_access.api.words import (
    Code,
    Codes,
    Currency,
    Email,
    Language,
    LoginName,
    Name,
    Names,
    Origins,
    Region,
    Thresholds,
)
from otklik_access.domain.kept import Kept
from otklik_access.domain.places import Branch, BranchGroup, Company
from otklik_access.domain.staff import Member
from otklik_access.store.audit import Entry
from otklik_common.events.access import Role
from otklik_common.hours_words import Zone
from otklik_common.http import StrictModel, bad_value, never_null


class CompanyEdit(StrictModel):
    """Fields to change; those left out stay as they are."""

    model_config = ConfigDict(json_schema_extra=never_null)

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


class DemoRemovedOut(BaseModel):
    """How many were taken out."""

    branch_groups: int
    branches: int
    staff: int


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
    calendar: Code | None = Field(
        default=None, description="code of the calendar of its hours; null: the company's"
    )
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
    calendar: str | None
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
            calendar=value.calendar,
            opened_on=value.opened_on,
            closed_on=value.closed_on,
            active=value.active,
        )


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
