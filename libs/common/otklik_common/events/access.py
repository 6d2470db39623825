"""
The facts that access writes: companies, branches, staff, keys, calendars, policies of service.

Other services keep them.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from otklik_common.events.envelope import Code, Fact, Instant
from otklik_common.events.registry import contract

OWNER = "access"


class Role(StrEnum):
    """What a member of staff may do; where, is said by branches and groups."""

    AGENT = "agent"
    MANAGER = "manager"
    HEAD = "head"
    ADMIN = "admin"
    OPERATIONS = "operations"


class KeyPurpose(StrEnum):
    """What a key is for."""

    API = "api"
    PUBLISHABLE = "publishable"
    SESSION = "session"
    CUSTOMER = "customer"


@contract("company", version=1, owner=OWNER)
class Company(Fact):
    """A tenant: its zone, its languages, and what its numbers are counted by."""

    timezone: str
    language: str = "ru"
    region: str = "RU"
    currency: str = "RUB"
    demo: bool = False
    active: bool = True
    thresholds_seconds: tuple[int, ...] = Field(default=(), max_length=12)
    created_at: Instant


@contract("branch_group", version=1, owner=OWNER)
class BranchGroup(Fact):
    """A set of branches: a region, the company's own ones, the franchise, …"""

    code: Code
    grouping: Code
    names: dict[str, str] = Field(default_factory=dict)
    active: bool = True


@contract("branch", version=1, owner=OWNER)
class Branch(Fact):
    """A branch and the groups that it belongs to."""

    code: Code
    names: dict[str, str] = Field(default_factory=dict)
    groups: tuple[Code, ...] = ()
    timezone: str | None = None
    calendar: Code | None = None
    opened_on: Instant | None = None
    closed_on: Instant | None = None
    active: bool = True


@contract("member", version=1, owner=OWNER)
class Member(Fact):
    """
    A member of staff: role, reach and days of work; never a name or an address.

    `branches` and `groups` both empty: the whole company.
    """

    code: Code | None = None
    role: Role
    branches: tuple[Code, ...] = ()
    groups: tuple[Code, ...] = ()
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    active: bool = True
    signed_out_before: Instant | None = None


Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


@contract("key", version=1, owner=OWNER)
class Key(Fact):
    """
    Something that proves who calls, told to every service without its secret.

    `digest` is the SHA-256 of an API key's secret part in hex; `public_key` the Ed25519 public
    key of a signer, base64url without padding.
    """

    key_id: Code
    purpose: KeyPurpose
    digest: Digest | None = None
    public_key: str | None = None
    scopes: tuple[Code, ...] = ()
    branches: tuple[Code, ...] = ()
    groups: tuple[Code, ...] = ()
    origins: tuple[str, ...] = ()
    created_at: Instant
    expires_at: Instant | None = None
    revoked_at: Instant | None = None


Hours = Annotated[str, StringConstraints(pattern=r"^\d\d:\d\d-\d\d:\d\d$")]
"""A part of a local day, `09:00-18:00`; midnight at its end is 24:00."""

Day = tuple[Hours, ...]
"""When a day is open; nothing: closed."""


class CalendarRules(BaseModel):
    """
    How a calendar is open from a local day on.

    `since` is null where these rules are the first; `week` runs from Monday to Sunday; `breaks`
    are taken out of every day of it; `holidays` names the country whose production calendar is
    kept.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    since: date | None = None
    timezone: str
    week: tuple[Day, Day, Day, Day, Day, Day, Day]
    breaks: Day = ()
    holidays: str | None = None


@contract("calendar", version=1, owner=OWNER)
class Calendar(Fact):
    """
    Opening hours, by which business time is told.

    `exceptions` are days with hours of their own, whatever the rules say.
    """

    code: Code
    names: dict[str, str] = Field(default_factory=dict)
    default: bool = False
    rules: tuple[CalendarRules, ...] = Field(min_length=1)
    exceptions: dict[date, Day] = Field(default_factory=dict)


class TargetName(StrEnum):
    """What may be promised about a contact."""

    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    FIRST_RESOLUTION = "first_resolution"
    RESOLUTION = "resolution"
    CALLBACK = "callback"


class OtherTargetName(StrEnum):
    """What may be promised about a claim or a review."""

    CLAIM_REACTION = "claim_reaction"
    CLAIM_ANSWER = "claim_answer"
    REVIEW_REPLY = "review_reply"


AnyTarget = Literal[
    "first_response",
    "next_response",
    "first_resolution",
    "resolution",
    "callback",
    "claim_reaction",
    "claim_answer",
    "review_reply",
]
"""What people and programs may say is promised: a `TargetName` or an `OtherTargetName`."""

TARGET_NAMES: Final[tuple[str, ...]] = AnyTarget.__args__  # type: ignore[attr-defined]


class PauseName(StrEnum):
    """What may hold a clock: the sender's pause, a hold, or our waiting for the customer."""

    PAUSED = "paused"
    HELD = "held"
    CUSTOMER = "customer"


class SlaTarget(BaseModel):
    """
    One promise: by when, in which time, and what holds its clock.

    `business`: the time of a calendar; else elapsed time.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    target: TargetName
    seconds: int = Field(gt=0)
    warning_seconds: int = Field(default=0, ge=0)
    business: bool = True
    pauses: tuple[PauseName, ...] = ()


class OtherTarget(BaseModel):
    """One promise about a claim or a review; as `SlaTarget`, but nothing holds its clock."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    target: OtherTargetName
    seconds: int = Field(gt=0)
    warning_seconds: int = Field(default=0, ge=0)
    business: bool = True


class SlaTerms(BaseModel):
    """
    What a policy promises from a moment on, and to whom; an empty condition fits everybody.

    `since` is null where these terms are the first; `calendar` names whose business time counts:
    null for the one of the contact's branch, else the company's own. `other_targets` are of claims
    and reviews, which only terms with such targets are asked about; terms without any of `targets`
    are never asked about contacts.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    since: Instant | None = None
    active: bool = True
    priority: int
    calendar: Code | None = None
    channels: tuple[Code, ...] = ()
    parties: tuple[Code, ...] = ()
    branches: tuple[Code, ...] = ()
    groups: tuple[Code, ...] = ()
    queues: tuple[Code, ...] = ()
    segments: tuple[Code, ...] = ()
    service_levels: tuple[Code, ...] = ()
    targets: tuple[SlaTarget, ...] = ()
    other_targets: tuple[OtherTarget, ...] = ()


@contract("sla_policy", version=1, owner=OWNER)
class SlaPolicy(Fact):
    """
    A policy of service, with all that it ever promised.

    Of the policies that fit, the one with the lowest priority number holds.
    """

    code: Code
    names: dict[str, str] = Field(default_factory=dict)
    terms: tuple[SlaTerms, ...] = Field(min_length=1)
