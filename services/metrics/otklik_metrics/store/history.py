"""Every revision ever heard, and what was known at a moment."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import asyncpg
import msgspec
from sqlalchemy import (
    ARRAY,
    BindParameter,
    Column,
    Select,
    Subquery,
    Text,
    TextClause,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.events.contact_center import HEAD_LINE
from otklik_common.events.registry import newest
from otklik_common.reading import ReadEvent
from otklik_metrics.domain.sets import TIME_COLUMNS
from otklik_metrics.store import reached
from otklik_metrics.store.decoding import decoder
from otklik_metrics.store.overlap import Step, overlapping
from otklik_metrics.store.tables import (
    FACTS,
    FIELDS,
    HISTORY,
    HISTORY_BY_PERSON,
    KINDS,
    REACHED,
)

GROUP = "metrics.history"
"""The consumer group that fills the history: apart, so that it never slows the numbers."""

TOPICS = ("otklik.contact-center", "otklik.feedback", "otklik.loyalty")
"""Where facts come from."""

CHUNK = 1000
"""Rows of one statement: small enough that the next is prepared while one is written."""

Between = tuple[datetime, datetime]
"""From, inclusive, to, exclusive."""


def facts_as_of(
    kind: str,
    moment: datetime,
    between: Between | None = None,
    *,
    people: Sequence[str] | None = None,
) -> Subquery:
    """
    The facts as they were known at a moment, with the columns of FACTS[kind].

    Each subject has the highest revision that was recorded before the moment; void ones are
    among them. Ask `history_until` first: later than that the answer could still change.

    Args:
        between: Only subjects that were ever said to have happened then, by the first of the
            kind's TIME_COLUMNS; what is asked for must lie inside. Spares a look at the rest.
        people: Only subjects that were ever said to be of these first pseudonyms; likewise.
            Of kinds in HISTORY_BY_PERSON, and instead of `between`.
    """
    narrowed = ""
    binds: list[BindParameter[Any]] = [bindparam("moment", moment, unique=True)]
    if between is not None:
        start, end = between
        narrowed = "indexed AND at >= :start AND at < :end"
        binds += [bindparam("start", start, unique=True), bindparam("end", end, unique=True)]
    elif people is not None:
        assert kind in HISTORY_BY_PERSON, kind
        narrowed = "indexed AND (person = ANY(:people) OR person IS NULL)"
        binds.append(bindparam("people", list(people), type_=ARRAY(Text), unique=True))
    words = _as_of(kind, narrowed)
    return (
        words.bindparams(*binds)
        .columns(*(Column(c.name, c.type) for c in FACTS[kind].columns))
        .subquery(f"{kind}_as_of")
    )


def revisions(
    kind: str,
    tenant: str,
    moment: datetime,
    between: Between | None = None,
    *,
    people: Sequence[str] | None = None,
) -> Select[Any]:
    """What `facts_as_of` has to look at, to be counted first; a revision a row."""
    known = HISTORY[kind].c
    found: Select[Any] = select(literal_column("1")).where(
        known.tenant == tenant, known.recorded_at < moment
    )
    if between is None and people is None:
        return found
    some = HISTORY[kind].alias("found_by").c
    of = select(some.subject).where(some.tenant == tenant, some.recorded_at < moment, some.indexed)
    if between is not None:
        of = of.where(some["at"] >= between[0], some["at"] < between[1])
    if people is not None:
        theirs = some.person == func.any(bindparam(None, list(people), type_=ARRAY(Text)))
        of = of.where(or_(theirs, some.person.is_(None)))
    return found.where(known.subject.in_(of))


def identity_as_of(moment: datetime) -> Subquery:
    """Whose each pseudonym was, as known at a moment: tenant, pseudonym, customer."""
    customers = facts_as_of("customer", moment)
    claims = select(
        customers.c.tenant,
        func.unnest(customers.c.identifiers).label("pseudonym"),
        customers.c.subject.label("customer"),
    ).where(~customers.c.void)
    claim = claims.subquery("claim_as_of")
    return (
        select(claim.c.tenant, claim.c.pseudonym, claim.c.customer)
        .ext(distinct_on(claim.c.tenant, claim.c.pseudonym))
        .order_by(claim.c.tenant, claim.c.pseudonym, claim.c.customer)
        .subquery("identity_as_of")
    )


async def history_until(tx: AsyncConnection) -> datetime | None:
    """
    The moment up to which the history can be asked: what it answers never changes again.

    None while that of any topic is unknown.
    """
    return await reached.until(tx, REACHED, TOPICS)


async def keep(connection: asyncpg.Connection, events: Sequence[ReadEvent]) -> None:
    """
    Add revisions; those that are known stay as they are.

    Raises:
        Unprocessable: The state of an event breaks its contract.
    """
    by_kind: dict[str, list[ReadEvent]] = {}
    for event in events:
        if event.kind in FIELDS:
            by_kind.setdefault(event.kind, []).append(event)
    try:
        async with connection.transaction():
            await _add(connection, by_kind, known="")
    except asyncpg.UniqueViolationError:
        # Rarely something comes again, as after a crash of a relay. To look out for it at each
        # row would cost a sixth of the server's time.
        await _add(connection, by_kind, known="ON CONFLICT DO NOTHING")


async def _add(
    connection: asyncpg.Connection, by_kind: Mapping[str, list[ReadEvent]], *, known: str
) -> None:
    async with aclosing(overlapping(_steps(connection, by_kind, known))) as answers:
        async for _ in answers:
            pass


def _steps(
    connection: asyncpg.Connection, by_kind: Mapping[str, list[ReadEvent]], known: str
) -> Iterator[Step[str]]:
    for kind, events in sorted(by_kind.items()):
        sql = f"{_keep(kind)} {known}"
        said = Said()
        for first in range(0, len(events), CHUNK):
            some = _columns(kind, events[first : first + CHUNK], said)
            yield partial(connection.execute, sql, *some)


async def add_partitions(tx: AsyncConnection, months: int) -> int:
    """Make the partitions of this month and the next ones; how many were missing."""
    added = await tx.execute(_ADD_PARTITIONS, {"kinds": list(KINDS), "months": months})
    return int(added.scalar_one())


class Said:
    """
    What was said of each subject in one batch: when it happened, and to whom.

    A revision that says the same need not be found by it: whoever looks for that finds the subject
    by the one before. The two lie in one partition, so that neither is ever there without the
    other, and the one that is found was not recorded later, so that it is known wherever the
    other is.
    """

    def __init__(self) -> None:
        self._of: dict[tuple[str, int], tuple[Any, datetime]] = {}

    def is_new(self, event: ReadEvent, at: datetime | None, person: str | None) -> bool:
        """Whether it is to be found by this: what was found last of its subject said otherwise."""
        moment = event.recorded_at
        month = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
        says = at, person, month.year, month.month
        subject = event.tenant, event.subject.int
        before = self._of.get(subject)
        if before is not None and before[0] == says and before[1] <= moment:
            return False
        self._of[subject] = says, moment
        return True


def _columns(kind: str, events: Sequence[ReadEvent], said: Said) -> list[Sequence[Any]]:
    """
    The arrays of `_keep`.

    The driver looks at every element of an array, and at times longest: they go as seconds since
    1970, exact to the microsecond. A column of nothing but what is usual is left empty: PostgreSQL
    fills up what is shorter than the others.
    """
    kept = [decoder(kind).kept(event) for event in events]
    voids = [event.void for event in events]
    epochs = [event.epoch for event in events]
    columns: list[Sequence[Any]] = [
        [event.tenant for event in events],
        [event.subject for event in events],
        () if epochs.count(1) == len(epochs) else epochs,
        [event.revision for event in events],
        [event.recorded_at.timestamp() for event in events],
        voids if any(voids) else (),
        [text for _, text in kept],
    ]
    if kind not in TIME_COLUMNS:
        return columns
    times = [getattr(state, TIME_COLUMNS[kind][0]) for state, _ in kept]
    people: Sequence[str | None] = [None] * len(events)
    if kind in HISTORY_BY_PERSON:
        people = [state.identifiers[0] if state.identifiers else "" for state, _ in kept]
    new = [said.is_new(*one) for one in zip(events, times, people, strict=True)]
    columns += [[at and at.timestamp() for at in times], () if all(new) else new]
    return [*columns, people] if kind in HISTORY_BY_PERSON else columns


@cache
def _keep(kind: str) -> str:
    columns = {
        "tenant": "text",
        "subject": "uuid",
        "epoch": "int",
        "revision": "bigint",
        "recorded_at": "float8",
        "void": "boolean",
        "data": "text",
    }
    if kind in TIME_COLUMNS:
        columns |= {"at": "float8", "indexed": "boolean"}
    if kind in HISTORY_BY_PERSON:
        columns |= {"person": "text"}
    taken = {
        **{name: name for name in columns},
        "epoch": "coalesce(epoch, 1)",
        "recorded_at": "to_timestamp(recorded_at)",
        "void": "coalesce(void, false)",
        "at": "to_timestamp(at)",
        "indexed": "coalesce(indexed, true)",
    }
    arrays = ", ".join(f"${n}::{of}[]" for n, of in enumerate(columns.values(), start=1))
    names = ", ".join(columns)
    return f"""
        INSERT INTO metrics.fact_history_{kind} ({names})
        SELECT {", ".join(taken[name] for name in columns)}
        FROM unnest({arrays}) AS heard ({names})"""  # noqa: S608 - names of our own


@cache
def _as_of(kind: str, narrowed: str) -> TextClause:
    told = {f'"{field.name}"': f'fact."{field.name}"' for field in FIELDS[kind]}
    typed = ", ".join(f'"{field.name}" {field.sql}' for field in FIELDS[kind])
    if "head_line" in newest(kind).model_fields:
        # As `decoding` reads it.
        told['"channel"'] = f"CASE WHEN fact.head_line THEN '{HEAD_LINE}' ELSE fact.channel END"
        typed += ", head_line boolean"
    fields = ", ".join(f"{value} AS {name}" for name, value in told.items())
    identified = any(field.name == "identifiers" for field in FIELDS[kind])
    person = "fact.identifiers[1]" if identified else "NULL::text"
    subjects = (
        f"""AND (tenant, subject) IN (SELECT tenant, subject FROM metrics.fact_history_{kind}
            WHERE {narrowed} AND recorded_at < :moment)"""  # noqa: S608
        if narrowed
        else ""
    )
    # What a writer of an older build did not say has the default of the contract.
    defaults = _defaults(kind).replace(":", r"\:")
    return text(f"""
        SELECT known.tenant, known.subject, known.epoch, known.revision, known.void,
            known.recorded_at, {person} AS person, {fields}
        FROM (
            SELECT DISTINCT ON (tenant, subject) * FROM metrics.fact_history_{kind}
            WHERE recorded_at < :moment {subjects}
            ORDER BY tenant, subject, epoch DESC, revision DESC) AS known
        CROSS JOIN LATERAL jsonb_to_record('{defaults}'\\:\\:jsonb || known.data\\:\\:jsonb)
            AS fact ({typed})""")  # noqa: S608 - names of our own


def _defaults(kind: str) -> str:
    """The defaults of a contract as JSON, without those that are null."""
    fields = newest(kind).model_fields.items()
    said = {
        name: info.get_default(call_default_factory=True)
        for name, info in fields
        if not info.is_required()
    }
    return msgspec.json.encode({n: v for n, v in said.items() if v is not None}).decode()


_ADD_PARTITIONS = text("""
    SELECT count(*) FILTER (WHERE metrics.add_history_partition(kind, month::date))
    FROM unnest(CAST(:kinds AS text[])) AS kind,
        generate_series(date_trunc('month', now()),
            now() + make_interval(months => :months), '1 month') AS month""")
