"""The tables of a kind of facts as revisions from 0009 on make them; written once, changed never."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from otklik_common.roles import Grant, secure

SCHEMA = "metrics"
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


def new_kind(kind: str, *, by: str, fields: str, counters: str) -> None:
    """
    Facts, their history and rollups of a kind that was never heard before.

    Args:
        by: The time that it is counted by.
        fields: name:type, with ! where there is always a value.
        counters: Columns of its rollups, with + where their sums may outgrow 64 bits.
    """
    _facts(kind, by, fields_of(fields))
    _history(kind)
    for grain, at in GRAINS.items():
        _rollup(kind, counters.split(), grain, at)
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


def fields_of(text: str) -> list[tuple[str, str]]:
    """Names and types."""
    return [(name, sql) for name, _, sql in (field.partition(":") for field in text.split())]


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


def _facts(kind: str, by: str, fields: list[tuple[str, str]]) -> None:
    table = f"facts_{kind}"
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
    op.create_index(f"{table}_{by}", table, ["tenant", by], schema=SCHEMA)
    if any(name == "identifiers" for name, _ in fields):
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


def _rollup(kind: str, counters: list[str], grain: str, at: str) -> None:
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
        *(
            sa.Column(
                name.rstrip("+"), sa.Numeric(38, 0) if name.endswith("+") else sa.BigInteger()
            )
            for name in counters
        ),
        sa.PrimaryKeyConstraint(*(column.name for column in cell), name=f"{table}_pkey"),
        schema=SCHEMA,
        comment=f"Counters of {kind} by {grain} and the dimensions of each set",
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02"},
    )
    named = ", ".join(
        f'"{name.rstrip("+")}" {"numeric" if name.endswith("+") else "bigint"}' for name in counters
    )
    op.execute(f"CREATE TYPE {SCHEMA}.cell_{kind}_{grain}_1 AS ({CELL.format(at=at)}, {named})")
