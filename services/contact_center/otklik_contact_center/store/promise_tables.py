"""The tables of what agents promise."""

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB

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

promise_kind = Table(
    "promise_kind",
    metadata,
    tenant(),
    key("code"),
    Column("body", JSONB, nullable=False),
    Column("revision", Integer, nullable=False),
    moment("changed_at", nullable=False),
    comment="What agents of a company may promise",
)

promise = Table(
    "promise",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True, nullable=False),
    code("name", nullable=False),
    *published(),
    code("kind", nullable=False),
    code("agent", nullable=False),
    code("branch"),
    Column("contact", Uuid, nullable=True),
    code("state", nullable=False),
    moment("due_at", nullable=False),
    moment("next_at"),
    Column("text", LargeBinary, nullable=True),
    comment="Promises as published, when each will show something else by itself, and what was"
    " said, sealed; name is the sender's own id",
    postgresql_with={"fillfactor": "80", **CHURNING},
)
Index("promise_next", promise.c.next_at, postgresql_where=promise.c.next_at.is_not(None))
Index("promise_due", promise.c.tenant, promise.c.due_at, promise.c.id)
Index("promise_state", promise.c.tenant, promise.c.state, promise.c.due_at, promise.c.id)
Index(
    "promise_contact",
    promise.c.tenant,
    promise.c.contact,
    postgresql_where=promise.c.contact.is_not(None),
)
Index("promise_agent", promise.c.tenant, promise.c.agent, promise.c.due_at, promise.c.id)

PROMISE_GRANTS: Final = {
    "promise_kind": Grant(api="SIUD"),
    "promise": Grant(api="SIU", worker="SU"),
}
