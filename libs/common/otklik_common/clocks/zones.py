"""Time zones by the tzdata package, and the steps in which their offsets change."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MICROSECOND = timedelta(microseconds=1)


@cache
def _names() -> frozenset[str]:
    return frozenset(resources.files("tzdata").joinpath("zones").read_text().split())


def find_zone(name: str) -> ZoneInfo | None:
    """
    The IANA zone of that name, exactly as it is spelt there, or None.

    Always of the tzdata package: the machine's own data may be of another year.
    """
    # Callers send any name: what is no zone must not be remembered.
    return _zone(name) if name in _names() else None


@cache
def _zone(name: str) -> ZoneInfo:
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, exact."""
    return (moment - EPOCH) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class Offsets:
    """
    The offsets of one zone over a range of time, as steps.

    Attributes:
        zone: Name of the zone.
        changes: Instants at which the offset changes, in order, as microseconds since 1970.
        seconds: Offset from UTC before the first change, and after each.
    """

    zone: str
    changes: tuple[int, ...]
    seconds: tuple[int, ...]

    def at(self, instant: int) -> int:
        """Offset in seconds at `instant` (microseconds since 1970)."""
        return self.seconds[bisect_right(self.changes, instant)]

    def fit(self, slot_seconds: int) -> bool:
        """
        Whether slots of that length in UTC never straddle one on the wall clock.

        True of 15 minutes in every zone of today; not for local mean times and a few odd changes.
        """
        return all(second % slot_seconds == 0 for second in self.seconds) and all(
            change % (slot_seconds * 1_000_000) == 0 for change in self.changes
        )

    @property
    def days_in_order(self) -> bool:
        """Whether no change of the clock leads back into the day before."""
        before = zip(self.changes, self.seconds, self.seconds[1:], strict=False)
        return all(
            _local_day(change - 1, old) <= _local_day(change, new) for change, old, new in before
        )


def _local_day(instant: int, offset: int) -> int:
    return (instant // 1_000_000 + offset) // 86_400


@lru_cache(maxsize=512)
def offsets(zone: ZoneInfo, start: datetime, end: datetime) -> Offsets:
    """The offsets of `zone` from `start` to `end`; found by looking once a day, then halving."""
    changes: list[int] = []
    found = [_offset(zone, start)]
    at = start
    while at < end:
        after = min(at + timedelta(days=1), end)
        if (offset := _offset(zone, after)) != found[-1]:
            changes.append(micros(change_between(zone, at, after)))
            found.append(offset)
        at = after
    return Offsets(zone.key, tuple(changes), tuple(found))


def _offset(zone: ZoneInfo, instant: datetime) -> int:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def change_between(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first instant after `before`, to the second, that has the offset of `after`."""
    old = _offset(zone, before)
    low, high = micros(before) // 1_000_000, -(-micros(after) // 1_000_000)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, EPOCH + timedelta(seconds=middle)) == old:
            low = middle
        else:
            high = middle
    return EPOCH + timedelta(seconds=high)
