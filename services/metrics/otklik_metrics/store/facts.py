"""Facts: the newest revision of each subject, replaced by whole batches."""

from collections import namedtuple
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import cache, partial
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from otklik_common.reading import ReadEvent
from otklik_metrics.domain.measures import MEASURES
from otklik_metrics.domain.rollup import fields_read
from otklik_metrics.store.decoding import decoder
from otklik_metrics.store.overlap import Step, overlapping
from otklik_metrics.store.tables import FIELDS, HEAD, SCHEMA

_NEWEST_TYPES: Mapping[str, int] = {
    "answer": 2,
    "contact": 2,
    "lead": 3,
    "showing": 2,
    "deal": 2,
    "source": 2,
}
ROW_TYPES: Mapping[str, str] = {
    kind: f"fact_{kind}_{_NEWEST_TYPES.get(kind, 1)}" for kind in FIELDS
}
"""
Types of the rows that a batch is sent as. They never change: a column that is added to a table
comes with a new type, so that a process of the build before goes on while the new one starts.
"""


CHUNK = 1000
"""Rows of one statement: large enough to pay for it, small enough that work overlaps."""


class Change(NamedTuple):
    """
    What the newest revision of a subject changed.

    Attributes:
        first: Whether nothing was known of the subject.
        old: Its state before, with the attributes that `fields_read` names; None if it was
            unknown or void.
        new: Its state now; None if it is void.
    """

    tenant: str
    subject: UUID
    first: bool
    old: Any | None
    new: Any | None


def newest(events: Sequence[ReadEvent]) -> dict[str, list[ReadEvent]]:
    """The highest revision of each subject, by kind, sorted by company and subject."""
    found: dict[tuple[str, str, int], ReadEvent] = {}
    known = found.get
    for event in events:
        at = (event.kind, event.tenant, event.subject.int)  # UUIDs compare in Python
        before = known(at)
        if (
            before is None
            or event.epoch > before.epoch
            or (event.epoch == before.epoch and event.revision > before.revision)
        ):
            found[at] = event
    by_kind: dict[str, list[ReadEvent]] = {}
    # Two writers that lock the same rows in different orders deadlock.
    for at in sorted(found):
        by_kind.setdefault(at[0], []).append(found[at])
    return by_kind


async def replace(
    connection: asyncpg.Connection,
    kind: str,
    events: Sequence[ReadEvent],
    *,
    schema: str = SCHEMA,
) -> AsyncGenerator[list[Change], None]:
    """
    Keep what is newer than what is known, some thousand at a time.

    Args:
        events: At most one of each subject, all of `kind`, sorted by company and subject.
        schema: Where the tables are; `pg_temp` while the log is replayed.
    Yields:
        What changed; events that came late or again are not among it.
    Raises:
        Unprocessable: The state of an event breaks its contract; nothing was sent.
    """
    state_of = decoder(kind).state
    states = [state_of(event) for event in events]
    sql, row, old_of = statement(kind, schema), _rows(kind), _olds(kind)

    def steps() -> Iterator[Step[list[asyncpg.Record]]]:
        for first in range(0, len(events), CHUNK):
            some = slice(first, first + CHUNK)
            yield partial(connection.fetch, sql, list(map(row, events[some], states[some])))

    new_of = {
        (event.tenant, event.subject): None if event.void else state
        for event, state in zip(events, states, strict=True)
    }
    async with aclosing(overlapping(steps())) as answers:
        async for rows in answers:
            yield [_change(row, new_of[row[0], row[1]], old_of) for row in rows]


def _change(row: asyncpg.Record, new: Any | None, old_of: Callable[[Sequence[Any]], Any]) -> Change:
    tenant, subject, first, was_void = row[:4]
    # Most rows of a batch are new: what stood before is looked at only where there was something.
    return Change(tenant, subject, first, None if first or was_void else old_of(row[4:]), new)


@cache
def statement(kind: str, schema: str) -> str:
    """The statement that replaces facts; its parameter is an array of rows."""
    columns = [*HEAD, *(field.name for field in FIELDS[kind])]
    named = ", ".join(f'"{column}"' for column in columns)
    taken = ", ".join(f'(heard)."{column}"' for column in columns)
    moved = ", ".join(
        f'"{column}" = excluded."{column}"'
        for column in columns
        if column not in ("tenant", "subject")
    )
    before = "".join(f', old."{name}"' for name in _fields_read(kind))
    return f"""
        INSERT INTO {schema}.facts_{kind} AS known ({named})
        SELECT {taken} FROM unnest($1::{SCHEMA}.{ROW_TYPES[kind]}[]) AS heard
        ON CONFLICT (tenant, subject) DO UPDATE SET {moved}
        WHERE (known.epoch, known.revision) < (excluded.epoch, excluded.revision)
        RETURNING new.tenant, new.subject, old.subject IS NULL, old.void{before}"""  # noqa: S608 - names of our own


def _fields_read(kind: str) -> tuple[str, ...]:
    if kind in MEASURES:
        return fields_read(kind)
    return ("identifiers",) if kind == "customer" else ()


@cache
def _olds(kind: str) -> Callable[[Sequence[Any]], Any]:
    before: Any = namedtuple(f"{kind}_before", _fields_read(kind))  # type: ignore[misc]  # named at run time
    made: Callable[[Sequence[Any]], Any] = before._make
    return made


@cache
def _rows(kind: str) -> Callable[[ReadEvent, Any], tuple[Any, ...]]:
    """How an event and its state become a row of the type of `kind`."""
    names = [field.name for field in FIELDS[kind]]
    documents = [place for place, field in enumerate(FIELDS[kind]) if field.sql == "jsonb"]
    assert len(documents) <= 1, f"a row of {kind} is made for one document, not for {documents}"
    at = documents[0] if documents else len(names)
    values_of = attrgetter(*names)
    identified = "identifiers" in names

    def row(event: ReadEvent, state: Any) -> tuple[Any, ...]:
        values = values_of(state)
        return (
            event.tenant,
            event.subject,
            event.epoch,
            event.revision,
            event.void,
            event.recorded_at,
            state.identifiers[0] if identified and state.identifiers else None,
            *values[:at],
            *map(_json, values[at : at + 1]),
            *values[at + 1 :],
        )

    return row


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode() if value else "{}"
