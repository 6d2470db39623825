"""Random facts of claims and reviews."""

import random
from datetime import datetime
from typing import Any

from otklik_common.events.contact_center import ClockState
from otklik_common.events.feedback_clocks import FeedbackClock
from tests.support.metrics_known import SPACE


def a_clock(dice: random.Random, at: datetime, **dimensions: Any) -> FeedbackClock:
    """The clock of a claim or a review."""
    target = dice.choice(["claim_reaction", "claim_answer", "claim_term", "review_reply"])
    return FeedbackClock(
        matter=SPACE,
        about=target.partition("_")[0],
        channel=dice.choice(["call", "email", None]),
        queue=dice.choice(["sales", None]),
        target=target,
        policy=dice.choice(["care", "gold", None]),
        target_ms=60_000,
        state=dice.choice(list(ClockState)),
        started_at=at,
        **dimensions,
    )
