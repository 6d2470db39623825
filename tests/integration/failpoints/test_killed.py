"""Killed at every failpoint: everything is there once."""

import pytest

from tests.integration.failpoints.cases import every_case
from tests.integration.failpoints.stage import Case, Stage

pytestmark = pytest.mark.asyncio


@every_case()
async def test_killed_there_a_process_is_followed_by_one_that_does_the_rest(
    case: Case, stage: Stage
) -> None:
    killed = stage.start(case.scenario.work, case.armed("kill"))
    assert await killed.ended() == -9, killed.said()
    assert f"failpoint {case.point}: kill" in killed.said()
    await stage.does(case.scenario.work)
    await case.scenario.check(stage)
