"""Tables of reviews. What was written, by whom and where is sealed."""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from otklik_common.roles import Grant
from otklik_common.tables import tenant_column
from otklik_feedback.store.columns import code, id_, metadata, moment, number, sealed

reviews = Table(
    "reviews",
    metadata,
    tenant_column(),
    id_(),
    code("source", nullable=False),
    code("reference", nullable=False),
    number("revision"),
    Column("digest", LargeBinary, nullable=False),
    Column("sender", Text, nullable=False),
    moment("written_at"),
    moment("received_at"),
    Column("stars", SmallInteger),
    Column("has_text", Boolean, nullable=False),
    Column("alike", LargeBinary, comment="keyed digest of the words of the text"),
    code("branch"),
    code("agent"),
    code("assignee"),
    Column("replies", Integer, nullable=False),
    moment("replied_at", nullable=True),
    moment("removed_at", nullable=True),
    code("state", nullable=False),
    moment("recorded_at"),
    number("body_revision"),
    moment("body_at"),
    sealed("text"),
    sealed("author"),
    sealed("url"),
    PrimaryKeyConstraint("tenant", "id"),
    comment="the newest revision of each review",
)
Index("reviews_written_at", reviews.c.tenant, reviews.c.written_at, reviews.c.id)
Index(
    "reviews_demo",
    reviews.c.tenant,
    reviews.c.id,
    postgresql_where=text("starts_with(reference, 'demo-')"),
)
Index(
    "reviews_alike",
    reviews.c.tenant,
    reviews.c.alike,
    postgresql_where=text("alike IS NOT NULL"),
)

review_versions = Table(
    "review_versions",
    metadata,
    tenant_column(),
    id_("review"),
    number("revision"),
    Column("sender", Text, nullable=False),
    moment("written_at"),
    moment("recorded_at"),
    Column("stars", SmallInteger),
    sealed("text"),
    PrimaryKeyConstraint("tenant", "review", "revision"),
    comment="bodies that a later one has taken the place of",
)

review_replies = Table(
    "review_replies",
    metadata,
    tenant_column(),
    id_("review"),
    Column("number", Integer, nullable=False),
    Column("elsewhere", Boolean, nullable=False),
    moment("drafted_at"),
    Column("drafted_by", Text, nullable=False),
    moment("published_at", nullable=True),
    Column("published_by", Text),
    sealed("text"),
    PrimaryKeyConstraint("tenant", "review", "number"),
    ForeignKeyConstraint(
        ["tenant", "review"],
        ["feedback.reviews.tenant", "feedback.reviews.id"],
        name="review_replies_review_fkey",
        ondelete="CASCADE",
    ),
    comment="what we answer to reviews, from 1 upwards",
)

review_steps = Table(
    "review_steps",
    metadata,
    tenant_column(),
    id_("review"),
    number("revision"),
    Column("step", Text, nullable=False),
    moment("at"),
    moment("recorded_at"),
    Column("actor", Text, nullable=False),
    code("assignee"),
    Column("reason", Text),
    sealed("note"),
    PrimaryKeyConstraint("tenant", "review", "revision"),
    ForeignKeyConstraint(
        ["tenant", "review"],
        ["feedback.reviews.tenant", "feedback.reviews.id"],
        name="review_steps_review_fkey",
        ondelete="CASCADE",
    ),
    comment="what was done about reviews, by the revision that it made; never changed",
)

REVIEW_GRANTS: Final = {
    "reviews": Grant(api="SIUD"),
    "review_versions": Grant(api="SID"),
    "review_replies": Grant(api="SIU"),
    "review_steps": Grant(api="SI"),
}
