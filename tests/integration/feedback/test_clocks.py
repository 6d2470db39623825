"""Clocks of claims and reviews on a real PostgreSQL: told at their time, once, and made anew."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from pydantic import ValidationError

from otklik_common import outbox
from otklik_common.clocks.policies import CLAIM, REVIEW
from otklik_common.clocks.policy_change import EVER
from otklik_common.db import raw
from otklik_common.due import Due
from otklik_common.events.access import Branch
from otklik_feedback.actions import clocks_due
from otklik_feedback.actions.clocks import settle
from otklik_feedback.actions.clocks_due import CLOCKS, Redoing
from otklik_feedback.domain.clock import Own, Watch, Watched
from otklik_feedback.store import clocks
from tests.integration.feedback.conftest import World
from tests.integration.feedback.promising import (
    DAY,
    HOUR,
    Promising,
    a_calendar,
    a_policy,
    a_target,
    now,
)

pytestmark = pytest.mark.asyncio

SECOND = timedelta(seconds=1)


@pytest_asyncio.fixture
async def promising(world: World) -> Promising:
    return Promising(world)


def a_review(matter: UUID, at: datetime, ended: datetime | None = None, **more: str) -> Watched:
    watch = Watch("review_reply", at, ended)
    return Watched(matter=matter, about=REVIEW, watches=(watch,), **more)  # type: ignore[arg-type]


def a_claim(matter: UUID, at: datetime, span: timedelta, warning: timedelta = SECOND) -> Watched:
    watch = Watch("claim_answer", at, own=Own(span, warning))
    return Watched(matter=matter, about=CLAIM, watches=(watch,))


async def test_a_clock_warns_and_breaks_at_its_time_and_each_is_told_once(
    world: World, promising: Promising
) -> None:
    await promising.settle(a_claim(uuid4(), now(), 2 * SECOND))
    assert await promising.told() == [(1, "claim_answer", "pending")]
    await promising.due()
    assert len(await promising.told()) == 1
    await asyncio.sleep(2.1)
    replicas = [Due(world.worker, CLOCKS), Due(world.worker, CLOCKS)]
    for _ in range(3):
        await asyncio.gather(*(one.step() for one in replicas))
    states = [state for _, _, state in await promising.told()]
    assert states in (["pending", "breaching"], ["pending", "imminent", "breaching"])
    assert (
        await world.admin.fetchval(
            "SELECT count(*) FROM feedback.clock WHERE tenant = $1 AND next_at IS NOT NULL",
            world.tenant,
        )
        == 0
    )


async def test_after_downtime_every_breach_is_told_once_at_its_own_time(
    world: World, promising: Promising
) -> None:
    began = now() - timedelta(hours=30)
    claims = [a_claim(uuid4(), began, timedelta(hours=24)) for _ in range(3)]
    await promising.settle(*claims)
    # They were made before they broke, and nobody looked since.
    await world.admin.execute(
        "UPDATE feedback.clock SET breaches_at = $2, data = replace(replace(data, '\"breaching\"',"
        " '\"pending\"'), '\"breached_at\"', '\"x\"') WHERE tenant = $1",
        world.tenant,
        began + timedelta(hours=24),
    )
    replicas = [Due(world.worker, CLOCKS) for _ in range(3)]
    await asyncio.gather(*(one.step() for one in replicas))
    events = (await world.facts("feedback_clock"))[3:]
    assert Counter(event.revision for event in events) == {2: 3}
    assert {event.time for event in events} == {began + timedelta(hours=24)}


async def test_a_clock_that_is_stopped_tells_nothing_more(promising: Promising) -> None:
    await promising.hear(a_policy(a_target("review_reply", DAY)))
    at, review = now(), uuid4()
    await promising.settle(a_review(review, at))
    await promising.settle(a_review(review, at))
    await promising.settle(a_review(review, at, at + SECOND))
    await promising.due()
    assert await promising.told() == [
        (1, "review_reply", "pending"),
        (2, "review_reply", "achieved"),
    ]


async def test_a_broken_clock_is_put_aside_and_keeps_nobody_waiting(
    world: World, promising: Promising
) -> None:
    bad, good = sorted([uuid4(), uuid4()])
    began = now() - SECOND
    await promising.settle(a_claim(bad, began, 2 * SECOND), a_claim(good, began, 2 * SECOND))
    await world.admin.execute(
        "UPDATE feedback.clock SET data = '{}' WHERE tenant = $1 AND matter = $2", world.tenant, bad
    )
    await asyncio.sleep(1.2)
    await promising.due()
    assert (await promising.shown())[good, "claim_answer"].state.value == "breaching"
    assert (
        await world.admin.fetchval(
            "SELECT next_at FROM feedback.clock WHERE tenant = $1 AND matter = $2",
            world.tenant,
            bad,
        )
        is None
    )


async def test_an_edit_makes_open_clocks_and_those_ended_since_anew(promising: Promising) -> None:
    at = now() - timedelta(hours=3)
    old, ended, running, elsewhere = (uuid4() for _ in range(4))
    before = at - timedelta(days=40)
    await promising.settle(
        a_review(old, before, before + SECOND),
        a_review(ended, at, at + timedelta(hours=2)),
        a_review(running, at),
    )
    await promising.settle(a_claim(elsewhere, at, timedelta(hours=24)))
    assert set(await promising.shown()) == {(elsewhere, "claim_answer")}
    since = at - timedelta(days=1)
    await promising.hear(a_policy(a_target("review_reply", HOUR), since=since))
    await promising.redo()
    shown = await promising.shown()
    assert (old, "review_reply") not in shown
    assert shown[ended, "review_reply"].state.value == "breached"
    assert shown[running, "review_reply"].state.value == "breaching"
    assert len(await promising.told()) == 3
    await promising.hear(a_policy(a_target("review_reply", DAY), since=since))
    await promising.redo()
    shown = await promising.shown()
    assert shown[ended, "review_reply"].state.value == "achieved"
    assert shown[running, "review_reply"].state.value == "pending"
    await promising.hear(a_policy(a_target("review_reply", DAY), since=since), void=True)
    await promising.redo()
    assert set(await promising.shown()) == {(elsewhere, "claim_answer")}


async def test_a_calendar_of_a_branch_changes_the_clocks_of_that_branch_alone(
    promising: Promising,
) -> None:
    await promising.hear(
        a_calendar(),
        a_calendar("shop", default=False, day=("00:00-24:00",)),
        Branch(code="tyumen"),
        a_policy(a_target("review_reply", HOUR, business=True)),
    )
    await promising.redo()
    here, there = uuid4(), uuid4()
    at = now().replace(hour=19, minute=0) - timedelta(days=1)
    await promising.settle(a_review(here, at, branch="tyumen"), a_review(there, at, branch="perm"))
    await promising.hear(Branch(code="tyumen", calendar="shop"))
    await promising.redo()
    shown = await promising.shown()
    assert shown[here, "review_reply"].calendar == "shop"
    assert shown[here, "review_reply"].due_at == at + timedelta(hours=1)
    assert shown[there, "review_reply"].calendar == "office"
    assert [revision for revision, _, _ in await promising.told()] == [1, 1, 2]


async def test_more_than_one_step_of_clocks_are_made_anew(
    promising: Promising, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks_due, "REMADE_AT_ONCE", 2)
    await promising.settle(*(a_review(uuid4(), now()) for _ in range(5)))
    await promising.hear(a_policy(a_target("review_reply", DAY)))
    redoing = Redoing(promising.world.worker)
    steps = [await redoing.step() for _ in range(4)]
    assert steps == [True, True, True, False]
    assert len(await promising.told()) == 5


async def test_edits_and_changes_side_by_side_leave_every_clock_by_the_newest_promise(
    promising: Promising,
) -> None:
    reviews = [uuid4() for _ in range(20)]

    async def come() -> None:
        for review in reviews:
            await promising.settle(a_review(review, now()))

    async def edit() -> None:
        for hours in range(1, 8):
            await promising.hear(a_policy(a_target("review_reply", hours * HOUR)))
            await promising.redo()

    await asyncio.gather(come(), edit())
    await promising.redo()
    shown = await promising.shown()
    assert {fact.target_ms for fact in shown.values()} == {7 * HOUR * 1_000}
    assert len(shown) == len(reviews)


async def test_an_edit_waits_for_whoever_makes_clocks_by_what_was_promised_before(
    world: World, promising: Promising
) -> None:
    review = uuid4()
    async with world.api.begin(world.tenant) as tx:
        recorder = await outbox.recorder(tx, world.tenant)
        one = a_review(review, now())
        await recorder.append(
            await settle(tx, world.tenant, [one], promising.book, recorder=recorder)
        )
        edit = asyncio.create_task(promising.hear(a_policy(a_target("review_reply", DAY))))
        await asyncio.sleep(0.3)
        assert not edit.done()
    await edit
    await promising.redo()
    assert set(await promising.shown()) == {(review, "review_reply")}


async def test_a_company_whose_clocks_cannot_be_made_keeps_no_other_waiting(
    world: World, other: World
) -> None:
    first, second = (Promising(one) for one in sorted((world, other), key=lambda w: w.tenant))
    for promising in (first, second):
        await promising.settle(a_review(uuid4(), now()))
        await promising.hear(a_policy(a_target("review_reply", DAY)))
    said = "UPDATE feedback.directory SET data = {} WHERE tenant = $1 AND kind = 'sla_policy'"
    spoil = said.format("jsonb_build_object('kept', data)")
    mend = said.format("data -> 'kept'")
    await world.admin.execute(spoil, first.world.tenant)
    with pytest.raises(ValidationError):
        await first.redo()
    assert (len(await first.told()), len(await second.told())) == (0, 1)
    await world.admin.execute(mend, first.world.tenant)
    await first.redo()
    assert len(await first.told()) == 1


async def test_a_company_that_another_replica_is_at_keeps_no_other_waiting(
    world: World, other: World
) -> None:
    first, second = (Promising(one) for one in sorted((world, other), key=lambda w: w.tenant))
    for promising in (first, second):
        await promising.settle(a_review(uuid4(), now()))
        await promising.hear(a_policy(a_target("review_reply", DAY)))
    async with world.admin.transaction():
        await world.admin.execute(
            "SELECT 1 FROM feedback.promises_redo WHERE tenant = $1 FOR UPDATE", first.world.tenant
        )
        await first.redo()
        assert len(await second.told()) == 1
    await first.redo()
    assert len(await first.told()) == 1


async def test_a_matter_that_cannot_be_read_is_put_aside(
    world: World, promising: Promising
) -> None:
    bad, odd, good = uuid4(), uuid4(), uuid4()
    await promising.settle(*(a_review(one, now()) for one in (bad, odd, good)))
    for matter, data in ((bad, "{}"), (odd, "odd")):
        await world.admin.execute(
            "UPDATE feedback.watched SET data = $3 WHERE tenant = $1 AND matter = $2",
            world.tenant,
            matter,
            data,
        )
    await promising.hear(a_policy(a_target("review_reply", DAY)))
    await promising.redo()
    assert set(await promising.shown()) == {(good, "review_reply")}


async def test_what_has_nothing_to_wait_for_is_not_looked_at_again(
    world: World, promising: Promising
) -> None:
    await promising.settle(Watched(matter=uuid4(), about=REVIEW))
    async with world.worker.begin_as_worker() as tx:
        found = await clocks.some_watched(
            await raw(tx), world.tenant, after=None, since=EVER, branch=None, most=10
        )
    assert found == []
