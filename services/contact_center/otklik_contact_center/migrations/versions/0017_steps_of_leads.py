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
    """Leads that are known are listed by what was published of them."""
    _steps()
    op.add_column("lead", _moment("created_at"), schema=SCHEMA)
    for name in LISTED:
        op.add_column("lead", _code(name), schema=SCHEMA)
    op.execute(f"ALTER TABLE {SCHEMA}.lead NO FORCE ROW LEVEL SECURITY")
    op.execute(
        f"""
        UPDATE {SCHEMA}.lead l SET
          created_at = CAST(d.data->>'created_at' AS timestamptz),
          party = d.data->>'party', branch = d.data->>'branch', agent = d.data->>'agent',
          state = CASE WHEN d.data->>'contacted_at' IS NOT NULL THEN 'contacted'
            WHEN d.data->>'attempted_at' IS NOT NULL THEN 'attempted' ELSE 'waiting' END
        FROM (SELECT tenant, contact, CAST(data AS json) AS data FROM {SCHEMA}.lead) d
        WHERE l.tenant = d.tenant AND l.contact = d.contact
        """  # noqa: S608 - a name of our own
    )
    op.execute(f"ALTER TABLE {SCHEMA}.lead FORCE ROW LEVEL SECURITY")
    for name in ("created_at", "state"):
        op.alter_column("lead", name, nullable=False, schema=SCHEMA)
    newest = [sa.text("created_at DESC"), sa.text("contact DESC")]
    op.create_index("lead_newest", "lead", ["tenant", *newest], schema=SCHEMA)
    op.create_index("lead_branch", "lead", ["tenant", "branch", *newest], schema=SCHEMA)
    # Who tells steps locks the people that they are of: the fold reads steps behind that lock.
    api = login(SCHEMA, "api")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {SCHEMA}.person TO {api}")
    rows = "tenant <> '' AND tenant = current_setting('app.tenant', true)"
    op.execute(
        f'CREATE POLICY "api" ON {SCHEMA}.person TO {api} USING ({rows}) WITH CHECK ({rows})'
    )


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
        "lead_step_waiting",
        "lead_step",
        ["tenant", sa.text("received_at DESC"), sa.text("id DESC")],
        schema=SCHEMA,
        postgresql_where=sa.text("lead IS NULL AND NOT withdrawn"),
    )
    for statement in secure(SCHEMA, {"lead_step": Grant(api="SIU", worker="SIU")}):
        op.execute(statement)
