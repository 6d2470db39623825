"""The tables of access."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from otklik_common.roles import Grant
from otklik_common.tables import COMMON_GRANTS, common_tables

SCHEMA = "access"

metadata = MetaData(schema=SCHEMA)


def _tenant() -> Column[str]:
    return Column("tenant", Text(collation="C"), primary_key=True)


def _revision() -> list[Column[object]]:
    """What an aggregate remembers of the facts it published."""
    return [
        Column("revision", Integer, nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
    ]


def _void() -> Column[bool]:
    """Removed; the row stays, so that a return goes on with the next revision."""
    return Column("void", Boolean, nullable=False, server_default=text("false"))


def _codes(name: str) -> Column[list[str]]:
    return Column(name, ARRAY(Text), nullable=False, server_default=text("'{}'"))


def _names() -> Column[dict[str, str]]:
    return Column("names", JSONB, nullable=False, server_default=text("'{}'"))


def _active() -> Column[bool]:
    return Column("active", Boolean, nullable=False, server_default=text("true"))


def _moment(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


installation = Table(
    "installation",
    metadata,
    # One row for ever: whoever inserts it has made the first start, all others have not.
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("company", Text(collation="C"), nullable=False),
    _moment("started_at", nullable=False),
    CheckConstraint("id = 1", name="installation_once"),
)

company = Table(
    "company",
    metadata,
    _tenant(),
    _names(),
    Column("timezone", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("demo", Boolean, nullable=False),
    _active(),
    Column("thresholds_seconds", ARRAY(Integer), nullable=False, server_default=text("'{}'")),
    _codes("origins"),
    _moment("created_at", nullable=False),
    *_revision(),
)

branch_group = Table(
    "branch_group",
    metadata,
    _tenant(),
    Column("code", Text(collation="C"), primary_key=True),
    Column("grouping", Text, nullable=False),
    _names(),
    _active(),
    _void(),
    *_revision(),
)

branch = Table(
    "branch",
    metadata,
    _tenant(),
    Column("code", Text(collation="C"), primary_key=True),
    _names(),
    _codes("groups"),
    Column("timezone", Text),
    Column("calendar", Text(collation="C")),
    Column("opened_on", Date),
    Column("closed_on", Date),
    _active(),
    _void(),
    *_revision(),
)

calendar = Table(
    "calendar",
    metadata,
    _tenant(),
    Column("code", Text(collation="C"), primary_key=True),
    _names(),
    Column("is_default", Boolean, nullable=False, server_default=text("false")),
    Column("rules", JSONB, nullable=False),
    Column("exceptions", JSONB, nullable=False, server_default=text("'{}'")),
    _void(),
    *_revision(),
    Index(
        "calendar_default", "tenant", unique=True, postgresql_where=text("is_default AND NOT void")
    ),
    comment="Opening hours with all that they ever were, and days with hours of their own",
)

sla_policy = Table(
    "sla_policy",
    metadata,
    _tenant(),
    Column("code", Text(collation="C"), primary_key=True),
    _names(),
    Column("priority", Integer, nullable=False),
    _active(),
    Column("terms", JSONB, nullable=False),
    _void(),
    *_revision(),
    Index(
        "sla_policy_priority",
        "tenant",
        "priority",
        unique=True,
        postgresql_where=text("active AND NOT void"),
    ),
    comment="Policies of service with all that they ever promised; priority is that of the last terms",
)

member = Table(
    "member",
    metadata,
    _tenant(),
    Column("code", Text(collation="C"), primary_key=True),
    Column("id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    _codes("branches"),
    _codes("groups"),
    Column("starts_on", Date),
    Column("ends_on", Date),
    _active(),
    _moment("signed_out_before"),
    Column("name_sealed", LargeBinary),
    Column("email_sealed", LargeBinary),
    _void(),
    *_revision(),
    Index("member_id", "tenant", "id", unique=True),
)

credential = Table(
    "credential",
    metadata,
    _tenant(),
    Column("member", Uuid, primary_key=True),
    Column("login", Text(collation="C"), nullable=False),
    Column("password_hash", Text),
    _moment("changed_at", nullable=False),
    Index("credential_login", "tenant", "login", unique=True),
    ForeignKeyConstraint(["tenant", "member"], ["access.member.tenant", "access.member.id"]),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    _tenant(),
    Column("id", Uuid, primary_key=True),
    Column("session", Uuid, nullable=False),
    Column("member", Uuid, nullable=False),
    Column("digest", Text, nullable=False),
    _moment("began_at", nullable=False),
    _moment("expires_at", nullable=False),
    _moment("used_at"),
    _moment("revoked_at"),
    Index("refresh_token_session", "tenant", "session"),
    Index("refresh_token_member", "tenant", "member"),
    ForeignKeyConstraint(["tenant", "member"], ["access.member.tenant", "access.member.id"]),
)

api_key = Table(
    "api_key",
    metadata,
    _tenant(),
    Column("key_id", Text(collation="C"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("digest", Text, nullable=False),
    _codes("scopes"),
    _codes("branches"),
    _codes("groups"),
    _codes("origins"),
    _moment("created_at", nullable=False),
    _moment("expires_at"),
    _moment("revoked_at"),
    Column("rotated_to", Text),
    Column(
        "demo",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="made by the launcher for the simulation; its objects go with the demo",
    ),
    # Not part of the aggregate: when access itself last saw it, to the minute.
    _moment("last_seen_at"),
    *_revision(),
)

signer = Table(
    "signer",
    metadata,
    _tenant(),
    Column("key_id", Text(collation="C"), primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("public_key", Text, nullable=False),
    Column("private_sealed", LargeBinary, nullable=False),
    _moment("created_at", nullable=False),
    _moment("expires_at", nullable=False),
    *_revision(),
)

audit = Table(
    "audit",
    metadata,
    _tenant(),
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _moment("at", nullable=False),
    Column("principal", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object_kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("request_id", Text),
    # Names of what changed, never the values: they may be personal.
    _codes("fields"),
    Index("audit_object", "tenant", "object_kind", "object_id", "id"),
)

common_tables(metadata)

GRANTS = {
    "installation": Grant(api="SI", tenant=False),
    "company": Grant(api="SIU", worker="S"),
    "branch_group": Grant(api="SIU"),
    "branch": Grant(api="SIU"),
    "calendar": Grant(api="SIU"),
    "sla_policy": Grant(api="SIU"),
    "member": Grant(api="SIU"),
    "credential": Grant(api="SIU"),
    "refresh_token": Grant(api="SIU", worker="SD"),
    "api_key": Grant(api="SIU"),
    "signer": Grant(api="SI", worker="SID"),
    # Nobody changes or removes what is written here.
    "audit": Grant(api="SI", worker="I"),
    **COMMON_GRANTS,
}
