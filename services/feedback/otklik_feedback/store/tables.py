"""Tables of feedback. Personal columns hold sealed bytes; people are pseudonyms."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant
from otklik_common.tables import COMMON_GRANTS, common_tables, tenant_column
from otklik_feedback.store.claim_tables import CLAIM_GRANTS
from otklik_feedback.store.clock_tables import CLOCK_GRANTS
from otklik_feedback.store.columns import id_ as _id
from otklik_feedback.store.columns import json as _json
from otklik_feedback.store.columns import metadata
from otklik_feedback.store.columns import moment as _moment
from otklik_feedback.store.columns import number as _number
from otklik_feedback.store.columns import sealed as _sealed
from otklik_feedback.store.review_tables import REVIEW_GRANTS

common_tables(metadata)


def _of_answer(name: str) -> ForeignKeyConstraint:
    # They go with their answer, and are never heard of without it.
    return ForeignKeyConstraint(
        ["tenant", "answer"],
        ["feedback.answers.tenant", "feedback.answers.id"],
        name=name,
        ondelete="CASCADE",
    )


surveys = Table(
    "surveys",
    metadata,
    tenant_column(),
    _id(),
    Column("reference", Text(collation="C"), nullable=False),
    _number("version"),
    _json("definition"),
    _moment("created_at"),
    _moment("recorded_at"),
    PrimaryKeyConstraint("tenant", "id"),
    comment="the newest version of each survey",
)
Index("surveys_created_at", surveys.c.tenant, surveys.c.created_at, surveys.c.id)

survey_versions = Table(
    "survey_versions",
    metadata,
    tenant_column(),
    _id("survey"),
    _number("version"),
    _json("definition"),
    Column("sender", Text, nullable=False),
    _moment("recorded_at"),
    PrimaryKeyConstraint("tenant", "survey", "version"),
    comment="every version: answers remember theirs",
)

answers = Table(
    "answers",
    metadata,
    tenant_column(),
    _id(),
    Column("reference", Text(collation="C"), nullable=False, comment="the sender's own id"),
    _id("survey"),
    _number("survey_version"),
    Column("template", Text, nullable=False),
    Column("anonymous", Boolean, nullable=False),
    _number("revision"),
    Column("digest", LargeBinary, nullable=False, comment="keyed, of the body as it was meant"),
    Column("sender", Text, nullable=False),
    _moment("answered_at"),
    _moment("recorded_at"),
    _number("body_revision"),
    _moment("body_at"),
    _id("contact", nullable=True),
    _id("source", nullable=True),
    _id("customer", nullable=True),
    _json("said"),
    _json("dimensions"),
    _json("own_identifiers"),
    _json("identifiers"),
    *(Column(name, Text) for name in ("branch", "agent", "touchpoint")),
    _json("content"),
    *(_sealed(name) for name in ("comment", "phone", "email", "external", "words")),
    PrimaryKeyConstraint("tenant", "id"),
    comment="the newest revision of each answer",
)
Index("answers_answered_at", answers.c.tenant, answers.c.answered_at, answers.c.id)
Index(
    "answers_contact",
    answers.c.tenant,
    answers.c.contact,
    postgresql_where=answers.c.contact.is_not(None),
)
Index(
    "answers_demo",
    answers.c.tenant,
    answers.c.id,
    postgresql_where=text("starts_with(reference, 'demo-')"),
)

answer_versions = Table(
    "answer_versions",
    metadata,
    tenant_column(),
    _id("answer"),
    _number("revision"),
    _id("survey"),
    _number("survey_version"),
    Column("sender", Text, nullable=False),
    _moment("answered_at"),
    _moment("recorded_at"),
    _json("content"),
    _json("dimensions"),
    _sealed("comment"),
    _sealed("words"),
    PrimaryKeyConstraint("tenant", "answer", "revision"),
    comment="bodies that a later one has taken the place of",
)

cases = Table(
    "cases",
    metadata,
    tenant_column(),
    _id(),
    _number("revision"),
    _id("answer", nullable=True),
    _id("contact", nullable=True),
    Column("reason", Text, nullable=False),
    Column(
        "person", Text(collation="C"), nullable=False, comment="a pseudonym, or what else is known"
    ),
    Column(
        "place",
        Text(collation="C"),
        nullable=False,
        comment="touchpoint, or branch of a claim; blank for none",
    ),
    Column("state", Text, nullable=False),
    Column("level", Text, nullable=False),
    _json("dimensions"),
    _json("identifiers"),
    *(Column(name, Text) for name in ("branch", "agent")),
    _moment("opened_at"),
    _moment("due_at"),
    _moment("contacted_at", nullable=True),
    _moment("closed_at", nullable=True),
    Column("resolution", Text),
    Column("steps", Integer, nullable=False),
    _moment("recorded_at"),
    _id("review", nullable=True),
    _id("claim", nullable=True),
    PrimaryKeyConstraint("tenant", "id"),
    CheckConstraint("state IN ('open', 'contacted', 'closed')", name="cases_state_check"),
    CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="cases_closed_check"),
)
Index(
    "cases_one_open",
    cases.c.tenant,
    cases.c.person,
    cases.c.place,
    unique=True,
    postgresql_where=text("state <> 'closed'"),
)
Index("cases_opened_at", cases.c.tenant, cases.c.opened_at, cases.c.id)
Index("cases_answer", cases.c.tenant, cases.c.answer)

case_events = Table(
    "case_events",
    metadata,
    tenant_column(),
    _id("case"),
    Column("number", Integer, nullable=False),
    Column("step", Text, nullable=False),
    _moment("at"),
    _moment("recorded_at"),
    Column("actor", Text, nullable=False),
    _id("answer", nullable=True),
    Column("reason", Text),
    _sealed("note"),
    _id("review", nullable=True),
    _id("claim", nullable=True),
    PrimaryKeyConstraint("tenant", "case", "number"),
    # Steps are never changed, and go only with their case: nobody may delete one.
    ForeignKeyConstraint(
        ["tenant", "case"],
        ["feedback.cases.tenant", "feedback.cases.id"],
        name="case_events_case_fkey",
        ondelete="CASCADE",
    ),
    comment="what happened to each case, from 1 upwards",
)
Index(
    "case_events_answer",
    case_events.c.tenant,
    case_events.c.answer,
    postgresql_where=case_events.c.answer.is_not(None),
)
for _opener in ("review", "claim"):
    Index(
        f"case_events_{_opener}",
        case_events.c.tenant,
        case_events.c[_opener],
        postgresql_where=case_events.c[_opener].is_not(None),
    )

contact_dims = Table(
    "contact_dims",
    metadata,
    tenant_column(),
    _id("contact"),
    Column("epoch", Integer, nullable=False),
    _number("revision"),
    _json("dimensions"),
    _json("identifiers"),
    PrimaryKeyConstraint("tenant", "contact"),
    comment="what contact_center says of contacts; epoch 0 holds the place of one not yet heard of",
)

retired = Table(
    "retired",
    metadata,
    tenant_column(),
    _id("subject"),
    _number("revision"),
    _moment("recorded_at"),
    PrimaryKeyConstraint("tenant", "subject"),
    comment="subjects taken out: who makes one again goes on from its last revision",
)

topic_trees = Table(
    "topic_trees",
    metadata,
    tenant_column(),
    _number("version"),
    _json("definition"),
    Column("sender", Text, nullable=False),
    _moment("recorded_at"),
    PrimaryKeyConstraint("tenant", "version"),
    comment="every version of a company's topics, from 1; without one it has those shipped",
)

readings = Table(
    "readings",
    metadata,
    tenant_column(),
    _id("answer"),
    _number("revision"),
    _moment("recorded_at"),
    _number("body_revision"),
    Column("digest", LargeBinary, nullable=False, comment="keyed, of the words"),
    Column("state", Text, nullable=False, comment="as shown while the body stands"),
    Column("sentiment", Text),
    _json("topics"),
    _moment("read_at", nullable=True),
    Column("told", LargeBinary, nullable=False, comment="digest of the newest fact"),
    Column("lexicon", Text),
    Column("tree", BigInteger),
    Column("said", JSONB, comment="places of words, never the words"),
    Column("corrected", JSONB),
    PrimaryKeyConstraint("tenant", "answer"),
    _of_answer("readings_answer_fkey"),
    comment="what the words of answers say, and what people say that they say",
)

unread = Table(
    "unread",
    metadata,
    tenant_column(),
    _id("answer"),
    Column("lane", Integer, nullable=False, comment="0 came in just now, 1 is read again"),
    _moment("recorded_at"),
    PrimaryKeyConstraint("tenant", "answer"),
    _of_answer("unread_answer_fkey"),
    comment="answers whose words are still to be read",
)
Index("unread_lane", unread.c.lane, unread.c.recorded_at)

reading_sweeps = Table(
    "reading_sweeps",
    metadata,
    tenant_column(),
    Column("lexicon", Text, nullable=False),
    _number("tree"),
    _id("after", nullable=True),
    _number("done"),
    _number("total"),
    _moment("begun_at"),
    _moment("stepped_at"),
    _moment("finished_at", nullable=True),
    PrimaryKeyConstraint("tenant"),
    comment="reading again after words or topics have changed: how far",
)

GRANTS = {
    **COMMON_GRANTS,
    **CLOCK_GRANTS,
    **REVIEW_GRANTS,
    **CLAIM_GRANTS,
    "surveys": Grant(api="SIUD", worker="S"),
    "survey_versions": Grant(api="SID"),
    "answers": Grant(api="SIUD", worker="SU"),
    "answer_versions": Grant(api="SID"),
    "cases": Grant(api="SIUD", worker="SU"),
    "case_events": Grant(api="SI"),
    "contact_dims": Grant(api="SIU", worker="SIU"),
    "retired": Grant(api="SIU", worker="S"),
    "topic_trees": Grant(api="SI", worker="S"),
    "readings": Grant(api="SIUD", worker="SIUD"),
    "unread": Grant(api="SIUD", worker="SIUD"),
    "reading_sweeps": Grant(api="SIU", worker="SIU"),
}
