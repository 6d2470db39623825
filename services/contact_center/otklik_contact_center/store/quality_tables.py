"""The tables of quality of talk: forms, evaluations and their steps, samples, calibrations."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant
from otklik_contact_center.store.columns import code, documents, key, metadata, moment, tenant

evaluation_form, evaluation_form_version = documents(
    "evaluation_form",
    comment="Forms by which contacts are evaluated, and the version that holds now",
    versions="Forms as they were asked: evaluations keep the version that they were made with",
)

evaluation = Table(
    "evaluation",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True, nullable=False),
    Column("contact", Uuid, nullable=False),
    code("form", nullable=False),
    Column("form_version", Integer, nullable=False),
    code("state", nullable=False),
    Column("answers", JSONB, nullable=False),
    Column("comments", LargeBinary, nullable=False),
    Column("score_micro", Integer, nullable=True),
    Column("failed", Boolean, nullable=False),
    code("verdict"),
    Column("source", Uuid, nullable=False),
    code("channel", nullable=False),
    code("branch"),
    code("team"),
    code("queue"),
    code("agent", nullable=False),
    code("party"),
    code("evaluator", nullable=False),
    Column("revision", Integer, nullable=False),
    moment("made_at", nullable=False),
    moment("evaluated_at", nullable=False),
    moment("released_at"),
    moment("acknowledged_at"),
    moment("disputed_at"),
    moment("resolved_at"),
    Column("told", Integer, nullable=False),
    moment("told_at"),
    comment="Evaluations of contacts; told counts the facts that were published of each",
)
Index("evaluation_made", evaluation.c.tenant, evaluation.c.made_at, evaluation.c.id)
Index("evaluation_agent", evaluation.c.tenant, evaluation.c.agent, evaluation.c.made_at)
Index(
    "evaluation_once",
    evaluation.c.tenant,
    evaluation.c.contact,
    evaluation.c.form,
    unique=True,
    postgresql_where=text("state <> 'withdrawn'"),
)

evaluation_step = Table(
    "evaluation_step",
    metadata,
    tenant(),
    Column("evaluation", Uuid, primary_key=True, nullable=False),
    Column("number", Integer, primary_key=True, autoincrement=False, nullable=False),
    code("step", nullable=False),
    moment("at", nullable=False),
    code("by", nullable=False),
    code("verdict"),
    Column("score_micro", Integer, nullable=True),
    Column("note", LargeBinary, nullable=True),
    comment="What was done with evaluations, by whom; only appended to, notes sealed",
)

evaluation_rule = Table(
    "evaluation_rule",
    metadata,
    tenant(),
    key("code"),
    Column("body", JSONB, nullable=False),
    Column("revision", Integer, nullable=False),
    moment("changed_at", nullable=False),
    comment="Which contacts are to be evaluated",
)

calibration = Table(
    "calibration",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True, nullable=False),
    Column("contact", Uuid, nullable=False),
    code("form", nullable=False),
    Column("form_version", Integer, nullable=False),
    code("agent", nullable=False),
    code("branch"),
    code("opened_by", nullable=False),
    moment("opened_at", nullable=False),
    Column("revision", Integer, nullable=False),
    Column("agreed", JSONB(none_as_null=True), nullable=True),
    code("closed_by"),
    moment("closed_at"),
    comment="Contacts that several evaluate without seeing one another, and what they agreed on",
)
Index("calibration_opened", calibration.c.tenant, calibration.c.opened_at, calibration.c.id)

calibration_answers = Table(
    "calibration_answers",
    metadata,
    tenant(),
    Column("calibration", Uuid, primary_key=True, nullable=False),
    key("evaluator"),
    Column("answers", JSONB, nullable=False),
    Column("comments", LargeBinary, nullable=False),
    moment("at", nullable=False),
    comment="What each evaluator gave in a calibration",
)

mystery_visit = Table(
    "mystery_visit",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True, nullable=False),
    code("form", nullable=False),
    Column("form_version", Integer, nullable=False),
    code("branch", nullable=False),
    code("shopper", nullable=False),
    code("agent"),
    moment("begins_at", nullable=False),
    moment("due_at", nullable=False),
    Column("least_evidence", Integer, nullable=False),
    code("made_by", nullable=False),
    moment("made_at", nullable=False),
    code("state", nullable=False),
    Column("revision", Integer, nullable=False),
    moment("visited_at"),
    code("reported_by"),
    moment("reported_at"),
    Column("answers", JSONB, nullable=False),
    Column("faults", JSONB, nullable=False),
    Column("score_micro", Integer, nullable=True),
    Column("failed", Boolean, nullable=False),
    code("judged_by"),
    moment("judged_at"),
    Column("words", LargeBinary, nullable=False),
    comment="Visits of mystery shoppers, from their assignment to the verdict; words sealed",
)
Index("mystery_visit_made", mystery_visit.c.tenant, mystery_visit.c.made_at, mystery_visit.c.id)

mystery_evidence = Table(
    "mystery_evidence",
    metadata,
    tenant(),
    Column("visit", Uuid, primary_key=True, nullable=False),
    Column("sha256", LargeBinary, primary_key=True, nullable=False),
    code("kind", nullable=False),
    comment="Hashes of what visits have shown, never the files",
)
Index("mystery_evidence_known", mystery_evidence.c.tenant, mystery_evidence.c.sha256)

QUALITY_GRANTS: Final = {
    "evaluation_form": Grant(api="SIU"),
    "evaluation_form_version": Grant(api="SI"),
    "evaluation": Grant(api="SIU", worker="SU"),
    "evaluation_step": Grant(api="SI", worker="I"),
    "evaluation_rule": Grant(api="SIUD"),
    "calibration": Grant(api="SIU"),
    "mystery_visit": Grant(api="SIU"),
    "mystery_evidence": Grant(api="SI"),
    "calibration_answers": Grant(api="SIU"),
}
