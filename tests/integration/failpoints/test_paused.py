"""Standing still at every failpoint: others go on, and everything is there once."""

import asyncio

import pytest

from tests.integration.failpoints.cases import every_case
from tests.integration.failpoints.stage import Case, Stage

pytestmark = pytest.mark.asyncio


@every_case(long=1)
async def test_while_a_process_stands_still_there_others_go_on_and_it_does_no_harm_later(
    case: Case, stage: Stage
) -> None:
    stage.impatient = True
    slow = stage.start(case.scenario.work, case.armed("pause"))
    await slow.stands_still()
    assert f"failpoint {case.point}: pause" in slow.said()
    rival = stage.start(case.scenario.rival or case.scenario.work)
    if case.scenario.waits is not None:
        async with asyncio.timeout(20):
            while not await stage.admin.fetchval(case.scenario.waits):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert rival.running
    else:
        assert await rival.ended() == 0, rival.said()
        if case.scenario.rival is None:
            await case.scenario.check(stage)
    slow.go_on()
    assert await slow.ended() == 0, slow.said()
    assert await rival.ended() == 0, rival.said()
    await case.scenario.check(stage)
