"""Keys and tokens: what proves somebody, and the many texts that must not."""

import base64
import hashlib
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_common.events.access import KeyPurpose
from otklik_common.keys import (
    BASE62,
    BadKey,
    BadToken,
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
from tests.support.bad_tokens import Forger, put

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


FORGER = Forger(good=a_token(), private=PRIVATE, public=PUBLIC, api_key=GOOD_KEY)
BAD_TOKENS = FORGER.bad_tokens()


def test_the_forger_itself_makes_good_tokens() -> None:
    assert check(FORGER.forge()).subject == SUBJECT
    assert len(BAD_TOKENS) >= 40


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_a_bad_token_is_refused(name: str) -> None:
    text = BAD_TOKENS[name]
    with pytest.raises(BadToken) as refused:
        check(text)
    if text:
        assert text[:20] not in str(refused.value)


def test_a_role_in_the_token_raises_nobody() -> None:
    claims = check(FORGER.forge(body=put(role="admin", scopes=["keys:write"])))
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
