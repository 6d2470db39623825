"""Words for opening hours that callers of several services write: days, zones, countries."""

from functools import lru_cache
from typing import Annotated, Final, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from otklik_common.clocks.hours import MOST_WINDOWS, BadHours
from otklik_common.clocks.told import windows_of
from otklik_common.http import bad_value

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@lru_cache(1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime", "Factory"}


def _zone(name: str) -> str:
    if name not in _zones():
        raise bad_value(
            "unknown_timezone",
            "is no time zone of the IANA database",
            "нет такой зоны в базе IANA",
        )
    return name


def _day(hours: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(str(one) for one in windows_of(hours))
    except BadHours as no:
        raise bad_value("bad_hours", str(no), no.detail_ru or str(no)) from None


Zone = Annotated[str, Field(max_length=64), AfterValidator(_zone)]

Day = Annotated[
    tuple[Annotated[str, Field(max_length=40)], ...],
    Field(
        max_length=MOST_WINDOWS,
        description="when it is open, on the wall clock; nothing: closed; midnight at the end is 24:00",
        examples=[["09:00-13:00", "14:00-18:00"]],
    ),
    AfterValidator(_day),
]
Country = Annotated[
    Literal["RU", "BY", "KZ", "UZ"],
    Field(
        description="the country whose production calendar is kept: holidays and moved days are"
        " closed, worked Saturdays open, eves of Russian holidays an hour shorter"
    ),
]
