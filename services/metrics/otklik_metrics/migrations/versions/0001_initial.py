"""Facts, their history, rollups, identity. Columns are written out: a revision never changes."""

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant, secure
from otklik_common.tables import COMMON_GRANTS, create_common
from otklik_metrics.migrations.columns_0001 import COUNTERS, FIELDS, HISTOGRAMS, TIMES

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "metrics"

TYPES: Mapping[str, Callable[[], Any]] = {
    "timestamptz": lambda: sa.DateTime(timezone=True),
    "bigint": sa.BigInteger,
    "boolean": sa.Boolean,
    "uuid": sa.Uuid,
    "text": lambda: sa.Text(collation="C"),
    "text[]": lambda: sa.ARRAY(sa.Text(collation="C")),
    "jsonb": JSONB,
}

GRANTS = {
    **COMMON_GRANTS,
    **{f"facts_{kind}": Grant(api="S", worker="SIU") for kind in FIELDS},
    **{f"fact_history_{kind}": Grant(api="S", worker="SI") for kind in FIELDS},
    **{
        f"rollup_{kind}_{grain}": Grant(api="S", worker="SIUD")
        for kind in COUNTERS
        for grain in ("15m", "day")
    },
    **{f"histogram_{kind}_{grain}": Grant(api="S", worker="SIUD") for kind, grain in HISTOGRAMS},
    "rollup_versions": Grant(api="S", worker="SIUD"),
    "identity": Grant(api="S", worker="SIUD"),
    "identity_claim": Grant(worker="SID"),
    "history_reached": Grant(api="S", worker="SIU", tenant=False),
    "facts_reached": Grant(api="S", worker="SIU", tenant=False),
    "exposition": Grant(api="S", worker="SIU", tenant=False),
}

ADD_PARTITION = """
CREATE FUNCTION metrics.add_history_partition(kind text, month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  parent text := 'fact_history_' || kind;
  part text := parent || to_char(month, '"_"YYYY"_"MM');
  first timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
  past timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
  IF to_regclass('metrics.' || quote_ident(part)) IS NOT NULL THEN RETURN false; END IF;
  -- The default partition holds what no month was ready for; it moves before the month is attached.
  EXECUTE format('LOCK TABLE metrics.%I IN SHARE UPDATE EXCLUSIVE MODE', parent);
  EXECUTE format('CREATE TABLE metrics.%I (LIKE metrics.%I INCLUDING ALL)', part, parent);
  EXECUTE format('ALTER TABLE metrics.%I NO FORCE ROW LEVEL SECURITY', parent || '_default');
  EXECUTE format(
    'WITH moved AS (DELETE FROM metrics.%I WHERE recorded_at >= $1 AND recorded_at < $2 RETURNING *)'
    ' INSERT INTO metrics.%I SELECT * FROM moved', parent || '_default', part) USING first, past;
  EXECUTE format('ALTER TABLE metrics.%I FORCE ROW LEVEL SECURITY', parent || '_default');
  EXECUTE format(
    'ALTER TABLE metrics.%I ATTACH PARTITION metrics.%I FOR VALUES FROM (%L) TO (%L)',
    parent, part, first, past);
  -- Rights and policies stand at the parent; nobody reads a partition by its own name.
  EXECUTE format('ALTER TABLE metrics.%I ENABLE ROW LEVEL SECURITY', part);
  EXECUTE format('ALTER TABLE metrics.%I FORCE ROW LEVEL SECURITY', part);
  RETURN true;
END $$
"""
"""Only the owner may make tables; the worker that keeps partitions ahead calls this."""


def upgrade() -> None:
    """Make everything."""
    create_common(op, SCHEMA)
    for kind in FIELDS:
        _facts(kind)
        _history(kind)
    for kind in COUNTERS:
        for grain in ("15m", "day"):
            _rollup(kind, grain)
    for kind, grain in HISTOGRAMS:
        _histogram(kind, grain)
    for kind in FIELDS:
        _fact_type(kind)
    for grain, at in (("15m", "at timestamptz"), ("day", "day date")):
        for kind in COUNTERS:
            _cell_type(kind, grain, at)
        _histogram_type(grain, at)
    _partial_indexes()
    _versions()
    _identity()
    _states()
    for statement in secure(SCHEMA, GRANTS):
        op.execute(statement)
    _partitions()


def _tenant() -> sa.Column[str]:
    return sa.Column("tenant", sa.Text(collation="C"), nullable=False)


def _code(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(collation="C"), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _fields(kind: str) -> list[sa.Column[Any]]:
    fields = [field.partition(":")[::2] for field in FIELDS[kind].split()]
    return [
        sa.Column(name, TYPES[sql.rstrip("!")](), nullable=not sql.endswith("!"))
        for name, sql in fields
    ]


def _facts(kind: str) -> None:
    table = f"facts_{kind}"
    op.create_table(
        table,
        _tenant(),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("void", sa.Boolean(), nullable=False),
        _moment("recorded_at"),
        _code("person", nullable=True),
        *_fields(kind),
        sa.PrimaryKeyConstraint("tenant", "subject", name=f"{table}_pkey"),
        schema=SCHEMA,
        comment=f"The newest revision of each {kind}",
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.05"},
    )
    for column in TIMES.get(kind, ()):
        op.create_index(f"{table}_{column}", table, ["tenant", column], schema=SCHEMA)
    if "identifiers:" in FIELDS[kind] and kind != "customer":
        op.create_index(
            f"{table}_person",
            table,
            ["tenant", "person"],
            schema=SCHEMA,
            postgresql_where=sa.text("person IS NOT NULL"),
        )


def _history(kind: str) -> None:
    table = f"fact_history_{kind}"
    key = ("tenant", "subject", "epoch", "revision", "recorded_at")
    op.create_table(
        table,
        _tenant(),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _moment("recorded_at"),
        sa.Column("void", sa.Boolean(), nullable=False),
        _moment("at", nullable=True),
        sa.Column("data", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint(*key, name=f"{table}_pkey"),
        schema=SCHEMA,
        comment=f"Every revision of each {kind} that was ever heard, as it was heard",
        postgresql_partition_by="RANGE (recorded_at)",
    )
    if kind in TIMES:
        op.create_index(f"{table}_at", table, ["tenant", "at"], schema=SCHEMA)


def _cell(grain: str, *, measure: bool) -> list[sa.Column[Any]]:
    day = sa.Column("day", sa.Date(), nullable=False)
    return [
        _tenant(),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("set", sa.SmallInteger(), nullable=False),
        *([sa.Column("measure", sa.SmallInteger(), nullable=False)] if measure else []),
        _moment("at") if grain == "15m" else day,
        *(_code(name) for name in ("d1", "d2", "d3", "d4")),
    ]


def _rollup(kind: str, grain: str) -> None:
    table, cell = f"rollup_{kind}_{grain}", _cell(grain, measure=False)
    counters = [
        sa.Column(name.rstrip("+"), sa.Numeric(38, 0) if name.endswith("+") else sa.BigInteger())
        for name in COUNTERS[kind].split()
    ]
    _cells(table, cell, counters, f"Counters of {kind} by {grain} and the dimensions of each set")


def _histogram(kind: str, grain: str) -> None:
    table, cell = f"histogram_{kind}_{grain}", _cell(grain, measure=True)
    hist = sa.Column("hist", sa.LargeBinary(), nullable=False)
    _cells(table, cell, [hist], f"Histograms of {kind} by {grain} and the dimensions of each set")
    op.execute(f'ALTER TABLE {SCHEMA}."{table}" SET (toast_tuple_target = 8160)')


def _cells(
    table: str, cell: list[sa.Column[Any]], values: list[sa.Column[Any]], comment: str
) -> None:
    op.create_table(
        table,
        *cell,
        *values,
        sa.PrimaryKeyConstraint(*(column.name for column in cell), name=f"{table}_pkey"),
        schema=SCHEMA,
        comment=comment,
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02"},
    )


def _fact_type(kind: str) -> None:
    fields = [field.rstrip("!").partition(":")[::2] for field in FIELDS[kind].split()]
    head = "tenant text, subject uuid, epoch int, revision bigint, void boolean, "
    head += "recorded_at timestamptz, person text, "
    named = ", ".join(f'"{name}" {sql}' for name, sql in fields)
    op.execute(f"CREATE TYPE {SCHEMA}.fact_{kind}_1 AS ({head}{named})")


def _cell_type(kind: str, grain: str, at: str) -> None:
    head = f'tenant text, version int, "set" smallint, {at}, d1 text, d2 text, d3 text, d4 text, '
    named = ", ".join(
        f'"{name.rstrip("+")}" {"numeric" if name.endswith("+") else "bigint"}'
        for name in COUNTERS[kind].split()
    )
    op.execute(f"CREATE TYPE {SCHEMA}.cell_{kind}_{grain}_1 AS ({head}{named})")


def _histogram_type(grain: str, at: str) -> None:
    op.execute(
        f"CREATE TYPE {SCHEMA}.histogram_cell_{grain}_1 AS (tenant text, version int, "
        f'"set" smallint, measure smallint, {at}, d1 text, d2 text, d3 text, d4 text, hist bytea)'
    )


def _partial_indexes() -> None:
    for name, table, column, where in (
        ("facts_contact_open", "facts_contact", "offered_at", "NOT void AND ended_at IS NULL"),
        (
            "facts_contact_due",
            "facts_contact",
            "due_at",
            "NOT void AND due_at IS NOT NULL AND closed_at IS NULL",
        ),
        ("facts_case_due", "facts_case", "due_at", "NOT void AND closed_at IS NULL"),
        (
            "facts_lead_unattempted",
            "facts_lead",
            "created_at",
            "NOT void AND attempted_at IS NULL",
        ),
    ):
        op.create_index(
            name, table, ["tenant", column], schema=SCHEMA, postgresql_where=sa.text(where)
        )


def _versions() -> None:
    op.create_table(
        "rollup_versions",
        _tenant(),
        _code("kind"),
        sa.Column("version", sa.Integer(), nullable=False),
        _code("state"),
        sa.Column("fold_version", sa.Integer(), nullable=False),
        _code("timezone"),
        _code("tzdata"),
        sa.Column("thresholds", sa.ARRAY(sa.BigInteger()), nullable=False),
        _moment("built_to", nullable=True),
        _moment("created_at"),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("tenant", "kind", "version", name="rollup_versions_pkey"),
        schema=SCHEMA,
        comment="By what each version of a company's rollups was counted, and which one is read",
    )
    op.create_index(
        "rollup_versions_one_of_a_state",
        "rollup_versions",
        ["tenant", "kind", "state"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("state IN ('live', 'building')"),
    )


def _identity() -> None:
    op.create_table(
        "identity",
        _tenant(),
        _code("pseudonym"),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "pseudonym", name="identity_pkey"),
        schema=SCHEMA,
        comment="Whose a pseudonym is; of two customers that claim one, the lowest id has it",
    )
    op.create_index("identity_customer", "identity", ["tenant", "customer"], schema=SCHEMA)
    op.create_table(
        "identity_claim",
        _tenant(),
        _code("pseudonym"),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "pseudonym", "customer", name="identity_claim_pkey"),
        schema=SCHEMA,
        comment="Every pseudonym of every customer, as the newest customer facts say",
    )


def _states() -> None:
    for table, comment in (
        ("history_reached", "The moment before which every fact of a topic is in the history"),
        ("facts_reached", "The moment before which every fact of a topic is counted"),
    ):
        op.create_table(
            table,
            _code("topic"),
            _moment("until"),
            sa.PrimaryKeyConstraint("topic", name=f"{table}_pkey"),
            schema=SCHEMA,
            comment=comment,
        )
    op.create_table(
        "exposition",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("samples", JSONB(), nullable=False),
        _moment("refreshed_at"),
        sa.PrimaryKeyConstraint("id", name="exposition_pkey"),
        schema=SCHEMA,
        comment="The business numbers that Prometheus reads, as last computed",
    )


def _partitions() -> None:
    op.execute(ADD_PARTITION)
    signature = f"{SCHEMA}.add_history_partition(text, date)"
    op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO otklik_{SCHEMA}_worker")
    for kind in FIELDS:
        parent = f"{SCHEMA}.fact_history_{kind}"
        op.execute(f"CREATE TABLE {parent}_default PARTITION OF {parent} DEFAULT")
        op.execute(f"ALTER TABLE {parent}_default ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {parent}_default FORCE ROW LEVEL SECURITY")
        op.execute(
            f"SELECT metrics.add_history_partition('{kind}', month::date) FROM "  # noqa: S608
            "generate_series(date_trunc('month', now()), now() + interval '3 months', '1 month')"
            " AS month"
        )
