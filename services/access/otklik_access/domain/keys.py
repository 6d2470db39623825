"""The life of an API key: made, rotated with an overlap, revoked, expired."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from otklik_common.errors import Conflict, Unprocessable
from otklik_common.events import access as events
from otklik_common.ids import subject_id

WRITE_ONLY = frozenset(("events:push", "answers:write"))
"""All that a publishable key can do: anybody may read it in the source of a site."""

LONGEST_OVERLAP = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """
    A key as it is kept: never its secret.

    Attributes:
        digest: SHA-256 of the secret, in hex.
        branches, groups: What it reaches; both empty means the whole company.
        origins: Where browsers may use it from; empty means anywhere.
        rotated_to: The key that takes its place; it works beside it until `expires_at`.
        demo: Made by the launcher for the simulation: what it alone puts goes with the demo.
    """

    key_id: str
    name: str
    purpose: events.KeyPurpose
    digest: str
    scopes: tuple[str, ...]
    created_at: datetime
    branches: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    rotated_to: str | None = None
    demo: bool = False

    def alive(self, now: datetime) -> bool:
        """Whether it opens anything now."""
        ends = [at for at in (self.expires_at, self.revoked_at) if at is not None]
        return all(now < at for at in ends)

    def fact(self) -> events.Key:
        """What other services learn of it."""
        return events.Key(
            key_id=self.key_id,
            purpose=self.purpose,
            digest=self.digest,
            scopes=self.scopes,
            branches=self.branches,
            groups=self.groups,
            origins=self.origins,
            created_at=self.created_at,
            expires_at=self.expires_at,
            revoked_at=self.revoked_at,
        )


def key_subject(tenant: str, key_id: str) -> UUID:
    """Subject id of a key."""
    return subject_id(tenant, "key", key_id)


def check_key(key: ApiKey) -> None:
    """Raise Unprocessable where the parts of a new key contradict each other."""
    if not key.scopes:
        raise Unprocessable(
            "a key without scopes opens nothing",
            detail_ru="ключ без прав ничего не открывает",
            code="no_scopes",
        )
    if key.expires_at is not None and key.expires_at <= key.created_at:
        raise Unprocessable(
            "expires_at is in the past", detail_ru="expires_at в прошлом", code="end_before_start"
        )
    more = sorted(set(key.scopes) - WRITE_ONLY)
    if key.purpose is events.KeyPurpose.PUBLISHABLE and more:
        raise Unprocessable(
            f"a publishable key may not have {', '.join(more)}", code="not_write_only"
        )


def revoked(key: ApiKey, now: datetime) -> ApiKey:
    """The key revoked at `now`, or as it is if it was revoked before."""
    return key if key.revoked_at is not None else replace(key, revoked_at=now)


def rotated(
    key: ApiKey, *, key_id: str, digest: str, now: datetime, overlap: timedelta
) -> tuple[ApiKey, ApiKey]:
    """
    The old key with an end, and the new one in its place.

    Both live for `overlap`, so that a client can be given the new one without a gap.

    Raises:
        Conflict: The old one is dead or has a successor: two live keys are the most.
        Unprocessable: The overlap is negative or above 30 days.
    """
    if not key.alive(now):
        raise Conflict(
            f"key {key.key_id} is no longer alive",
            detail_ru=f"ключ {key.key_id} больше не действует",
            code="key_not_alive",
        )
    if key.rotated_to is not None:
        raise Conflict(
            f"key {key.key_id} gave way to {key.rotated_to}",
            detail_ru=f"ключ {key.key_id} сменился ключом {key.rotated_to}",
            code="already_rotated",
        )
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise Unprocessable(
            "an overlap lasts 0 to 30 days",
            detail_ru="оба ключа действуют вместе от 0 до 30 дней",
            code="overlap_out_of_range",
        )
    ends = now + overlap if key.expires_at is None else min(now + overlap, key.expires_at)
    old = replace(key, expires_at=ends, rotated_to=key_id)
    # The simulation knows nothing of a successor: whoever has it is not the demo.
    return old, replace(key, key_id=key_id, digest=digest, created_at=now, demo=False)


def origin(text: str) -> str:
    """
    An origin as browsers send it: scheme, host, a port if it is not the usual one.

    Raises:
        ValueError: It is not http or https, or says more than an origin.
    """
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"origin {text!r} is not like https://example.org")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"origin {text!r} has more than scheme, host and port")
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
