"""Random facts of claims and reviews."""

import random
from datetime import datetime, timedelta
from typing import Any

from otklik_common.events.claims import Claim, Severity
from otklik_common.events.contact_center import ClockState
from otklik_common.events.feedback_clocks import FeedbackClock
from otklik_common.events.reviews import Review
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


def a_review(dice: random.Random, at: datetime, **dimensions: Any) -> Review:
    """A review, perhaps replied to, perhaps gone."""
    replied = at + timedelta(hours=30) if dice.random() < 0.6 else None
    removed = at + timedelta(days=3) if dice.random() < 0.1 else None
    placed = {name: dimensions[name] for name in ("branch", "agent")}
    return Review(
        review_source=dice.choice(["2gis", "yandex_maps"]),
        stars=dice.choice([None, 1, 2, 3, 4, 5, 5, 5]),
        has_text=dice.random() < 0.8,
        written_at=at,
        received_at=at + timedelta(hours=1),
        replied_at=replied,
        removed_at=removed,
        **placed,
    )


def a_claim(dice: random.Random, at: datetime, **dimensions: Any) -> Claim:
    """A claim; some were worked off exactly a day after they came."""
    hours = dice.choice([3, 24, 24.5, 60, None, None])
    worked_off = None if hours is None else at + timedelta(hours=hours)
    return Claim(
        claim_kind=dice.choice(["consumer", "letter"]),
        topic=dice.choice(["deposit", "manners", None]),
        severity=dice.choice(list(Severity)),
        queue=dice.choice(["care", None]),
        received_at=at,
        worked_off_at=worked_off,
        reopenings=dice.choice([0, 0, 0, 1]),
        **dimensions,
    )
