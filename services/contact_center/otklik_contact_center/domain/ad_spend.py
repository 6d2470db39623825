"""What is spent on advertising: one amount for each day, place, campaign, agency and branch."""

from datetime import UTC, date, datetime, time
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from otklik_common.errors import Unprocessable
from otklik_common.events.contact_center import AdSpend
from otklik_common.ids import subject_id
from otklik_common.validation import check_time

MOST_ROWS: Final = 5_000
"""Of one upload."""


class RowTwice(Unprocessable):
    """Two rows of an upload are about the same: which one is true?"""

    code = "row_twice"


class Key(NamedTuple):
    """
    What a row is about; a later amount replaces the one before.

    Attributes:
        day: In the company's zone.
        ad_source, medium: The words of UTM: yandex, cpc.
        agency: Who spends it for the company; None: it does itself.
    """

    day: date
    ad_source: str
    medium: str | None
    campaign: str | None
    agency: str | None
    branch: str | None
    currency: str


class Row(NamedTuple):
    """A row of an upload; `minor`: the amount in minor units, 0 takes it out."""

    key: Key
    minor: int


def row_id(tenant: str, key: Key) -> UUID:
    """The subject of a row: what it is about makes it one."""
    return subject_id(tenant, "ad_spend", key.day.isoformat(), *(part or "" for part in key[1:]))


def check(rows: list[Row], now: datetime, zone: ZoneInfo) -> None:
    """
    Whether an upload can be taken in.

    Raises:
        RowTwice, TimeInFuture, TimeTooOld.
    """
    seen: set[Key] = set()
    for number, row in enumerate(rows):
        if row.key in seen:
            raise RowTwice(
                f"row {number} is about the same as one before it: add them up",
                detail_ru=f"строка {number} о том же, что одна из предыдущих: сложите их",
            )
        seen.add(row.key)
        check_time(begins(row.key.day, zone), now)


def fact(row: Row, zone: ZoneInfo) -> AdSpend:
    """As others may know it."""
    _, *about = row.key
    named = dict(zip(Key._fields[1:], about, strict=True))
    return AdSpend.model_validate(
        {"spent_at": begins(row.key.day, zone), "amount_minor": row.minor, **named}
    )


def begins(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day, in UTC."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
