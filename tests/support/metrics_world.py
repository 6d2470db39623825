"""Queries for tests: short to say, checked like those of callers."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4, uuid5

from otklik_common.db import raw
from otklik_common.events.envelope import Event, Fact
from otklik_metrics.actions import counting
from otklik_metrics.actions.query import Answered, answer
from otklik_metrics.domain.company import Company
from otklik_metrics.domain.query import (
    Query,
    Top,
    ask,
    check_dimensions,
    filter_of,
    range_of,
    within_reach,
)
from otklik_metrics.domain.zones import Granularity
from tests.support.facts import a_customer, heard
from tests.support.metrics_known import SPACE, Known, events_of

if TYPE_CHECKING:
    # The fixtures need this module in turn.
    from tests.integration.metrics.conftest import World

Wanted = str | tuple[str, Mapping[str, Any]]
GROUPS = {"tyumen": ("ural", "own"), "perm": ("ural",), "omsk": ()}


def a_company(tenant: str = "demo2abc", timezone: str = "Europe/Berlin") -> Company:
    """A company that counts in roubles and has two groups of branches."""
    return Company(tenant, "RUB", timezone, GROUPS)


def a_query(
    *wanted: Wanted,
    company: Company | None = None,
    start: str = "2026-02-20T00:00:00+01:00",
    end: str = "2026-05-06T00:00:00+02:00",
    granularity: str = "total",
    timezone: str = "Europe/Berlin",
    group_by: Sequence[str] = (),
    filters: Sequence[tuple[str, str, Sequence[Any]]] = (),
    branches: frozenset[str] | None = None,
    compare: bool = False,
    as_of: datetime | None = None,
    top: Top | None = None,
) -> Query:
    """A checked query; over everything that `some_facts` makes, by default."""
    company = company or a_company()
    named = [one if isinstance(one, tuple) else (one, {}) for one in wanted]
    asked = ask(
        company,
        [(name, f"m{number}", params) for number, (name, params) in enumerate(named)],
    )
    check_dimensions(asked, [*group_by, *(name for name, _, _ in filters)])
    return Query(
        company=company,
        asked=asked,
        buckets=range_of(
            datetime.fromisoformat(start),
            datetime.fromisoformat(end),
            Granularity(granularity),
            timezone,
        ),
        group_by=tuple(group_by),
        filters=within_reach([filter_of(company, *one) for one in filters], branches),
        compare=compare,
        as_of=as_of,
        top=top,
    )


async def found_company(world: "World", timezone: str = "Europe/Berlin", **said: Any) -> None:
    """Let metrics hear of the company, so that its days are those of its zone."""
    company = {
        "timezone": timezone,
        "currency": "RUB",
        "created_at": "2026-01-01T00:00:00Z",
        **said,
    }
    await world.admin.execute(
        "INSERT INTO metrics.directory (tenant, kind, subject, revision, epoch, void, data) "
        "VALUES ($1, 'company', $2, 1, 1, false, $3::jsonb)",
        world.tenant,
        uuid4(),
        json.dumps(company),
    )


async def take_in(world: "World", facts: Sequence[tuple[UUID, Fact]], *, revision: int = 1) -> None:
    """Let metrics hear facts, in one batch."""
    events = [
        Event(
            tenant=world.tenant,
            subject=subject,
            revision=revision,
            verb="changed",
            time=datetime(2026, 3, 2, tzinfo=UTC),
            recorded_at=datetime(2026, 3, 2, 9, minute=revision, tzinfo=UTC),
            data=fact,
        )
        for subject, fact in facts
    ]
    async with world.worker.begin_as_worker() as tx:
        await counting.take_in(await raw(tx), heard(*events))


async def take_in_known(world: "World", known: Known) -> None:
    """Let metrics hear all facts of an oracle, and who is who."""
    await take_in(world, events_of(known))
    people: dict[UUID, list[str]] = {}
    for pseudonym, customer in known.identity.items():
        people.setdefault(customer, []).append(pseudonym)
    await take_in(world, [(who, a_customer(*sorted(names))) for who, names in people.items()])


async def without_rollups(world: "World") -> None:
    """Make every version look as if an older build had folded it: only facts can answer then."""
    await world.admin.execute(
        "UPDATE metrics.rollup_versions SET fold_version = 0 WHERE tenant = $1", world.tenant
    )


async def ask_it(world: "World", query: Query, now: datetime) -> Answered:
    """The answer, as the API gives it."""
    return await answer(world.api, query, now)


def subject(name: str) -> UUID:
    """An id by name."""
    return uuid5(SPACE, name)
