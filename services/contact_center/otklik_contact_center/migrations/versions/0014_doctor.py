"""What sources send by the hour, when we were there to hear it, and which of them are silent."""

import sqlalchemy as sa
from alembic import op

from otklik_common.roles import Grant, secure

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"

CHURNING = {
    "fillfactor": "70",
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_vacuum_cost_delay": "0",
}


def _code(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(collation="C"), nullable=False)


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def upgrade() -> None:
    """Nothing of the past is counted: inbox has no index by the time of coming."""
    op.create_table(
        "source_hour",
        _code("tenant"),
        _code("source"),
        _moment("hour", nullable=False),
        *(_number(name) for name in ("minutes", "accepted", "duplicates", "refused", "late")),
        _moment("heard_at"),
        _moment("newest_at"),
        _moment("arrived_at", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "source", "hour"),
        schema=SCHEMA,
        comment="What each source sent by the hour of its coming; minutes has a bit for each of the"
        " 60 in which something new came",
        postgresql_with=CHURNING,
    )
    op.create_index("source_hour_oldest", "source_hour", ["hour"], schema=SCHEMA)
    op.create_table(
        "source_delay",
        _code("tenant"),
        _code("source"),
        _moment("hour", nullable=False),
        sa.Column("bucket", sa.SmallInteger, nullable=False),
        _number("events"),
        sa.PrimaryKeyConstraint("tenant", "source", "hour", "bucket"),
        schema=SCHEMA,
        comment="How long new events were on their way, by buckets of domain/doctor/delay.py",
        postgresql_with=CHURNING,
    )
    op.create_index("source_delay_oldest", "source_delay", ["hour"], schema=SCHEMA)
    op.create_table(
        "intake_hour",
        _moment("hour", nullable=False),
        sa.Column("minutes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("hour"),
        schema=SCHEMA,
        comment="Minutes in which some process was there to take in pushes, a bit each",
    )
    op.add_column("source", _moment("heard_at"), schema=SCHEMA)
    op.add_column("source", _moment("silent_since"), schema=SCHEMA)
    op.add_column("source", sa.Column("usual_gap_ms", sa.BigInteger), schema=SCHEMA)
    active = sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true())
    op.add_column("source", active, schema=SCHEMA)
    grants = {
        "source_hour": Grant(api="S", worker="SD", pusher="SIU"),
        "source_delay": Grant(api="S", worker="SD", pusher="SIU"),
        "intake_hour": Grant(api="S", worker="SD", pusher="SIU", tenant=False),
    }
    for statement in secure(SCHEMA, grants):
        op.execute(statement)
    op.execute(f"GRANT UPDATE ON {SCHEMA}.source TO otklik_{SCHEMA}_worker")
