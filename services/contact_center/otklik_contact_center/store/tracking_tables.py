"""The tables of tracked numbers."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant
from otklik_contact_center.store.columns import CHURNING, code, key, metadata, moment, tenant

number_tracker = Table(
    "number_tracker",
    metadata,
    tenant(),
    key("code"),
    Column("body", JSONB, nullable=False),
    Column("revision", Integer, nullable=False),
    moment("changed_at", nullable=False),
    comment="Sites whose visitors are shown numbers by where they came from",
)

number_slot = Table(
    "number_slot",
    metadata,
    tenant(),
    key("number"),
    code("tracker", nullable=False),
    code("pool", nullable=False),
    Column("lease", Uuid, nullable=True),
    Column("visitor", LargeBinary, nullable=True),
    moment("ends_at"),
    moment("free_from", nullable=False),
    comment="Numbers that are leased, each once in a company: who has it, and from when it is free",
    postgresql_with={"fillfactor": "70", **CHURNING},
)
Index(
    "number_slot_free",
    number_slot.c.tenant,
    number_slot.c.tracker,
    number_slot.c.pool,
    number_slot.c.free_from,
)
Index("number_slot_lease", number_slot.c.tenant, number_slot.c.lease)
Index("number_slot_visitor", number_slot.c.tenant, number_slot.c.tracker, number_slot.c.visitor)

number_lease = Table(
    "number_lease",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True, nullable=False),
    code("tracker", nullable=False),
    code("pool", nullable=False),
    code("number"),
    Column("visitor", LargeBinary, nullable=False),
    Column("shared", Boolean, nullable=False),
    code("rule", nullable=False),
    Column("touch", JSONB, nullable=False),
    moment("begins", nullable=False),
    moment("seen_at", nullable=False),
    moment("ended_at"),
    Column("ttl_seconds", Integer, nullable=False),
    comment="Which visitor was shown which number, and what had brought them",
)
Index(
    "number_lease_active",
    number_lease.c.tenant,
    number_lease.c.number,
    unique=True,
    postgresql_where=text("ended_at IS NULL AND NOT shared"),
)
Index("number_lease_of", number_lease.c.tenant, number_lease.c.number, number_lease.c.begins)
Index("number_lease_begun", number_lease.c.tenant, number_lease.c.tracker, number_lease.c.begins)

Index("number_lease_visitor", number_lease.c.tenant, number_lease.c.visitor, number_lease.c.begins)

TRACKING_GRANTS: Final = {
    "number_tracker": Grant(api="SIUD", worker="S"),
    "number_slot": Grant(api="SIUD", worker="S"),
    "number_lease": Grant(api="SIU", worker="SD"),
}
