"""The life of an API key."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_access.domain.keys import ApiKey, check_key, origin, revoked, rotated
from otklik_common.errors import Conflict, Unprocessable
from otklik_common.events.access import KeyPurpose

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = ApiKey(
    key_id="k3f9w2zqab",
    name="crm",
    purpose=KeyPurpose.API,
    digest="0" * 64,
    scopes=("contacts:read",),
    created_at=NOW,
)
HOUR = timedelta(hours=1)


def test_a_rotated_key_lives_beside_its_successor_until_the_overlap_ends() -> None:
    old, new = rotated(KEY, key_id="next", digest="1" * 64, now=NOW, overlap=HOUR)
    assert old.alive(NOW + HOUR - timedelta(seconds=1))
    assert not old.alive(NOW + HOUR)
    assert new.alive(NOW + timedelta(days=900))
    assert (new.scopes, new.digest, new.rotated_to) == (KEY.scopes, "1" * 64, None)
    assert old.rotated_to == "next"


def test_two_live_keys_are_the_most() -> None:
    old, _ = rotated(KEY, key_id="next", digest="1" * 64, now=NOW, overlap=HOUR)
    with pytest.raises(Conflict) as refused:
        rotated(old, key_id="third", digest="2" * 64, now=NOW, overlap=HOUR)
    assert refused.value.code == "already_rotated"


def test_rotation_never_lengthens_a_life() -> None:
    brief = replace(KEY, expires_at=NOW + HOUR)
    old, new = rotated(brief, key_id="n", digest="1" * 64, now=NOW, overlap=10 * HOUR)
    assert old.expires_at == NOW + HOUR
    assert new.expires_at == NOW + HOUR


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=31)])
def test_an_overlap_out_of_range_is_refused(overlap: timedelta) -> None:
    with pytest.raises(Unprocessable) as refused:
        rotated(KEY, key_id="n", digest="1" * 64, now=NOW, overlap=overlap)
    assert refused.value.code == "overlap_out_of_range"


def test_a_dead_key_is_not_rotated() -> None:
    with pytest.raises(Conflict) as refused:
        rotated(revoked(KEY, NOW), key_id="n", digest="1" * 64, now=NOW, overlap=HOUR)
    assert refused.value.code == "key_not_alive"


def test_revoking_twice_keeps_the_first_time() -> None:
    first = revoked(KEY, NOW)
    assert revoked(first, NOW + HOUR) == first
    assert not first.alive(NOW)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (replace(KEY, scopes=()), "no_scopes"),
        (replace(KEY, expires_at=NOW), "end_before_start"),
        (replace(KEY, purpose=KeyPurpose.PUBLISHABLE), "not_write_only"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(key: ApiKey, code: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        check_key(key)
    assert refused.value.code == code


def test_a_publishable_key_may_push_and_answer() -> None:
    check_key(replace(KEY, purpose=KeyPurpose.PUBLISHABLE, scopes=("answers:write", "events:push")))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://Example.org", "https://example.org"),
        ("https://example.org:443/", "https://example.org"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(text: str, normal: str) -> None:
    assert origin(text) == normal


@pytest.mark.parametrize(
    "text",
    [
        "example.org",
        "ftp://example.org",
        "https://example.org/path",
        "https://user@example.org",
        "https://example.org?x=1",
        "https://example.org:99999",
        "https://",
        "*",
        "null",
        "",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        origin(text)


@given(st.text())
def test_any_text_is_an_origin_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert origin(origin(text)) == origin(text)


def test_a_fact_of_a_key_proves_it_without_holding_it() -> None:
    fact = replace(KEY, branches=("a",), expires_at=NOW + HOUR).fact()
    assert (fact.digest, fact.scopes, fact.branches) == ("0" * 64, ("contacts:read",), ("a",))
    assert (fact.expires_at, fact.public_key) == (NOW + HOUR, None)
