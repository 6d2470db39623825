"""Keys and tokens: what proves somebody, and the many texts that must not."""

import base64
import hashlib
import hmac
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zlib import crc32

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.events.access import KeyPurpose
from otklik_common.keys import (
    ALGORITHM,
    BASE62,
    BadKey,
    BadToken,
    _decode,
    _encode,
    digest_of,
    key_text,
    new_key,
    new_signer,
    parse_key,
    same_digest,
    same_text,
    sign_token,
    token_key_id,
    verify_token,
)

# --- API keys -----------------------------------------------------------------------------------


def test_a_key_says_whose_it_is_and_keeps_only_a_digest() -> None:
    text, key_id, digest = new_key("demo2abc")
    assert re.fullmatch(r"otk_demo2abc_[a-z2-7]{10}_[0-9A-Za-z]{38}", text)
    parsed = parse_key(text)
    assert (parsed.tenant, parsed.key_id, parsed.digest) == ("demo2abc", key_id, digest)
    secret = text.rsplit("_", 1)[1][:32]
    assert digest == hashlib.sha256(secret.encode()).hexdigest()
    assert math.log2(62) * len(secret) >= 190


def test_keys_differ() -> None:
    assert len({new_key("demo2abc")[0] for _ in range(100)}) == 100


def test_the_checksum_is_the_crc32_of_what_stands_before_it() -> None:
    text = key_text("demo2abc", "a" * 10, "0" * 32)
    number = 0
    for letter in text[-6:]:
        number = number * 62 + BASE62.index(letter)
    assert number == crc32(text[:-6].encode())


def test_a_key_needs_a_company() -> None:
    with pytest.raises(ValueError, match="no company's id"):
        new_key("DEMO")


GOOD_KEY = key_text("demo2abc", "a2b3c4d5e6", "Zz09" * 8)


@given(st.integers(0, len(GOOD_KEY) - 1), st.sampled_from(BASE62 + "_ я"))
def test_one_wrong_character_is_noticed(place: int, letter: str) -> None:
    if GOOD_KEY[place] == letter:
        return
    with pytest.raises(BadKey) as refused:
        parse_key(GOOD_KEY[:place] + letter + GOOD_KEY[place + 1 :])
    assert "Zz09" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "otk_",
        GOOD_KEY[:-1],
        GOOD_KEY + "0",
        GOOD_KEY + "\n",
        " " + GOOD_KEY,
        GOOD_KEY.upper(),
        GOOD_KEY.replace("otk_", "otx_"),
        GOOD_KEY.replace("demo2abc", "2demoabc"),
        GOOD_KEY.replace("demo2abc", "demo2ab"),
        "otk_" * 1000,
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadKey):
        parse_key(text)


def test_secrets_are_compared_whole() -> None:
    assert same_digest(digest_of("a"), digest_of("a"))
    assert not same_digest(digest_of("a"), digest_of("b"))
    assert not same_digest(digest_of("a"), "")
    assert same_text("Bearer ключ", "Bearer ключ")
    assert not same_text("Bearer x", "Bearer ключ")


# --- Tokens -------------------------------------------------------------------------------------

NOW = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
SUBJECT = UUID(int=7)
PRIVATE, PUBLIC = new_signer()
OTHER_PRIVATE, OTHER_PUBLIC = new_signer()

Json = dict[str, Any]


def a_token(**changed: Any) -> str:
    fields: Json = {
        "tenant": "demo2abc",
        "key_id": "signer2222",
        "purpose": KeyPurpose.SESSION,
        "subject": SUBJECT,
        "now": NOW,
        **changed,
    }
    return sign_token(PRIVATE, **fields)


def check(text: str, **changed: Any) -> Any:
    fields: Json = {"tenant": "demo2abc", "purpose": KeyPurpose.SESSION, "now": NOW, **changed}
    return verify_token(fields.pop("public", PUBLIC), text, **fields)


def test_a_token_says_what_was_signed() -> None:
    text = a_token(purpose=KeyPurpose.CUSTOMER, origins=("https://shop.example",))
    assert token_key_id(text) == ("demo2abc", "signer2222")
    claims = check(text, purpose=KeyPurpose.CUSTOMER)
    assert (claims.tenant, claims.subject) == ("demo2abc", SUBJECT)
    assert (claims.issued_at, claims.expires_at) == (NOW, NOW + timedelta(minutes=10))
    assert claims.origins == ("https://shop.example",)
    assert check(a_token()).origins == ()


def test_a_token_lives_ten_minutes() -> None:
    text = a_token()
    check(text, now=NOW + timedelta(minutes=9, seconds=59))
    check(text, now=NOW - timedelta(seconds=5))
    for moment, said in (
        (NOW + timedelta(minutes=10), "expired"),
        (NOW + timedelta(days=365), "expired"),
        (NOW - timedelta(seconds=6), "not valid yet"),
    ):
        with pytest.raises(BadToken, match=said):
            check(text, now=moment)


@pytest.mark.parametrize("life", [timedelta(minutes=11), timedelta(0), timedelta(seconds=-1)])
def test_a_longer_life_is_not_signed(life: timedelta) -> None:
    with pytest.raises(ValueError, match="live at most"):
        a_token(life=life)


def test_keys_of_other_purposes_sign_nothing() -> None:
    with pytest.raises(ValueError, match="sign no tokens"):
        a_token(purpose=KeyPurpose.API)


def forge(
    head: Callable[[Json], Any] | None = None,
    body: Callable[[Json], Any] | None = None,
    *,
    private: str = PRIVATE,
    raw_head: bytes | None = None,
    raw_body: bytes | None = None,
) -> str:
    """A token that says something else, signed anew: only what it says is wrong with it."""
    first, second, _ = a_token().split(".")
    parts = []
    for part, change, raw in ((first, head, raw_head), (second, body, raw_body)):
        value: Json = json.loads(_decode(part))
        if change is not None:
            replaced = change(value)
            value = value if replaced is None else replaced
        parts.append(_encode(json.dumps(value).encode() if raw is None else raw))
    signer = Ed25519PrivateKey.from_private_bytes(_decode(private))
    return ".".join((*parts, _encode(signer.sign(".".join(parts).encode()))))


def put(**fields: Any) -> Callable[[Json], None]:
    return lambda value: value.update(fields)


def drop(name: str) -> Callable[[Json], None]:
    def change(value: Json) -> None:
        del value[name]

    return change


def hs256_with_the_public_key() -> str:
    head = {"alg": "HS256", "typ": "otklik-session+jwt", "kid": "demo2abc.signer2222"}
    body = a_token().split(".")[1]
    signed = f"{_encode(json.dumps(head).encode())}.{body}"
    return f"{signed}.{_encode(hmac.digest(_decode(PUBLIC), signed.encode(), hashlib.sha256))}"


def unsigned(alg: str) -> str:
    return forge(put(alg=alg)).rsplit(".", 1)[0] + "."


def swapped_payload() -> str:
    first, _, third = a_token().split(".")
    return f"{first}.{a_token(subject=UUID(int=8)).split('.')[1]}.{third}"


STAMP = int(NOW.timestamp())

BAD_TOKENS: dict[str, str] = {
    "empty": "",
    "dots": "..",
    "two parts": a_token().rsplit(".", 1)[0],
    "four parts": a_token() + ".x",
    "five parts, as if encrypted": "a.b.c.d.e",
    "not base64": "!!!.???.###",
    "padded": a_token() + "=",
    "space behind": a_token() + " ",
    "new line behind": a_token() + "\n",
    "huge": a_token() + "A" * 5000,
    "no JSON in the head": forge(raw_head=b"alg"),
    "no object in the head": forge(raw_head=b"[]"),
    "no UTF-8 in the head": forge(raw_head=b"\xff"),
    "no object in the body": forge(raw_body=b'"text"'),
    "deep body": forge(raw_body=b"[" * 900),
    "alg none": unsigned("none"),
    "alg None": unsigned("None"),
    "alg NONE": unsigned("NONE"),
    "alg none, signed": forge(put(alg="none")),
    "alg HS256 with the public key": hs256_with_the_public_key(),
    "alg RS256": forge(put(alg="RS256")),
    "alg ES256": forge(put(alg="ES256")),
    "alg EdDSA, retired": forge(put(alg="EdDSA")),
    "alg Ed448": forge(put(alg="Ed448")),
    "alg a list": forge(put(alg=[ALGORITHM])),
    "alg missing": forge(drop("alg")),
    "typ JWT": forge(put(typ="JWT")),
    "typ of another purpose": forge(put(typ="otklik-customer+jwt")),
    "typ missing": forge(drop("typ")),
    "kid missing": forge(drop("kid")),
    "kid a path": forge(put(kid="../../dev/null")),
    "kid SQL": forge(put(kid="demo2abc.' OR 1=1 --")),
    "kid a number": forge(put(kid=7)),
    "kid of another company": forge(put(kid="other2ab.signer2222")),
    "jku": forge(put(jku="https://evil.example/keys")),
    "x5u": forge(put(x5u="https://evil.example/cert")),
    "jwk of its own": forge(put(jwk={"kty": "OKP", "crv": "Ed25519", "x": OTHER_PUBLIC})),
    "crit unknown": forge(put(crit=["exp2"], exp2=1)),
    "b64 false": forge(put(b64=False, crit=["b64"])),
    "another key's signature": forge(private=OTHER_PRIVATE),
    "no signature": a_token().rsplit(".", 1)[0] + ".",
    "signature of zeros": a_token().rsplit(".", 1)[0] + "." + "A" * 86,
    "signature cut": a_token()[:-2],
    "payload of another token": swapped_payload(),
    "iss another": forge(body=put(iss="evil")),
    "iss a prefix": forge(body=put(iss="otklik")),
    "iss longer": forge(body=put(iss="otklik/access.evil.example")),
    "iss a list": forge(body=put(iss=["otklik/access"])),
    "iss missing": forge(body=drop("iss")),
    "aud another": forge(body=put(aud="evil")),
    "aud a list with ours": forge(body=put(aud=["otklik", "evil"])),
    "aud missing": forge(body=drop("aud")),
    "exp a string": forge(body=put(exp=str(STAMP + 600))),
    "exp a float": forge(body=put(exp=STAMP + 600.0)),
    "exp true": forge(body=put(exp=True)),
    "exp endless": forge(body=put(exp=10**18)),
    "exp negative": forge(body=put(exp=-1)),
    "exp null": forge(body=put(exp=None)),
    "exp missing": forge(body=drop("exp")),
    "expired": forge(body=put(exp=STAMP)),
    "life of a day": forge(body=put(exp=STAMP + 86_400)),
    "nbf in the future": forge(body=put(nbf=STAMP + 60)),
    "nbf missing": forge(body=drop("nbf")),
    "iat in the future": forge(body=put(iat=STAMP + 60)),
    "iat missing": forge(body=drop("iat")),
    "tenant swapped": forge(body=put(tenant="other2ab")),
    "tenant missing": forge(body=drop("tenant")),
    "sub missing": forge(body=drop("sub")),
    "sub no UUID": forge(body=put(sub="admin")),
    "sub a UUID in braces": forge(body=put(sub="{" + str(SUBJECT) + "}")),
    "sub a number": forge(body=put(sub=7)),
    "sub a list": forge(body=put(sub=[str(SUBJECT)])),
    "origins a string": forge(body=put(origins="https://evil.example")),
    "origins of numbers": forge(body=put(origins=[1])),
    "exp twice": forge(
        raw_body=_decode(a_token().split(".")[1])[:-1] + f',"exp":{STAMP + 9999}}}'.encode()
    ),
    "tenant twice": forge(raw_body=b'{"tenant":"demo2abc",' + _decode(a_token().split(".")[1])[1:]),
    "an API key": GOOD_KEY,
}


def test_the_forger_itself_makes_good_tokens() -> None:
    assert check(forge()).subject == SUBJECT
    assert len(BAD_TOKENS) >= 40


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_a_bad_token_is_refused(name: str) -> None:
    text = BAD_TOKENS[name]
    with pytest.raises(BadToken) as refused:
        check(text)
    if text:
        assert text[:20] not in str(refused.value)


def test_a_role_in_the_token_raises_nobody() -> None:
    claims = check(forge(body=put(role="admin", scopes=["keys:write"])))
    assert not hasattr(claims, "role")


def test_the_right_token_at_the_wrong_place_is_refused() -> None:
    text = a_token()
    for changed in (
        {"tenant": "other2ab"},
        {"purpose": KeyPurpose.CUSTOMER},
        {"purpose": KeyPurpose.API},
        {"public": OTHER_PUBLIC},
        {"public": "AAAA"},
    ):
        with pytest.raises(BadToken):
            check(text, **changed)


def test_there_is_one_way_to_write_a_token() -> None:
    """The last character of 64 bytes in base64 has spare bits; twins would be two texts."""
    text = a_token()
    twins = 0
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        twin = text[:-1] + letter
        try:
            check(twin)
            twins += 1
        except BadToken:
            pass
    assert twins == 1


def test_keys_of_signers_are_32_bytes() -> None:
    for text in new_signer():
        assert len(base64.urlsafe_b64decode(text + "=")) == 32
