"""The tables of contact_center."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant
from otklik_common.tables import COMMON_GRANTS, common_tables

SCHEMA: Final = "contact_center"

metadata = MetaData(schema=SCHEMA)
common_tables(metadata)

_CHURNING: Final = {
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_vacuum_cost_delay": "0",
}


def _tenant(*, primary_key: bool = True) -> Column[str]:
    return Column("tenant", Text(collation="C"), primary_key=primary_key, nullable=False)


def _key(name: str) -> Column[str]:
    return Column(name, Text(collation="C"), primary_key=True, nullable=False)


def _code(name: str, *, nullable: bool = True) -> Column[str]:
    return Column(name, Text(collation="C"), nullable=nullable)


def _moment(name: str, *, nullable: bool = True, **more: Any) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable, **more)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


def _published() -> list[Column[Any]]:
    """What an aggregate remembers of the fact it published last: see domain/emission.py."""
    return [
        Column("revision", Integer, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        Column("void", Boolean, nullable=False),
        _moment("recorded_at", nullable=False),
        Column("data", Text, nullable=False),
    ]


inbox = Table(
    "inbox",
    metadata,
    _tenant(),
    _key("source"),
    _key("id"),
    _code("contact", nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _moment("at", nullable=False),
    _moment("received_at", nullable=False),
    Column("traceparent", Text, nullable=True),
    comment="Every event as it was pushed, sealed; only appended to, but for sources taken out whole",
)
Index("inbox_contact", inbox.c.tenant, inbox.c.source, inbox.c.contact)

dirty = Table(
    "dirty",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    _tenant(primary_key=False),
    _code("source", nullable=False),
    _code("contact", nullable=False),
    Column("lane", SmallInteger, nullable=False),
    _moment("marked_at", nullable=False, server_default=func.now()),
    comment="Contacts with new events; no unique key, so that a push never waits for a fold",
    postgresql_with=_CHURNING,
)
Index("dirty_next", dirty.c.lane, dirty.c.tenant, dirty.c.id)

refused = Table(
    "refused",
    metadata,
    _tenant(),
    _key("source"),
    Column("body_hash", LargeBinary, primary_key=True, nullable=False),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    _code("code", nullable=False),
    Column("body", LargeBinary, nullable=True),
    Column("detail", LargeBinary, nullable=False),
    _moment("received_at", nullable=False),
    _moment("replayed_at"),
    comment="Events that were not let in, sealed, to be replayed; body is null above 64 KiB",
)
Index("refused_newest", refused.c.tenant, refused.c.number)

contact = Table(
    "contact",
    metadata,
    _tenant(),
    Column("id", Uuid, primary_key=True, nullable=False),
    _code("source", nullable=False),
    _code("contact", nullable=False),
    _code("person", nullable=False),
    _moment("at", nullable=False),
    _code("channel", nullable=False),
    _code("direction", nullable=False),
    _code("outcome", nullable=False),
    _code("party"),
    _code("branch"),
    _code("queue"),
    _code("agent"),
    _moment("assigned_at"),
    _moment("attempted_at"),
    _moment("connected_at"),
    *_published(),
    Column("replies", LargeBinary, nullable=True),
    _code("email"),
    _code("external"),
    comment="Contacts as last folded, and what was published of them and of their replies",
    postgresql_with={"fillfactor": "80", **_CHURNING},
)
Index("contact_at", contact.c.tenant, contact.c.at, contact.c.id)
Index("contact_branch", contact.c.tenant, contact.c.branch, contact.c.at, contact.c.id)
Index("contact_person", contact.c.tenant, contact.c.person)
Index(
    "contact_email",
    contact.c.tenant,
    contact.c.email,
    postgresql_where=contact.c.email.is_not(None),
)
Index(
    "contact_external",
    contact.c.tenant,
    contact.c.external,
    postgresql_where=contact.c.external.is_not(None),
)

person = Table(
    "person",
    metadata,
    _tenant(),
    _key("person"),
    Column("crowd", Boolean, nullable=False, server_default=text("false")),
    comment="One row to lock for everybody whose leads are folded; a crowd is a switchboard",
)

lead = Table(
    "lead",
    metadata,
    _tenant(),
    Column("contact", Uuid, primary_key=True, nullable=False),
    _code("person", nullable=False),
    *_published(),
    comment="What was published of leads, by the contact that opened them",
    postgresql_with={"fillfactor": "80", **_CHURNING},
)
Index("lead_person", lead.c.tenant, lead.c.person)

parked = Table(
    "parked",
    metadata,
    _tenant(),
    _key("source"),
    _key("contact"),
    _code("reason", nullable=False),
    _moment("parked_at", nullable=False),
    comment="Contacts that could not be folded; a new event or a retry tries again",
)

source = Table(
    "source",
    metadata,
    _tenant(),
    _key("id"),
    Column("name", Text, nullable=False),
    _code("kind", nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("former_secret", LargeBinary, nullable=True),
    _moment("former_until"),
    Column("require_signature", Boolean, nullable=False),
    _moment("created_at", nullable=False),
    Column("revision", Integer, nullable=False),
    _moment("recorded_at", nullable=False),
    _code("branch"),
    Column("older_secret", LargeBinary, nullable=True),
    _moment("older_until"),
    Column("demo", Boolean, nullable=False, server_default=text("false")),
    comment="What sends us events, each with a sealed secret of its own",
)

backlog = Table(
    "backlog",
    metadata,
    _tenant(),
    _moment("noted_at", nullable=False),
    comment="Companies with too many contacts waiting to be folded, and when that was seen",
)

attribute_allow = Table(
    "attribute_allow",
    metadata,
    _tenant(),
    _key("name"),
    comment="Attributes that may leave in facts; the name campaign lets campaigns leave",
)

agent_state = Table(
    "agent_state",
    metadata,
    _tenant(),
    _key("id"),
    _code("agent", nullable=False),
    _code("state", nullable=False),
    _code("branch"),
    _code("team"),
    _code("queue"),
    _moment("at", nullable=False),
    *_published(),
    comment="Changes of agents' states, each with the interval it began",
)
Index("agent_state_order", agent_state.c.tenant, agent_state.c.agent, agent_state.c.at)

agent = Table(
    "agent",
    metadata,
    _tenant(),
    _key("agent"),
    comment="One row to lock for every agent whose states are pushed",
)

import_job = Table(
    "import_job",
    metadata,
    _tenant(),
    _key("id"),
    _code("source", nullable=False),
    Column("mapping", JSONB, nullable=False),
    _code("state", nullable=False),
    _code("principal", nullable=False),
    _moment("created_at", nullable=False),
    _moment("changed_at", nullable=False),
    Column("name", Text, nullable=False),
    _code("file_hash", nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("chunk_bytes", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=True),
    _number("rows"),
    _number("accepted"),
    _number("duplicates"),
    _number("skipped"),
    _number("refused"),
    _number("events"),
    _code("code"),
    Column("detail", Text, nullable=True),
    CheckConstraint(
        "state IN ('receiving', 'ready', 'running', 'done', 'failed')", name="import_job_state"
    ),
    comment="Files on their way in; rows counts those read, and is where reading goes on",
)

import_chunk = Table(
    "import_chunk",
    metadata,
    _tenant(),
    _key("job"),
    Column("start", BigInteger, primary_key=True, nullable=False),
    Column("body", LargeBinary, nullable=False),
    comment="Parts of a file, sealed, by the offset of their first byte; gone when it is read",
)

import_refused = Table(
    "import_refused",
    metadata,
    _tenant(),
    _key("job"),
    Column("line", BigInteger, primary_key=True, nullable=False),
    Column("field", Text, nullable=True),
    _code("code", nullable=False),
    Column("detail", Text, nullable=False),
    comment="Rows of a file that were not taken in, by line; never with what they hold",
)

demo_removal = Table(
    "demo_removal",
    metadata,
    _tenant(),
    Column("sources", JSONB, nullable=False),
    _code("principal", nullable=False),
    _moment("asked_at", nullable=False),
    _moment("done_at"),
    _moment("swept_at"),
    _number("contacts"),
    _number("events"),
    _number("agent_states"),
    _number("refused"),
    comment="Demos on their way out, and how far; swept once nobody can push into them",
)

GRANTS: Final = {
    **COMMON_GRANTS,
    "inbox": Grant(
        api="S", worker="SID", pusher="SI", pusher_columns=("tenant", "source", "id", "body_hash")
    ),
    "dirty": Grant(api="I", worker="SIUD", pusher="I"),
    "refused": Grant(api="SU", worker="SD", pusher="I"),
    "contact": Grant(api="S", worker="SIU"),
    "person": Grant(worker="SIU"),
    "lead": Grant(api="S", worker="SIU"),
    "parked": Grant(api="S", worker="SIUD"),
    "backlog": Grant(worker="SIUD", pusher="S"),
    "source": Grant(api="SIU", worker="SD"),
    "attribute_allow": Grant(api="SID", worker="S"),
    "agent_state": Grant(api="SIU", worker="SU"),
    "agent": Grant(api="SIU", worker="SIU"),
    "import_job": Grant(api="SIU", worker="SU"),
    "import_chunk": Grant(api="SI", worker="SD"),
    "import_refused": Grant(api="S", worker="SI"),
    "demo_removal": Grant(api="SIU", worker="SU"),
}
"""Who may do what. The worker locks rows of `dirty`, which PostgreSQL counts as an update."""
