"""Points given by hand under an Idempotency-Key: what is money must move once."""

from otklik_common.db import Database
from otklik_common.settings import Settings
from otklik_loyalty.actions.points import audit
from otklik_loyalty.module import MODULE
from tests.integration.failpoints.over_http import client_of, found, until_answered
from tests.integration.failpoints.stage import Scenario, Stage

PATH = "/loyalty/v1/customers"
GIFT = {"movement": "issue", "points": 100, "reason": "goodwill"}


async def a_customer(settings: Settings) -> None:
    """Somebody without points."""
    await found(settings, MODULE)
    async with client_of(MODULE, settings) as client:
        answer = await client.put(f"{PATH}/c-1", json={"phone": "+79991234567"})
        assert answer.status_code == 201, answer.text


async def give(settings: Settings) -> None:
    """A hundred points, by one key."""
    async with client_of(MODULE, settings) as client:
        answer = await until_answered(
            lambda: client.post(f"{PATH}/c-1/points", json=GIFT, headers={"Idempotency-Key": "k"})
        )
    print("answered", answer.text)


async def points_moved_once(stage: Stage) -> None:
    """One movement, one fact, one answer for all who asked, and a ledger without a fault."""
    async with client_of(MODULE, stage.settings) as client:
        assert (await client.get(f"{PATH}/c-1/points")).json()["balance"] == 100
    assert await stage.count("loyalty.transfer") == 1
    assert await stage.count("loyalty.idempotency") == 1
    assert await stage.count("loyalty.outbox", "starts_with(key, 'points')") == 1
    answers = [line for line in stage.said().splitlines() if line.startswith("answered")]
    assert len(set(answers)) == 1, answers
    worker = Database(stage.settings, "loyalty", "worker")
    assert (await audit(worker)).faults == 0
    await worker.close()


POINTS = Scenario("points", a_customer, give, points_moved_once)
