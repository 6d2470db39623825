"""The history: every revision, and what was known at a moment."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

import pytest
from sqlalchemy import select

from otklik_common.db import raw
from otklik_common.events.envelope import Event, Fact
from otklik_common.reading import Unprocessable
from otklik_metrics.store import history, reached
from otklik_metrics.store.tables import FIELDS, REACHED
from tests.integration.metrics.conftest import World
from tests.support.facts import (
    MAIL,
    MONDAY,
    PHONE,
    SOURCE,
    a_contact,
    a_customer,
    an_answered_contact,
    an_event,
    heard,
)
from tests.support.plans import rows_read

Between = tuple[datetime, datetime] | None


async def remember(world: World, *events: Event[Fact]) -> None:
    async with world.worker.begin_as_worker() as tx:
        await history.keep(await raw(tx), heard(*events))


async def as_of(
    world: World, kind: str, moment: datetime, between: Between = None
) -> list[dict[str, Any]]:
    known = history.facts_as_of(kind, moment, between)
    async with world.api.begin(world.tenant) as tx:
        rows = await tx.execute(select(known).order_by(known.c.subject))
        return [dict(row._mapping) for row in rows]


def after(seconds: float) -> datetime:
    return MONDAY + timedelta(seconds=seconds)


@pytest.mark.asyncio
async def test_every_revision_is_kept_once(world: World) -> None:
    revisions = [an_event(a_contact(), tenant=world.tenant, revision=n) for n in (2, 1, 3)]
    await remember(world, *revisions)
    await remember(world, *revisions)
    assert await world.count("fact_history_contact") == 3


@pytest.mark.asyncio
async def test_what_was_known_is_the_highest_revision_recorded_before(world: World) -> None:
    await remember(
        world,
        an_event(a_contact(branch="a"), tenant=world.tenant, revision=1, recorded_at=after(10)),
        an_event(a_contact(branch="b"), tenant=world.tenant, revision=2, recorded_at=after(20)),
        an_event(
            a_contact(branch="c"), tenant=world.tenant, revision=1, epoch=2, recorded_at=after(30)
        ),
    )
    found = [
        [row["branch"] for row in await as_of(world, "contact", after(seconds))]
        for seconds in (10, 10.001, 20, 20.001, 30, 31)
    ]
    assert found == [[], ["a"], ["a"], ["b"], ["b"], ["c"]]


@pytest.mark.asyncio
async def test_an_old_fact_has_the_columns_of_facts(world: World) -> None:
    said = an_answered_contact(attributes={"utm": "x:y"}, contradictions=("late",))
    await remember(world, an_event(said, tenant=world.tenant, void=True))
    (row,) = await as_of(world, "contact", after(100))
    assert (row["tenant"], row["revision"], row["void"], row["person"]) == (
        world.tenant,
        1,
        True,
        PHONE,
    )
    for field in FIELDS["contact"]:
        expected = getattr(said, field.name)
        assert row[field.name] == (list(expected) if field.sql == "text[]" else expected)


@pytest.mark.asyncio
async def test_what_an_older_writer_did_not_say_has_its_default(world: World) -> None:
    (event,) = heard(an_event(a_contact(), tenant=world.tenant))
    event.raw = event.raw.replace(b'"transfers":0,', b"").replace(b'"attributes":{},', b"")
    async with world.worker.begin_as_worker() as tx:
        await history.keep(await raw(tx), [event])
    (row,) = await as_of(world, "contact", after(100))
    assert (row["transfers"], row["attributes"]) == (0, {})


@pytest.mark.asyncio
async def test_a_revision_that_comes_with_others_is_kept_once_like_they(world: World) -> None:
    one, two, three = (
        an_event(a_contact(), tenant=world.tenant, revision=n, recorded_at=after(n))
        for n in (1, 2, 3)
    )
    await remember(world, one)
    await remember(world, three, one, two, three)
    assert await world.count("fact_history_contact") == 3


@pytest.mark.parametrize(
    "unknown",
    [
        rb'"later":"\u0000"',
        rb'"later":"\\\u0000"',
        rb'"later":1e999999',
        rb'"later":"\ud800"',
        b'"later":"\xff"',
    ],
    ids=["nul", "nul behind a backslash", "huge", "half a character", "not utf-8"],
)
@pytest.mark.asyncio
async def test_what_could_not_be_read_again_is_not_kept(world: World, unknown: bytes) -> None:
    """In a field of a later contract, which no bound of this one holds for."""
    (event,) = heard(an_event(a_contact(), tenant=world.tenant))
    event.raw = event.raw[:-1] + b"," + unknown + b"}"
    with pytest.raises(Unprocessable):
        async with world.worker.begin_as_worker() as tx:
            await history.keep(await raw(tx), [event])
    assert await as_of(world, "contact", after(100)) == []


@pytest.mark.asyncio
async def test_a_field_of_a_later_contract_is_kept_for_later(world: World) -> None:
    (event,) = heard(an_event(a_contact(), tenant=world.tenant))
    event.raw = event.raw[:-1] + rb',"later":"\\u0000 is six letters"}'
    async with world.worker.begin_as_worker() as tx:
        await history.keep(await raw(tx), [event])
    (row,) = await as_of(world, "contact", after(100))
    assert row["subject"] == event.subject
    kept = await world.admin.fetchval(
        "SELECT data FROM metrics.fact_history_contact WHERE tenant = $1", world.tenant
    )
    assert kept == event.raw.decode()


@pytest.mark.asyncio
async def test_a_look_at_a_range_finds_whatever_was_ever_in_it(world: World) -> None:
    """A correction may move a contact into the range or out of it."""
    day = timedelta(days=1)
    await remember(
        world,
        an_event(a_contact(), tenant=world.tenant, subject="leaves"),
        an_event(
            a_contact(offered_at=MONDAY + day), tenant=world.tenant, subject="leaves", revision=2
        ),
        an_event(a_contact(offered_at=MONDAY + day), tenant=world.tenant, subject="elsewhere"),
    )
    narrow = (MONDAY, MONDAY + timedelta(hours=1))
    early = await as_of(world, "contact", after(2), narrow)
    late = await as_of(world, "contact", after(100), narrow)
    assert [row["subject"] for row in early] == [uuid5(SOURCE, "leaves")]
    assert [row["offered_at"] for row in early] == [MONDAY]
    assert [row["offered_at"] for row in late] == [MONDAY + day]


@pytest.mark.asyncio
async def test_whose_a_pseudonym_was_is_asked_of_the_same_moment(world: World) -> None:
    await remember(
        world,
        an_event(a_customer(PHONE), tenant=world.tenant, subject="ann", recorded_at=after(10)),
        an_event(
            a_customer(PHONE, MAIL), tenant=world.tenant, subject="bob", recorded_at=after(20)
        ),
    )
    ann, bob = uuid5(SOURCE, "ann"), uuid5(SOURCE, "bob")
    found = []
    for moment in (after(15), after(25)):
        known = history.identity_as_of(moment)
        async with world.api.begin(world.tenant) as tx:
            rows = (await tx.execute(select(known.c.pseudonym, known.c.customer))).all()
        found.append({row.pseudonym: row.customer for row in rows})
    assert found == [{PHONE: ann}, {PHONE: min(ann, bob), MAIL: bob}]


@pytest.mark.asyncio
async def test_the_history_reaches_as_far_as_its_slowest_topic_and_never_back(
    world: World,
) -> None:
    await world.admin.execute("DELETE FROM metrics.history_reached")
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    first, second, third = history.TOPICS
    async with world.worker.begin_as_worker() as tx:
        await reached.note(tx, REACHED, {first: noon, second: noon + timedelta(hours=1)})
        assert await history.history_until(tx) is None
        await reached.note(tx, REACHED, {third: noon + timedelta(hours=2)})
        assert await history.history_until(tx) == noon
        await reached.note(tx, REACHED, {first: noon - timedelta(hours=5)})
        assert await history.history_until(tx) == noon
    await world.admin.execute("DELETE FROM metrics.history_reached")


@pytest.mark.asyncio
async def test_another_companys_history_is_not_seen(world: World) -> None:
    await remember(world, an_event(a_contact(), tenant="other234"))
    assert await as_of(world, "contact", after(100)) == []


@pytest.mark.asyncio
async def test_the_past_of_some_people_is_found_whoever_wrote_it(world: World) -> None:
    """A correction may give a contact to somebody else; a build before knew no column for people."""
    other = "ph1_CCCCCCCCCCCCCCCCCCCCCCCC"
    await remember(
        world,
        an_event(a_contact(identifiers=(PHONE,)), tenant=world.tenant, subject="hers"),
        an_event(a_contact(identifiers=(PHONE,)), tenant=world.tenant, subject="given"),
        an_event(a_contact(identifiers=(other,)), tenant=world.tenant, subject="given", revision=2),
        an_event(a_contact(identifiers=(other,)), tenant=world.tenant, subject="theirs"),
        an_event(a_contact(identifiers=()), tenant=world.tenant, subject="nobody's"),
        an_event(a_contact(identifiers=(PHONE,)), tenant=world.tenant, subject="old"),
    )
    await world.admin.execute(
        "UPDATE metrics.fact_history_contact SET person = NULL WHERE tenant = $1 AND subject = $2",
        world.tenant,
        uuid5(SOURCE, "old"),
    )
    known = history.facts_as_of("contact", after(100), people=[PHONE])
    async with world.api.begin(world.tenant) as tx:
        rows = (await tx.execute(select(known.c.subject, known.c.person))).all()
    found = {row.subject: row.person for row in rows}
    assert found == {
        uuid5(SOURCE, "hers"): PHONE,
        uuid5(SOURCE, "given"): other,
        uuid5(SOURCE, "old"): PHONE,
    }


@pytest.mark.asyncio
async def test_the_past_of_one_person_is_read_by_index(world: World) -> None:
    many = [
        an_event(
            a_contact(identifiers=(f"ph1_{number:024}",)), tenant=world.tenant, subject=str(number)
        )
        for number in range(3000)
    ]
    await remember(world, *many)
    await world.admin.execute("ANALYZE metrics.fact_history_contact")
    known = history.facts_as_of("contact", after(100), people=["ph1_" + "0" * 21 + "777"])
    async with world.api.begin(world.tenant) as tx:
        statement = select(known.c.subject)
        assert len((await tx.execute(statement)).all()) == 1
        assert await rows_read(tx, statement) < 100


@pytest.mark.asyncio
async def test_what_is_said_again_in_one_batch_takes_no_room_in_the_indexes(world: World) -> None:
    calls = [
        an_event(a_contact(identifiers=(PHONE,)), tenant=world.tenant, subject=name, revision=n)
        for name in ("a", "b")
        for n in (1, 2, 3)
    ]
    moved = a_contact(identifiers=(PHONE,), offered_at=after(3600))
    calls.append(an_event(moved, tenant=world.tenant, subject="b", revision=4))
    await remember(world, *calls)
    await remember(world, *calls[:2])  # again: nothing changes
    rows = await world.admin.fetch(
        "SELECT subject, revision FROM metrics.fact_history_contact"
        " WHERE tenant = $1 AND indexed ORDER BY revision, subject",
        world.tenant,
    )
    names = {uuid5(SOURCE, name): name for name in ("a", "b")}
    assert sorted((names[row["subject"]], row["revision"]) for row in rows) == [
        ("a", 1),
        ("b", 1),
        ("b", 4),
    ]
    for between, found in (((after(-1), after(1)), "ab"), ((after(3600), after(3601)), "b")):
        known = await as_of(world, "contact", after(100), between)
        assert {names[row["subject"]] for row in known} == set(found)
        assert {row["revision"] for row in known} == {3 if name == "a" else 4 for name in found}


@pytest.mark.asyncio
async def test_what_a_build_before_wrote_is_found(world: World) -> None:
    """It names no column for that, and asks without it."""
    call = an_event(a_contact(identifiers=(PHONE,)), tenant=world.tenant, subject="old")
    await remember(world, call)
    await world.admin.execute(
        "INSERT INTO metrics.fact_history_contact"
        " (tenant, subject, epoch, revision, recorded_at, void, at, data, person)"
        " SELECT tenant, $2, epoch, revision, recorded_at, void, at, data, person"
        " FROM metrics.fact_history_contact WHERE tenant = $1",
        world.tenant,
        uuid5(SOURCE, "older"),
    )
    found = await as_of(world, "contact", after(100), (after(-1), after(1)))
    assert {row["subject"] for row in found} == {uuid5(SOURCE, "old"), uuid5(SOURCE, "older")}


@pytest.mark.asyncio
async def test_a_range_of_the_past_is_read_by_index(world: World) -> None:
    many = [
        an_event(
            a_contact(offered_at=after(10 * number), identifiers=()),
            tenant=world.tenant,
            subject=str(number),
        )
        for number in range(3000)
    ]
    await remember(world, *many)
    await world.admin.execute("ANALYZE metrics.fact_history_contact")
    known = history.facts_as_of("contact", after(100), (after(100), after(140)))
    async with world.api.begin(world.tenant) as tx:
        statement = select(known.c.subject)
        assert len((await tx.execute(statement)).all()) == 4
        assert await rows_read(tx, statement) < 100
