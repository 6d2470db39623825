"""Logins, passwords, and refresh tokens that end when one is used twice."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from otklik_common.errors import Unprocessable
from otklik_common.ids import is_tenant

LEAST_PASSWORD = 10
MOST_PASSWORD = 200

SESSION = timedelta(minutes=10)
"""How long a session token is believed without asking access again."""

REFRESH = timedelta(days=14)
"""How long a refresh token waits to be used."""

LONGEST_SESSION = timedelta(days=90)
"""However often it is refreshed, a session ends then."""

RACE = timedelta(seconds=10)
"""Two tabs of one browser refresh at once; a thief is rarely that quick."""

LOGIN_NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$")


def full_login(name: str, tenant: str) -> str:
    """What a person types: it names the company, as everything does that comes without one."""
    return f"{name}@{tenant}"


def parse_login(text: str) -> tuple[str, str] | None:
    """Name and company out of `name@company`; None if it has another form."""
    name, at, tenant = text.strip().lower().rpartition("@")
    if not at or not is_tenant(tenant) or LOGIN_NAME.fullmatch(name) is None:
        return None
    return name, tenant


def login_name(code: str) -> str | None:
    """The name with which a member of that code signs in unless another is given."""
    name = code.lower()
    return name if LOGIN_NAME.fullmatch(name) else None


def check_password(password: str, *, login: str) -> None:
    """
    Raise Unprocessable for a password that is too short, too long or easily guessed.

    Length and not composition, as in NIST SP 800-63B, 3.1.1.2.
    """
    if len(password) < LEAST_PASSWORD:
        raise Unprocessable(
            f"a password has at least {LEAST_PASSWORD} characters",
            detail_ru=f"в пароле не меньше символов: {LEAST_PASSWORD}",
            code="password_too_short",
        )
    if len(password) > MOST_PASSWORD:
        raise Unprocessable(
            f"a password has at most {MOST_PASSWORD} characters",
            detail_ru=f"в пароле не больше символов: {MOST_PASSWORD}",
            code="password_too_long",
        )
    plain = password.lower()
    guessable = len(set(plain)) < 5 or plain in _RUNS or any(run in plain for run in COMMON)
    if guessable or login.partition("@")[0] in plain:
        raise Unprocessable(
            "the password is easily guessed",
            detail_ru="пароль легко угадать",
            code="password_guessable",
        )


COMMON = ("password", "qwerty123", "йцукен", "пароль", "otklik", "1q2w3e4r", "qwertyuiop")
_RUNS = frozenset(("1234567890", "0123456789", "0987654321", "12345678901", "abcdefghij"))


class RefreshVerdict(StrEnum):
    """What a presented refresh token deserves."""

    GOOD = "good"
    RACED = "raced"
    REUSED = "reused"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """
    A refresh token as it is kept; a session is the family of tokens that followed each other.

    Attributes:
        began_at: When the person signed in.
        used_at: When it was exchanged for the next one.
    """

    token_id: UUID
    session: UUID
    member: UUID
    began_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


def judge(token: RefreshToken, now: datetime) -> RefreshVerdict:
    """
    What to do with a refresh token whose secret was right.

    REUSED means that two parties hold it: the whole session must end.
    """
    if token.revoked_at is not None or now >= token.expires_at:
        return RefreshVerdict.OVER
    if token.used_at is None:
        return RefreshVerdict.GOOD
    return RefreshVerdict.RACED if now - token.used_at < RACE else RefreshVerdict.REUSED


def refresh_expiry(began_at: datetime, now: datetime) -> datetime:
    """When a refresh token given at `now` in a session begun at `began_at` expires."""
    return min(now + REFRESH, began_at + LONGEST_SESSION)
