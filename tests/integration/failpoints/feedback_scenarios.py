"""Clocks of claims and reviews that another policy makes anew."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg

from otklik_common.clocks.policies import CLAIM
from otklik_common.db import Database
from otklik_common.events.registry import decode
from otklik_common.settings import Settings
from otklik_feedback.actions.clocks_due import Redoing
from otklik_feedback.domain.clock import Own, Watch, Watched
from otklik_feedback.module import MODULE
from tests.integration.failpoints.over_http import found
from tests.integration.failpoints.stage import TENANT, Scenario, Stage, patiently
from tests.integration.feedback.promising import DAY, Promising, a_policy, a_target, now

CLAIMS = 3


async def claims_and_an_edit(settings: Settings) -> None:
    """Claims by the norm, and a policy that promises something else."""
    await found(settings, MODULE)
    api, worker = Database(settings, "feedback", "api"), Database(settings, "feedback", "worker")
    world: Any = SimpleNamespace(tenant=TENANT, api=api, worker=worker)
    promising = Promising(world)
    watch = Watch("claim_answer", now(), own=Own(timedelta(hours=24)))
    try:
        await promising.settle(
            *(Watched(matter=UUID(int=n), about=CLAIM, watches=(watch,)) for n in range(CLAIMS))
        )
        await promising.hear(a_policy(a_target("claim_answer", 2 * DAY)))
    finally:
        await api.close()
        await worker.close()


async def make_clocks_anew(settings: Settings) -> None:
    """Until nothing is asked for."""
    worker = Database(settings, "feedback", "worker")
    admin = await asyncpg.connect(settings.admin_database_url)
    try:
        redoing = Redoing(worker)
        while await admin.fetchval("SELECT EXISTS (SELECT FROM feedback.promises_redo)"):
            await redoing.step()
    finally:
        await admin.close()
        await worker.close()


async def each_clock_is_by_the_newest_promise(stage: Stage) -> None:
    """Every clock was told twice: by the norm, and by the policy."""
    rows = await stage.admin.fetch("SELECT payload FROM feedback.outbox ORDER BY id")
    events = [decode(row["payload"]) for row in rows]
    told: Any = sorted(
        (event.revision, event.data.target_ms // 1000)  # type: ignore[attr-defined]
        for event in events
        if event.data.kind == "feedback_clock"
    )
    assert told == [(1, DAY)] * CLAIMS + [(2, 2 * DAY)] * CLAIMS
    assert await stage.count("feedback.promises_redo") == 0


REMADE = Scenario(
    "remade", claims_and_an_edit, patiently(make_clocks_anew), each_clock_is_by_the_newest_promise
)
