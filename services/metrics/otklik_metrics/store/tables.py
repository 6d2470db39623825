"""The tables of metrics: facts, their history, rollups, and what is known of rollups."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

import otklik_common.events.claims

# The contracts register themselves when they are imported.
import otklik_common.events.contact_center
import otklik_common.events.feedback
import otklik_common.events.feedback_clocks
import otklik_common.events.leads
import otklik_common.events.loyalty
import otklik_common.events.reviews
import otklik_common.events.scripts  # noqa: F401
from otklik_common.roles import Grant
from otklik_common.tables import COMMON_GRANTS, common_tables, tenant_column
from otklik_metrics.domain.measures import MEASURES
from otklik_metrics.domain.sets import (
    MAX_DIMENSIONS,
    SETS,
    TIME_COLUMNS,
    Grain,
    histogram_table,
    rollup_table,
)
from otklik_metrics.store.columns import Field, fields_of

SCHEMA = "metrics"

KINDS = (
    "contact",
    "reply",
    "sla_clock",
    "feedback_clock",
    "promise",
    "ad_spend",
    "lead",
    "showing",
    "deal",
    "touch",
    "evaluation",
    "script_run",
    "agent_state",
    "source",
    "survey",
    "answer",
    "case",
    "review",
    "claim",
    "customer",
    "purchase",
    "points",
)
"""Kinds of facts that are kept; what access says stands in the directory."""

FIELDS: Mapping[str, tuple[Field, ...]] = {kind: fields_of(kind) for kind in KINDS}

HISTORY_BY_PERSON = ("contact",)
"""
Kinds of which the past of some people is asked. Their history has a column for the first
pseudonym: '' where there is none; NULL where a build wrote that did not know the column.
"""

HEAD = ("tenant", "subject", "epoch", "revision", "void", "recorded_at", "person")
"""Columns of every table of facts, before the fields of the contract."""

metadata = MetaData(schema=SCHEMA)
common_tables(metadata)

# Rows are replaced again and again: room in each page keeps their new versions beside them.
_REPLACED = {"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.05"}
_MOVED = {"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02"}


def _code(name: str, **options: bool) -> Column[str]:
    return Column(name, Text(collation="C"), nullable=options.get("nullable", False))


def _moment(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _facts(kind: str) -> Table:
    table = Table(
        f"facts_{kind}",
        metadata,
        tenant_column(),
        Column("subject", Uuid, nullable=False),
        Column("epoch", Integer, nullable=False),
        Column("revision", BigInteger, nullable=False),
        Column("void", Boolean, nullable=False),
        _moment("recorded_at"),
        _code("person", nullable=True),
        *(field.column() for field in FIELDS[kind]),
        PrimaryKeyConstraint("tenant", "subject", name=f"facts_{kind}_pkey"),
        comment=f"The newest revision of each {kind}",
        postgresql_with=_REPLACED,
    )
    for column in TIME_COLUMNS.get(kind, ()):
        Index(f"facts_{kind}_{column}", table.c.tenant, table.c[column])
    if "identifiers" in table.c and kind != "customer":
        Index(
            f"facts_{kind}_person",
            table.c.tenant,
            table.c.person,
            postgresql_where=text("person IS NOT NULL"),
        )
    return table


def _indexed() -> Column[bool]:
    """Whether a revision is found by `at` and `person`: not, where what it says was said before."""
    return Column("indexed", Boolean, nullable=False, server_default=text("true"))


def _found_by(table: Table, column: Column[Any]) -> None:
    name = f"{table.name}_{column.name}"
    Index(name, table.c.tenant, column, postgresql_where=text("indexed"))


def _history(kind: str) -> Table:
    table = Table(
        f"fact_history_{kind}",
        metadata,
        tenant_column(),
        Column("subject", Uuid, nullable=False),
        Column("epoch", Integer, nullable=False),
        Column("revision", BigInteger, nullable=False),
        _moment("recorded_at"),
        Column("void", Boolean, nullable=False),
        _moment("at", nullable=True),
        # What was said, to be read as jsonb: to write it as that costs a third more of the server.
        Column("data", Text, nullable=False),
        *([_code("person", nullable=True)] if kind in HISTORY_BY_PERSON else []),
        *([_indexed()] if kind in TIME_COLUMNS else []),
        PrimaryKeyConstraint(
            "tenant",
            "subject",
            "epoch",
            "revision",
            "recorded_at",
            name=f"fact_history_{kind}_pkey",
        ),
        comment=f"Every revision of each {kind} that was ever heard, as it was heard",
        postgresql_partition_by="RANGE (recorded_at)",
    )
    if kind in TIME_COLUMNS:
        _found_by(table, table.c.at)
    if kind in HISTORY_BY_PERSON:
        _found_by(table, table.c.person)
    return table


def _cell(grain: Grain, *, measure: bool) -> list[Column[Any]]:
    return [
        tenant_column(),
        Column("version", Integer, nullable=False),
        Column("set", SmallInteger, nullable=False),
        *([Column("measure", SmallInteger, nullable=False)] if measure else []),
        _moment("at") if grain is Grain.QUARTER else Column("day", Date, nullable=False),
        *(_code(f"d{n}") for n in range(1, MAX_DIMENSIONS + 1)),
    ]


def _rollup(kind: str, grain: Grain) -> Table:
    name = rollup_table(kind, grain)
    cell = _cell(grain, measure=False)
    return Table(
        name,
        metadata,
        *cell,
        *(
            Column(counter.name, Numeric(38, 0) if counter.big else BigInteger, nullable=True)
            for counter in MEASURES[kind].counters
        ),
        PrimaryKeyConstraint(*(column.name for column in cell), name=f"{name}_pkey"),
        comment=f"Counters of {kind} by {grain.value} and the dimensions of each set",
        postgresql_with=_MOVED,
    )


def _histogram(kind: str, grain: Grain) -> Table:
    name = histogram_table(kind, grain)
    cell = _cell(grain, measure=True)
    return Table(
        name,
        metadata,
        *cell,
        Column("hist", LargeBinary, nullable=False),
        PrimaryKeyConstraint(*(column.name for column in cell), name=f"{name}_pkey"),
        comment=f"Histograms of {kind} by {grain.value} and the dimensions of each set",
        # Histograms are moved often: kept beside their key and as they are, they cost least.
        postgresql_with={**_MOVED, "toast_tuple_target": "8160"},
    )


FACTS: Mapping[str, Table] = {kind: _facts(kind) for kind in KINDS}
HISTORY: Mapping[str, Table] = {kind: _history(kind) for kind in KINDS}
ROLLUPS: Mapping[tuple[str, Grain], Table] = {
    (kind, grain): _rollup(kind, grain) for kind in MEASURES for grain in Grain
}
HISTOGRAMS: Mapping[tuple[str, Grain], Table] = {
    (kind, grain): _histogram(kind, grain)
    for kind, grain in sorted({(s.kind, s.grain) for s in SETS if s.histograms})
}

Index(
    "facts_contact_open",
    FACTS["contact"].c.tenant,
    FACTS["contact"].c.offered_at,
    postgresql_where=text("NOT void AND ended_at IS NULL"),
)
Index(
    "facts_contact_answered_at",
    FACTS["contact"].c.tenant,
    FACTS["contact"].c.answered_at,
    postgresql_where=text("answered_at IS NOT NULL"),
)
Index("facts_agent_state_from_at", FACTS["agent_state"].c.tenant, FACTS["agent_state"].c.from_at)
Index(
    "facts_agent_state_open",
    FACTS["agent_state"].c.tenant,
    FACTS["agent_state"].c.from_at,
    postgresql_where=text("NOT void AND to_at IS NULL"),
)
Index(
    "facts_contact_due",
    FACTS["contact"].c.tenant,
    FACTS["contact"].c.due_at,
    postgresql_where=text("NOT void AND due_at IS NOT NULL AND closed_at IS NULL"),
)
Index(
    "facts_case_due",
    FACTS["case"].c.tenant,
    FACTS["case"].c.due_at,
    postgresql_where=text("NOT void AND closed_at IS NULL"),
)
Index(
    "facts_lead_unattempted",
    FACTS["lead"].c.tenant,
    FACTS["lead"].c.created_at,
    postgresql_where=text("NOT void AND attempted_at IS NULL"),
)

Index(
    "facts_promise_alive",
    FACTS["promise"].c.tenant,
    FACTS["promise"].c.due_at,
    postgresql_where=text("NOT void AND state IN ('open', 'at_risk')"),
)

VERSIONS = Table(
    "rollup_versions",
    metadata,
    tenant_column(),
    _code("kind"),
    Column("version", Integer, nullable=False),
    _code("state"),
    Column("fold_version", Integer, nullable=False),
    _code("timezone"),
    _code("tzdata"),
    Column("thresholds", ARRAY(BigInteger), nullable=False),
    _moment("built_to", nullable=True),
    _moment("created_at"),
    _moment("changed_at"),
    PrimaryKeyConstraint("tenant", "kind", "version", name="rollup_versions_pkey"),
    comment="By what each version of a company's rollups was counted, and which one is read",
)
Index(
    "rollup_versions_one_of_a_state",
    VERSIONS.c.tenant,
    VERSIONS.c.kind,
    VERSIONS.c.state,
    unique=True,
    postgresql_where=text("state IN ('live', 'building')"),
)

IDENTITY = Table(
    "identity",
    metadata,
    tenant_column(),
    _code("pseudonym"),
    Column("customer", Uuid, nullable=False),
    PrimaryKeyConstraint("tenant", "pseudonym", name="identity_pkey"),
    comment="Whose a pseudonym is; of two customers that claim one, the lowest id has it",
)
Index("identity_customer", IDENTITY.c.tenant, IDENTITY.c.customer)

CLAIMS = Table(
    "identity_claim",
    metadata,
    tenant_column(),
    _code("pseudonym"),
    Column("customer", Uuid, nullable=False),
    PrimaryKeyConstraint("tenant", "pseudonym", "customer", name="identity_claim_pkey"),
    comment="Every pseudonym of every customer, as the newest customer facts say",
)

REACHED = Table(
    "history_reached",
    metadata,
    _code("topic"),
    _moment("until"),
    PrimaryKeyConstraint("topic", name="history_reached_pkey"),
    comment="The moment before which every fact of a topic is in the history",
)

FACTS_REACHED = Table(
    "facts_reached",
    metadata,
    _code("topic"),
    _moment("until"),
    PrimaryKeyConstraint("topic", name="facts_reached_pkey"),
    comment="The moment before which every fact of a topic is counted",
)

EXPOSITION = Table(
    "exposition",
    metadata,
    Column("id", SmallInteger, autoincrement=False, nullable=False),
    Column("samples", JSONB, nullable=False),
    _moment("refreshed_at"),
    PrimaryKeyConstraint("id", name="exposition_pkey"),
    comment="The business numbers that Prometheus reads, as last computed",
)

GRANTS: Mapping[str, Grant] = {
    **COMMON_GRANTS,
    **{table.name: Grant(api="S", worker="SIU") for table in FACTS.values()},
    **{table.name: Grant(api="S", worker="SI") for table in HISTORY.values()},
    **{table.name: Grant(api="S", worker="SIUD") for table in ROLLUPS.values()},
    **{table.name: Grant(api="S", worker="SIUD") for table in HISTOGRAMS.values()},
    "rollup_versions": Grant(api="S", worker="SIUD"),
    "identity": Grant(api="S", worker="SIUD"),
    "identity_claim": Grant(worker="SID"),
    "history_reached": Grant(api="S", worker="SIU", tenant=False),
    "facts_reached": Grant(api="S", worker="SIU", tenant=False),
    "exposition": Grant(api="S", worker="SIU", tenant=False),
}
