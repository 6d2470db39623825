"""The tables of people, their leads, and the steps of these."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY

from otklik_common.roles import Grant
from otklik_contact_center.store.columns import (
    CHURNING,
    code,
    key,
    metadata,
    moment,
    published,
    tenant,
)

person = Table(
    "person",
    metadata,
    tenant(),
    key("person"),
    Column("crowd", Boolean, nullable=False, server_default=text("false")),
    comment="One row to lock for everybody whose leads are folded; a crowd is a switchboard",
)

lead = Table(
    "lead",
    metadata,
    tenant(),
    Column("contact", Uuid, primary_key=True, nullable=False),
    code("person", nullable=False),
    *published(),
    Column("missed", Uuid, nullable=True),
    code("attempted_by"),
    moment("created_at"),
    code("state"),
    code("party"),
    code("branch"),
    code("agent"),
    Column("touches", LargeBinary, nullable=True),
    comment="What was published of leads, by the contact that opened them; missed is the first"
    " contact of each that nobody took",
    postgresql_with={"fillfactor": "80", **CHURNING},
)
Index("lead_person", lead.c.tenant, lead.c.person)
Index("lead_missed", lead.c.tenant, lead.c.missed, postgresql_where=lead.c.missed.is_not(None))
Index("lead_newest", lead.c.tenant, lead.c.created_at.desc(), lead.c.contact.desc())
Index("lead_branch", lead.c.tenant, lead.c.branch, lead.c.created_at.desc(), lead.c.contact.desc())
Index(
    "lead_waiting",
    lead.c.tenant,
    lead.c.created_at.desc(),
    lead.c.contact.desc(),
    postgresql_where=text("state = 'waiting' AND NOT void"),
)

lead_step = Table(
    "lead_step",
    metadata,
    tenant(),
    key("id"),
    Column("told", Text, nullable=False),
    moment("at", nullable=False),
    code("step", nullable=False),
    code("branch"),
    Column("withdrawn", Boolean, nullable=False),
    moment("received_at", nullable=False),
    Column("contact", Uuid, nullable=True),
    code("source"),
    code("named"),
    code("person"),
    Column("identifiers", ARRAY(Text(collation="C")), nullable=False),
    Column("lead", Uuid, nullable=True),
    Column("revision", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("void", Boolean, nullable=False),
    moment("recorded_at"),
    Column("data", Text, nullable=False),
    comment="Steps of requests as told, the lead that each belongs to, and what was published of"
    " showings and deals",
    postgresql_with={"fillfactor": "80", **CHURNING},
)
for _name in ("person", "contact", "lead"):
    Index(
        f"lead_step_{_name}",
        lead_step.c.tenant,
        lead_step.c[_name],
        postgresql_where=lead_step.c[_name].is_not(None),
    )
Index(
    "lead_step_known",
    lead_step.c.identifiers,
    postgresql_using="gin",
    postgresql_where=text("lead IS NULL AND NOT withdrawn"),
)
Index(
    "lead_step_waiting",
    lead_step.c.tenant,
    lead_step.c.received_at.desc(),
    lead_step.c.id.desc(),
    postgresql_where=text("lead IS NULL AND NOT withdrawn"),
)

LEAD_GRANTS: Final = {
    "person": Grant(api="SIU", worker="SIU"),
    "lead": Grant(api="S", worker="SIU"),
    "lead_step": Grant(api="SIU", worker="SIU"),
}
