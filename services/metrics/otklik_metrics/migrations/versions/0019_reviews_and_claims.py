"""Clocks of claims and reviews: their facts, history and rollups."""

from otklik_metrics.migrations.kinds_0009 import new_kind

revision = "0019"
down_revision = "0016"
branch_labels = None
depends_on = None

CLOCK = """
    matter:uuid! about:text! channel:text party:text branch:text team:text queue:text agent:text
    segment:text identifiers:text[]! target:text! policy:text priority:bigint matched:text[]!
    calendar:text target_ms:bigint! warning_ms:bigint! state:text! started_at:timestamptz!
    due_at:timestamptz breached_at:timestamptz ended_at:timestamptz used_ms:bigint
"""
CLOCK_COUNTERS = "started pending imminent breaching achieved breached cancelled"


def upgrade() -> None:
    """Nothing of them was ever heard before."""
    new_kind("feedback_clock", by="started_at", fields=CLOCK, counters=CLOCK_COUNTERS)
