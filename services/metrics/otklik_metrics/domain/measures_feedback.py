"""What rollups of reviews and claims count."""

from datetime import timedelta
from typing import Final

from otklik_metrics.domain.counters import Counter, Measures

NORM: Final = timedelta(hours=24)
"""Within which a claim is to be worked off, in elapsed time, whatever policies say."""

REVIEW = Measures(
    heads=("reviews", "removed"),
    counters=(
        Counter(
            "reviews", "reviews by written_at that stand at their source; all below are of these"
        ),
        Counter("rated", "with stars"),
        Counter("stars", "sum of stars"),
        Counter("stars_squared", "sum of squares of stars"),
        Counter("replied", "with a published reply"),
        Counter("removed", "gone from their source; in none of the above"),
    ),
)

CLAIM = Measures(
    heads=("claims",),
    counters=(
        Counter("claims", "claims by received_at; all below are of these"),
        Counter("worked_off", "worked off, and not reopened since"),
        Counter("worked_off_24h", "of these, no more than 24 hours after they were received"),
        Counter("reopened", "reopened at least once"),
    ),
)
