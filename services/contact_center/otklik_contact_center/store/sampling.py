"""Rules of samples, and the contacts that they look at."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, ColumnElement, and_, cast, delete, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_contact_center.domain.quality.evaluation import State
from otklik_contact_center.domain.quality.sampling import Rule, Week
from otklik_contact_center.store.quality_tables import evaluation, evaluation_rule
from otklik_contact_center.store.tables import contact


@dataclass(frozen=True, slots=True)
class KeptRule:
    """A rule as it is kept."""

    value: Rule
    revision: int


class Seen(NamedTuple):
    """
    A contact that a rule looks at.

    Attributes:
        evaluation: By the rule's form, not withdrawn; `state` is its state.
    """

    contact: UUID
    at: datetime
    agent: str
    channel: str
    queue: str | None
    branch: str | None
    evaluation: UUID | None
    state: str | None


async def get(tx: AsyncConnection, tenant: str, code: str, *, locked: bool = False) -> KeptRule | None:  # fmt: skip
    """A rule; its row locked if it is to be changed."""
    table = evaluation_rule
    rows = select(table.c.body, table.c.revision).where(
        table.c.tenant == tenant, table.c.code == code
    )
    row = (await tx.execute(rows.with_for_update() if locked else rows)).one_or_none()
    return None if row is None else _rule(row)


async def listed(tx: AsyncConnection, tenant: str, part: Part) -> list[KeptRule]:
    """Rules by their codes."""
    table = evaluation_rule
    rows = select(table.c.body, table.c.revision).where(table.c.tenant == tenant)
    return [_rule(row) for row in await tx.execute(keyset(rows, part, order=[table.c.code]))]


async def count(tx: AsyncConnection, tenant: str) -> int:
    """How many rules a company has."""
    rows = select(func.count()).where(evaluation_rule.c.tenant == tenant)
    return int((await tx.execute(rows)).scalar_one())


async def put(tx: AsyncConnection, tenant: str, kept: KeptRule, now: datetime) -> None:
    """Write a rule."""
    row = {
        "tenant": tenant,
        "code": kept.value.code,
        "body": msgspec.to_builtins(kept.value),
        "revision": kept.revision,
        "changed_at": now,
    }
    written = upsert(evaluation_rule).values(row)
    changed = {name: written.excluded[name] for name in ("body", "revision", "changed_at")}
    await tx.execute(written.on_conflict_do_update(index_elements=["tenant", "code"], set_=changed))


async def remove(tx: AsyncConnection, tenant: str, code: str) -> None:
    """Take a rule out."""
    table = evaluation_rule
    await tx.execute(delete(table).where(table.c.tenant == tenant, table.c.code == code))


async def count_seen(tx: AsyncConnection, tenant: str, rule: Rule, week: Week, *, most: int) -> int:
    """How many contacts a rule looks at; `most` where there are more."""
    rows = select(contact.c.id).where(*_fits(tenant, rule, week)).limit(most).subquery()
    return int((await tx.execute(select(func.count()).select_from(rows))).scalar_one())


async def seen(tx: AsyncConnection, tenant: str, rule: Rule, week: Week) -> list[Seen]:
    """The contacts that a rule looks at, in the order in which they began."""
    judged = and_(
        evaluation.c.tenant == contact.c.tenant,
        evaluation.c.contact == contact.c.id,
        evaluation.c.form == rule.form,
        evaluation.c.state != State.WITHDRAWN.value,
    )
    rows = (
        select(
            contact.c.id,
            contact.c.at,
            contact.c.agent,
            contact.c.channel,
            contact.c.queue,
            contact.c.branch,
            evaluation.c.id,
            evaluation.c.state,
        )
        .join_from(contact, evaluation, judged, isouter=True)
        .where(*_fits(tenant, rule, week))
        .order_by(contact.c.at, contact.c.id)
    )
    return [Seen(*row) for row in await tx.execute(rows)]


def _fits(tenant: str, rule: Rule, week: Week) -> Collection[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [
        contact.c.tenant == tenant,
        ~contact.c.void,
        contact.c.at >= week.begins,
        contact.c.at < week.ends,
        contact.c.agent.is_not(None),
        contact.c.connected_at.is_not(None),
    ]
    if rule.channels:
        where.append(contact.c.channel.in_(rule.channels))
    if rule.queues:
        where.append(contact.c.queue.in_(rule.queues))
    if rule.least_talked_seconds is not None:
        talked = cast(cast(contact.c.data, JSONB)["talked_ms"].astext, BigInteger)
        where.append(talked >= 1_000 * rule.least_talked_seconds)
    return where


def _rule(row: Any) -> KeptRule:
    return KeptRule(msgspec.convert(row.body, Rule), row.revision)
