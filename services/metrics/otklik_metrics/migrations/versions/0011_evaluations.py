"""Evaluations of contacts: their facts, history and rollups."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from otklik_common.roles import Grant, secure

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SCHEMA = "metrics"
KIND = "evaluation"
FIELDS = """
    contact:uuid! source:uuid! channel:text! party:text branch:text team:text queue:text agent:text!
    form:text! form_version:bigint! state:text! score_micro:bigint! failed:boolean! changed:boolean!
    evaluated_at:timestamptz! released_at:timestamptz! acknowledged_at:timestamptz
    disputed_at:timestamptz resolved_at:timestamptz
"""
COUNTERS = ("evaluations", "score_micro", "failed", "disputed", "changed")
GRAINS = {"15m": "at timestamptz", "day": "day date"}
TYPES: dict[str, Any] = {
    "timestamptz": sa.DateTime(timezone=True),
    "bigint": sa.BigInteger(),
    "boolean": sa.Boolean(),
    "uuid": sa.Uuid(),
    "text": sa.Text(collation="C"),
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
    _facts()
    _history()
    for grain, at in GRAINS.items():
        _rollup(grain, at)
    grants = {
        f"facts_{KIND}": Grant(api="S", worker="SIU"),
        f"fact_history_{KIND}": Grant(api="S", worker="SI"),
        **{f"rollup_{KIND}_{grain}": Grant(api="S", worker="SIUD") for grain in GRAINS},
    }
    for statement in secure(SCHEMA, grants):
        op.execute(statement)
    default = f"{SCHEMA}.fact_history_{KIND}_default"
    op.execute(f"CREATE TABLE {default} PARTITION OF {SCHEMA}.fact_history_{KIND} DEFAULT")
    op.execute(f"ALTER TABLE {default} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {default} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"SELECT {SCHEMA}.add_history_partition('{KIND}', month::date) FROM "  # noqa: S608
        "generate_series(date_trunc('month', now()), now() + interval '3 months', '1 month')"
        " AS month"
    )


def _facts() -> None:
    table = f"facts_{KIND}"
    fields = [field.partition(":")[::2] for field in FIELDS.split()]
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
        comment=f"The newest revision of each {KIND}",
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.05"},
    )
    op.create_index(f"{table}_released_at", table, ["tenant", "released_at"], schema=SCHEMA)
    named = ", ".join(f'"{name}" {sql.rstrip("!")}' for name, sql in fields)
    op.execute(
        f"CREATE TYPE {SCHEMA}.fact_{KIND}_1 AS (tenant text, subject uuid, epoch int,"
        f" revision bigint, void boolean, recorded_at timestamptz, person text, {named})"
    )


def _history() -> None:
    table = f"fact_history_{KIND}"
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
        comment=f"Every revision of each {KIND} that was ever heard, as it was heard",
        postgresql_partition_by="RANGE (recorded_at)",
    )
    op.create_index(
        f"{table}_at",
        table,
        ["tenant", "at"],
        schema=SCHEMA,
        postgresql_where=sa.text("indexed"),
    )


def _rollup(grain: str, at: str) -> None:
    table = f"rollup_{KIND}_{grain}"
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
        *(sa.Column(name, sa.BigInteger()) for name in COUNTERS),
        sa.PrimaryKeyConstraint(*(column.name for column in cell), name=f"{table}_pkey"),
        schema=SCHEMA,
        comment=f"Counters of {KIND} by {grain} and the dimensions of each set",
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02"},
    )
    named = ", ".join(f'"{name}" bigint' for name in COUNTERS)
    op.execute(
        f"CREATE TYPE {SCHEMA}.cell_{KIND}_{grain}_1 AS (tenant text, version int,"
        f' "set" smallint, {at}, d1 text, d2 text, d3 text, d4 text, {named})'
    )
