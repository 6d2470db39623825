"""At every failpoint: processes killed, standing still, and broken; everything is there once."""

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from otklik.failpoints import declared
from tests.integration.failpoints.cases import CASES
from tests.integration.failpoints.stage import Case, Scenario, Stage
from tests.support.app import settings_of
from tests.support.kafka import KafkaBroker
from tests.support.log_worlds import kafka_settings
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.asyncio

ROOT = Path(__file__).resolve().parents[3]

PREPARED: dict[str, str] = {}
"""Names of the databases that were prepared, by scenario."""


async def _prepared(postgres: PostgresServer, scenario: Scenario) -> str:
    """The database that the tests of a scenario copy."""
    if scenario.name not in PREPARED:
        name = f"failpoints_{scenario.name}"
        await scenario.prepare(settings_of(await postgres.create_database(name)))
        PREPARED[scenario.name] = name
    return PREPARED[scenario.name]


@pytest_asyncio.fixture
async def stage(
    case: Case, request: pytest.FixtureRequest, postgres: PostgresServer, tmp_path: Path
) -> AsyncIterator[Stage]:
    """A database in which everything is prepared, and processes that end with the test."""
    template = await _prepared(postgres, case.scenario)
    name = f"at_{hashlib.md5(request.node.name.encode()).hexdigest()[:10]}"
    url = await postgres.create_database(name, template=template)
    settings = settings_of(url)
    if case.scenario.log == "kafka":
        broker: KafkaBroker = request.getfixturevalue("kafka")
        settings = kafka_settings(settings, broker.bootstrap)
    made = Stage(settings, await asyncpg.connect(url), tmp_path)
    yield made
    print(made.said())  # shown with a test that fails
    for child in made.children:
        child.close()
    await made.admin.close()
    await postgres.drop_database(name)


every_case = pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case, id=case.point, marks=[pytest.mark.kafka] * (case.scenario.log == "kafka")
        )
        for case in CASES
    ],
)


async def test_every_failpoint_has_its_case_and_every_case_its_failpoint() -> None:
    wanted = sorted(name for name in declared() if not name.startswith("test."))
    assert sorted(case.point for case in CASES) == wanted


async def test_the_list_of_failpoints_is_what_the_code_says() -> None:
    made = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "otklik.failpoints"], capture_output=True, check=True
    )
    # Anew: python -m otklik.failpoints > docs/failpoints.md
    assert (ROOT / "docs" / "failpoints.md").read_bytes() == made.stdout


@every_case
async def test_killed_there_a_process_is_followed_by_one_that_does_the_rest(
    case: Case, stage: Stage
) -> None:
    killed = stage.start(case.scenario.work, case.armed("kill"))
    assert await killed.ended() == -9, killed.said()
    assert f"failpoint {case.point}: kill" in killed.said()
    await stage.does(case.scenario.work)
    await case.scenario.check(stage)


@every_case
async def test_broken_there_a_process_fails_aloud_and_the_next_one_does_the_rest(
    case: Case, stage: Stage
) -> None:
    broken = stage.start(case.scenario.work, case.armed("raise"))
    assert await broken.ended() == 1, broken.said()
    assert f"failpoint {case.point}: raise" in broken.said()
    assert "FailpointError" in broken.said().partition(": raise")[2], "it was not heard of"
    await stage.does(case.scenario.work)
    await case.scenario.check(stage)


@every_case
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
