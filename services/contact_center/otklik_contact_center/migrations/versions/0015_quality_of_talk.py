"""Quality of talk: forms, evaluations, samples, calibrations, visits; and recordings: links and each play."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant, secure

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"


def _code(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text(collation="C"), nullable=nullable)


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """A contact has one evaluation by a form, unless it was withdrawn: an index says so."""
    _forms()
    _evaluations()
    _samples()
    _calibrations()
    _visits()
    _recordings()
    grants = {
        "evaluation_form": Grant(api="SIU"),
        "evaluation_form_version": Grant(api="SI"),
        "evaluation": Grant(api="SIU", worker="SU"),
        "evaluation_step": Grant(api="SI", worker="I"),
        "evaluation_rule": Grant(api="SIUD"),
        "calibration": Grant(api="SIU"),
        "mystery_visit": Grant(api="SIU"),
        "mystery_evidence": Grant(api="SI"),
        "calibration_answers": Grant(api="SIU"),
        "recording_host": Grant(api="SID"),
        "recording_link": Grant(api="SI"),
        "recording_play": Grant(api="SI"),
    }
    for statement in secure(SCHEMA, grants):
        op.execute(statement)


def _forms() -> None:
    op.create_table(
        "evaluation_form",
        _code("tenant", nullable=False),
        _code("code", nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("retired", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        _moment("changed_at", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "code"),
        schema=SCHEMA,
        comment="Forms by which contacts are evaluated, and the version that holds now",
    )
    op.create_table(
        "evaluation_form_version",
        _code("tenant", nullable=False),
        _code("code", nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("body", JSONB, nullable=False),
        _moment("made_at", nullable=False),
        _code("made_by", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "code", "version"),
        schema=SCHEMA,
        comment="Forms as they were asked: evaluations keep the version that they were made with",
    )


def _evaluations() -> None:
    op.create_table(
        "evaluation",
        _code("tenant", nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("contact", sa.Uuid, nullable=False),
        _code("form", nullable=False),
        sa.Column("form_version", sa.Integer, nullable=False),
        _code("state", nullable=False),
        sa.Column("answers", JSONB, nullable=False),
        sa.Column("comments", sa.LargeBinary, nullable=False),
        sa.Column("score_micro", sa.Integer, nullable=True),
        sa.Column("failed", sa.Boolean, nullable=False),
        _code("verdict"),
        sa.Column("source", sa.Uuid, nullable=False),
        _code("channel", nullable=False),
        _code("branch"),
        _code("team"),
        _code("queue"),
        _code("agent", nullable=False),
        _code("party"),
        _code("evaluator", nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        _moment("made_at", nullable=False),
        _moment("evaluated_at", nullable=False),
        _moment("released_at"),
        _moment("acknowledged_at"),
        _moment("disputed_at"),
        _moment("resolved_at"),
        sa.Column("told", sa.Integer, nullable=False),
        _moment("told_at"),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="Evaluations of contacts; told counts the facts that were published of each",
    )
    op.create_index("evaluation_made", "evaluation", ["tenant", "made_at", "id"], schema=SCHEMA)
    op.create_index("evaluation_agent", "evaluation", ["tenant", "agent", "made_at"], schema=SCHEMA)
    op.create_index(
        "evaluation_once",
        "evaluation",
        ["tenant", "contact", "form"],
        schema=SCHEMA,
        unique=True,
        postgresql_where=sa.text("state <> 'withdrawn'"),
    )
    op.create_table(
        "evaluation_step",
        _code("tenant", nullable=False),
        sa.Column("evaluation", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        _code("step", nullable=False),
        _moment("at", nullable=False),
        _code("by", nullable=False),
        _code("verdict"),
        sa.Column("score_micro", sa.Integer, nullable=True),
        sa.Column("note", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "evaluation", "number"),
        schema=SCHEMA,
        comment="What was done with evaluations, by whom; only appended to, notes sealed",
    )


def _samples() -> None:
    op.create_table(
        "evaluation_rule",
        _code("tenant", nullable=False),
        _code("code", nullable=False),
        sa.Column("body", JSONB, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        _moment("changed_at", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "code"),
        schema=SCHEMA,
        comment="Which contacts are to be evaluated",
    )


def _calibrations() -> None:
    op.create_table(
        "calibration",
        _code("tenant", nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("contact", sa.Uuid, nullable=False),
        _code("form", nullable=False),
        sa.Column("form_version", sa.Integer, nullable=False),
        _code("agent", nullable=False),
        _code("branch"),
        _code("opened_by", nullable=False),
        _moment("opened_at", nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("agreed", JSONB, nullable=True),
        _code("closed_by"),
        _moment("closed_at"),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="Contacts that several evaluate without seeing one another, and what they agreed on",
    )
    op.create_index(
        "calibration_opened", "calibration", ["tenant", "opened_at", "id"], schema=SCHEMA
    )
    op.create_table(
        "calibration_answers",
        _code("tenant", nullable=False),
        sa.Column("calibration", sa.Uuid, nullable=False),
        _code("evaluator", nullable=False),
        sa.Column("answers", JSONB, nullable=False),
        sa.Column("comments", sa.LargeBinary, nullable=False),
        _moment("at", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "calibration", "evaluator"),
        schema=SCHEMA,
        comment="What each evaluator gave in a calibration",
    )


def _visits() -> None:
    op.create_table(
        "mystery_visit",
        _code("tenant", nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        _code("form", nullable=False),
        sa.Column("form_version", sa.Integer, nullable=False),
        _code("branch", nullable=False),
        _code("shopper", nullable=False),
        _code("agent"),
        _moment("begins_at", nullable=False),
        _moment("due_at", nullable=False),
        sa.Column("least_evidence", sa.Integer, nullable=False),
        _code("made_by", nullable=False),
        _moment("made_at", nullable=False),
        _code("state", nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        _moment("visited_at"),
        _code("reported_by"),
        _moment("reported_at"),
        sa.Column("answers", JSONB, nullable=False),
        sa.Column("faults", JSONB, nullable=False),
        sa.Column("score_micro", sa.Integer, nullable=True),
        sa.Column("failed", sa.Boolean, nullable=False),
        _code("judged_by"),
        _moment("judged_at"),
        sa.Column("words", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="Visits of mystery shoppers, from their assignment to the verdict; words sealed",
    )
    op.create_index(
        "mystery_visit_made", "mystery_visit", ["tenant", "made_at", "id"], schema=SCHEMA
    )
    op.create_table(
        "mystery_evidence",
        _code("tenant", nullable=False),
        sa.Column("visit", sa.Uuid, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        _code("kind", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "visit", "sha256"),
        schema=SCHEMA,
        comment="Hashes of what visits have shown, never the files",
    )
    op.create_index(
        "mystery_evidence_known", "mystery_evidence", ["tenant", "sha256"], schema=SCHEMA
    )


def _recordings() -> None:
    op.create_table(
        "recording_host",
        _code("tenant", nullable=False),
        _code("host", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "host"),
        schema=SCHEMA,
        comment="Hosts that recordings may be fetched from",
    )
    op.create_table(
        "recording_link",
        _code("tenant", nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("contact", sa.Uuid, nullable=False),
        _code("branch"),
        _code("agent"),
        _code("source", nullable=False),
        _code("event", nullable=False),
        _code("made_by", nullable=False),
        _moment("made_at", nullable=False),
        _moment("expires_at", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="Links by which recordings were heard, and who made them; the event says where it"
        " lies",
    )
    op.create_index("recording_link_of", "recording_link", ["tenant", "contact"], schema=SCHEMA)
    op.create_table(
        "recording_play",
        _code("tenant", nullable=False),
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("link", sa.Uuid, nullable=False),
        _moment("at", nullable=False),
        _code("outcome", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number"),
        schema=SCHEMA,
        comment="Each time that a recording was asked for by a link, and what came of it",
    )
    op.create_index("recording_play_link", "recording_play", ["tenant", "link"], schema=SCHEMA)
