"""Checklists of scripts: their facts, history and rollups."""

from otklik_metrics.migrations.kinds_0009 import new_kind

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

FIELDS = """
    contact:uuid! source:uuid! channel:text! direction:text! party:text branch:text team:text
    queue:text agent:text! script:text! script_version:bigint! asked:bigint! done:bigint!
    missed:text[]! complete:boolean! filled_at:timestamptz! corrected_at:timestamptz
"""
COUNTERS = "runs whole asked done"


def upgrade() -> None:
    """Nothing of them was ever heard before."""
    new_kind("script_run", by="filled_at", fields=FIELDS, counters=COUNTERS)
