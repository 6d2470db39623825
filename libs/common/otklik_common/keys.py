"""
The texts that prove who calls: API keys, and short-lived signed tokens.

An API key is `otk_<company>_<key id>_<secret><checksum>`: found by secret scanners by its
prefix, refused by its checksum before anything is looked up, kept only as the SHA-256 of its
secret. Tokens are JWS with Ed25519 (RFC 8037), checked as RFC 8725 asks: nothing in them chooses
how they are verified.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID
from zlib import crc32

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from otklik_common.events.access import KeyPurpose
from otklik_common.ids import is_tenant, random_id

# --- API keys -----------------------------------------------------------------------------------

BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_LENGTH: Final = 32
"""Characters of base62 in a secret: 190 bits, so that a plain SHA-256 keeps it safe."""

_KEY = re.compile(r"(otk_([a-z][a-z2-7]{7})_([a-z2-7]{10})_([0-9A-Za-z]{32}))([0-9A-Za-z]{6})")


class BadKey(Exception):
    """The text is no API key; the messages are fit for the caller and never repeat the text."""

    def __init__(self, en: str, ru: str) -> None:
        super().__init__(en)
        self.ru = ru


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """What an API key says: whose, which, and the SHA-256 of its secret in hexadecimal."""

    tenant: str
    key_id: str
    digest: str


def new_key(tenant: str) -> tuple[str, str, str]:
    """A fresh key of a company: its text (to be shown once), its id, and the digest to keep."""
    if not is_tenant(tenant):
        raise ValueError(f"{tenant!r} is no company's id")
    key_id = random_id(10)
    secret = "".join(secrets.choice(BASE62) for _ in range(SECRET_LENGTH))
    return key_text(tenant, key_id, secret), key_id, digest_of(secret)


def key_text(tenant: str, key_id: str, secret: str) -> str:
    """The text of a key, checksum included."""
    body = f"otk_{tenant}_{key_id}_{secret}"
    return body + _checksum(body)


def parse_key(text: str) -> ParsedKey:
    """What a key's text says; nothing is proved yet. Raises BadKey."""
    found = _KEY.fullmatch(text)
    if found is None:
        raise BadKey(
            "the key is malformed: otk_<company>_<key id>_<secret> is expected",
            "это не ключ: нужен otk_<компания>_<номер ключа>_<секрет>",
        )
    body, tenant, key_id, secret, checksum = found.groups()
    if checksum != _checksum(body):
        raise BadKey(
            "the key's checksum is wrong: a character was lost or changed",
            "контрольная сумма ключа не сходится: знак потерян или изменён",
        )
    return ParsedKey(tenant, key_id, digest_of(secret))


def digest_of(secret: str) -> str:
    """SHA-256 of a secret, in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same_digest(shown: str, kept: str) -> bool:
    """Whether two digests are equal, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(shown.encode(), kept.encode())


def same_text(shown: str, kept: str) -> bool:
    """The same for secrets of any characters and length."""
    return same_digest(
        hashlib.sha256(shown.encode("utf-8", "surrogateescape")).hexdigest(),
        hashlib.sha256(kept.encode("utf-8", "surrogateescape")).hexdigest(),
    )


def _checksum(body: str) -> str:
    number = crc32(body.encode())
    letters = ""
    for _ in range(6):
        number, rest = divmod(number, 62)
        letters = BASE62[rest] + letters
    return letters


# --- Signed tokens ------------------------------------------------------------------------------

TOKEN_LIFE: Final = timedelta(minutes=10)
CLOCK_SKEW: Final = timedelta(seconds=5)
"""How far the clocks of two servers may differ, for `nbf` only."""

ISSUER: Final = "otklik/access"
AUDIENCE: Final = "otklik"
ALGORITHM: Final = "Ed25519"
"""EdDSA on one curve by its own name: RFC 9864 retires the name EdDSA for not saying which."""
MOST_CHARACTERS: Final = 2048
MOST_ORIGINS: Final = 20

_TYPES: Final = {
    KeyPurpose.SESSION: "otklik-session+jwt",
    KeyPurpose.CUSTOMER: "otklik-customer+jwt",
}
_KID = re.compile(r"([a-z][a-z2-7]{7})\.([A-Za-z0-9_-]{1,40})")
_PART = re.compile(r"[A-Za-z0-9_-]+")


class BadToken(Exception):
    """The text is no token that proves anything; the message is fit for the caller."""


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """
    What a verified token says.

    Attributes:
        subject: Member of staff, or customer.
        origins: Web origins from which it may be used; empty means any.
    """

    tenant: str
    subject: UUID
    issued_at: datetime
    expires_at: datetime
    origins: tuple[str, ...] = ()


def new_signer() -> tuple[str, str]:
    """A fresh Ed25519 pair: private seed (to be sealed) and public key, base64url unpadded."""
    private = Ed25519PrivateKey.generate()
    seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return _encode(seed), _encode(public)


def sign_token(
    private_key: str,
    *,
    tenant: str,
    key_id: str,
    purpose: KeyPurpose,
    subject: UUID,
    now: datetime,
    life: timedelta = TOKEN_LIFE,
    origins: tuple[str, ...] = (),
) -> str:
    """
    A token for `subject`, signed by the company's key `key_id`.

    Raises:
        ValueError: `life` is longer than ten minutes, or `purpose` signs no tokens.
    """
    if purpose not in _TYPES:
        raise ValueError(f"keys for {purpose} sign no tokens")
    if not timedelta(0) < life <= TOKEN_LIFE:
        raise ValueError(f"tokens live at most {TOKEN_LIFE}, not {life}")
    issued_at = int(now.timestamp())
    header = {"alg": ALGORITHM, "typ": _TYPES[purpose], "kid": f"{tenant}.{key_id}"}
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(subject),
        "tenant": tenant,
        "iat": issued_at,
        "nbf": issued_at,
        "exp": issued_at + int(life.total_seconds()),
    }
    if origins:
        claims["origins"] = list(origins[:MOST_ORIGINS])
    body = json.dumps(claims, separators=(",", ":")).encode()
    return jws.serialize_compact(header, body, _private(private_key), [ALGORITHM])


def token_key_id(text: str) -> tuple[str, str]:
    """Company and key id that a token names as its signer; nothing is proved yet. Raises BadToken."""
    return _named(_parts(text)[0])


def verify_token(
    public_key: str, text: str, *, tenant: str, purpose: KeyPurpose, now: datetime
) -> TokenClaims:
    """
    What a token says, once everything about it was checked.

    Args:
        public_key: Of the key that `token_key_id` names, out of our own directory.
        tenant: Company of that key.
        purpose: What that key is for; tokens of another kind are refused.
    Raises:
        BadToken: It is malformed, forged, expired, or meant for another use.
    """
    header, claims = _parts(text)
    if header.keys() != {"alg", "typ", "kid"}:
        raise BadToken("the token's header is not ours")
    if header["alg"] != ALGORITHM or header["typ"] != _TYPES.get(purpose):
        raise BadToken("the token is of another kind")
    if _named(header)[0] != tenant:
        raise BadToken("the token is of another company")
    try:
        jws.deserialize_compact(text, _public(public_key), [ALGORITHM])
    except (JoseError, ValueError):
        raise BadToken("the token's signature is wrong") from None
    return _claims(claims, tenant, now)


def _claims(claims: dict[str, Any], tenant: str, now: datetime) -> TokenClaims:
    if claims.get("iss") != ISSUER or claims.get("aud") != AUDIENCE:
        raise BadToken("the token was issued for something else")
    if claims.get("tenant") != tenant:
        raise BadToken("the token is of another company")
    issued_at, starts_at, expires_at = (_moment(claims, name) for name in ("iat", "nbf", "exp"))
    if now < starts_at - CLOCK_SKEW or now < issued_at - CLOCK_SKEW:
        raise BadToken("the token is not valid yet")
    if now >= expires_at:
        raise BadToken("the token has expired")
    if expires_at - issued_at > TOKEN_LIFE:
        raise BadToken("the token lives too long")
    origins = claims.get("origins", [])
    if not isinstance(origins, list) or not all(isinstance(one, str) for one in origins):
        raise BadToken("the token's origins are malformed")
    return TokenClaims(tenant, _subject(claims), issued_at, expires_at, tuple(origins))


def _moment(claims: dict[str, Any], name: str) -> datetime:
    seconds = claims.get(name)
    if type(seconds) is not int or not 0 <= seconds < 1 << 33:
        raise BadToken(f"the token's {name} is malformed")
    return datetime.fromtimestamp(seconds, UTC)


def _subject(claims: dict[str, Any]) -> UUID:
    text = claims.get("sub")
    try:
        subject = UUID(text) if isinstance(text, str) else None
    except ValueError:
        subject = None
    if subject is None or str(subject) != text:
        raise BadToken("the token's subject is malformed")
    return subject


def _named(header: dict[str, Any]) -> tuple[str, str]:
    kid = header.get("kid")
    found = _KID.fullmatch(kid) if isinstance(kid, str) else None
    if found is None:
        raise BadToken("the token names no key")
    return found[1], found[2]


def _parts(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(text) > MOST_CHARACTERS:
        raise BadToken("the token is too long")
    parts = text.split(".")
    if len(parts) != 3 or not all(_PART.fullmatch(part) for part in parts):
        raise BadToken("the token is malformed")
    return _object(parts[0]), _object(parts[1])


def _object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(_decode(part).decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise BadToken("the token is malformed") from None
    if not isinstance(found, dict):
        raise BadToken("the token is malformed")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names differ: of two equal names, two readers may believe either."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        value = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("not base64url") from None
    if _encode(value) != text:
        raise ValueError("not the one way to write these bytes")
    return value


def _private(text: str) -> OKPKey:
    return OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(_decode(text)))


@lru_cache(4096)
def _public(text: str) -> OKPKey:
    return OKPKey.import_key(Ed25519PublicKey.from_public_bytes(_decode(text)))
