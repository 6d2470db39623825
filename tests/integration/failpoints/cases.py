"""Each failpoint of the product, and what leads a process there."""

import pytest

from tests.integration.failpoints.contact_center_scenarios import (
    AGENTS,
    DEMO,
    HOOKED,
    IMPORTED,
    PARKED,
    PUSHED,
    STEPPED,
)
from tests.integration.failpoints.doctor_scenarios import SILENCED
from tests.integration.failpoints.feedback_scenarios import REMADE
from tests.integration.failpoints.log_scenarios import CONSUMER, LETTERS, RELAY, RELAY_TO_KAFKA
from tests.integration.failpoints.loyalty_scenarios import POINTS
from tests.integration.failpoints.metrics_scenarios import COUNTED, REBUILT, REPLAYED
from tests.integration.failpoints.migration_scenarios import MIGRATED
from tests.integration.failpoints.promise_scenarios import DUE, PROMISED
from tests.integration.failpoints.stage import Case

CASES = [
    Case("relay.taken", RELAY, nth=2),
    Case("relay.moved", RELAY, nth=2),
    Case("relay.sent", RELAY_TO_KAFKA, nth=2),
    Case("relay.deleted", RELAY, nth=2),
    Case("promise.begun", RELAY),
    Case("promise.due", RELAY),
    Case("promise.given", RELAY),
    Case("consumer.fetched", CONSUMER, nth=3),
    Case("consumer.applied", CONSUMER, nth=3),
    Case("consumer.committed", CONSUMER, nth=3),
    Case("dead_letters.put_aside", LETTERS),
    Case("redrive.taken", LETTERS, nth=2),
    Case("redrive.settled", LETTERS, nth=2),
    Case("redrive.committed", LETTERS, nth=2),
    Case("dead_letters.given_up", LETTERS),
    Case("outbox.before_append", POINTS),
    Case("outbox.after_append", POINTS),
    Case("idempotency.locked", POINTS),
    Case("idempotency.done", POINTS),
    Case("idempotency.kept", POINTS),
    Case("idempotency.committed", POINTS),
    Case("intake.before_flush", PUSHED),
    Case("intake.appended", PUSHED),
    Case("intake.after_flush", PUSHED),
    Case("fold.picked", PUSHED),
    Case("fold.read", PUSHED),
    Case("fold.written", PUSHED),
    Case("fold.folded", PUSHED),
    Case("fold.cleared", PUSHED),
    Case("fold.committed", PUSHED),
    Case("fold.parked", PARKED),
    Case("due.picked", DUE),
    Case("due.written", DUE, nth=2),
    Case("due.committed", DUE),
    Case("promises.marked", PROMISED),
    Case("feedback_promises.redone", REMADE),
    Case("hooks.kept", HOOKED),
    Case("imports.begun", IMPORTED),
    Case("imports.taken", IMPORTED, nth=2),
    Case("imports.committed", IMPORTED, nth=2),
    Case("imports.finished", IMPORTED),
    Case("agent_states.kept", AGENTS),
    Case("agent_states.committed", AGENTS),
    Case("lead_steps.kept", STEPPED),
    Case("lead_steps.committed", STEPPED),
    Case("demo.stepped", DEMO, nth=2),
    Case("demo.committed", DEMO, nth=2),
    Case("doctor.told", SILENCED),
    Case("facts.replaced", COUNTED),
    Case("facts.counted", COUNTED),
    Case("history.kept", COUNTED),
    Case("reached.known", COUNTED),
    Case("reached.noted", COUNTED),
    Case("rebuild.begun", REBUILT),
    Case("rebuild.counted", REBUILT, nth=2),
    Case("rebuild.stepped", REBUILT, nth=2),
    Case("rebuild.built", REBUILT, nth=2),
    Case("rebuild.compared", REBUILT, nth=2),
    Case("rebuild.swapped", REBUILT, nth=2),
    Case("rebuild.committed", REBUILT, nth=2),
    Case("rebuild.swept", REBUILT, nth=2),
    Case("replay.prepared", REPLAYED),
    Case("replay.taken", REPLAYED),
    Case("replay.replayed", REPLAYED),
    Case("replay.compared", REPLAYED),
    Case("migrate.prepared", MIGRATED),
    Case("migrate.begun", MIGRATED, nth=5),
    Case("migrate.applied", MIGRATED, nth=5),
    Case("migrate.upgraded", MIGRATED),
]


def every_case(*, long: int | None = None) -> pytest.MarkDecorator:
    """
    Each case.

    Args:
        long: Every second one is left to `make test-long`, from the first (0) or the second (1).
    """
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(
                case,
                id=case.point,
                marks=[
                    *([pytest.mark.kafka] if case.scenario.log == "kafka" else []),
                    *([pytest.mark.long] if number % 2 == long else []),
                ],
            )
            for number, case in enumerate(CASES)
        ],
    )
