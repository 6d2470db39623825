"""Something that sends us events: a telephone exchange, a chat, a form, an import."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from otklik_common.errors import Refused, Unprocessable
from otklik_common.events.contact_center import Source as SourceFact
from otklik_common.ids import random_id, source_subject
from otklik_contact_center.domain.mapping_faults import check_mapping
from otklik_contact_center.domain.providers import PROVIDERS
from otklik_contact_center.domain.providers.pushed import BadCredentialsError, Directions, Provider
from otklik_contact_center.domain.signature import SECRET_BYTES

DEFAULT: Final = "default"
"""Every company has this source: what names no other comes from it."""

GENERIC: Final = "generic"
"""Sends our own event contract."""

BRANCH: Final = "branch"
"""Takes what keys of a branch push; made when the first of them does (decision 0029)."""

WEB: Final = "web"
"""Takes what pages push with publishable keys; made when the first of them does."""

KINDS: Final = (GENERIC, *PROVIDERS)
"""What may be made; the others make themselves."""

ROTATION: Final = timedelta(hours=24)
"""How long the former secret still signs."""

MOST_SOURCES: Final = 500

BAD_CREDENTIALS: Final = "bad_credentials"

_ID: Final = re.compile(r"([a-z][a-z2-7]{7})\.[a-z0-9]{1,32}")


class SourceEnded(Refused):
    """The company has ended the source that pushes."""

    status = 410
    code = "source_ended"


@dataclass(frozen=True, slots=True)
class Source:
    """
    A source of a company.

    Attributes:
        id: `<company>.<eight random characters>`, or `<company>.default`.
        secret: Signs its pushes; `former_secret` does so too until `former_until`, and the one
            before that until `older_until`.
        require_signature: A key alone is not enough.
        revision: Of the fact that was published last.
        demo: The simulation pushes through it: it is taken out with the demo.
        branch: All its contacts are this branch's; None: of any branch.
        credentials: By what a provider proves itself; empty for our own events.
        directions: How the company's words stand for those of a provider.
        version: Of the directions.
        heard_at: When its last new event came, as of the last change of its silence.
        silent_since: Its last event, while its silence is told; None: it is heard, or quiet by chance.
        usual_gap: How long it may be silent by chance then.
        active: Nobody has given it up.
        ended_at: Since when it takes nothing more; None while it does.
    """

    tenant: str
    id: str
    name: str
    kind: str
    secret: bytes
    require_signature: bool
    created_at: datetime
    former_secret: bytes | None = None
    former_until: datetime | None = None
    older_secret: bytes | None = None
    older_until: datetime | None = None
    revision: int = 1
    branch: str | None = None
    demo: bool = False
    credentials: Mapping[str, str] = field(default_factory=dict)
    directions: Directions = field(default_factory=Directions)
    version: int = 1
    heard_at: datetime | None = None
    silent_since: datetime | None = None
    usual_gap: timedelta | None = None
    active: bool = True
    ended_at: datetime | None = None

    @property
    def provider(self) -> Provider | None:
        """Whose pushes it takes; None where they are our own events."""
        return PROVIDERS.get(self.kind)

    @property
    def subject(self) -> UUID:
        """Its id in facts."""
        return source_subject(self.tenant, self.id)

    def secrets_at(self, now: datetime) -> tuple[bytes, ...]:
        """The secrets that are good now."""
        former = (
            (self.former_secret, self.former_until),
            (self.older_secret, self.older_until),
        )
        still_good = (
            secret
            for secret, until in former
            if secret is not None and until is not None and now < until
        )
        return (self.secret, *still_good)

    def rotated(self, now: datetime) -> "Source":
        """
        The source with a new secret; the present one is good for another day.

        So is the one before it for what is left of its day: a rotation that is asked for again,
        because its answer was lost, must not end the secret that senders sign with.
        """
        return replace(
            self,
            secret=new_secret(),
            former_secret=self.secret,
            former_until=now + ROTATION,
            older_secret=self.former_secret,
            older_until=self.former_until,
            revision=self.revision + 1,
        )

    def told(
        self, *, credentials: Mapping[str, str] | None, directions: Directions | None
    ) -> "Source":
        """
        The source with other credentials or directions; None leaves them.

        Raises:
            Unprocessable: It proves itself by other credentials than these.
        """
        changed = self
        if credentials is not None:
            check_credentials(self.kind, credentials)
            changed = replace(changed, credentials=credentials)
        if directions is not None and directions != self.directions:
            check_directions(self.kind, directions)
            changed = replace(changed, directions=directions, version=self.version + 1)
        return changed

    def asked_to_sign(self, *, required: bool) -> "Source":
        """The source that signs its pushes, or no longer has to."""
        if required is self.require_signature:
            return self
        return replace(self, require_signature=required, revision=self.revision + 1)

    def ended(self, now: datetime) -> "Source":
        """The source that takes nothing more; what it has told stays."""
        if self.ended_at is not None:
            return self
        return replace(
            self, ended_at=now, silent_since=None, usual_gap=None, revision=self.revision + 1
        )

    def resumed(self) -> "Source":
        """The source that takes what is pushed again."""
        if self.ended_at is None:
            return self
        return replace(self, ended_at=None, revision=self.revision + 1)

    def check_taking(self) -> None:
        """Raise SourceEnded if it takes nothing more."""
        if self.ended_at is not None:
            raise SourceEnded(
                f"the source was ended at {self.ended_at.isoformat()}: take its webhook out, or"
                ' resume it by {"ended": false}',
                detail_ru=f"источник отключён {self.ended_at.isoformat()}: удалите его вебхук или"
                ' включите источник снова: {"ended": false}',
            )

    def silenced(self, heard_at: datetime, usual_gap: timedelta) -> "Source":
        """The source that should have been heard since `heard_at`."""
        return replace(
            self,
            heard_at=heard_at,
            silent_since=heard_at,
            usual_gap=usual_gap,
            revision=self.revision + 1,
        )

    def heard(self, heard_at: datetime) -> "Source":
        """The source that is heard again."""
        return replace(
            self,
            heard_at=heard_at,
            silent_since=None,
            usual_gap=None,
            active=True,
            revision=self.revision + 1,
        )

    def given_up(self) -> "Source":
        """The source that has been silent for so long that nobody waits for it."""
        return replace(self, active=False, revision=self.revision + 1)

    def fact(self) -> SourceFact:
        """The source as others may know it."""
        return SourceFact(
            name=self.name,
            product=self.kind,
            created_at=self.created_at,
            last_event_at=self.heard_at,
            active=self.active and self.ended_at is None,
            silent=self.silent_since is not None,
            silent_since=self.silent_since,
            usual_gap_ms=(
                None if self.usual_gap is None else self.usual_gap // timedelta(milliseconds=1)
            ),
        )


def new_source(
    tenant: str,
    *,
    name: str,
    kind: str,
    require_signature: bool,
    now: datetime,
    demo: bool = False,
    credentials: Mapping[str, str] | None = None,
    directions: Directions | None = None,
) -> Source:
    """
    A source with a secret of its own.

    Raises:
        Unprocessable: A provider proves itself by other credentials than these.
    """
    check_credentials(kind, credentials or {})
    check_directions(kind, directions or Directions())
    return Source(
        tenant=tenant,
        id=f"{tenant}.{random_id(8)}",
        name=name,
        kind=kind,
        secret=new_secret(),
        require_signature=require_signature,
        created_at=now,
        demo=demo,
        credentials=credentials or {},
        directions=directions or Directions(),
    )


def check_credentials(kind: str, given: Mapping[str, str]) -> None:
    """Raise Unprocessable where a source of a kind proves itself by other credentials than these."""
    provider = PROVIDERS.get(kind)
    needed = frozenset(provider.credentials if provider else ())
    known = needed.union(provider.options if provider else ())
    if not needed <= given.keys() <= known:
        names = ", ".join(sorted(needed)) or "none"
        more = ", ".join(sorted(known - needed))
        raise Unprocessable(
            f"a source of kind {kind} proves itself by these credentials: {names}"
            + (f"; it may have these: {more}" if more else ""),
            code=BAD_CREDENTIALS,
            detail_ru=f"источник вида {kind} подтверждает себя этими данными: {names}"
            + (f"; может иметь ещё эти: {more}" if more else ""),
        )
    if provider is not None and provider.check is not None:
        try:
            provider.check(given)
        except BadCredentialsError as wrong:
            raise Unprocessable(str(wrong), code=BAD_CREDENTIALS, detail_ru=wrong.ru) from None


def check_directions(kind: str, given: Directions) -> None:
    """Raise Unprocessable where a source of a kind cannot be read by these directions."""
    if given.mapping is None:
        return
    provider = PROVIDERS.get(kind)
    if provider is None or not provider.mapped:
        raise Unprocessable(
            f"a source of kind {kind} is not read by a mapping",
            code="mapping_not_taken",
            detail_ru=f"источник вида {kind} читается без описания (mapping)",
        )
    check_mapping(given.mapping)


def default_source(tenant: str, now: datetime) -> Source:
    """The source of what names no other."""
    made = new_source(tenant, name=DEFAULT, kind=GENERIC, require_signature=False, now=now)
    return replace(made, id=default_id(tenant))


def branch_source(tenant: str, branch: str, now: datetime) -> Source:
    """Where contacts come from that keys of a branch push."""
    made = new_source(tenant, name=branch, kind=BRANCH, require_signature=False, now=now)
    return replace(made, id=branch_id(tenant, branch), branch=branch)


def web_source(tenant: str, branch: str | None, now: datetime) -> Source:
    """Where contacts come from that pages push: the company's, or those of a branch."""
    made = new_source(tenant, name=branch or WEB, kind=WEB, require_signature=False, now=now)
    return replace(made, id=web_id(tenant, branch), branch=branch)


def branch_id(tenant: str, branch: str) -> str:
    """
    Id of a branch's source.

    The same for every key of the branch: a new key goes on with the contacts of the old one.
    """
    return f"{tenant}.b{_marked(branch)}"


def web_id(tenant: str, branch: str | None = None) -> str:
    """Id of the source of a company's pages, or of a branch's."""
    return f"{tenant}.{WEB}" if branch is None else f"{tenant}.w{_marked(branch)}"


def _marked(branch: str) -> str:
    """What stands for a code in an id: codes may hold anything."""
    digest = hashlib.blake2b(branch.encode(), digest_size=10).digest()
    return base64.b32encode(digest).decode().lower()


def default_id(tenant: str) -> str:
    """Id of a company's default source."""
    return f"{tenant}.{DEFAULT}"


def tenant_of(source_id: str) -> str | None:
    """The company that a source id names; None if it is none."""
    found = _ID.fullmatch(source_id)
    return None if found is None else found[1]


def new_secret() -> bytes:
    """A fresh secret."""
    return secrets.token_bytes(SECRET_BYTES)
