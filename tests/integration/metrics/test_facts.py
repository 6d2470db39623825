"""Facts on a real PostgreSQL: the newest revision of each subject, whatever comes when."""

from datetime import timedelta
from typing import Any
from uuid import uuid5

import pytest

from otklik_common.db import raw
from otklik_common.events.envelope import Event, Fact
from otklik_metrics.actions import counting
from otklik_metrics.actions.counting import Counted
from otklik_metrics.domain.sets import FOLD_VERSIONS
from otklik_metrics.store.tables import FIELDS, KINDS
from otklik_metrics.store.versions import NewerBuildError
from tests.integration.metrics.conftest import World
from tests.support.facts import (
    MAIL,
    MONDAY,
    PHONE,
    SOURCE,
    a_contact,
    a_customer,
    an_answer,
    an_answered_contact,
    an_event,
    heard,
)


async def take_in(world: World, *events: Event[Fact]) -> Counted:
    async with world.worker.begin_as_worker() as tx:
        return await counting.take_in(await raw(tx), heard(*events))


async def facts(world: World, kind: str) -> list[dict[str, Any]]:
    rows = await world.admin.fetch(
        f"SELECT * FROM metrics.facts_{kind} WHERE tenant = $1 ORDER BY subject", world.tenant
    )
    return [dict(row) for row in rows]


@pytest.mark.asyncio
async def test_a_fact_stands_in_typed_columns(world: World) -> None:
    contact = an_answered_contact(attributes={"utm": 'a "b" \\'}, contradictions=("x{", 'y"'))
    await take_in(world, an_event(contact, tenant=world.tenant, revision=3))
    (row,) = await facts(world, "contact")
    assert (row["epoch"], row["revision"], row["void"], row["person"]) == (1, 3, False, PHONE)
    assert row["recorded_at"] == MONDAY + timedelta(seconds=3)
    for field in FIELDS["contact"]:
        said = getattr(contact, field.name)
        if field.sql == "text[]":
            said = list(said)
        if field.name != "attributes":
            assert row[field.name] == said, field.name
    assert row["attributes"] == '{"utm": "a \\"b\\" \\\\"}'


@pytest.mark.asyncio
async def test_the_highest_revision_of_a_batch_is_kept(world: World) -> None:
    done = await take_in(
        world,
        an_event(a_contact(branch="a"), tenant=world.tenant, revision=1),
        an_event(a_contact(branch="c"), tenant=world.tenant, revision=3),
        an_event(a_contact(branch="b"), tenant=world.tenant, revision=2),
    )
    assert [row["branch"] for row in await facts(world, "contact")] == ["c"]
    assert (done.first["contact"], done.corrected["contact"]) == (1, 0)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("epoch", "revision", "kept"),
    [(1, 4, "old"), (1, 5, "old"), (1, 6, "new"), (2, 1, "new")],
    ids=["late", "again", "newer", "after a restore"],
)
async def test_epoch_then_revision_decides(
    world: World, epoch: int, revision: int, kept: str
) -> None:
    await take_in(world, an_event(a_contact(branch="old"), tenant=world.tenant, revision=5))
    newer = an_event(a_contact(branch="new"), tenant=world.tenant, revision=revision, epoch=epoch)
    done = await take_in(world, newer)
    assert [row["branch"] for row in await facts(world, "contact")] == [kept]
    assert done.corrected["contact"] == (kept == "new")


@pytest.mark.asyncio
async def test_a_void_fact_stays_known(world: World) -> None:
    await take_in(world, an_event(a_contact(), tenant=world.tenant, revision=2, void=True))
    await take_in(world, an_event(a_contact(), tenant=world.tenant, revision=1))
    assert [row["void"] for row in await facts(world, "contact")] == [True]


@pytest.mark.asyncio
async def test_every_kind_has_a_place(world: World) -> None:
    async with world.worker.begin_as_worker() as tx:
        connection = await raw(tx)
        for kind in KINDS:
            assert await connection.fetch(f"SELECT * FROM metrics.facts_{kind} LIMIT 0") == []


@pytest.mark.asyncio
async def test_a_batch_touches_the_database_a_fixed_number_of_times(world: World) -> None:
    await take_in(world, an_event(a_contact(), tenant=world.tenant, subject="first"))
    seen: list[str] = []
    async with world.worker.begin_as_worker() as tx:
        connection = await raw(tx)
        events = [
            an_event(an_answered_contact(), tenant=world.tenant, subject=f"n{n}") for n in range(50)
        ]
        with connection.query_logger(lambda record: seen.append(record.query.split()[0])):
            await counting.take_in(connection, heard(*events))
    # The gate, the versions, the facts; then counters and histograms of both grains.
    assert seen == ["SELECT", "SELECT", "INSERT", "INSERT", "WITH", "INSERT", "WITH"]


@pytest.mark.asyncio
async def test_rules_of_a_newer_build_end_this_one(world: World) -> None:
    await take_in(world, an_event(a_contact(), tenant=world.tenant))
    await world.admin.execute(
        "UPDATE metrics.rollup_versions SET fold_version = 1000 WHERE tenant = $1", world.tenant
    )
    ours = FOLD_VERSIONS["contact"]
    with pytest.raises(NewerBuildError, match=rf"is counted by fold 1000 .* knows fold {ours} "):
        await take_in(world, an_event(a_contact(), tenant=world.tenant, revision=2))
    # Other tests look at the versions of every company.
    await world.admin.execute(
        "UPDATE metrics.rollup_versions SET fold_version = 1 WHERE tenant = $1", world.tenant
    )


# --- Identity -------------------------------------------------------------------------------------


async def identity(world: World) -> dict[str, object]:
    rows = await world.admin.fetch(
        "SELECT pseudonym, customer FROM metrics.identity WHERE tenant = $1", world.tenant
    )
    return {row["pseudonym"]: row["customer"] for row in rows}


@pytest.mark.asyncio
async def test_a_pseudonym_belongs_to_the_customer_who_claims_it(world: World) -> None:
    await take_in(world, an_event(a_customer(PHONE, MAIL), tenant=world.tenant, subject="ann"))
    ann = uuid5(SOURCE, "ann")
    assert await identity(world) == {PHONE: ann, MAIL: ann}
    await take_in(world, an_event(a_customer(MAIL), tenant=world.tenant, subject="ann", revision=2))
    assert await identity(world) == {MAIL: ann}
    await take_in(
        world, an_event(a_customer(MAIL), tenant=world.tenant, subject="ann", revision=3, void=True)
    )
    assert await identity(world) == {}


@pytest.mark.asyncio
@pytest.mark.parametrize("order", [("ann", "bob"), ("bob", "ann")])
async def test_of_two_who_claim_a_pseudonym_the_lowest_id_has_it_in_any_order(
    world: World, order: tuple[str, str]
) -> None:
    for who in order:
        await take_in(world, an_event(a_customer(PHONE), tenant=world.tenant, subject=who))
    lowest, other = sorted(order, key=lambda who: uuid5(SOURCE, who))
    assert await identity(world) == {PHONE: uuid5(SOURCE, lowest)}
    await take_in(world, an_event(a_customer(), tenant=world.tenant, subject=lowest, revision=2))
    assert await identity(world) == {PHONE: uuid5(SOURCE, other)}


@pytest.mark.asyncio
async def test_an_answer_knows_its_person(world: World) -> None:
    await take_in(
        world,
        an_event(an_answer(identifiers=(MAIL, PHONE)), tenant=world.tenant, subject="known"),
        an_event(an_answer(), tenant=world.tenant, subject="unknown"),
    )
    assert {row["person"] for row in await facts(world, "answer")} == {MAIL, None}
