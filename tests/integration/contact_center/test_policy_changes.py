"""Clocks of promises when what is promised changes: which are made anew, and which stay."""

from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from otklik_common.events.access import Branch
from otklik_common.events.contact_center import ClockState
from otklik_contact_center.actions.fold import Folder
from tests.integration.contact_center.conftest import Pusher, World, now
from tests.integration.contact_center.promising import (
    DAY,
    HOUR,
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


async def test_an_edit_from_now_on_leaves_what_was_promised(
    world: World, door: Pusher, promising: Promising
) -> None:
    await promising.hear(a_policy(a_target("first_response", 20)))
    await door.push(*a_call())
    await promising.work()
    usual = a_policy(a_target("first_response", 20)).terms[0]
    later = usual.model_copy(update={"since": now(), "targets": (a_target("first_response", 5),)})
    await promising.hear(a_policy().model_copy(update={"terms": (usual, later)}))
    await promising.work()
    assert (await one(world, "first_response")).target_ms == 20_000
    assert len(await world.facts("sla_clock")) == 1


async def test_an_edit_of_the_past_makes_its_clocks_anew_and_no_others(
    world: World, door: Pusher, promising: Promising
) -> None:
    usual = a_policy(a_target("first_response", 20)).terms[0]
    await promising.hear(a_policy(a_target("first_response", 20)))
    early = [
        an_event("queued", -DAY, id="q0", contact="early", channel="call", direction="in"),
        an_event("answered", -DAY + 9, id="a0", contact="early"),
        an_event("ended", -DAY + 60, id="e0", contact="early"),
    ]
    await door.push(*early, *a_call())
    await promising.work()
    stricter = usual.model_copy(
        update={"since": at(-HOUR), "targets": (a_target("first_response", 5),)}
    )
    await promising.hear(a_policy().model_copy(update={"terms": (usual, stricter)}))
    await promising.work()
    found = (await world.latest("sla_clock")).values()
    assert sorted((one.target_ms, one.state.value) for one in found) == [
        (5_000, "breached"),
        (20_000, "achieved"),
    ]
    assert len(await world.facts("sla_clock")) == 3


async def test_a_chat_that_goes_on_is_promised_what_a_first_policy_promises(
    world: World, door: Pusher, promising: Promising
) -> None:
    """The customer wrote before the policy was heard of, in a chat that began long before it."""
    chat = [
        an_event("started", -DAY, id="s", contact="chat-1", channel="chat", direction="in"),
        a_message("customer", -DAY, id="m1", contact="chat-1"),
        a_message("human", -DAY + 60, id="m2", contact="chat-1", agent="petrova"),
        a_message("customer", 60, id="m3", contact="chat-1"),
    ]
    await door.push(*chat)
    await promising.work()
    policy = a_policy(a_target("next_response", 600), since=at(0))
    await promising.hear(policy)
    await promising.work()
    clock = await one(world, "next_response")
    assert (clock.started_at, clock.state) == (at(60), ClockState.BREACHING)


async def test_hours_of_a_branch_reach_its_answers_in_contacts_of_others(
    world: World, door: Pusher, promising: Promising
) -> None:
    company, night = a_calendar(), a_calendar("night", day=("00:00-24:00",))
    await promising.hear(company, night.model_copy(update={"default": False}))
    await promising.hear(a_policy(a_target("next_response", 600, business=True)))
    chat = [
        an_event("started", 0, id="s", contact="chat-1", channel="chat", direction="in"),
        a_message("customer", 0, id="m1", contact="chat-1"),
        a_message("human", 60, id="m2", contact="chat-1", agent="petrova", branch="omsk"),
        a_message("customer", 120, id="m3", contact="chat-1"),
        a_message("human", 180, id="m4", contact="chat-1", agent="ivanov", branch="perm"),
    ]
    await door.push(*chat)
    await promising.work()
    clock = await one(world, "next_response")
    assert (clock.branch, clock.calendar) == ("perm", "office")
    await promising.hear(Branch(code="perm", calendar="night"))
    await promising.work()
    assert (await one(world, "next_response")).calendar == "night"


async def test_a_hold_stays_left_out_when_the_policy_changes(
    world: World, door: Pusher, promising: Promising
) -> None:
    letter: dict[str, Any] = {"contact": "letter", "channel": "email"}
    hours = a_calendar()
    before = a_target("resolution", 8 * HOUR, business=True, pauses=("paused",))
    await promising.hear(hours, a_policy(before))
    await door.push(
        an_event("started", 0, id="l1", direction="in", **letter),
        an_event("paused", 2 * HOUR, id="l2", **letter),
        an_event("unpaused", 2 * DAY + 2 * HOUR, id="l3", **letter),
    )
    await promising.work()
    assert (await one(world, "resolution")).due_at == at(2 * DAY + 8 * HOUR)
    after = a_target("resolution", 4 * HOUR, business=True, pauses=("paused",))
    await promising.hear(a_policy(after))
    await promising.work()
    assert (await one(world, "resolution")).due_at == at(2 * DAY + 4 * HOUR)


async def test_hours_of_a_branch_come_before_those_of_the_company(
    world: World, door: Pusher, promising: Promising
) -> None:
    night = a_calendar("night", day=("00:00-24:00",)).model_copy(update={"default": False})
    target = a_target("resolution", 12 * HOUR, business=True)
    await promising.hear(a_calendar(), night, a_policy(target), Branch(code="tyumen"))
    await door.push(*a_call(ended=None))
    await promising.work()
    clock = await one(world, "resolution")
    assert (clock.calendar, clock.due_at) == ("office", at(DAY + 3 * HOUR))
    await promising.hear(Branch(code="tyumen", calendar="night"))
    await promising.work()
    clock = await one(world, "resolution")
    assert (clock.calendar, clock.due_at) == ("night", at(12 * HOUR))
    await promising.hear(Branch(code="omsk", calendar="night"))
    await promising.work()
    assert len(await world.facts("sla_clock")) == 2


async def test_saturdays_that_are_worked_from_now_on_change_nothing_of_the_past(
    world: World, door: Pusher, promising: Promising
) -> None:
    target = a_target("resolution", 2 * DAY, business=True)
    await promising.hear(a_calendar(), a_policy(target))
    await door.push(*a_call())
    await promising.work()
    old = a_calendar()
    since = {"since": datetime(2030, 1, 1, tzinfo=UTC).date()}
    rules = (*old.rules, a_calendar(saturday=True).rules[0].model_copy(update=since))
    await promising.hear(old.model_copy(update={"rules": rules}))
    await promising.work()
    assert len(await world.facts("sla_clock")) == 1


async def test_an_ended_policy_takes_no_clock_back_and_a_removed_one_does(
    world: World, door: Pusher, promising: Promising
) -> None:
    policy = a_policy(a_target("first_response", 20))
    await promising.hear(policy)
    await door.push(*a_call())
    await promising.work()
    over = policy.terms[0].model_copy(update={"since": now(), "active": False})
    await promising.hear(policy.model_copy(update={"terms": (*policy.terms, over)}))
    await promising.work()
    assert await shown(world) == [("first_response", "achieved")]
    await promising.hear(policy, void=True)
    await promising.work()
    assert await shown(world) == []
    assert [event.void for event in await world.facts("sla_clock")] == [False, True]
