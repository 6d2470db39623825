"""Promises of agents, and what is spent on advertising: their facts, history and rollups."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from otklik_common.roles import Grant, secure

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SCHEMA = "metrics"
KINDS = {
    "promise": """
        promise_kind:text! agent:text! branch:text contact:uuid channel:text party:text state:text!
        made_at:timestamptz! warn_at:timestamptz! due_at:timestamptz! kept_at:timestamptz
        cancelled_at:timestamptz postponed:bigint!
    """,
    "ad_spend": """
        spent_at:timestamptz! ad_source:text! medium:text campaign:text agency:text branch:text
        currency:text! amount_minor:bigint!
    """,
}
TIMES = {"promise": "due_at", "ad_spend": "spent_at"}
COUNTERS = {
    "promise": ("due", "open", "at_risk", "broken", "kept", "kept_late", "cancelled"),
    "ad_spend": ("rows", "amount_minor"),
}
GRAINS = {"15m": "at timestamptz", "day": "day date"}
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
    """Nothing of them was ever heard before."""
    for kind in KINDS:
        _kind(kind)


def _kind(kind: str) -> None:
    _facts(kind)
    _history(kind)
    for grain, at in GRAINS.items():
        _rollup(kind, grain, at)
    grants = {
        f"facts_{kind}": Grant(api="S", worker="SIU"),
        f"fact_history_{kind}": Grant(api="S", worker="SI"),
        **{f"rollup_{kind}_{grain}": Grant(api="S", worker="SIUD") for grain in GRAINS},
    }
    for statement in secure(SCHEMA, grants):
        op.execute(statement)
    default = f"{SCHEMA}.fact_history_{kind}_default"
    op.execute(f"CREATE TABLE {default} PARTITION OF {SCHEMA}.fact_history_{kind} DEFAULT")
    op.execute(f"ALTER TABLE {default} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {default} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"SELECT {SCHEMA}.add_history_partition('{kind}', month::date) FROM "  # noqa: S608
        "generate_series(date_trunc('month', now()), now() + interval '3 months', '1 month')"
        " AS month"
    )


def _facts(kind: str) -> None:
    table = f"facts_{kind}"
    fields = [field.partition(":")[::2] for field in KINDS[kind].split()]
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
    op.create_index(f"{table}_{TIMES[kind]}", table, ["tenant", TIMES[kind]], schema=SCHEMA)
    named = ", ".join(f'"{name}" {sql.rstrip("!")}' for name, sql in fields)
    op.execute(
        f"CREATE TYPE {SCHEMA}.fact_{kind}_1 AS (tenant text, subject uuid, epoch int,"
        f" revision bigint, void boolean, recorded_at timestamptz, person text, {named})"
    )


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
        *(sa.Column(name, sa.BigInteger()) for name in COUNTERS[kind]),
        sa.PrimaryKeyConstraint(*(column.name for column in cell), name=f"{table}_pkey"),
        schema=SCHEMA,
        comment=f"Counters of {kind} by {grain} and the dimensions of each set",
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02"},
    )
    named = ", ".join(f'"{name}" bigint' for name in COUNTERS[kind])
    op.execute(
        f"CREATE TYPE {SCHEMA}.cell_{kind}_{grain}_1 AS (tenant text, version int,"
        f' "set" smallint, {at}, d1 text, d2 text, d3 text, d4 text, {named})'
    )
