"""What brought requests, showings and deals: the way of each, and the touches before it."""

import sqlalchemy as sa
from alembic import op

from otklik_metrics.migrations.columns_0001 import FIELDS as FIELDS_0001
from otklik_metrics.migrations.kinds_0009 import HEAD, SCHEMA, fields_of, new_kind

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ADDED = "ad_source:text medium:text"

LEAD_0013 = """
    qualified_at:timestamptz shown_at:timestamptz dealt_at:timestamptz reason:text
    objections:text[]! assign_ms:bigint
"""
SALE = """
    lead:uuid source:uuid channel:text party:text branch:text agent:text campaign:text
    identifiers:text[]! object:text
"""
SHOWING = f"{SALE} shown_at:timestamptz!"
DEAL = f"{SALE} deal:uuid! dealt_at:timestamptz! amount_minor:bigint currency:text"

TOUCH = """
    lead:uuid! deal:uuid credited_at:timestamptz! place:bigint! touches:bigint! left_out:bigint!
    touched_at:timestamptz certainty:text ad_source:text medium:text campaign:text source:uuid
    channel:text party:text branch:text agent:text opener:boolean! first:boolean! last:boolean!
    last_non_direct:boolean! linear_micro:bigint! position_micro:bigint! amount_minor:bigint
    linear_minor:bigint! position_minor:bigint! currency:text
"""
CREDITS = """
    lead_touches deal_touches
    lead_first lead_last lead_last_non_direct lead_linear lead_position
    deal_first deal_last deal_last_non_direct deal_linear deal_position
    amount_first+ amount_last+ amount_last_non_direct+ amount_linear+ amount_position+
"""


def upgrade() -> None:
    """New columns, and new types of the rows that are sent: processes of the old build go on."""
    known = fields_of(FIELDS_0001["lead"])
    place = [name for name, _ in known].index("last_requested_at") + 1
    lead = [*known[:place], *fields_of(LEAD_0013), *known[place:], ("showings", "bigint")]
    _more("lead", lead, 3)
    _more("showing", fields_of(SHOWING), 2)
    _more("deal", fields_of(DEAL), 2)
    new_kind("touch", by="credited_at", fields=TOUCH, counters=CREDITS)


def _more(kind: str, known: list[tuple[str, str]], number: int) -> None:
    for name, _ in fields_of(ADDED):
        column = sa.Column(name, sa.Text(collation="C"), nullable=True)
        op.add_column(f"facts_{kind}", column, schema=SCHEMA)
    fields = [*known, *fields_of(ADDED)]
    named = ", ".join(f'"{name}" {sql.rstrip("!")}' for name, sql in fields)
    op.execute(f"CREATE TYPE {SCHEMA}.fact_{kind}_{number} AS ({HEAD}, {named})")
