"""
Keyed pseudonyms of people, encryption of personal columns, and keys derived from one master.

Everything is derived by HKDF (RFC 5869) from the one secret that all processes share, bound to
company, purpose and version, so that no two uses ever see the same key.
"""

import base64
import hashlib
import os
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import idna
import phonenumbers
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

DIGEST_BYTES: Final = 24
"""Length of a pseudonym: 192 bits are 32 characters of base64url without padding."""

KEYS_KEPT: Final = 4096
"""Derived keys remembered in a process: a few per company."""

HIDDEN: Final = frozenset({"+266696687", "266696687"})
"""ANONYMOUS on a telephone's keys: some exchanges send it for a hidden caller."""

NONE_VERSION: Final = 0


def derive(master: bytes, *purpose: str) -> bytes:
    """32 bytes for one purpose. The parts are length-prefixed: ("a", "bc") is not ("ab", "c")."""
    info = b"".join(
        len(part).to_bytes(4, "big") + part for part in (text.encode() for text in purpose)
    )
    return HKDF(algorithm=SHA256(), length=32, salt=b"otklik", info=info).derive(master)


def derive_password(master: bytes, login: str) -> str:
    """Password of a PostgreSQL login: 64 hexadecimal digits, the same in every process."""
    return derive(master, "database", login).hex()


class _Keyed:
    """HMAC-SHA256 under one key: the padded key is hashed once, not at each message."""

    __slots__ = ("_inner", "_outer", "_prefix")

    def __init__(self, prefix: str, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._prefix = prefix
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def __call__(self, value: str) -> str:
        inner = self._inner.copy()
        inner.update(value.encode())
        outer = self._outer.copy()
        outer.update(inner.digest())
        # 24 bytes fill base64 groups of three: there is no padding to strip.
        return self._prefix + base64.urlsafe_b64encode(outer.digest()[:DIGEST_BYTES]).decode()


class Pseudonyms:
    """
    Pseudonyms of phones, e-mails and external ids: equal for equal people of one company.

    Each is kind, key version and HMAC of the normalised value: `ph1_…`, `em1_…`, `x1_…`.
    """

    def __init__(self, master: bytes, version: int = 1) -> None:
        self._master = master
        self._version = version
        self._keyed = lru_cache(KEYS_KEPT)(self._make)

    def _make(self, kind: str, tenant: str) -> _Keyed:
        key = derive(self._master, "pseudonym", kind, tenant, str(self._version))
        return _Keyed(f"{kind}{self._version}_", key)

    def phone(self, tenant: str, text: str | None, region: str = "RU") -> str | None:
        """Pseudonym of a phone number as callers write it; None if it identifies nobody."""
        number = e164(text, region) if text else None
        return None if number is None else self._keyed("ph", tenant)(number)

    def email(self, tenant: str, text: str | None) -> str | None:
        """Pseudonym of an e-mail address; None if it is none."""
        address = plain_email(text) if text else None
        return None if address is None else self._keyed("em", tenant)(address)

    def external(self, tenant: str, text: str | None) -> str | None:
        """Pseudonym of the company's own id of a person; None if blank."""
        external_id = text.strip() if text else ""
        return self._keyed("x", tenant)(external_id) if external_id else None

    def identifiers(
        self,
        tenant: str,
        *,
        phone: str | None = None,
        email: str | None = None,
        external_id: str | None = None,
        region: str = "RU",
    ) -> tuple[str, ...]:
        """What identifies a person, strongest first: phone, e-mail, external id; may be empty."""
        known = (
            self.phone(tenant, phone, region),
            self.email(tenant, email),
            self.external(tenant, external_id),
        )
        return tuple(pseudonym for pseudonym in known if pseudonym is not None)


# --- Normal forms -------------------------------------------------------------------------------

_PLAIN_PLUS_SEVEN = re.compile(r"\+7[0-9]{10}")
# 810 is Russia's prefix of international calls, not the area code 10.
_PLAIN_EIGHT = re.compile(r"8(?!10)[0-9]{10}")
_SEVEN_REGIONS = frozenset({"RU", "KZ"})

_URI = re.compile(r"^(?:sips?|tel):", re.IGNORECASE)
_CHANNEL = re.compile(r"^(?:PJSIP|SIP|Local|IAX2|DAHDI)/", re.IGNORECASE)
# Letters make a name or a word on the keys; only those that announce an extension may stand.
_EXTENSION = re.compile(
    r"(?:;ext=|\s*(?:extension|ext|доб(?:авочный)?|x|х)\.?\s*|\s*[,#]\s*)[0-9]{1,7}#?$",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]")


def e164(text: str, region: str = "RU") -> str | None:
    """
    A phone number in E.164 by libphonenumber's rules, or None if it identifies nobody.

    Hidden callers, short codes, internal extensions and words are None. Numbers are judged by
    their length, not by the ranges handed out so far: ranges change, and with them would the
    person. An extension is left off; `sip:`, `tel:` and names of Asterisk channels are stripped.

    Args:
        region: ISO 3166 code of the country whose habits the text follows without a plus.
    """
    # Nearly every number comes in one of these two forms; parsing takes 100 times as long.
    if _PLAIN_PLUS_SEVEN.fullmatch(text):
        return text
    if region in _SEVEN_REGIONS and _PLAIN_EIGHT.fullmatch(text):
        return "+7" + text[1:]
    return _parse(text, region)


@lru_cache(65_536)
def _parse(text: str, region: str) -> str | None:
    number = _EXTENSION.sub("", _without_address(unicodedata.normalize("NFKC", text).strip()))
    if number in HIDDEN or _LETTER.search(number):
        return None
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if (
        phonenumbers.is_possible_number_with_reason(parsed)
        != phonenumbers.ValidationResult.IS_POSSIBLE
    ):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def _without_address(text: str) -> str:
    """The caller's part of a URI or of a channel's name: `SIP/79991234567-0000a1` and the like."""
    if _URI.match(text):
        return text.split(":", 1)[1].split("@", 1)[0].split(";", 1)[0]
    if _CHANNEL.match(text):
        peer = text.split("/", 1)[1].split("@", 1)[0].split(";", 1)[0]
        return peer.rsplit("-", 1)[0]
    return text


_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,253}")


@lru_cache(16_384)
def plain_email(text: str) -> str | None:
    """An e-mail address in NFC and lower case, its domain in IDNA's ASCII; None if it is none."""
    address = unicodedata.normalize("NFC", text).strip()
    if not _ADDRESS.fullmatch(address):
        return None
    local, domain = address.rsplit("@", 1)
    try:
        ascii_domain = idna.encode(domain.rstrip("."), uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return None
    if "." not in ascii_domain:
        return None
    return f"{unicodedata.normalize('NFC', local.lower())}@{ascii_domain}"


# --- Encryption ---------------------------------------------------------------------------------


class Unsealable(Exception):
    """The bytes were not sealed for this company and purpose, or were changed since."""


class Sealer:
    """
    Personal columns under AES-256-GCM, one key per company and purpose.

    A sealed value is one byte of key version, 12 of nonce, then ciphertext and tag. Company and
    purpose are authenticated too: bytes moved to another row or column do not open there.
    """

    def __init__(self, master: bytes, version: int = 1) -> None:
        self._master = master
        self._version = version
        self._cipher = lru_cache(KEYS_KEPT)(self._make)

    def _make(self, tenant: str, purpose: str, version: int) -> AESGCM:
        return AESGCM(derive(self._master, "seal", tenant, purpose, str(version)))

    def seal(self, tenant: str, purpose: str, text: str) -> bytes:
        """`text`, readable only by `open` with the same company and purpose."""
        return self.sealing(tenant, purpose)(text.encode())

    def sealing(self, tenant: str, purpose: str) -> Callable[[bytes], bytes]:
        """`seal` for one company and purpose, of UTF-8: for whoever seals thousands a second."""
        version, bound = bytes([self._version]), _bound(tenant, purpose)
        encrypt = self._cipher(tenant, purpose, self._version).encrypt

        def seal(text: bytes) -> bytes:
            nonce = os.urandom(12)
            return version + nonce + encrypt(nonce, text, bound)

        return seal

    def open(self, tenant: str, purpose: str, sealed: bytes) -> str:
        """The text that was sealed. Raises Unsealable."""
        if len(sealed) < 1 + 12 + 16 or sealed[0] == NONE_VERSION:
            raise Unsealable(f"{len(sealed)} bytes are no sealed value")
        cipher = self._cipher(tenant, purpose, sealed[0])
        try:
            return cipher.decrypt(sealed[1:13], sealed[13:], _bound(tenant, purpose)).decode()
        except InvalidTag:
            raise Unsealable(f"not sealed for {purpose} of {tenant}") from None


def _bound(tenant: str, purpose: str) -> bytes:
    return f"{len(tenant)}:{tenant}{purpose}".encode()
