"""Reviews, claims and their clocks: their facts, history and rollups."""

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

REVIEW = """
    review_source:text! branch:text agent:text stars:bigint has_text:boolean! state:text!
    written_at:timestamptz! received_at:timestamptz! replied_at:timestamptz removed_at:timestamptz
"""
REVIEW_COUNTERS = "reviews rated stars stars_squared replied removed"

CLAIM = """
    claim_kind:text! topic:text severity:text! wish:text currency:text amount_minor:bigint
    contact:uuid channel:text party:text branch:text team:text queue:text agent:text segment:text
    identifiers:text[]! state:text! received_at:timestamptz! term_at:timestamptz
    reacted_at:timestamptz worked_off_at:timestamptz outcome:text reopenings:bigint!
"""
CLAIM_COUNTERS = "claims worked_off worked_off_24h reopened"


def upgrade() -> None:
    """Nothing of them was ever heard before."""
    new_kind("feedback_clock", by="started_at", fields=CLOCK, counters=CLOCK_COUNTERS)
    new_kind("review", by="written_at", fields=REVIEW, counters=REVIEW_COUNTERS)
    new_kind("claim", by="received_at", fields=CLAIM, counters=CLAIM_COUNTERS)
