"""What became of deals that were not made with us, as customers answer."""

import sqlalchemy as sa
from alembic import op

from otklik_metrics.migrations.columns_0001 import COUNTERS, FIELDS
from otklik_metrics.migrations.kinds_0009 import CELL, GRAINS, HEAD, SCHEMA, fields_of

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

NEW = ("lost_deal_0", "lost_deal_1", "lost_deal_2")


def upgrade() -> None:
    """New columns, and new types of the rows that are sent: processes of the old build go on."""
    op.add_column("facts_answer", sa.Column("lost_deal", sa.BigInteger()), schema=SCHEMA)
    fields = [*fields_of(FIELDS["answer"]), ("lost_deal", "bigint")]
    named = ", ".join(f'"{name}" {sql.rstrip("!")}' for name, sql in fields)
    op.execute(f"CREATE TYPE {SCHEMA}.fact_answer_2 AS ({HEAD}, {named})")
    counters = ", ".join(
        f'"{name.rstrip("+")}" {"numeric" if name.endswith("+") else "bigint"}'
        for name in (*COUNTERS["answer"].split(), *NEW)
    )
    for grain, at in GRAINS.items():
        for name in NEW:
            column = sa.Column(name, sa.BigInteger())
            op.add_column(f"rollup_answer_{grain}", column, schema=SCHEMA)
        op.execute(
            f"CREATE TYPE {SCHEMA}.cell_answer_{grain}_2 AS ({CELL.format(at=at)}, {counters})"
        )
