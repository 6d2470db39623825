"""Words that the routes of access read: codes, zones, origins, names."""

import re
from datetime import date
from typing import Annotated, Final, Literal

import phonenumbers
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from otklik_access.domain.keys import origin
from otklik_access.domain.signing_in import LEAST_PASSWORD, LOGIN_NAME, MOST_PASSWORD
from otklik_common.http import bad_value

_BLANK: Final = r"\s\x85\ufeff"
"""Of a pattern; some engines count NEL and some the byte order mark as `\\s`."""

Code = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=100,
        pattern=rf"^[^{_BLANK}\x00-\x1f\x7f/]([^\x00-\x1f\x7f/]*[^{_BLANK}\x00-\x1f\x7f/])?$",
    ),
]
"""A company's own code; it stands in addresses, so it has no slash."""


def _region(code: str) -> str:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise bad_value("unknown_region", "is no country with phones", "нет такой страны")
    return code


def _origin(text: str) -> str:
    try:
        return origin(text)
    except ValueError:
        raise bad_value(
            "malformed",
            "must be an origin like https://example.org",
            "ожидается источник вида https://example.org",
        ) from None


def _in_our_languages(names: dict[str, str]) -> dict[str, str]:
    if not names.keys() <= {"ru", "en"}:
        raise bad_value("unknown_field", "names are in ru and en", "названия бывают ru и en")
    return names


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _ascending(values: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(values)))


def _written_out(text: object) -> object:
    """Numbers would be read as seconds since 1970."""
    if isinstance(text, str) and not _DATE.fullmatch(text):
        raise bad_value(
            "malformed", "must be a date like 2026-03-02", "ожидается дата вида 2026-03-02"
        )
    return text


_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")

DateInQuery = Annotated[date, BeforeValidator(_written_out)]
Region = Annotated[str, Field(max_length=2), AfterValidator(_region)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Language = Literal["ru", "en"]
Origin = Annotated[str, Field(max_length=300), AfterValidator(_origin)]
Origins = Annotated[tuple[Origin, ...], Field(max_length=20), AfterValidator(_unique)]
Codes = Annotated[tuple[Code, ...], Field(max_length=200), AfterValidator(_unique)]
Thresholds = Annotated[
    tuple[Annotated[int, Field(ge=1, le=86_400)], ...],
    Field(max_length=12, description="waits in seconds of which exact counts are kept"),
    AfterValidator(_ascending),
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Names = Annotated[
    dict[str, Name],
    AfterValidator(_in_our_languages),
    Field(
        description="display names by language",
        examples=[{"ru": "Тюмень", "en": "Tyumen"}],
        json_schema_extra={"propertyNames": {"enum": ["ru", "en"]}},
    ),
]
LoginName = Annotated[str, StringConstraints(pattern=LOGIN_NAME.pattern)]
Email = Annotated[str, StringConstraints(max_length=254, pattern=rf"^[^@{_BLANK}]+@[^@{_BLANK}]+$")]
Password = Annotated[str, StringConstraints(min_length=1, max_length=MOST_PASSWORD)]
NewPassword = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MOST_PASSWORD),
    Field(description=f"at least {LEAST_PASSWORD} characters; long is better than odd"),
]
