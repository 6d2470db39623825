"""Days that are unlike their weekday: nobody is silent while the company is closed for once."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from otklik_common.clocks.calendar import Calendar, Why
from otklik_contact_center.domain.doctor.pulse import Minutes, minute_of

UNLIKE: Final = frozenset((Why.HOLIDAY, Why.EXCEPTION, Why.EVE))

_DAY: Final = 24 * 60


def excused(calendar: Calendar, first: datetime, end: datetime) -> Minutes:
    """
    Minutes between two moments in which a company is closed for once, by its own calendar.

    Holidays, days with hours of their own and eves are told of; what a week usually leaves closed
    is known by what sources did then.
    """
    found: dict[int, int] = defaultdict(int)
    zone = ZoneInfo(calendar.rules_of(first.date()).timezone)
    day = first.astimezone(zone).date()
    while day <= end.astimezone(zone).date():
        hours = calendar.day(day)
        if hours.why in UNLIKE:
            midnight = minute_of(datetime(day.year, day.month, day.day, tzinfo=zone))
            for minute in range(_DAY):
                if not any(one.start <= minute < one.end for one in hours.windows):
                    at = midnight + minute
                    found[at // 60] |= 1 << at % 60
        day += timedelta(days=1)
    return found
