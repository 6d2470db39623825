"""
Links that let whoever has one hear one recording, for a few minutes.

A link is `<company>.<version>.<id>.<until>.<signature>`: `until` in seconds since 1970, the signature
the first 128 bits of HMAC-SHA256 over what stands before it.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

MOST_SECONDS: Final = 300
"""A link lives no longer."""

MOST_PLAYS: Final = 500
"""Of one link: a player asks for a recording in parts."""

_VERSION: Final = "1"
_WRITTEN: Final = re.compile(
    r"([a-z][a-z2-7]{7})\.1\.([0-9a-f]{32})\.([0-9]{1,12})\.([0-9a-f]{32})"
)


class Link(NamedTuple):
    """What a link says; nothing of it is true before `is_signed`."""

    tenant: str
    id: UUID
    until: datetime
    signed: str
    signature: str


def write_link(key: bytes, tenant: str, id_: UUID, until: datetime) -> str:
    """A link under a company's key."""
    signed = f"{tenant}.{_VERSION}.{id_.hex}.{int(until.timestamp())}"
    return f"{signed}.{_signature(key, signed)}"


def read_link(text: str) -> Link | None:
    """What a link says; None if it is none."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    tenant, id_, until, signature = found.groups()
    try:
        moment = datetime.fromtimestamp(int(until), UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return Link(tenant, UUID(hex=id_), moment, text[: -len(signature) - 1], signature)


def is_signed(key: bytes, link: Link) -> bool:
    """Whether we wrote it; `key` is that of the company it names."""
    return hmac.compare_digest(_signature(key, link.signed), link.signature)


def _signature(key: bytes, signed: str) -> str:
    return hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()[:32]
