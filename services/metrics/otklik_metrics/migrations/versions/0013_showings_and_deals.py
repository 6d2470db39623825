"""Requests go on to showings and deals: their facts, history and rollups, and more of leads."""

import sqlalchemy as sa
from alembic import op

from otklik_metrics.migrations.columns_0001 import COUNTERS as COUNTERS_0001
from otklik_metrics.migrations.columns_0001 import FIELDS as FIELDS_0001
from otklik_metrics.migrations.kinds_0009 import (
    CELL,
    GRAINS,
    HEAD,
    SCHEMA,
    TYPES,
    fields_of,
    new_kind,
)

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SALE = """
    lead:uuid source:uuid channel:text party:text branch:text agent:text campaign:text
    identifiers:text[]! object:text
"""
SHOWING = f"{SALE} shown_at:timestamptz!"
DEAL = f"{SALE} deal:uuid! dealt_at:timestamptz! amount_minor:bigint currency:text"

LEAD_FIELDS = """
    qualified_at:timestamptz shown_at:timestamptz dealt_at:timestamptz reason:text
    objections:text[]! assign_ms:bigint
"""
LEAD_COUNTERS = """
    served qualified shown dealt attempted_5m attempted_15m attempted_60m assign_n assign_ms human_n
    human_ms
"""


def upgrade() -> None:
    """Nothing of showings and deals was ever heard before; leads are counted anew by themselves."""
    new_kind("showing", by="shown_at", fields=SHOWING, counters="shown")
    new_kind("deal", by="dealt_at", fields=DEAL, counters="deals priced amount_minor+")
    _leads()


def _leads() -> None:
    """New columns, and new types of the rows that are sent: processes of the old build go on."""
    added = fields_of(LEAD_FIELDS)
    for name, sql in added:
        column = sa.Column(name, TYPES[sql.rstrip("!")], nullable=not sql.endswith("!"))
        if sql == "text[]!":
            column.server_default = sa.DefaultClause(sa.text("'{}'"))
        op.add_column("facts_lead", column, schema=SCHEMA)
    op.add_column(
        "facts_lead",
        sa.Column("showings", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        schema=SCHEMA,
    )
    known = fields_of(FIELDS_0001["lead"])
    place = [name for name, _ in known].index("last_requested_at") + 1
    fields = [*known[:place], *added, *known[place:], ("showings", "bigint")]
    named = ", ".join(f'"{name}" {sql.rstrip("!")}' for name, sql in fields)
    op.execute(f"CREATE TYPE {SCHEMA}.fact_lead_2 AS ({HEAD}, {named})")
    new = LEAD_COUNTERS.split()
    for grain, at in GRAINS.items():
        for name in new:
            op.add_column(
                f"rollup_lead_{grain}",
                sa.Column(name, sa.BigInteger(), nullable=True),
                schema=SCHEMA,
            )
        counters = ", ".join(f'"{name}" bigint' for name in _counters())
        op.execute(
            f"CREATE TYPE {SCHEMA}.cell_lead_{grain}_2 AS ({CELL.format(at=at)}, {counters})"
        )


def _counters() -> list[str]:
    """In the order in which the build declares them."""
    known, new = COUNTERS_0001["lead"].split(), LEAD_COUNTERS.split()
    after = known.index("contacted") + 1
    before = known.index("attempt_n")
    return [*known[:after], *new[:7], *known[after:before], *new[7:], *known[before:]]
