"""
Tokens of links to surveys: made of the link's id by whoever holds the one master key.

Nothing that could be used has to travel or to be kept: a fact names the invitation, who sends it
makes the token of that, and the database keeps its hash alone.
"""

import base64
import hashlib
import hmac
from functools import lru_cache
from typing import Final
from uuid import UUID

from otklik_common.pseudonym import derive

TOKEN_BYTES: Final = 21
"""168 bits; 28 characters of base64url without padding."""

LINK_PATTERN: Final = r"[A-Za-z0-9_-]{28}"


def link_token(master: bytes, tenant: str, link: UUID) -> str:
    """The token of a link: 28 characters of A-Z, a-z, 0-9, - and _; always the same."""
    return _text(hmac.digest(_key(master, "link", tenant), link.bytes, "sha256"))


def linked_name(master: bytes, tenant: str, link: UUID, own: str = "") -> str:
    """A name of what comes by a link (`own`: one of several), from which nobody finds the link."""
    made = hmac.digest(_key(master, "linked", tenant), link.bytes + own.encode(), "sha256")
    return _text(made)


def _text(made: bytes) -> str:
    return base64.urlsafe_b64encode(made[:TOKEN_BYTES]).decode()


def link_digest(token: str) -> bytes:
    """What is kept of a token: 32 bytes that nobody can answer with."""
    return hashlib.sha256(token.encode()).digest()


@lru_cache(4096)
def _key(master: bytes, purpose: str, tenant: str) -> bytes:
    return derive(master, purpose, tenant, "1")
