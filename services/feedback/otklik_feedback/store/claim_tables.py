"""Tables of claims. What was written and who claims is sealed."""

from typing import Final

from sqlalchemy import (
    BigInteger,
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

from otklik_common.roles import Grant
from otklik_common.tables import tenant_column
from otklik_feedback.store.columns import code, id_, json, metadata, moment, number, sealed

claims = Table(
    "claims",
    metadata,
    tenant_column(),
    id_(),
    code("reference", nullable=False),
    number("revision"),
    Column("digest", LargeBinary, nullable=False),
    Column("sender", Text, nullable=False),
    code("claim_kind", nullable=False),
    code("severity", nullable=False),
    code("topic"),
    code("wish"),
    code("currency"),
    Column("amount_minor", BigInteger),
    json("dimensions"),
    id_("contact", nullable=True),
    json("identifiers"),
    code("branch"),
    code("agent"),
    code("state", nullable=False),
    moment("received_at"),
    moment("reacted_at", nullable=True),
    code("outcome"),
    json("openings"),
    Column("term_days", Integer),
    Column("zone", Text, nullable=False),
    Column("steps", Integer, nullable=False),
    moment("last_at"),
    moment("recorded_at"),
    *(sealed(name) for name in ("text", "phone", "email", "external")),
    PrimaryKeyConstraint("tenant", "id"),
    comment="claims as they stand; openings say when each waited for us and until when",
)
Index("claims_received_at", claims.c.tenant, claims.c.received_at, claims.c.id)
Index(
    "claims_demo",
    claims.c.tenant,
    claims.c.id,
    postgresql_where=text("starts_with(reference, 'demo-')"),
)

claim_steps = Table(
    "claim_steps",
    metadata,
    tenant_column(),
    id_("claim"),
    Column("number", Integer, nullable=False),
    Column("step", Text, nullable=False),
    moment("at"),
    moment("recorded_at"),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    sealed("note"),
    PrimaryKeyConstraint("tenant", "claim", "number"),
    ForeignKeyConstraint(
        ["tenant", "claim"],
        ["feedback.claims.tenant", "feedback.claims.id"],
        name="claim_steps_claim_fkey",
        ondelete="CASCADE",
    ),
    comment="what happened to each claim, from 1 upwards; never changed",
)

claim_kinds = Table(
    "claim_kinds",
    metadata,
    tenant_column(),
    code("code", nullable=False),
    Column("days", Integer, comment="calendar days of the legal term; none: there is no term"),
    moment("recorded_at"),
    PrimaryKeyConstraint("tenant", "code"),
    comment="legal terms that a company declared; those shipped stand in the code",
)

CLAIM_GRANTS: Final = {
    "claims": Grant(api="SIUD"),
    "claim_steps": Grant(api="SI"),
    "claim_kinds": Grant(api="SIU"),
}
