"""Companies with little waiting and with much: each has its turns, and the second may be sent away."""

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from httpx import AsyncClient

from otklik_common.errors import TooMany
from otklik_common.ids import short_id
from otklik_contact_center.actions import backlog, fold
from otklik_contact_center.actions import push as push_module
from otklik_contact_center.actions.backlog import Backlogs
from otklik_contact_center.actions.fold import Folder, Whose
from otklik_contact_center.actions.intake import Intake
from otklik_contact_center.actions.meters import Meters
from otklik_contact_center.actions.packing import Packer
from otklik_contact_center.actions.push import Door
from otklik_contact_center.domain.admission import BULK, LIVE, Push, canonical
from otklik_contact_center.domain.source import default_source
from tests.integration.contact_center.conftest import MASTER, Pusher, World, fold_all, now
from tests.integration.contact_center.test_intake import a_row
from tests.integration.contact_center.test_pushes import EVENTS
from tests.unit.contact_center.builders import an_event


async def push_contacts(world: World, count: int) -> None:
    await Pusher(world).push(
        *(an_event("queued", n, id=f"e{n}", contact=f"c{n}") for n in range(count))
    )


@pytest.mark.asyncio
async def test_a_company_with_little_waiting_has_turns_of_its_own(
    world: World, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fold_all(folder)
    monkeypatch.setattr(fold, "QUICK_MARKS", 20)
    noisy, quiet = world, replace(world, tenant=short_id())
    await push_contacts(noisy, 50)
    await push_contacts(quiet, 5)
    done = await folder.fold_some(BULK, whose=Whose.LITTLE)
    assert (done.contacts, done.companies) == (5, frozenset({quiet.tenant}))
    assert (await noisy.count("contact"), await quiet.count("contact")) == (0, 5)
    assert (await folder.fold_some(BULK, whose=Whose.LITTLE)).contacts == 0
    done = await folder.fold_some(BULK, whose=Whose.MUCH)
    assert (done.contacts, done.companies) == (50, frozenset({noisy.tenant}))
    await push_contacts(replace(world, tenant=short_id()), 20)
    assert (await folder.fold_some(BULK, whose=Whose.MUCH)).contacts == 0
    assert (await folder.fold_some(BULK, whose=Whose.LITTLE)).contacts == 20


@pytest.mark.asyncio
async def test_facts_of_one_contact_keep_their_order_whoever_folds_it(
    world: World, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "QUICK_MARKS", 10)
    for step, kind in enumerate(("queued", "answered", "ended")):
        for first in range(0, 30, 6):
            await Pusher(world).push(
                *(
                    an_event(
                        kind, step * 60, id=f"{kind}{n}", contact=f"c{n}", from_="+79990001122"
                    )
                    for n in range(first, first + 6)
                )
            )
            await asyncio.gather(
                folder.fold_some(BULK, 10, whose=Whose.LITTLE),
                folder.fold_some(BULK, 10, whose=Whose.MUCH),
                folder.fold_some(BULK, 10),
            )
    await fold_all(folder)
    revisions: dict[str, int] = {}
    for event in await world.facts():
        assert event.revision == revisions.get(event.key, 0) + 1
        revisions[event.key] = event.revision
    contacts = await world.latest("contact")
    assert [one.outcome for one in contacts.values()] == ["answered"] * 30


@pytest.mark.asyncio
async def test_facts_in_the_outbox_are_counted_up_to_a_limit(
    world: World, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "MOST_COUNTED", 1_000_000)
    await fold_all(folder)
    before = await folder.outbox()
    await push_contacts(world, 5)
    done = await folder.fold_some(BULK)
    assert done.facts >= 5
    assert await folder.outbox() == before + done.facts
    monkeypatch.setattr(fold, "MOST_COUNTED", 3)
    assert await folder.outbox() == 3


async def wait_live(world: World, rows: int) -> None:
    await world.admin.execute(
        "INSERT INTO contact_center.dirty (tenant, source, contact, lane)"
        " SELECT $1, $1 || '.default', 'c' || n, $2 FROM generate_series(1, $3) AS n",
        world.tenant,
        LIVE,
        rows,
    )


@pytest.mark.asyncio
async def test_a_company_far_behind_is_sent_away_until_it_has_caught_up(
    world: World, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "MOST_WAITING", 10)
    monkeypatch.setattr(backlog, "ASK_SECONDS", 0.05)
    monkeypatch.setattr(backlog, "MUCH_ROWS", 2)
    await wait_live(world, 11)
    await folder.note_backlogs()
    intake = Intake(world.pusher, Meters(None))
    await intake.start()
    try:
        await intake.submit([a_row(world, "1"), a_row(world, "2")])
        await asyncio.sleep(0.3)
        with pytest.raises(TooMany) as away:
            await intake.submit([a_row(world, "one more")])
        assert away.value.code == "backlog"
        assert away.value.headers["Retry-After"] == "5"
        await intake.submit([a_row(world, f"o-{world.tenant}", tenant="aaaaaaaf")])
        await world.admin.execute(
            "DELETE FROM contact_center.dirty WHERE tenant = $1", world.tenant
        )
        await folder.note_backlogs()
        await asyncio.sleep(0.3)
        await intake.submit([a_row(world, "again")])
    finally:
        await intake.stop()


@pytest.mark.asyncio
async def test_what_nobody_notes_any_more_sends_nobody_away(
    world: World, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "MOST_WAITING", 10)
    await wait_live(world, 11)
    await folder.note_backlogs()
    backlogs = Backlogs(world.pusher)
    await backlogs.look([world.tenant])
    with pytest.raises(TooMany):
        backlogs.admit(world.tenant, 1)
    await world.admin.execute(
        "UPDATE contact_center.backlog SET noted_at = noted_at - interval '16 seconds'"
    )
    await backlogs.look([world.tenant])
    backlogs.admit(world.tenant, 1)
    await world.admin.execute("DELETE FROM contact_center.dirty WHERE tenant = $1", world.tenant)


@pytest.mark.asyncio
async def test_the_answer_says_when_to_come_again(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Backlogs, tenant: str, rows: int) -> None:
        del self, tenant, rows
        raise TooMany("much waits", code="backlog", retry_after=5)

    monkeypatch.setattr(Backlogs, "admit", refuse)
    body = {"id": "e", "contact": "c", "type": "queued", "at": "2026-03-02T09:00:00Z"}
    answer = await client.post(
        EVENTS, json=body | {"channel": "call", "direction": "in", "party": "buyer"}
    )
    assert (answer.status_code, answer.json()["code"]) == (429, "backlog")
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.asyncio
async def test_between_two_large_pushes_everybody_else_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, read_at, packed_at = 0, [], []
    read, row = push_module.read, Packer.row

    def noted(body: bytes, at: datetime, *, lines: bool = False) -> Push:
        read_at.append(turns)
        return read(body, at, lines=lines)

    def packed(self: Packer, *given: Any, **more: Any) -> Any:
        packed_at.append(turns)
        return row(self, *given, **more)

    monkeypatch.setattr(push_module, "read", noted)
    monkeypatch.setattr(Packer, "row", packed)
    intake = Intake(world.pusher, Meters(None))
    await intake.start()
    door, source = Door(intake, world.sealer, MASTER), default_source(world.tenant, now())

    def body(mark: str) -> bytes:
        events = (an_event("queued", n, id=f"{mark}-{n}", contact=mark) for n in range(1_000))
        return b"[" + b",".join(map(canonical, events)) + b"]"

    pushes = [asyncio.create_task(door.push(source, body(mark), now=now())) for mark in "abcd"]
    while not all(one.done() for one in pushes):
        await asyncio.sleep(0)
        turns += 1
    assert [one.result().accepted for one in pushes] == [1_000] * 4
    await intake.stop()
    assert len(set(read_at)) == len(read_at) == 4
    assert len(set(packed_at)) == 4
    assert len(packed_at) == 4_000
