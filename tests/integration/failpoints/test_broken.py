"""Broken at every failpoint: it is heard of, and everything is there once."""

import pytest

from tests.integration.failpoints.cases import every_case
from tests.integration.failpoints.stage import Case, Stage

pytestmark = pytest.mark.asyncio


@every_case(long=0)
async def test_broken_there_a_process_fails_aloud_and_the_next_one_does_the_rest(
    case: Case, stage: Stage
) -> None:
    broken = stage.start(case.scenario.work, case.armed("raise"))
    assert await broken.ended() == 1, broken.said()
    assert f"failpoint {case.point}: raise" in broken.said()
    assert "FailpointError" in broken.said().partition(": raise")[2], "it was not heard of"
    await stage.does(case.scenario.work)
    await case.scenario.check(stage)
