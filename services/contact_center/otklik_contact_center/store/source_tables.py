"""The tables of sources, how they are read, and what came from them."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant
from otklik_contact_center.store.columns import code, key, metadata, moment, tenant

source = Table(
    "source",
    metadata,
    tenant(),
    key("id"),
    Column("name", Text, nullable=False),
    code("kind", nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("former_secret", LargeBinary, nullable=True),
    moment("former_until"),
    Column("require_signature", Boolean, nullable=False),
    moment("created_at", nullable=False),
    Column("revision", Integer, nullable=False),
    moment("recorded_at", nullable=False),
    code("branch"),
    Column("older_secret", LargeBinary, nullable=True),
    moment("older_until"),
    Column("demo", Boolean, nullable=False, server_default=text("false")),
    Column("credentials", LargeBinary, nullable=True),
    Column("directions", JSONB, nullable=False, server_default=text("'{}'")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    moment("heard_at"),
    moment("silent_since"),
    Column("usual_gap_ms", BigInteger, nullable=True),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    moment("ended_at"),
    comment="What sends us events, each with a sealed secret of its own",
)

source_directions = Table(
    "source_directions",
    metadata,
    tenant(),
    key("source"),
    Column("version", Integer, primary_key=True, nullable=False),
    moment("since", nullable=False),
    code("principal", nullable=False),
    Column("directions", JSONB, nullable=False),
    comment="Every version of how a source is read, with who set it and since when",
)

hook_body = Table(
    "hook_body",
    metadata,
    tenant(),
    key("source"),
    Column("body_hash", LargeBinary, primary_key=True, nullable=False),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("body", LargeBinary, nullable=False),
    moment("received_at", nullable=False),
    code("code"),
    Column("detail", LargeBinary, nullable=True),
    Column("version", Integer, nullable=True),
    comment="What providers pushed, sealed, each once, for 30 days; code says why it was not read",
)
Index("hook_body_newest", hook_body.c.tenant, hook_body.c.number)
Index("hook_body_oldest", hook_body.c.received_at)
Index(
    "hook_body_waiting",
    hook_body.c.received_at,
    postgresql_where=hook_body.c.code == text("'waiting'"),
)

head_line = Table(
    "head_line",
    metadata,
    tenant(),
    key("line"),
    comment="Phones and mailboxes of the head, as they are compared",
)

SOURCE_GRANTS: Final = {
    "head_line": Grant(api="SID", worker="S"),
    "source": Grant(api="SIU", worker="SUD"),
    "source_directions": Grant(api="SI", worker="SD"),
    "hook_body": Grant(api="SIU", worker="SUD"),
}
