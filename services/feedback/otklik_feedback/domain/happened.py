"""When things happened, as others tell it: never ahead of us, but for clocks that go wrong."""

from datetime import datetime, timedelta
from typing import Final

from otklik_common.validation import TimeInFuture

AHEAD: Final = timedelta(minutes=10)
"""How far a clock may go ahead of ours when it says when something happened."""

_MINUTES: Final = AHEAD // timedelta(minutes=1)


def check_happened(at: datetime, now: datetime) -> None:
    """
    Whether something may have happened at `at`.

    Raises:
        TimeInFuture: More than 10 minutes ahead of `now`.
    """
    if at > now + AHEAD:
        raise TimeInFuture(
            f"{at.isoformat()} is more than {_MINUTES} minutes ahead: it is still to come",
            detail_ru=f"{at.isoformat()} больше чем на {_MINUTES} минут впереди: ещё не наступило",
        )
