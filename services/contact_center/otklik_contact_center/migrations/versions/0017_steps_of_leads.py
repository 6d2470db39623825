"""What sales systems tell of requests: steps, and leads that can be listed by where they stand."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from otklik_common.db import login
from otklik_common.roles import Grant, secure

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"

CHURNING = {
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_vacuum_cost_delay": "0",
}

LISTED = ("state", "party", "branch", "agent")


def _code(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text(collation="C"), nullable=nullable)


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Leads that are known are listed as soon as they are folded again, behind everything live."""
    _steps()
    op.add_column("lead", _moment("created_at"), schema=SCHEMA)
    for name in LISTED:
        op.add_column("lead", _code(name), schema=SCHEMA)
    newest = [sa.text("created_at DESC"), sa.text("contact DESC")]
    op.create_index("lead_newest", "lead", ["tenant", *newest], schema=SCHEMA)
    op.create_index("lead_branch", "lead", ["tenant", "branch", *newest], schema=SCHEMA)
    op.create_index(
        "lead_waiting",
        "lead",
        ["tenant", *newest],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'waiting' AND NOT void"),
    )
    # Who tells steps locks the people that they are of: the fold reads steps behind that lock.
    api = login(SCHEMA, "api")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {SCHEMA}.person TO {api}")
    rows = "tenant <> '' AND tenant = current_setting('app.tenant', true)"
    op.execute(
        f'CREATE POLICY "api" ON {SCHEMA}.person TO {api} USING ({rows}) WITH CHECK ({rows})'
    )
    for table in ("contact", "promises_redo"):
        op.execute(f"ALTER TABLE {SCHEMA}.{table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        f"INSERT INTO {SCHEMA}.promises_redo (tenant, branch, since, phase)"  # noqa: S608
        f" SELECT DISTINCT tenant, '', timestamptz '1900-01-01 00:00Z', 1 FROM {SCHEMA}.contact"
        " ON CONFLICT DO NOTHING"
    )
    for table in ("contact", "promises_redo"):
        op.execute(f"ALTER TABLE {SCHEMA}.{table} FORCE ROW LEVEL SECURITY")


def _steps() -> None:
    op.create_table(
        "lead_step",
        _code("tenant", nullable=False),
        _code("id", nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        _moment("at", nullable=False),
        _code("step", nullable=False),
        _code("branch"),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
        _moment("received_at", nullable=False),
        sa.Column("contact", sa.Uuid, nullable=True),
        _code("source"),
        _code("named"),
        _code("person"),
        sa.Column("identifiers", ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("lead", sa.Uuid, nullable=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("void", sa.Boolean, nullable=False),
        _moment("recorded_at"),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="Steps of requests as told, the lead that each belongs to, and what was published of"
        " showings and deals",
        postgresql_with={"fillfactor": "80", **CHURNING},
    )
    for name, column in (("person", "person"), ("contact", "contact"), ("lead", "lead")):
        op.create_index(
            f"lead_step_{name}",
            "lead_step",
            ["tenant", column],
            schema=SCHEMA,
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.create_index(
        "lead_step_known",
        "lead_step",
        ["identifiers"],
        schema=SCHEMA,
        postgresql_using="gin",
        postgresql_where=sa.text("lead IS NULL AND NOT withdrawn"),
    )
    op.create_index(
        "lead_step_waiting",
        "lead_step",
        ["tenant", sa.text("received_at DESC"), sa.text("id DESC")],
        schema=SCHEMA,
        postgresql_where=sa.text("lead IS NULL AND NOT withdrawn"),
    )
    for statement in secure(SCHEMA, {"lead_step": Grant(api="SIU", worker="SIU")}):
        op.execute(statement)
