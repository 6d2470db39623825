"""Evaluations of contacts: their facts, history and rollups."""

from otklik_metrics.migrations.kinds_0009 import new_kind

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

FIELDS = """
    contact:uuid! source:uuid! channel:text! party:text branch:text team:text queue:text agent:text!
    form:text! form_version:bigint! state:text! score_micro:bigint! failed:boolean! changed:boolean!
    evaluated_at:timestamptz! released_at:timestamptz! acknowledged_at:timestamptz
    disputed_at:timestamptz resolved_at:timestamptz
"""
COUNTERS = "evaluations score_micro failed disputed changed"


def upgrade() -> None:
    """Nothing of them was ever heard before."""
    new_kind("evaluation", by="released_at", fields=FIELDS, counters=COUNTERS)
