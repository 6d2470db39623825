"""Logins, passwords, refresh tokens."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_access.domain.signing_in import (
    LONGEST_SESSION,
    RACE,
    REFRESH,
    RefreshToken,
    RefreshVerdict,
    check_password,
    full_login,
    judge,
    login_name,
    parse_login,
    refresh_expiry,
)
from otklik_common.errors import Unprocessable

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOKEN = RefreshToken(
    token_id=UUID(int=1),
    session=UUID(int=2),
    member=UUID(int=3),
    began_at=NOW,
    expires_at=NOW + REFRESH,
)


def test_a_login_names_its_company() -> None:
    assert parse_login(full_login("admin", "demo2abc")) == ("admin", "demo2abc")
    assert parse_login("  Admin@Demo2ABC ") == ("admin", "demo2abc")


@pytest.mark.parametrize("text", ["", "admin", "@demo2abc", "admin@", "a b@demo2abc", "admin@ru"])
def test_what_names_no_company_is_no_login(text: str) -> None:
    assert parse_login(text) is None


@given(st.text())
def test_any_text_is_a_login_or_none(text: str) -> None:
    found = parse_login(text)
    assert found is None or parse_login(full_login(*found)) == found


def test_a_code_that_cannot_be_typed_gives_no_login() -> None:
    assert login_name("Petrova") == "petrova"
    assert login_name("Иванова А.") is None


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password_too_short"),
        ("a" * 201, "password_too_long"),
        ("aaaabbbbcccc", "password_guessable"),
        ("1234567890", "password_guessable"),
        ("MyPassword2026", "password_guessable"),
        ("petrova-2026-x", "password_guessable"),
    ],
)
def test_weak_passwords_are_refused_without_repeating_them(password: str, code: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        check_password(password, login="petrova@demo2abc")
    assert refused.value.code == code
    assert password not in refused.value.detail


def test_a_long_password_is_enough() -> None:
    check_password("лошадь батарея скрепка", login="petrova@demo2abc")


@pytest.mark.parametrize(
    ("token", "verdict"),
    [
        (TOKEN, RefreshVerdict.GOOD),
        (replace(TOKEN, expires_at=NOW), RefreshVerdict.OVER),
        (replace(TOKEN, revoked_at=NOW), RefreshVerdict.OVER),
        (replace(TOKEN, used_at=NOW), RefreshVerdict.RACED),
        (replace(TOKEN, used_at=NOW - RACE), RefreshVerdict.REUSED),
        (replace(TOKEN, used_at=NOW - RACE, revoked_at=NOW), RefreshVerdict.OVER),
    ],
)
def test_a_refresh_token_is_good_once(token: RefreshToken, verdict: RefreshVerdict) -> None:
    assert judge(token, NOW) is verdict


def test_however_often_refreshed_a_session_ends() -> None:
    late = NOW + LONGEST_SESSION - timedelta(days=1)
    assert refresh_expiry(NOW, late) == NOW + LONGEST_SESSION
    assert refresh_expiry(NOW, NOW) == NOW + REFRESH
