"""The tables of contact_center."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Identity,
    Index,
    LargeBinary,
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
from otklik_contact_center.store.ad_spend_table import AD_SPEND_GRANTS
from otklik_contact_center.store.coaching_table import COACHING_GRANTS
from otklik_contact_center.store.columns import (
    CHURNING,
    code,
    key,
    metadata,
    moment,
    number,
    published,
    tenant,
)
from otklik_contact_center.store.doctor_tables import DOCTOR_GRANTS
from otklik_contact_center.store.lead_tables import LEAD_GRANTS
from otklik_contact_center.store.pace_table import PACE_GRANTS
from otklik_contact_center.store.promise_tables import PROMISE_GRANTS
from otklik_contact_center.store.quality_tables import QUALITY_GRANTS
from otklik_contact_center.store.recording_tables import RECORDING_GRANTS
from otklik_contact_center.store.script_tables import SCRIPT_GRANTS
from otklik_contact_center.store.source_tables import SOURCE_GRANTS
from otklik_contact_center.store.tracking_tables import TRACKING_GRANTS

common_tables(metadata)

inbox = Table(
    "inbox",
    metadata,
    tenant(),
    key("source"),
    key("id"),
    code("contact", nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    moment("at", nullable=False),
    moment("received_at", nullable=False),
    Column("traceparent", Text, nullable=True),
    comment="Every event as it was pushed, sealed; only appended to, but for sources taken out whole"
    " and bodies read anew",
)
Index("inbox_contact", inbox.c.tenant, inbox.c.source, inbox.c.contact)

dirty = Table(
    "dirty",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    tenant(primary_key=False),
    code("source", nullable=False),
    code("contact", nullable=False),
    Column("lane", SmallInteger, nullable=False),
    moment("marked_at", nullable=False, server_default=func.now()),
    comment="Contacts with new events; no unique key, so that a push never waits for a fold",
    postgresql_with=CHURNING,
)
Index("dirty_next", dirty.c.lane, dirty.c.tenant, dirty.c.id)

refused = Table(
    "refused",
    metadata,
    tenant(),
    key("source"),
    Column("body_hash", LargeBinary, primary_key=True, nullable=False),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    code("code", nullable=False),
    Column("body", LargeBinary, nullable=True),
    Column("detail", LargeBinary, nullable=False),
    moment("received_at", nullable=False),
    moment("replayed_at"),
    comment="Events that were not let in, sealed, to be replayed; body is null above 64 KiB",
)
Index("refused_newest", refused.c.tenant, refused.c.number)

contact = Table(
    "contact",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True, nullable=False),
    code("source", nullable=False),
    code("contact", nullable=False),
    code("person", nullable=False),
    moment("at", nullable=False),
    code("channel", nullable=False),
    code("direction", nullable=False),
    code("outcome", nullable=False),
    code("party"),
    code("branch"),
    code("queue"),
    code("agent"),
    moment("assigned_at"),
    moment("attempted_at"),
    moment("connected_at"),
    *published(),
    Column("replies", LargeBinary, nullable=True),
    code("email"),
    code("external"),
    Column("watched", LargeBinary, nullable=True),
    Column("brought", LargeBinary, nullable=True),
    comment="Contacts as last folded, and what was published of them and of their replies",
    postgresql_with={"fillfactor": "80", **CHURNING},
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

sla_clock = Table(
    "sla_clock",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True, nullable=False),
    Column("contact", Uuid, nullable=False),
    code("target", nullable=False),
    *published(),
    code("branch"),
    code("state", nullable=False),
    moment("due_at"),
    moment("ended_at"),
    moment("warn_at"),
    moment("breaches_at"),
    Column(
        "next_at",
        DateTime(timezone=True),
        Computed("coalesce(warn_at, breaches_at)", persisted=True),
        nullable=True,
    ),
    comment="Clocks of promises as published, and when each will show something else by itself",
    postgresql_with={"fillfactor": "80", **CHURNING},
)
Index("sla_clock_contact", sla_clock.c.tenant, sla_clock.c.contact)
Index(
    "sla_clock_next",
    sla_clock.c.next_at,
    postgresql_where=sla_clock.c.next_at.is_not(None),
)
Index(
    "sla_clock_open",
    sla_clock.c.tenant,
    sla_clock.c.due_at,
    sla_clock.c.id,
    postgresql_where=text("ended_at IS NULL AND NOT void"),
)

promises = Table(
    "promises",
    metadata,
    tenant(),
    Column("version", BigInteger, nullable=False),
    comment="How often what a company promises has changed: clocks are made by the newest version",
)

promises_redo = Table(
    "promises_redo",
    metadata,
    tenant(),
    key("branch"),
    moment("since", nullable=False),
    Column("phase", SmallInteger, nullable=False),
    moment("place_at"),
    Column("place_id", Uuid, nullable=True),
    comment="Whose clocks are to be made anew, since when, and how far; branch is '' for all",
)

parked = Table(
    "parked",
    metadata,
    tenant(),
    key("source"),
    key("contact"),
    code("reason", nullable=False),
    moment("parked_at", nullable=False),
    comment="Contacts that could not be folded; a new event or a retry tries again",
)

backlog = Table(
    "backlog",
    metadata,
    tenant(),
    moment("noted_at", nullable=False),
    comment="Companies with too many contacts waiting to be folded, and when that was seen",
)

attribute_allow = Table(
    "attribute_allow",
    metadata,
    tenant(),
    key("name"),
    comment="Attributes that may leave in facts; the name campaign lets campaigns leave",
)

agent_state = Table(
    "agent_state",
    metadata,
    tenant(),
    key("id"),
    code("agent", nullable=False),
    code("state", nullable=False),
    code("branch"),
    code("team"),
    code("queue"),
    moment("at", nullable=False),
    *published(),
    comment="Changes of agents' states, each with the interval it began",
)
Index("agent_state_order", agent_state.c.tenant, agent_state.c.agent, agent_state.c.at)

agent = Table(
    "agent",
    metadata,
    tenant(),
    key("agent"),
    comment="One row to lock for every agent whose states are pushed",
)

import_job = Table(
    "import_job",
    metadata,
    tenant(),
    key("id"),
    code("source", nullable=False),
    Column("mapping", JSONB, nullable=False),
    code("state", nullable=False),
    code("principal", nullable=False),
    moment("created_at", nullable=False),
    moment("changed_at", nullable=False),
    Column("name", Text, nullable=False),
    code("file_hash", nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("chunk_bytes", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=True),
    number("rows"),
    number("accepted"),
    number("duplicates"),
    number("skipped"),
    number("refused"),
    number("events"),
    code("code"),
    Column("detail", Text, nullable=True),
    CheckConstraint(
        "state IN ('receiving', 'ready', 'running', 'done', 'failed')", name="import_job_state"
    ),
    comment="Files on their way in; rows counts those read, and is where reading goes on",
)

import_chunk = Table(
    "import_chunk",
    metadata,
    tenant(),
    key("job"),
    Column("start", BigInteger, primary_key=True, nullable=False),
    Column("body", LargeBinary, nullable=False),
    comment="Parts of a file, sealed, by the offset of their first byte; gone when it is read",
)

import_refused = Table(
    "import_refused",
    metadata,
    tenant(),
    key("job"),
    Column("line", BigInteger, primary_key=True, nullable=False),
    Column("field", Text, nullable=True),
    code("code", nullable=False),
    Column("detail", Text, nullable=False),
    comment="Rows of a file that were not taken in, by line; never with what they hold",
)

demo_removal = Table(
    "demo_removal",
    metadata,
    tenant(),
    Column("sources", JSONB, nullable=False),
    code("principal", nullable=False),
    moment("asked_at", nullable=False),
    moment("done_at"),
    moment("swept_at"),
    number("contacts"),
    number("events"),
    number("agent_states"),
    number("refused"),
    comment="Demos on their way out, and how far; swept once nobody can push into them",
)

GRANTS: Final = {
    **COMMON_GRANTS,
    **SOURCE_GRANTS,
    **LEAD_GRANTS,
    **DOCTOR_GRANTS,
    **TRACKING_GRANTS,
    **QUALITY_GRANTS,
    **RECORDING_GRANTS,
    **PROMISE_GRANTS,
    **AD_SPEND_GRANTS,
    **COACHING_GRANTS,
    **SCRIPT_GRANTS,
    **PACE_GRANTS,
    "inbox": Grant(
        api="SUD", worker="SID", pusher="SI", pusher_columns=("tenant", "source", "id", "body_hash")
    ),
    "dirty": Grant(api="I", worker="SIUD", pusher="I"),
    "refused": Grant(api="SU", worker="SD", pusher="I"),
    "contact": Grant(api="S", worker="SIU"),
    "sla_clock": Grant(api="S", worker="SIU"),
    "promises": Grant(worker="SIU"),
    "promises_redo": Grant(worker="SIUD"),
    "parked": Grant(api="S", worker="SIUD"),
    "backlog": Grant(worker="SIUD", pusher="S"),
    "attribute_allow": Grant(api="SID", worker="S"),
    "agent_state": Grant(api="SIU", worker="SU"),
    "agent": Grant(api="SIU", worker="SIU"),
    "import_job": Grant(api="SIU", worker="SU"),
    "import_chunk": Grant(api="SI", worker="SD"),
    "import_refused": Grant(api="S", worker="SI"),
    "demo_removal": Grant(api="SIU", worker="SU"),
}
"""Who may do what. The worker locks rows of `dirty`, which PostgreSQL counts as an update."""
