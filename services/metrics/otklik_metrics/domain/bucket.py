"""Which cell a moment falls into: 15 minutes UTC, or a day of a zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

GRACE = timedelta(hours=24)
"""A request made in a month counts as worked if somebody tried by the month's end plus this."""


def quarter_of(moment: datetime) -> datetime:
    """Start of the 15 minutes UTC that hold an aware `moment`."""
    utc = moment.astimezone(UTC)
    return utc.replace(minute=utc.minute - utc.minute % 15, second=0, microsecond=0)


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The date on the calendars of `zone` at an aware `moment`."""
    return moment.astimezone(zone).date()


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """
    The first moment of a local day, in UTC.

    Where the clocks skip midnight, the day starts at the moment they skip to; where they strike
    it twice, at the first time.
    """
    # A skipped midnight is read with the offset before the jump, and so is the jump itself: in
    # no zone did clocks ever skip from before midnight to after it.
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def worked_until(created_at: datetime, zone: ZoneInfo) -> datetime:
    """The last moment at which a first attempt still makes a request of `created_at` worked."""
    day = day_of(created_at, zone)
    year, month = divmod(day.year * 12 + day.month, 12)
    return start_of(date(year, month + 1, 1), zone) + GRACE
