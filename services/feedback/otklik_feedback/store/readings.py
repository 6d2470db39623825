"""What the words of answers say, and which are still to be read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Table, delete, func, literal, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.selectable import Subquery

from otklik_common.events.feedback import Sentiment
from otklik_feedback.domain.enrichment import Correction, Known, Machine, State, shown
from otklik_feedback.domain.text.language import Language
from otklik_feedback.domain.text.reading import Evidence, Mention, Reading
from otklik_feedback.store.sets import Row, array, given
from otklik_feedback.store.tables import answers, readings, unread

LIVE: Final = 0
AGAIN: Final = 1
"""Lanes: what came in just now is read before what is read again."""

_COLUMNS: Final = (
    "tenant",
    "answer",
    "revision",
    "recorded_at",
    "body_revision",
    "digest",
    "state",
    "sentiment",
    "topics",
    "read_at",
    "told",
    "lexicon",
    "tree",
    "said",
    "corrected",
)

# Whoever writes an answer holds it: then it is left for the next step, for they mark it again. Nothing
# here ever waits for them, so that they may wait for us.
_TAKE: Final = text(
    "SELECT unread.tenant, unread.answer"
    " FROM feedback.unread JOIN feedback.answers"
    " ON answers.tenant = unread.tenant AND answers.id = unread.answer"
    " ORDER BY unread.lane, unread.recorded_at LIMIT :most"
    " FOR UPDATE OF unread SKIP LOCKED FOR KEY SHARE OF answers SKIP LOCKED"
)

Pair = tuple[str, UUID]
"""Company and answer."""


async def mark(tx: AsyncConnection, pairs: Collection[Pair], now: datetime) -> None:
    """Have the words of answers read, before those that are read again."""
    names = ("tenant", "answer", "lane", "recorded_at")
    rows = [
        {"tenant": tenant, "answer": answer, "lane": LIVE, "recorded_at": now}
        for tenant, answer in sorted(pairs)
    ]
    new = upsert(unread).from_select(list(names), select(*given(unread, names, rows).c))
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=[unread.c.tenant, unread.c.answer],
            set_={"lane": LIVE},
        )
    )


async def forget(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> None:
    """Drop what is known of words that were taken back."""
    for table in (unread, readings):
        await tx.execute(
            delete(table).where(
                table.c.tenant == tenant, table.c.answer == array(table, "answer", ids)
            )
        )


async def any_unread(tx: AsyncConnection) -> bool:
    """Whether anything is to be read; asks of no answer."""
    found = await tx.execute(select(select(literal(1)).select_from(unread).exists()))
    return bool(found.scalar_one())


async def take(tx: AsyncConnection, most: int) -> list[Pair]:
    """Some that are to be read, theirs until the end of `tx`; none that others have."""
    found = await tx.execute(_TAKE, {"most": most})
    return [(row.tenant, row.answer) for row in found]


async def done(tx: AsyncConnection, taken: Sequence[Pair]) -> None:
    """They are read."""
    source = _pairs(unread, taken)
    await tx.execute(
        delete(unread).where(unread.c.tenant == source.c.tenant, unread.c.answer == source.c.answer)
    )


async def waiting(tx: AsyncConnection, tenant: str) -> int:
    """How many answers of a company are still to be read."""
    found = await tx.execute(
        select(func.count()).select_from(unread).where(unread.c.tenant == tenant)
    )
    return int(found.scalar_one())


async def of(
    tx: AsyncConnection, tenant: str, ids: Collection[UUID], *, lock: bool = False
) -> dict[UUID, Known]:
    """What is known of the words of answers; with `lock` theirs until the end of `tx`."""
    wanted = (
        select(readings)
        .where(readings.c.tenant == tenant, readings.c.answer == array(readings, "answer", ids))
        .order_by(readings.c.answer)
    )
    found = await tx.execute(wanted.with_for_update() if lock else wanted)
    return {row.answer: _known(row) for row in found}


async def of_any(tx: AsyncConnection, pairs: Sequence[Pair]) -> dict[Pair, Known]:
    """The same of answers of any companies, which are held."""
    source = _pairs(readings, pairs)
    found = await tx.execute(
        select(readings).join(
            source,
            (source.c.tenant == readings.c.tenant) & (source.c.answer == readings.c.answer),
        )
    )
    return {(row.tenant, row.answer): _known(row) for row in found}


async def put(tx: AsyncConnection, known: Iterable[tuple[str, UUID, Known]]) -> None:
    """Write what is known of the words of answers, which are held."""
    source = given(readings, _COLUMNS, [_row(*each) for each in known])
    new = upsert(readings).from_select(list(_COLUMNS), select(*source.c))
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=[readings.c.tenant, readings.c.answer],
            set_={name: new.excluded[name] for name in _COLUMNS[2:]},
        )
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the words of answers are wanted to say; None means anything."""

    state: State | None = None
    sentiment: Sentiment | None = None
    topic: str | None = None


ANYTHING: Final = Wanted()


def where(wanted: Wanted) -> list[ColumnElement[bool]]:
    """The same of answers in a query; who wants anything of words wants answers with words."""
    said: list[ColumnElement[bool]] = []
    if wanted.sentiment is not None:
        said.append(readings.c.sentiment == wanted.sentiment)
    if wanted.topic is not None:
        said.append(readings.c.topics.contains([wanted.topic]))
    found = [] if not said else [_current(*said)]
    if wanted.state is not None:
        enriched = _current(readings.c.state == State.ENRICHED)
        found.append(answers.c.comment.is_not(None))
        found.append(enriched if wanted.state is State.ENRICHED else ~enriched)
    return found


def _current(*said: ColumnElement[bool]) -> ColumnElement[bool]:
    return (
        select(literal(1))
        .where(
            readings.c.tenant == answers.c.tenant,
            readings.c.answer == answers.c.id,
            readings.c.body_revision == answers.c.body_revision,
            *said,
        )
        .exists()
    )


# --- Rows ---------------------------------------------------------------------------------------


def _pairs(table: Table, pairs: Iterable[Pair]) -> Subquery:
    rows = [{"tenant": tenant, "answer": answer} for tenant, answer in pairs]
    return given(table, ("tenant", "answer"), rows)


def _row(tenant: str, answer: UUID, known: Known) -> Row:
    ours, said = known.machine, known.correction
    seen = shown(known, known.body_revision)
    return {
        "tenant": tenant,
        "answer": answer,
        "revision": known.revision,
        "recorded_at": known.recorded_at,
        "body_revision": known.body_revision,
        "digest": known.digest,
        "told": known.told,
        "state": seen.state,
        "sentiment": seen.sentiment,
        "topics": [each.topic for each in seen.topics],
        "read_at": None if ours is None else ours.read_at,
        "lexicon": None if ours is None else ours.lexicon,
        "tree": None if ours is None else ours.tree,
        "said": None if ours is None else _written(ours.reading),
        "corrected": None if said is None else _correction_written(said),
    }


def _known(row: Any) -> Known:
    return Known(
        revision=row.revision,
        recorded_at=row.recorded_at,
        body_revision=row.body_revision,
        digest=row.digest,
        told=row.told,
        machine=None
        if row.said is None
        else Machine(_reading(row.said), row.lexicon, row.tree, row.read_at),
        correction=None if row.corrected is None else _correction(row.corrected),
    )


def _written(reading: Reading) -> dict[str, Any]:
    return {
        "language": reading.language,
        "score": reading.score,
        "sentiment": reading.sentiment,
        "evidence": [[each.start, each.end, each.weight] for each in reading.evidence],
        "mentions": [
            {
                "topic": each.topic,
                "score": each.score,
                "sentiment": each.sentiment,
                "spans": each.spans,
            }
            for each in reading.mentions
        ],
        "cut": reading.cut,
    }


def _reading(said: Mapping[str, Any]) -> Reading:
    return Reading(
        Language(said["language"]),
        said["score"],
        Sentiment(said["sentiment"]),
        tuple(Evidence(*each) for each in said["evidence"]),
        tuple(
            Mention(
                each["topic"],
                each["score"],
                Sentiment(each["sentiment"]),
                tuple((start, end) for start, end in each["spans"]),
            )
            for each in said["mentions"]
        ),
        said["cut"],
    )


def _correction_written(said: Correction) -> dict[str, Any]:
    return {
        "topics": said.topics,
        "sentiment": said.sentiment,
        "by": said.by,
        "at": said.at.isoformat(),
        "digest": said.digest.hex(),
    }


def _correction(said: Mapping[str, Any]) -> Correction:
    return Correction(
        None if said["topics"] is None else tuple(said["topics"]),
        None if said["sentiment"] is None else Sentiment(said["sentiment"]),
        said["by"],
        datetime.fromisoformat(said["at"]),
        bytes.fromhex(said["digest"]),
    )
