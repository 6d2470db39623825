"""Reading again: which companies' answers, and how far."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_feedback.store.readings import AGAIN
from otklik_feedback.store.sets import array
from otklik_feedback.store.tables import answers, reading_sweeps, unread

# Every company that was not read by these words.
_ALL: Final = text(
    "INSERT INTO feedback.reading_sweeps"
    " (tenant, lexicon, tree, done, total, begun_at, stepped_at)"
    " SELECT tenant, :lexicon,"
    " coalesce((SELECT max(version) FROM feedback.topic_trees"
    " WHERE topic_trees.tenant = all_of.tenant), 0), 0, 0, :now, :now"
    " FROM (SELECT DISTINCT tenant FROM feedback.directory WHERE kind = 'company' AND NOT void)"
    " AS all_of"
    " WHERE NOT EXISTS (SELECT FROM feedback.reading_sweeps AS known"
    " WHERE known.tenant = all_of.tenant AND known.lexicon = :lexicon)"
    " ON CONFLICT (tenant) DO UPDATE SET lexicon = excluded.lexicon, tree = excluded.tree,"
    " done = 0, total = excluded.total, after = NULL, begun_at = excluded.begun_at,"
    " finished_at = NULL"
)


@dataclass(frozen=True, slots=True)
class Sweep:
    """
    One company's answers, read again.

    Attributes:
        done: Answers marked so far, some of which still wait.
        total: Answers with words at its first step; 0 before that, so that beginning costs nothing.
    """

    tenant: str
    lexicon: str
    tree: int
    after: UUID | None
    done: int
    total: int
    finished_at: datetime | None = None


async def begin(
    tx: AsyncConnection, tenant: str, *, lexicon: str, tree: int, now: datetime
) -> None:
    """Read all of a company's answers again, from the first."""
    new = upsert(reading_sweeps).values(
        tenant=tenant,
        lexicon=lexicon,
        tree=tree,
        after=None,
        done=0,
        total=0,
        begun_at=now,
        stepped_at=now,
        finished_at=None,
    )
    names = ("lexicon", "tree", "after", "done", "total", "begun_at", "finished_at")
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=[reading_sweeps.c.tenant],
            set_={name: new.excluded[name] for name in names},
        )
    )


async def begin_all(tx: AsyncConnection, *, lexicon: str, now: datetime) -> None:
    """Read again whatever was read by other words than these."""
    await tx.execute(_ALL, {"lexicon": lexicon, "now": now})


async def of(tx: AsyncConnection, tenant: str) -> Sweep | None:
    """A company's last one."""
    found = await tx.execute(select(reading_sweeps).where(reading_sweeps.c.tenant == tenant))
    row = found.one_or_none()
    return None if row is None else _sweep(row)


async def take(tx: AsyncConnection) -> Sweep | None:
    """The one that has not been stepped for the longest, locked; none that others have."""
    found = await tx.execute(
        select(reading_sweeps)
        .where(reading_sweeps.c.finished_at.is_(None))
        .order_by(reading_sweeps.c.stepped_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = found.one_or_none()
    return None if row is None else _sweep(row)


async def crowded(tx: AsyncConnection, most: int) -> bool:
    """Whether so many already wait to be read again."""
    some = select(literal(1)).where(unread.c.lane == AGAIN).limit(most).subquery()
    found = await tx.execute(select(func.count()).select_from(some))
    return int(found.scalar_one()) >= most


async def step(tx: AsyncConnection, sweep: Sweep, most: int, now: datetime) -> None:
    """Mark the next answers of a sweep that is taken; with none left it is finished."""
    wanted = (
        select(answers.c.id)
        .where(answers.c.tenant == sweep.tenant, answers.c.comment.is_not(None))
        .order_by(answers.c.id)
        .limit(most)
    )
    if sweep.after is not None:
        wanted = wanted.where(answers.c.id > sweep.after)
    ids = list((await tx.execute(wanted)).scalars())
    if ids:
        await _mark(tx, sweep.tenant, ids, now)
    total = sweep.total if sweep.done else await _with_words(tx, sweep.tenant)
    await tx.execute(
        update(reading_sweeps)
        .values(
            total=total,
            after=ids[-1] if ids else sweep.after,
            done=sweep.done + len(ids),
            stepped_at=now,
            finished_at=None if len(ids) == most else now,
        )
        .where(reading_sweeps.c.tenant == sweep.tenant)
    )


async def _with_words(tx: AsyncConnection, tenant: str) -> int:
    found = await tx.execute(
        select(func.count())
        .select_from(answers)
        .where(answers.c.tenant == tenant, answers.c.comment.is_not(None))
    )
    return int(found.scalar_one())


async def _mark(tx: AsyncConnection, tenant: str, ids: list[UUID], now: datetime) -> None:
    # Answers taken out meanwhile are not there to be marked; one that is being read by the topics
    # before is waited for, and then read again.
    still = (
        select(literal(tenant), answers.c.id, literal(AGAIN), literal(now))
        .where(answers.c.tenant == tenant, answers.c.id == array(answers, "id", ids))
        .order_by(answers.c.id)
        .with_for_update(key_share=True, read=True)
    )
    new = upsert(unread).from_select(["tenant", "answer", "lane", "recorded_at"], still)
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=[unread.c.tenant, unread.c.answer],
            set_={"lane": func.least(unread.c.lane, AGAIN)},
        )
    )


def _sweep(row: Any) -> Sweep:
    return Sweep(row.tenant, row.lexicon, row.tree, row.after, row.done, row.total, row.finished_at)
