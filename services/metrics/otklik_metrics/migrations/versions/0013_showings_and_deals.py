"""Requests go on to showings and deals: their facts, history and rollups, and more of leads."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from otklik_common.roles import Grant, secure
from otklik_metrics.migrations.columns_0001 import COUNTERS as COUNTERS_0001
from otklik_metrics.migrations.columns_0001 import FIELDS as FIELDS_0001

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SCHEMA = "metrics"
SALE = """
    lead:uuid source:uuid channel:text party:text branch:text agent:text campaign:text
    identifiers:text[]! object:text
"""
FIELDS = {
    "showing": f"{SALE} shown_at:timestamptz!",
    "deal": f"{SALE} deal:uuid! dealt_at:timestamptz! amount_minor:bigint currency:text",
}
TIMES = {"showing": "shown_at", "deal": "dealt_at"}
COUNTERS = {"showing": "shown", "deal": "deals priced amount_minor"}

LEAD_FIELDS = """
    qualified_at:timestamptz shown_at:timestamptz dealt_at:timestamptz reason:text
    objections:text[]! assign_ms:bigint
"""
LEAD_COUNTERS = """
    served qualified shown dealt attempted_5m attempted_15m attempted_60m assign_n assign_ms human_n
    human_ms
"""
GRAINS = {"15m": "at timestamptz", "day": "day date"}
HEAD = (
    "tenant text, subject uuid, epoch int, revision bigint, void boolean, "
    "recorded_at timestamptz, person text"
)
CELL = 'tenant text, version int, "set" smallint, {at}, d1 text, d2 text, d3 text, d4 text'
TYPES: dict[str, Any] = {
    "timestamptz": sa.DateTime(timezone=True),
    "bigint": sa.BigInteger(),
    "boolean": sa.Boolean(),
    "uuid": sa.Uuid(),
    "text": sa.Text(collation="C"),
    "text[]": sa.ARRAY(sa.Text(collation="C")),
}


def _code(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(collation="C"), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _head() -> list[sa.Column[Any]]:
    return [
        _code("tenant"),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
    ]


def upgrade() -> None:
    """Nothing of showings and deals was ever heard before; leads are counted anew by themselves."""
    grants: dict[str, Grant] = {}
    for kind in FIELDS:
        _facts(kind)
        _history(kind)
        for grain, at in GRAINS.items():
            _rollup(kind, grain, at)
        grants |= {
            f"facts_{kind}": Grant(api="S", worker="SIU"),
            f"fact_history_{kind}": Grant(api="S", worker="SI"),
            **{f"rollup_{kind}_{grain}": Grant(api="S", worker="SIUD") for grain in GRAINS},
        }
    for statement in secure(SCHEMA, grants):
        op.execute(statement)
    for kind in FIELDS:
        default = f"{SCHEMA}.fact_history_{kind}_default"
        op.execute(f"CREATE TABLE {default} PARTITION OF {SCHEMA}.fact_history_{kind} DEFAULT")
        op.execute(f"ALTER TABLE {default} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {default} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"SELECT {SCHEMA}.add_history_partition('{kind}', month::date) FROM "  # noqa: S608
            "generate_series(date_trunc('month', now()), now() + interval '3 months', '1 month')"
            " AS month"
        )
    _leads()


def _leads() -> None:
    """New columns, and new types of the rows that are sent: processes of the old build go on."""
    added = _fields(LEAD_FIELDS)
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
    known = _fields(FIELDS_0001["lead"])
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


def _fields(text: str) -> list[tuple[str, str]]:
    return [(name, sql) for name, _, sql in (field.partition(":") for field in text.split())]


def _facts(kind: str) -> None:
    table = f"facts_{kind}"
    fields = _fields(FIELDS[kind])
    op.create_table(
        table,
        *_head(),
        sa.Column("void", sa.Boolean(), nullable=False),
        _moment("recorded_at"),
        _code("person", nullable=True),
        *(
            sa.Column(name, TYPES[sql.rstrip("!")], nullable=not sql.endswith("!"))
            for name, sql in fields
        ),
        sa.PrimaryKeyConstraint("tenant", "subject", name=f"{table}_pkey"),
        schema=SCHEMA,
        comment=f"The newest revision of each {kind}",
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.05"},
    )
    by = TIMES[kind]
    op.create_index(f"{table}_{by}", table, ["tenant", by], schema=SCHEMA)
    op.create_index(
        f"{table}_person",
        table,
        ["tenant", "person"],
        schema=SCHEMA,
        postgresql_where=sa.text("person IS NOT NULL"),
    )
    named = ", ".join(f'"{name}" {sql.rstrip("!")}' for name, sql in fields)
    op.execute(f"CREATE TYPE {SCHEMA}.fact_{kind}_1 AS ({HEAD}, {named})")


def _history(kind: str) -> None:
    table = f"fact_history_{kind}"
    key = ("tenant", "subject", "epoch", "revision", "recorded_at")
    op.create_table(
        table,
        *_head(),
        _moment("recorded_at"),
        sa.Column("void", sa.Boolean(), nullable=False),
        _moment("at", nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("indexed", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.PrimaryKeyConstraint(*key, name=f"{table}_pkey"),
        schema=SCHEMA,
        comment=f"Every revision of each {kind} that was ever heard, as it was heard",
        postgresql_partition_by="RANGE (recorded_at)",
    )
    op.create_index(
        f"{table}_at",
        table,
        ["tenant", "at"],
        schema=SCHEMA,
        postgresql_where=sa.text("indexed"),
    )


def _rollup(kind: str, grain: str, at: str) -> None:
    table = f"rollup_{kind}_{grain}"
    cell = [
        _code("tenant"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("set", sa.SmallInteger(), nullable=False),
        _moment("at") if grain == "15m" else sa.Column("day", sa.Date(), nullable=False),
        *(_code(name) for name in ("d1", "d2", "d3", "d4")),
    ]
    op.create_table(
        table,
        *cell,
        *(sa.Column(name, sa.BigInteger()) for name in COUNTERS[kind].split()),
        sa.PrimaryKeyConstraint(*(column.name for column in cell), name=f"{table}_pkey"),
        schema=SCHEMA,
        comment=f"Counters of {kind} by {grain} and the dimensions of each set",
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02"},
    )
    named = ", ".join(f'"{name}" bigint' for name in COUNTERS[kind].split())
    op.execute(f"CREATE TYPE {SCHEMA}.cell_{kind}_{grain}_1 AS ({CELL.format(at=at)}, {named})")
