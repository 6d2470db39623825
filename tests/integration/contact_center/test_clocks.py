"""Clocks of promises: made by folding, told when they fall due, made anew when promises change."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from otklik_common.db import raw
from otklik_common.due import Due
from otklik_common.events.contact_center import ClockState, SlaClock
from otklik_contact_center.actions.clocks_due import CLOCKS
from otklik_contact_center.actions.fold import Folder
from otklik_contact_center.domain.events import Event
from otklik_contact_center.store import clocks as store
from tests.integration.contact_center.conftest import Pusher, World, a_folder, fold_all, now
from tests.integration.contact_center.promising import (
    HOUR,
    MINUTE,
    Promising,
    a_calendar,
    a_policy,
    a_target,
    one,
    shown,
)
from tests.unit.contact_center.builders import a_call, a_message, an_event, at

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def promising(world: World, folder: Folder) -> Promising:
    """Access as the contact centre hears it."""
    return Promising(world, folder)


async def test_every_promise_about_a_call_has_its_clock(
    world: World, door: Pusher, promising: Promising
) -> None:
    await promising.hear(
        a_calendar(),
        a_policy(
            a_target("first_response", 20, warning_seconds=5),
            a_target("resolution", HOUR, business=True),
            a_target("callback", 15 * MINUTE),
            code="calls",
            channels=("call",),
            branches=("tyumen",),
        ),
    )
    await door.push(*a_call())
    await promising.work()
    assert await shown(world) == [("first_response", "achieved"), ("resolution", "achieved")]
    first = await one(world, "first_response")
    assert first == SlaClock(
        contact=first.contact,
        source=first.source,
        channel=first.channel,
        branch="tyumen",
        queue="sales",
        agent="petrova",
        target="first_response",
        policy="calls",
        priority=10,
        matched=("channel", "branch"),
        target_ms=20_000,
        warning_ms=5_000,
        state=ClockState.ACHIEVED,
        started_at=at(0),
        due_at=at(20),
        ended_at=at(9),
        used_ms=9_000,
    )
    resolution = await one(world, "resolution")
    assert (resolution.calendar, resolution.due_at) == ("office", at(HOUR))
    revisions = Counter(str(event.subject) for event in await world.facts("sla_clock"))
    assert set(revisions.values()) == {1}


async def test_without_a_policy_there_is_no_clock_and_nothing_is_asked(
    world: World, door: Pusher, promising: Promising
) -> None:
    await promising.hear(a_calendar())
    await door.push(*a_call())
    await promising.work()
    assert await world.count("sla_clock") == await world.count("promises") == 0
    assert await world.count("promises_redo") == 0


async def test_a_missed_call_is_called_back_by_another_contact(
    world: World, door: Pusher, promising: Promising
) -> None:
    await promising.hear(a_policy(a_target("callback", 15 * MINUTE)))
    phone = "+79991234567"
    missed = [an_event("queued", 0, channel="call", from_=phone), an_event("ended", 30)]
    again = [
        an_event("queued", 120, id="q2", contact="call-2", channel="call", from_=phone),
        an_event("ended", 150, id="e2", contact="call-2"),
    ]
    await door.push(*missed, *again)
    await promising.work()
    # One person, one callback: for the first call that nobody took.
    clock = await one(world, "callback")
    assert (clock.started_at, clock.state) == (at(30), ClockState.BREACHING)
    back: dict[str, Any] = {"contact": "call-3", "channel": "call", "direction": "out"}
    await door.push(
        an_event("started", 600, id="b1", to=phone, agent="petrova", actor="human", **back)
    )
    await promising.work()
    clock = await one(world, "callback")
    assert (clock.state, clock.used_ms, clock.agent) == (ClockState.ACHIEVED, 570_000, "petrova")


async def test_a_missed_call_after_an_unanswered_form_is_called_back(
    world: World, door: Pusher, promising: Promising
) -> None:
    await promising.hear(a_policy(a_target("callback", 15 * MINUTE)))
    phone = "+79991234567"
    form = [an_event("started", -HOUR, id="f1", contact="form-1", channel="form", from_=phone)]
    missed = [
        an_event("queued", 0, channel="call", from_=phone),
        an_event("ringing", 5, agent="petrova"),
        an_event("ended", 30),
    ]
    await door.push(*form, *missed)
    await promising.work()
    assert (await one(world, "callback")).started_at == at(30)
    back: dict[str, Any] = {"contact": "call-3", "channel": "call", "direction": "out"}
    await door.push(
        an_event("started", 600, id="b1", to=phone, agent="ivanov", actor="human", **back)
    )
    await promising.work()
    # Whoever called back did it, not whose phone rang in vain.
    assert (await one(world, "callback")).agent == "ivanov"


async def test_a_callback_moves_to_an_earlier_missed_call_that_is_heard_of_late(
    world: World, door: Pusher, promising: Promising
) -> None:
    await promising.hear(a_policy(a_target("callback", 15 * MINUTE)))
    phone = "+79991234567"

    def missed(contact: str, since: float) -> list[Event]:
        return [
            an_event("queued", since, id=f"q{contact}", contact=contact, channel="call",
                     from_=phone),
            an_event("ended", since + 30, id=f"e{contact}", contact=contact),
        ]  # fmt: skip

    await door.push(*missed("later", 300))
    await promising.work()
    assert (await one(world, "callback")).started_at == at(330)
    await door.push(*missed("earlier", 0))
    await promising.work()
    assert (await one(world, "callback")).started_at == at(30)
    # Taken after all, it was not missed: the promise is about the other again.
    await door.push(an_event("answered", 20, id="late", contact="earlier", agent="petrova"))
    await promising.work()
    assert (await one(world, "callback")).started_at == at(330)


async def test_a_clock_falls_due_once_whoever_looks(
    world: World, door: Pusher, promising: Promising
) -> None:
    await promising.hear(a_policy(a_target("first_response", 2, warning_seconds=1)))
    begun = now() - timedelta(milliseconds=500)
    await door.push(an_event("queued", at=begun, id="q", channel="call", direction="in"))
    await promising.work()
    states: list[str] = []
    for _ in range(40):
        await asyncio.gather(*(Due(world.worker, CLOCKS).step() for _ in range(3)))
        states = [event.data.state.value for event in await world.facts("sla_clock")]  # type: ignore[attr-defined]
        if states[-1] == "breaching":
            break
        await asyncio.sleep(0.1)
    assert states == ["pending", "imminent", "breaching"]
    (_, _, breach) = await world.facts("sla_clock")
    assert isinstance(breach.data, SlaClock)
    assert breach.data.breached_at == breach.time == begun + timedelta(seconds=2)
    await door.push(
        an_event("answered", at=begun + timedelta(seconds=1), id="a", channel="call"),
        an_event("ended", at=begun + timedelta(seconds=9), id="e", channel="call"),
    )
    await promising.work()
    # What is heard late corrects it: the answer had come in time.
    assert await shown(world) == [("first_response", "achieved")]
    assert (await one(world, "first_response")).breached_at is None


async def test_a_clock_is_due_a_moment_after_its_target_and_not_at_it(
    world: World, door: Pusher, promising: Promising
) -> None:
    await promising.hear(a_policy(a_target("first_response", 3_600)))
    begun = now() + timedelta(minutes=5)
    await door.push(an_event("queued", at=begun, id="q", channel="call", direction="in"))
    await promising.work()
    target = begun + timedelta(seconds=3_600)
    for moment, due in ((target, []), (target + timedelta.resolution, ["pending"])):
        async with world.worker.begin_as_worker() as tx:
            rows = await store.due(await raw(tx), moment, 10)
            assert [row.state for row in rows if row.tenant == world.tenant] == due


async def test_a_clock_that_cannot_be_read_is_put_aside_and_holds_nobody_up(
    world: World, door: Pusher, promising: Promising
) -> None:
    await promising.hear(a_policy(a_target("first_response", 2)))
    begun = now()
    for name in ("a", "b"):
        call: dict[str, Any] = {"id": name, "contact": name, "channel": "call", "direction": "in"}
        await door.push(an_event("queued", at=begun, **call))
    await promising.work()
    await world.admin.execute(
        "UPDATE contact_center.sla_clock SET data = '{}' WHERE tenant = $1 AND id ="
        " (SELECT id FROM contact_center.sla_clock WHERE tenant = $1 ORDER BY id LIMIT 1)",
        world.tenant,
    )
    await until(begun + timedelta(seconds=2.05))
    await promising.due()
    states = [event.data.state.value for event in await world.facts("sla_clock")]  # type: ignore[attr-defined]
    assert states == ["pending", "pending", "breaching"]
    left = "SELECT count(*) FROM contact_center.sla_clock WHERE tenant = $1 AND next_at IS NOT NULL"
    assert await world.admin.fetchval(left, world.tenant) == 0


async def test_a_fold_that_came_first_does_not_take_a_breach_back(
    world: World, door: Pusher, promising: Promising
) -> None:
    await promising.hear(a_policy(a_target("first_response", 2)))
    begun = now()
    await door.push(an_event("queued", at=begun, id="q", channel="call", direction="in"))
    await promising.work()
    await until(begun + timedelta(seconds=2.05))
    await promising.due()
    assert await shown(world) == [("first_response", "breaching")]
    # Folded again by a process whose clock runs behind.
    async with world.worker.begin_as_worker() as tx:
        on = await raw(tx)
        ((key, known),) = (await store.lock(on, [await _contact(world)])).items()
        assert known.recorded_at > begun + timedelta(seconds=2)
    await door.push(an_event("ringing", at=begun, id="r", agent="petrova"))
    await promising.work()
    assert await shown(world) == [("first_response", "breaching")]
    assert key[0] == world.tenant


async def until(moment: datetime) -> None:
    """Wait for a moment."""
    await asyncio.sleep(max(0.0, (moment - now()).total_seconds()))


async def _contact(world: World) -> Any:
    row = await world.admin.fetchrow(
        "SELECT tenant, id FROM contact_center.contact WHERE tenant = $1", world.tenant
    )
    assert row is not None
    return row["tenant"], row["id"]


async def test_a_promise_that_changes_while_contacts_are_folded_reaches_them_all(
    world: World, promising: Promising
) -> None:
    """Many folds and edits at once: in the end every clock is by the newest terms."""
    await promising.hear(a_policy(a_target("first_response", 1)))
    events: list[Event] = []
    for number in range(200):
        events += [
            an_event("queued", number, id=f"q{number}", contact=f"c{number}", channel="call"),
            an_event("ended", number + 60, id=f"e{number}", contact=f"c{number}"),
        ]
    door, folders = Pusher(world), [a_folder(world) for _ in range(2)]

    async def push() -> None:
        for first in range(0, len(events), 40):
            await door.push(*events[first : first + 40])
            await asyncio.sleep(0.01)

    async def edit() -> None:
        for seconds in range(2, 12):
            await promising.hear(a_policy(a_target("first_response", seconds)))
            await asyncio.sleep(0.02)

    await asyncio.gather(push(), edit(), *(fold_all(one) for one in folders))
    await promising.work()
    found = (await world.latest("sla_clock")).values()
    assert Counter(one.target_ms for one in found) == {11_000: 200}


async def test_a_contact_whose_clocks_cannot_be_made_is_parked_and_stays_told(
    world: World, door: Pusher, promising: Promising
) -> None:
    unheard = a_calendar()
    rules = (unheard.rules[0].model_copy(update={"holidays": "ZZ"}),)
    await promising.hear(
        unheard.model_copy(update={"rules": rules}),
        a_policy(a_target("first_response", 20, business=True)),
    )
    await door.push(*a_call())
    await promising.work()
    assert len(await world.latest("contact")) == 1
    assert await world.count("parked") == 1
    await promising.hear(a_calendar())
    await promising.work()
    assert await shown(world) == [("first_response", "achieved")]
    assert await world.count("parked") == 0


async def test_what_is_said_in_turn_has_a_clock_for_every_answer(
    world: World, door: Pusher, promising: Promising
) -> None:
    await promising.hear(
        a_policy(a_target("first_response", HOUR), a_target("next_response", MINUTE))
    )
    await door.push(
        a_message("customer", 0),
        a_message("human", 10),
        a_message("customer", 20),
        a_message("human", 50),
        a_message("customer", 60),
        a_message("human", 200),
        a_message("customer", 300),
        an_event("ended", 310, channel="chat"),
    )
    await promising.work()
    assert await shown(world) == [
        ("first_response", "achieved"),
        ("next_response", "achieved"),
        ("next_response", "breached"),
        ("next_response", "cancelled"),
    ]
