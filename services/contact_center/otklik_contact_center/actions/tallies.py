"""
How each source sends, counted on the way in.

Nothing of it costs a push a statement: it is counted in memory, and one transaction every few
seconds adds it to the hours of the database. A process that is killed takes with it what it
counted in the last of these seconds; events themselves are safe. The same transaction says that
somebody was there to hear: a silence is told by nobody who did not listen (decision 0128).
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from otklik_common.db import Database
from otklik_common.observability import get_logger
from otklik_common.resting import rest
from otklik_contact_center.actions.lines import Parcel, Verdict
from otklik_contact_center.domain.admission import LIVE
from otklik_contact_center.domain.doctor.delay import bucket_of
from otklik_contact_center.domain.doctor.pulse import HOUR
from otklik_contact_center.store import tallies
from otklik_contact_center.store.inbox import RefusedRow, Row
from otklik_contact_center.store.tallies import DelayRow, HourRow, MinutesRow

WRITE_SECONDS: Final = 5.0

OVERTAKEN_SECONDS: Final = 60.0
"""An event is out of order if one that happened so much later came before it."""

MOST_SOURCES: Final = 100_000
"""Whose newest event a process remembers."""

log = get_logger(__name__)


class _Hour:
    """What a source sent in an hour, as far as it is not written yet; times since 1970."""

    __slots__ = (
        "accepted",
        "arrived",
        "delays",
        "duplicates",
        "heard",
        "late",
        "minutes",
        "newest",
        "refused",
    )

    def __init__(self) -> None:
        self.minutes = self.accepted = self.duplicates = self.refused = self.late = 0
        self.heard = self.newest = self.arrived = 0.0
        self.delays: dict[int, int] = defaultdict(int)

    def add(self, other: "_Hour") -> None:
        """What was to be written, and was not."""
        self.minutes |= other.minutes
        self.accepted += other.accepted
        self.duplicates += other.duplicates
        self.refused += other.refused
        self.late += other.late
        self.heard = max(self.heard, other.heard)
        self.newest = max(self.newest, other.newest)
        self.arrived = max(self.arrived, other.arrived)
        for bucket, events in other.delays.items():
            self.delays[bucket] += events


_Key = tuple[str, str, int]
"""Company, source, hour since 1970."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Tallies:
    """Counts what comes in, and writes it down."""

    def __init__(self, db: Database, now: Callable[[], datetime] = _utc_now) -> None:
        self._db = db
        self._now = now
        self._hours: dict[_Key, _Hour] = defaultdict(_Hour)
        self._newest: dict[tuple[str, str], float] = {}
        self._listened: dict[int, int] = defaultdict(int)
        self._noted = -1

    def count(self, parcels: Sequence[Parcel], verdicts: Sequence[Verdict]) -> None:
        """Requests that are committed, and what became of their rows; all in order of coming."""
        for parcel, verdict in zip(parcels, verdicts, strict=True):
            for rows, judged in _by_source(parcel.rows, verdict):
                self._count_rows(rows, judged)
            for row in parcel.refused:
                at = row.received_at.timestamp()
                hour = self._hour(row, at)
                hour.refused += 1
                hour.arrived = max(hour.arrived, at)

    def _count_rows(self, rows: Sequence[Row], verdict: Verdict) -> None:
        """Rows that came at once from one source."""
        key = (rows[0].tenant, rows[0].source)
        at = rows[0].received_at.timestamp()
        hour = self._hour(rows[0], at)
        hour.arrived = max(hour.arrived, at)
        hour.duplicates += len(verdict.duplicates)
        # What is refused now comes again as that.
        not_new = {*verdict.duplicates, *verdict.reused}
        if len(not_new) == len(rows):
            return
        hour.accepted += len(rows) - len(not_new)
        hour.minutes |= 1 << int(at) // 60 % 60
        hour.heard = max(hour.heard, at)
        newest = self._newest.get(key, 0.0)
        for place, row in enumerate(rows):
            if row.lane != LIVE or (not_new and place in not_new):
                continue  # what is a day old tells nothing of clocks
            happened = row.at.timestamp()
            hour.delays[bucket_of(at - happened)] += 1
            if happened < newest - OVERTAKEN_SECONDS:
                hour.late += 1
            elif happened > newest:
                newest = min(happened, at)
        self._newest[key] = newest
        hour.newest = max(hour.newest, newest)

    def _hour(self, row: Row | RefusedRow, at: float) -> _Hour:
        if len(self._newest) > MOST_SOURCES:
            self._newest.clear()
        return self._hours[row.tenant, row.source, int(at) // HOUR]

    async def keep_writing(self, stop: asyncio.Event) -> None:
        """Write every few seconds, and once more when told to stop."""
        while not stop.is_set():
            await rest(stop, WRITE_SECONDS)
            await self.write()

    async def write(self) -> None:
        """
        Write what was counted, and that we are here; if it cannot be written it waits.

        Where the answer to a commit is lost, it may be added twice.
        """
        minute = int(self._now().timestamp()) // 60
        if minute != self._noted:
            self._listened[minute // 60] |= 1 << minute % 60
        if not self._hours and not self._listened:
            return
        hours, listened = self._hours, self._listened
        self._hours, self._listened = defaultdict(_Hour), defaultdict(int)
        try:
            await tallies.add(self._db, *_rows(hours, listened))
        except Exception as broken:
            for key, hour in hours.items():
                self._hours[key].add(hour)
            # Whoever cannot write hears nothing: these minutes are not told.
            log.warning("what sources sent is not written", exc_info=broken)
        else:
            self._noted = minute


def _by_source(rows: Sequence[Row], verdict: Verdict) -> list[tuple[Sequence[Row], Verdict]]:
    """The rows of a request by their sources: nearly always it has one."""
    if len(rows) == 1:
        return [(rows, verdict)]
    sources = list({row.source for row in rows})
    if len(sources) < 2:
        return [(rows, verdict)] if rows else []
    found: list[tuple[Sequence[Row], Verdict]] = []
    for source in sources:
        places = [place for place, row in enumerate(rows) if row.source == source]
        new = {place: number for number, place in enumerate(places)}
        judged = Verdict(
            [new[place] for place in verdict.duplicates if place in new],
            [new[place] for place in verdict.reused if place in new],
        )
        found.append(([rows[place] for place in places], judged))
    return found


def _rows(
    hours: dict[_Key, _Hour], listened: dict[int, int]
) -> tuple[list[HourRow], list[DelayRow], list[MinutesRow]]:
    made: list[HourRow] = []
    delays: list[DelayRow] = []
    for (tenant, source, number), hour in sorted(hours.items(), key=lambda item: item[0]):
        at = _moment(number * HOUR)
        assert at is not None
        arrived_at = _moment(hour.arrived)
        assert arrived_at is not None
        made.append(
            HourRow(
                tenant,
                source,
                at,
                hour.minutes,
                hour.accepted,
                hour.duplicates,
                hour.refused,
                hour.late,
                _moment(hour.heard),
                _moment(hour.newest),
                arrived_at,
            )
        )
        delays += [
            DelayRow(tenant, source, at, bucket, events)
            for bucket, events in sorted(hour.delays.items())
        ]
    minutes = [
        MinutesRow(_EPOCH + timedelta(hours=n), bits) for n, bits in sorted(listened.items())
    ]
    return made, delays, minutes


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(since_1970: float) -> datetime | None:
    return None if since_1970 == 0.0 else _EPOCH + timedelta(seconds=since_1970)
