"""Tables of asking: programmes, whom they asked, how often, and by which links."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant
from otklik_common.tables import tenant_column
from otklik_feedback.store.columns import metadata


def _code(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Text(collation="C"), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _body() -> Column[Any]:
    return Column("body", JSONB, nullable=False)


programmes = Table(
    "programmes",
    metadata,
    tenant_column(),
    _code("code"),
    Column("revision", BigInteger, nullable=False),
    _body(),
    _moment("changed_at"),
    PrimaryKeyConstraint("tenant", "code"),
    comment="after what people are asked, and how",
)

quarantines = Table(
    "quarantines",
    metadata,
    tenant_column(),
    Column("revision", BigInteger, nullable=False),
    _body(),
    _moment("changed_at"),
    PrimaryKeyConstraint("tenant"),
    comment="how often one person may be asked; one row of a company",
)

invitations = Table(
    "invitations",
    metadata,
    tenant_column(),
    Column("id", Uuid, nullable=False),
    _code("programme"),
    Column("trigger", Text, nullable=False),
    Column("occasion", Uuid, nullable=False),
    _code("person", nullable=True),
    Column("branch", Text),
    Column("state", Text, nullable=False),
    Column("rule", Text, comment="what stopped it"),
    Column("because", Uuid, comment="the invitation that stood in its way"),
    _moment("due_at"),
    _moment("next_at", nullable=True),
    _moment("planned_at"),
    _moment("decided_at", nullable=True),
    Column("revision", BigInteger, nullable=False),
    _moment("recorded_at", nullable=True),
    _body(),
    PrimaryKeyConstraint("tenant", "id"),
    CheckConstraint("(state = 'stopped') = (rule IS NOT NULL)", name="invitations_rule_check"),
    CheckConstraint(
        "(revision > 0) = (state NOT IN ('planned', 'stopped'))", name="invitations_sent_check"
    ),
    comment="planned, stopped by a rule, or sent",
)
Index(
    "invitations_next_at",
    invitations.c.next_at,
    postgresql_where=invitations.c.next_at.is_not(None),
)
Index(
    "invitations_waiting",
    invitations.c.tenant,
    invitations.c.person,
    postgresql_where=text("state = 'planned'"),
)
Index(
    "invitations_of_programme",
    invitations.c.tenant,
    invitations.c.programme,
    invitations.c.due_at,
    invitations.c.id,
)

asked_people = Table(
    "asked_people",
    metadata,
    tenant_column(),
    _code("pseudonym"),
    _body(),
    PrimaryKeyConstraint("tenant", "pseudonym"),
    comment="what each pseudonym was asked, and whether it wants to be",
)

quotas = Table(
    "quotas",
    metadata,
    tenant_column(),
    _code("programme"),
    _code("counter"),
    Column("used", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "programme", "counter"),
    comment="counters that quotas are held to",
)

links = Table(
    "links",
    metadata,
    tenant_column(),
    Column("id", Uuid, nullable=False),
    _code("reference", nullable=True),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the token"),
    Column("kind", Text, nullable=False),
    Column("survey", Uuid, nullable=False),
    _code("programme", nullable=True),
    Column("invited", Boolean, nullable=False, comment="the invitation of its id brought it"),
    Column("test", Boolean, nullable=False),
    _moment("expires_at", nullable=True),
    Column("most", BigInteger),
    Column("used", BigInteger, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    _moment("made_at"),
    _body(),
    PrimaryKeyConstraint("tenant", "id"),
    CheckConstraint("most IS NULL OR used <= most", name="links_most_check"),
    CheckConstraint("kind = 'anonymous' OR used <= 1", name="links_once_check"),
)
Index("links_digest", links.c.tenant, links.c.digest, unique=True)
Index("links_made_at", links.c.tenant, links.c.made_at, links.c.id)

link_uses = Table(
    "link_uses",
    metadata,
    tenant_column(),
    Column("link", Uuid, nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("answer", Uuid, nullable=False),
    _moment("at"),
    PrimaryKeyConstraint("tenant", "link", "place"),
    comment="complete answers that links brought; a link for one person has one place",
)
Index("link_uses_answer", link_uses.c.tenant, link_uses.c.link, link_uses.c.answer, unique=True)

ASKING_GRANTS = {
    "programmes": Grant(api="SIU", worker="S"),
    "quarantines": Grant(api="SIU", worker="S"),
    "invitations": Grant(api="SU", worker="SIUD"),
    "asked_people": Grant(api="SIU", worker="SIU"),
    "quotas": Grant(api="SIU", worker="SIU"),
    "links": Grant(api="SIU", worker="SIU"),
    "link_uses": Grant(api="SI"),
}
