"""States of agents over HTTP: stretches of time as facts, however their changes come in."""

import asyncio
import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from otklik_common.events.access import KeyPurpose
from otklik_common.ids import subject_id
from tests.integration.contact_center.conftest import World, now

PATH = "/contact-center/v1/agent-states"

pytestmark = pytest.mark.asyncio


def morning() -> datetime:
    """Nine o'clock, two days ago."""
    return (now() - timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)


def a_state(name: str, minutes: float, state: str = "available", **more: Any) -> dict[str, Any]:
    """A pushed change as JSON."""
    at = morning() + timedelta(minutes=minutes)
    return {"id": name, "agent": "anna", "state": state, "at": at.isoformat(), **more}


async def push(client: AsyncClient, body: Any, **more: Any) -> tuple[int, int, list[str]]:
    response = await client.post(PATH, json=body, **more)
    assert response.status_code == 202, response.text
    answer = response.json()
    return answer["accepted"], answer["duplicates"], [one["code"] for one in answer["refused"]]


async def lasted(world: World, agent: str = "anna") -> list[tuple[str, float | None]]:
    """States of an agent in their order, with the minutes that each lasted."""
    found = [one for one in (await world.latest("agent_state")).values() if one.agent == agent]
    found.sort(key=lambda one: one.from_at)
    return [(one.state, None if one.lasted_ms is None else one.lasted_ms / 60_000) for one in found]


DAY = (
    a_state("in", 0, queue="sales", branch="tyumen", team="a"),
    a_state("lunch", 180, "break"),
    a_state("back", 210),
    a_state("out", 540, "offline"),
)
LASTED = [("available", 180), ("break", 30), ("available", 330), ("offline", None)]


async def test_changes_become_stretches(client: AsyncClient, world: World) -> None:
    assert await push(client, list(DAY)) == (4, 0, [])
    assert await lasted(world) == LASTED
    assert len(await world.facts()) == 4
    first = (await world.latest("agent_state"))[str(subject_id(world.tenant, "agent_state", "in"))]
    assert (first.queue, first.branch, first.team) == ("sales", "tyumen", "a")
    assert await push(client, list(DAY)) == (0, 4, [])
    assert len(await world.facts()) == 4


async def test_a_late_change_divides_the_stretch_it_falls_into(
    client: AsyncClient, world: World
) -> None:
    await push(client, [DAY[0], DAY[3]])
    assert await lasted(world) == [("available", 540), ("offline", None)]
    before = len(await world.facts())
    await push(client, DAY[1])
    assert await lasted(world) == [("available", 180), ("break", 360), ("offline", None)]
    told = [(str(one.subject), one.revision) for one in (await world.facts())[before:]]
    assert sorted(told) == sorted(
        [
            (str(subject_id(world.tenant, "agent_state", "in")), 2),
            (str(subject_id(world.tenant, "agent_state", "lunch")), 1),
        ]
    )


async def test_any_order_any_batches_any_repetition_give_the_same(
    client: AsyncClient, world: World
) -> None:
    chance = random.Random(7)
    states = [
        a_state(f"s{n}", n * 7, chance.choice(("available", "break")), agent=agent)
        for n in range(40)
        for agent in ("anna",)
    ]
    mixed = states + chance.sample(states, 15)
    chance.shuffle(mixed)
    for start in range(0, len(mixed), 6):
        await push(client, mixed[start : start + 6])
    assert await lasted(world) == [
        (one["state"], 7.0 if number < 39 else None) for number, one in enumerate(states)
    ]
    for subject in {event.subject for event in await world.facts()}:
        told = [event for event in await world.facts() if event.subject == subject]
        assert [event.revision for event in told] == list(range(1, len(told) + 1))
        recorded = [event.recorded_at for event in told]
        assert recorded == sorted(set(recorded))


async def test_many_who_push_at_once_settle_one_after_another(
    client: AsyncClient, world: World
) -> None:
    states = [
        a_state(f"{agent}{n}", n, agent=agent) for n in range(30) for agent in ("anna", "boris")
    ]
    parts = [states[n::8] for n in range(8)] * 2
    counts = await asyncio.gather(*(push(client, part) for part in parts))
    assert sum(accepted for accepted, _, _ in counts) == 60
    assert sum(known for _, known, _ in counts) == 60
    for agent in ("anna", "boris"):
        assert await lasted(world, agent) == [("available", 1.0)] * 29 + [("available", None)]


async def test_one_id_for_two_agents_at_once_stands_for_one(
    client: AsyncClient, world: World
) -> None:
    rivals = [a_state("same", 0, agent=f"agent-{n}") for n in range(8)]
    answers = await asyncio.gather(*(push(client, one) for one in rivals))
    assert sorted(answers) == [(0, 0, ["event_id_reused"])] * 7 + [(1, 0, [])]
    assert await world.count("agent_state") == 1


async def test_bad_changes_are_refused_and_the_others_kept(
    client: AsyncClient, world: World
) -> None:
    first = a_state("a", 0)
    answer = await push(
        client,
        [
            first,
            first,
            {**first, "state": "break"},
            a_state("b", 0, at="2026-03-02T09:00:00"),
            {"id": "c"},
            a_state("d", 5),
        ],
    )
    assert answer == (2, 1, ["event_id_reused", "time_without_zone", "missing"])
    assert await push(client, {**first, "queue": "other"}) == (0, 0, ["event_id_reused"])
    assert await lasted(world) == [("available", 5.0), ("available", None)]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"[{", 400, "malformed_json"),
        (b'{"id": "\xff"}', 400, "invalid_utf8"),
        (b"[" + b",".join([b"{}"] * 5001) + b"]", 422, "too_many_events"),
        (b" " * (6 * 1024 * 1024), 413, "body_too_large"),
    ],
)
async def test_a_body_that_is_no_push_is_refused_whole(
    client: AsyncClient, body: bytes, status: int, code: str
) -> None:
    response = await client.post(PATH, content=body)
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_five_thousand_at_once(client: AsyncClient, world: World) -> None:
    states = [a_state(f"s{n}", n / 4, agent=f"agent-{n % 50}") for n in range(5_000)]
    assert await push(client, states) == (5_000, 0, [])
    assert len(await world.latest("agent_state")) == 5_000


async def test_scopes_and_branches(client: AsyncClient, world: World) -> None:
    pusher, app, reader = (
        {"Authorization": f"Bearer {key}"}
        for key in (
            await world.key("events:push", branches=("tyumen",)),
            await world.key("events:push", purpose=KeyPurpose.PUBLISHABLE),
            await world.key("contacts:read"),
        )
    )
    states = [a_state("a", 0, branch="tyumen"), a_state("b", 1, branch="kazan"), a_state("c", 2)]
    assert await push(client, states, headers=pusher) == (2, 0, ["branch_out_of_reach"])
    assert (await client.post(PATH, json=states, headers=app)).status_code == 403
    assert (await client.post(PATH, json=[], headers=reader)).status_code == 403
    assert (await client.post(PATH, json=[], headers={"Authorization": ""})).status_code == 401
