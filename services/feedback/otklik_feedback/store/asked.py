"""What people were asked, and the counters that quotas are held to: rows that many want at once."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_feedback.domain.asking.quarantine import Asked
from otklik_feedback.store.asking_tables import asked_people, quotas
from otklik_feedback.store.sets import given


class Pseudonym(NamedTuple):
    """One name of somebody in one company."""

    tenant: str
    pseudonym: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a pseudonym; `opted_out_at` is None for who may be asked."""

    asked: tuple[Asked, ...] = ()
    opted_out_at: datetime | None = None


async def locked(tx: AsyncConnection, people: Collection[Pseudonym]) -> dict[Pseudonym, Known]:
    """
    What is known of people, ours until the end of `tx`.

    Each gets a row: of two who are about to ask one person the second waits, and sees the first.
    """
    if not people:
        return {}
    rows = [
        {"tenant": one.tenant, "pseudonym": one.pseudonym, "body": _NOTHING}
        for one in sorted(people)
    ]
    source = given(asked_people, ("tenant", "pseudonym", "body"), rows)
    await tx.execute(
        upsert(asked_people)
        .from_select(["tenant", "pseudonym", "body"], select(*source.c))
        .on_conflict_do_nothing()
    )
    wanted = given(asked_people, ("tenant", "pseudonym"), rows)
    found = await tx.execute(
        select(asked_people)
        .join(
            wanted,
            (wanted.c.tenant == asked_people.c.tenant)
            & (wanted.c.pseudonym == asked_people.c.pseudonym),
        )
        .order_by(asked_people.c.tenant, asked_people.c.pseudonym)
        .with_for_update(of=asked_people)
    )
    return {Pseudonym(row.tenant, row.pseudonym): _known(row.body) for row in found}


async def put(tx: AsyncConnection, changed: Mapping[Pseudonym, Known]) -> None:
    """Write what is known of locked people."""
    if not changed:
        return
    rows = [{**who._asdict(), "body": _written(known)} for who, known in sorted(changed.items())]
    source = given(asked_people, ("tenant", "pseudonym", "body"), rows)
    await tx.execute(
        update(asked_people)
        .values(body=source.c.body)
        .where(
            asked_people.c.tenant == source.c.tenant,
            asked_people.c.pseudonym == source.c.pseudonym,
        )
    )


def _written(known: Known) -> dict[str, Any]:
    return {
        "asked": [
            [str(one.invitation), one.at.isoformat(), one.metric, one.channel]
            for one in known.asked
        ],
        "opted_out_at": None if known.opted_out_at is None else known.opted_out_at.isoformat(),
    }


_NOTHING: Final = _written(Known())


def _known(said: Mapping[str, Any]) -> Known:
    since = said["opted_out_at"]
    return Known(
        tuple(
            Asked(UUID(invitation), datetime.fromisoformat(at), metric, channel)
            for invitation, at, metric, channel in said["asked"]
        ),
        None if since is None else datetime.fromisoformat(since),
    )


# --- Quotas -------------------------------------------------------------------------------------


class Counter(NamedTuple):
    """What counts towards one quota of one programme."""

    tenant: str
    programme: str
    counter: str


async def counters(tx: AsyncConnection, wanted: Collection[Counter]) -> dict[Counter, int]:
    """How much of quotas is used, ours until the end of `tx`; sorted, as all lock them."""
    if not wanted:
        return {}
    rows = [{**one._asdict(), "used": 0} for one in sorted(wanted)]
    names = ("tenant", "programme", "counter", "used")
    source = given(quotas, names, rows)
    await tx.execute(
        upsert(quotas).from_select(list(names), select(*source.c)).on_conflict_do_nothing()
    )
    sought = given(quotas, names[:3], rows)
    found = await tx.execute(
        select(quotas)
        .join(
            sought,
            (sought.c.tenant == quotas.c.tenant)
            & (sought.c.programme == quotas.c.programme)
            & (sought.c.counter == quotas.c.counter),
        )
        .order_by(quotas.c.tenant, quotas.c.programme, quotas.c.counter)
        .with_for_update(of=quotas)
    )
    return {Counter(row.tenant, row.programme, row.counter): row.used for row in found}


async def count(tx: AsyncConnection, used: Iterable[tuple[Counter, int]]) -> None:
    """Write how much of locked quotas is used."""
    rows = [{**counter._asdict(), "used": number} for counter, number in sorted(used)]
    if not rows:
        return
    source = given(quotas, ("tenant", "programme", "counter", "used"), rows)
    await tx.execute(
        update(quotas)
        .values(used=source.c.used)
        .where(
            quotas.c.tenant == source.c.tenant,
            quotas.c.programme == source.c.programme,
            quotas.c.counter == source.c.counter,
        )
    )
