"""Promises of agents, and what is spent on advertising: their facts, history and rollups."""

import sqlalchemy as sa
from alembic import op

from otklik_metrics.migrations.kinds_0009 import SCHEMA, new_kind

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

PROMISE = """
    promise_kind:text! agent:text! branch:text contact:uuid channel:text party:text state:text!
    made_at:timestamptz! warn_at:timestamptz! due_at:timestamptz! kept_at:timestamptz
    cancelled_at:timestamptz postponed:bigint!
"""
PROMISES = "due open at_risk broken kept kept_late cancelled"

AD_SPEND = """
    spent_at:timestamptz! ad_source:text! medium:text campaign:text agency:text branch:text
    currency:text! amount_minor:bigint!
"""


def upgrade() -> None:
    """Nothing of them was ever heard before."""
    new_kind("promise", by="due_at", fields=PROMISE, counters=PROMISES)
    op.create_index(
        "facts_promise_alive",
        "facts_promise",
        ["tenant", "due_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("NOT void AND state IN ('open', 'at_risk')"),
    )
    new_kind("ad_spend", by="spent_at", fields=AD_SPEND, counters="rows amount_minor+")
