"""Records that a consumer has not taken in and the log has no more: found, and passed on purpose."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import text

from otklik_common.db import Database
from otklik_common.log.port import Log, LogGapError, Place, gap
from otklik_common.positions import Positions


class Standing(NamedTuple):
    """Where a group is in one partition, which keeps the records `first` to `end` - 1."""

    group: str
    topic: str
    partition: int
    next: int
    first: int
    end: int

    @property
    def lacks(self) -> bool:
        """Whether what comes next is not there: it was deleted, or the topic was made anew."""
        return not self.first <= self.next <= self.end


async def standings(db: Database, log: Log, topics: Collection[str]) -> list[Standing]:
    """
    Where the groups of one service are in these topics.

    Raises:
        LogNotReadyError: The log does not answer, or a topic is missing.
    """
    async with db.begin_as_worker() as tx:
        rows = await tx.execute(
            text(
                f"SELECT consumer, topic, partition, next FROM {db.schema}.positions"  # noqa: S608
                " WHERE topic = ANY (:topics) ORDER BY consumer, topic, partition"
            ),
            {"topics": list(topics)},
        )
        known = rows.all()
    read = sorted({topic for _, topic, _, _ in known})
    firsts, ends = await log.beginnings(read), await log.ends(read)
    return [
        Standing(group, topic, partition, following, firsts[at], ends[at])
        for group, topic, partition, following in known
        if (at := (topic, partition)) in ends
    ]


async def go_on(db: Database, log: Log, lacking: Sequence[Standing]) -> list[Standing]:
    """
    Let groups go on from the first record kept; what is lost between is passed over for good.

    A relay that found its topic shorter than it had promised goes on as well. The consumers may
    run meanwhile: a position that is held or was moved since is left as it is.

    Returns:
        Where those now stand that were moved.
    """
    moved = []
    for one in lacking:
        at: Place = (one.topic, one.partition)
        positions = Positions(db.schema, one.group)
        async with db.begin_as_worker() as tx:
            if (await positions.lock(tx, [at])).get(at) == one.next:
                await positions.move(tx, {at: one.first})
                moved.append(one._replace(next=one.first))
    for topic in sorted({one.topic for one in moved}):
        await _promise_less(log, topic)
    return moved


async def check_promised(log: Log, topic: str, ends: Sequence[int]) -> None:
    """
    Compare a topic with what was promised of it; called before anything is written there.

    A topic that was made anew would grow until readers find a record at their position, and would
    go on there as if nothing had happened.

    Raises:
        LogGapError: The topic ends below a promise.
    """
    for at, mark in sorted((await log.watermarks([topic])).items()):
        if ends[at[1]] < mark.offset:
            raise LogGapError(gap(at, mark.offset, f"it ends at {ends[at[1]]}"))


async def _promise_less(log: Log, topic: str) -> None:
    """Take back what a topic no longer holds of its last promise."""
    marks = await log.watermarks([topic])
    ends = await log.ends([topic])
    if any(ends[at] < mark.offset for at, mark in marks.items()):
        least = [min(ends[at], marks[at].offset) for at in sorted(marks)]
        newest = max(mark.time for mark in marks.values()) + timedelta(microseconds=1)
        await log.publish_watermark(topic, newest, least)
