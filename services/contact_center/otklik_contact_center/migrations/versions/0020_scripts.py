"""What conversations must contain, and what of it was done in each contact."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant, secure

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"


def _code(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text(collation="C"), nullable=nullable)


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def upgrade() -> None:
    """Nothing of them was ever kept before."""
    _scripts()
    _checklists()
    grants = {
        "script": Grant(api="SIU"),
        "script_version": Grant(api="SI"),
        "script_run": Grant(api="SIU", worker="SU"),
        "script_run_revision": Grant(api="SI"),
    }
    for statement in secure(SCHEMA, grants):
        op.execute(statement)


def _scripts() -> None:
    op.create_table(
        "script",
        _code("tenant", nullable=False),
        _code("code", nullable=False),
        _number("version"),
        sa.Column("retired", sa.Boolean, nullable=False),
        _number("revision"),
        _moment("changed_at", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "code"),
        schema=SCHEMA,
        comment="What conversations must contain, and the version that holds now",
    )
    op.create_table(
        "script_version",
        _code("tenant", nullable=False),
        _code("code", nullable=False),
        _number("version"),
        sa.Column("body", JSONB, nullable=False),
        _moment("made_at", nullable=False),
        _code("made_by", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "code", "version"),
        schema=SCHEMA,
        comment="Scripts as they were read: checklists keep the version that they were made with",
    )


def _checklists() -> None:
    op.create_table(
        "script_run",
        _code("tenant", nullable=False),
        sa.Column("contact", sa.Uuid, nullable=False),
        _number("revision"),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("void", sa.Boolean, nullable=False),
        _moment("recorded_at", nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        _code("script", nullable=False),
        _number("script_version"),
        _code("branch"),
        _code("agent", nullable=False),
        _number("asked"),
        _number("done"),
        sa.Column("results", JSONB, nullable=False),
        sa.Column("answers", JSONB, nullable=False),
        sa.Column("words", sa.LargeBinary, nullable=False),
        _number("number"),
        _moment("filled_at", nullable=False),
        _code("filled_by", nullable=False),
        _moment("corrected_at"),
        sa.PrimaryKeyConstraint("tenant", "contact"),
        schema=SCHEMA,
        comment="What of a script was done in each contact, as published; number counts how often it"
        " was written, results are of the items that were asked, words sealed",
    )
    op.create_index(
        "script_run_filled", "script_run", ["tenant", "script", "filled_at"], schema=SCHEMA
    )
    op.create_table(
        "script_run_revision",
        _code("tenant", nullable=False),
        sa.Column("contact", sa.Uuid, nullable=False),
        _number("number"),
        _moment("at", nullable=False),
        _code("by", nullable=False),
        _code("script", nullable=False),
        _number("script_version"),
        sa.Column("answers", JSONB, nullable=False),
        sa.Column("words", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "contact", "number"),
        schema=SCHEMA,
        comment="Checklists as they were written each time; only appended to, words sealed",
    )
