"""
The same requests give the same numbers, in one process and in many.

What many processes can do besides is here too, since ten of them take long to start: one that
stands still is replaced, and a broker that is dead holds up no write.
"""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from otklik_common.endings import STUCK
from otklik_common.failpoints import VARIABLE
from tests.support.deployment import Deployment, one_process, process_per_service
from tests.system.scenario import (
    REPLACED_SECONDS,
    STUCK_SECONDS,
    WAIT_SECONDS,
    a_survey,
    counted,
    numbers,
    push_everything,
    push_one,
    push_one_of_each,
    until_counted,
    until_learnt,
)

BROKER_DEAD_SECONDS = int(os.environ.get("OTKLIK_TEST_BROKER_DEAD_SECONDS", "15"))

pytestmark = pytest.mark.system

SEEN: dict[str, dict[str, Any]] = {}


@pytest.fixture(
    scope="module",
    params=[one_process, pytest.param(process_per_service, marks=pytest.mark.kafka)],
    ids=["one-process", "kafka"],
)
def deployment(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """Otklik in one of its two modes."""
    with request.param() as running:
        yield running


def test_the_story_is_counted_as_by_hand(deployment: Deployment) -> None:
    client = deployment.client()
    answers = push_everything(client)
    assert answers["pushed"] == {"accepted": 24, "duplicates": 0, "refused": []}
    assert answers["again"] == {"accepted": 0, "duplicates": 24, "refused": []}
    assert answers["cases"] == [("nps", "open"), ("nps", "open")]
    assert answers["bought"] == {"accepted": 2, "duplicates": 0, "refused": []}
    until_counted(deployment, "contacts_abandoned", 3)
    until_counted(deployment, "answers", 7)
    until_counted(deployment, "purchases", 2)
    until_learnt(deployment, "tyumen", 7)
    found = numbers(client)
    SEEN[deployment.name] = found
    value = {name: cell[0] for name, cell in found.items()}

    # Answered within 20 s: calls 1, 2, 8, 9. Offered 9, abandoned 3, one of them after 3 s.
    assert found["all: offered_all"] == [pytest.approx(4 / 9), 4, 9]
    assert found["all: excl_short"] == [pytest.approx(4 / 8), 4, 8]
    assert found["all: removed_within"] == [pytest.approx(5 / 9), 5, 9]
    assert found["all: ignore_abandoned_within"] == [pytest.approx(4 / 8), 4, 8]
    assert found["all: short_as_success"] == [pytest.approx(5 / 9), 5, 9]
    assert found["all: answered_only"] == [pytest.approx(4 / 6), 4, 6]

    assert value["all: contacts_offered"] == 9
    assert value["all: contacts_answered"] == 6
    assert value["all: contacts_abandoned"] == 3
    # The caller of call 7 got through 20 minutes later.
    assert value["all: contacts_missed"] == 2
    assert value["all: not_called_back"] == 2
    assert value["all: asa_seconds"] == pytest.approx((5 + 20 + 21 + 90 + 10 + 12) / 6)
    assert value["all: aht_seconds"] == pytest.approx((100 + 200 + 60 + 300 + 30 + 120) / 6)
    assert value["all: abandonment_rate"] == pytest.approx(3 / 9)
    assert value["all: wait_seconds"] == 90

    assert value["tyumen: contacts_offered"] == 8
    assert value["perm: contacts_offered"] == 1

    # 10, 9, 9, 10 promote; 4 and 6 do not.
    assert value["all: nps"] == pytest.approx(100 * (4 - 2) / 7)
    assert value["all: answers"] == 7
    assert value["all: cases_opened"] == 2
    # The answers name only their contact: its branch is learnt from the contact's own fact.
    assert value["tyumen: answers"] == 7
    assert value["all: revenue"] == pytest.approx(121100.50)
    assert value["all: average_check"] == pytest.approx(60550.25)


def test_both_modes_count_alike() -> None:
    if len(SEEN) == 2:
        one, many = SEEN.values()
        assert one == many
    else:
        assert len(SEEN) == 1, "run the whole module: the modes are compared with each other"


over_kafka = pytest.mark.parametrize(
    "deployment",
    [pytest.param(process_per_service, marks=pytest.mark.kafka)],
    ids=["kafka"],
    indirect=True,
)


@over_kafka
def test_work_that_stands_still_ends_and_its_successor_goes_on(deployment: Deployment) -> None:
    client, work = deployment.client(), deployment.processes["work metrics"]
    calls, *_ = counted(client)
    assert work.terminate() == 0
    stuck = work.like({VARIABLE: "consumer.fetched=sleep:600@1"})
    stuck.start()
    push_one(client, "while it stands still")
    began = time.monotonic()
    assert stuck.running is not None
    try:
        assert stuck.running.wait(STUCK_SECONDS) == STUCK
    finally:
        stuck.running.kill()
        work.start()
    until_counted(deployment, "contacts_offered", calls + 1)
    took = time.monotonic() - began
    print(f"work: an event waited {took:.1f} s for the successor of a stuck worker")
    assert took < REPLACED_SECONDS


@over_kafka
def test_while_kafka_is_dead_every_write_succeeds_and_afterwards_the_numbers_agree(
    deployment: Deployment,
) -> None:
    client = deployment.client()
    before = counted(client)
    assert deployment.broker is not None
    deployment.broker.kill()
    dead_until = time.monotonic() + BROKER_DEAD_SECONDS
    survey, pushed = a_survey(client), 0
    while time.monotonic() < dead_until:
        push_one_of_each(client, f"dead-{pushed}", survey)
        pushed += 1
        time.sleep(0.1)
    assert counted(client) == before
    deployment.broker.restart()
    wanted = tuple(number + pushed for number in before)
    deadline = time.monotonic() + WAIT_SECONDS
    while (found := counted(client)) != wanted:
        for name, process in deployment.processes.items():
            # A relay that cannot know what was written ends itself; whoever runs it restarts it.
            assert process.running is not None
            if process.running.poll() is not None:
                assert name.startswith("work"), process.last_words()
                process.start()
        assert time.monotonic() < deadline, (found, wanted)
        time.sleep(0.5)
