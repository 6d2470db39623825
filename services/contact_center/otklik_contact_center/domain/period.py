"""The stretch of time that a report is asked about."""

from datetime import datetime, timedelta
from typing import Final

from otklik_common.errors import Unprocessable

USUAL: Final = timedelta(days=28)


class BadPeriod(Unprocessable):
    """A period that ends before it begins, or is too long to be added up."""

    code = "bad_period"


def period(
    begins: datetime | None,
    ends: datetime | None,
    now: datetime,
    *,
    most_days: int,
    usual: timedelta = USUAL,
) -> tuple[datetime, datetime]:
    """
    The period that is asked for; the last 28 days where nobody says.

    Args:
        most_days: No period is longer.
        usual: Its length where no beginning is said.
    Raises:
        BadPeriod.
    """
    end = ends or now
    begin = begins or end - usual
    if begin >= end:
        raise BadPeriod("it ends before it begins", detail_ru="конец раньше начала")
    if end - begin > timedelta(days=most_days):
        raise BadPeriod(
            f"at most {most_days} days are added up at once",
            detail_ru=f"за раз считается не больше {most_days} дней",
        )
    return begin, end
