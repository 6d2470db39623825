"""Tables of loyalty. Personal columns hold sealed bytes; what is searched for is a pseudonym."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant
from otklik_common.tables import COMMON_GRANTS, common_tables, tenant_column

SCHEMA = "loyalty"

metadata = MetaData(schema=SCHEMA)
common_tables(metadata)


def _moment(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _void() -> Column[Any]:
    return Column(
        "void",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="taken out; kept for its revision, so that it may come again",
    )


def _words(*names: str) -> list[Column[Any]]:
    return [Column(name, Text) for name in names]


customer = Table(
    "customer",
    metadata,
    tenant_column(),
    Column("id", Uuid, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False, comment="of the row; revision is of the fact"),
    *_words("branch", "segment"),
    *(Column(name, LargeBinary) for name in ("name", "phone", "email", "external")),
    _moment("created_at"),
    _moment("recorded_at"),
    _void(),
    PrimaryKeyConstraint("tenant", "id"),
)

identifier = Table(
    "identifier",
    metadata,
    tenant_column(),
    Column("pseudonym", Text(collation="C"), nullable=False),
    Column("customer", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Uuid, comment="what a customer's token names: made of the external id"),
    PrimaryKeyConstraint("tenant", "pseudonym"),
    UniqueConstraint("tenant", "subject", name="identifier_subject_key"),
    # Deferred: a pseudonym is claimed before its customer is made.
    ForeignKeyConstraint(
        ["tenant", "customer"],
        ["loyalty.customer.tenant", "loyalty.customer.id"],
        deferrable=True,
        initially="DEFERRED",
        name="identifier_customer_fkey",
    ),
    CheckConstraint("kind IN ('ph', 'em', 'x')", name="identifier_kind_check"),
    comment="leads from a pseudonym to its one customer",
)
Index(
    "identifier_external",
    identifier.c.tenant,
    identifier.c.customer,
    unique=True,
    postgresql_where=identifier.c.kind == text("'x'"),
)
Index("identifier_customer", identifier.c.tenant, identifier.c.customer)

shared_identifier = Table(
    "shared_identifier",
    metadata,
    tenant_column(),
    Column("pseudonym", Text(collation="C"), nullable=False),
    Column("customer", Uuid, nullable=False),
    PrimaryKeyConstraint("tenant", "pseudonym", "customer"),
    comment="said of a customer, though it leads to another: found, never followed",
)

purchase = Table(
    "purchase",
    metadata,
    tenant_column(),
    Column("id", Uuid, nullable=False),
    Column("reference", Text, nullable=False, comment="the seller's own id"),
    Column("revision", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False, comment="SHA-256 of the normalised body"),
    Column("customer", Uuid),
    Column("identifiers", JSONB, nullable=False),
    _moment("sold_at"),
    _moment("returned_at", nullable=True),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("returned_minor", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    *_words("branch", "agent", "party", "campaign", "segment"),
    Column("attributes", JSONB, nullable=False),
    _moment("recorded_at"),
    _void(),
    PrimaryKeyConstraint("tenant", "id"),
    CheckConstraint(
        "0 <= returned_minor AND returned_minor <= amount_minor", name="purchase_returned_check"
    ),
)
Index("purchase_customer", purchase.c.tenant, purchase.c.customer, purchase.c.sold_at)
Index("purchase_sold_at", purchase.c.tenant, purchase.c.sold_at)

purchase_line = Table(
    "purchase_line",
    metadata,
    tenant_column(),
    Column("purchase", Uuid, nullable=False),
    Column("position", Integer, nullable=False),
    Column("id", Text, nullable=False),
    *_words("product", "category"),
    Column("quantity", BigInteger, nullable=False, comment="thousandths"),
    Column("returned", BigInteger, nullable=False, comment="thousandths"),
    Column("amount_minor", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "purchase", "id"),
    CheckConstraint(
        "quantity > 0 AND returned BETWEEN 0 AND quantity", name="purchase_line_quantity_check"
    ),
    CheckConstraint("amount_minor >= 0", name="purchase_line_amount_check"),
)

purchase_return = Table(
    "purchase_return",
    metadata,
    tenant_column(),
    Column("purchase", Uuid, nullable=False),
    Column("id", Text, nullable=False),
    _moment("at"),
    Column("lines", JSONB, nullable=False, comment="thousandths by line"),
    _moment("recorded_at"),
    PrimaryKeyConstraint("tenant", "purchase", "id"),
)

effect = Table(
    "effect",
    metadata,
    tenant_column(),
    Column("subject", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("customer", Uuid, nullable=False),
    Column("granted", BigInteger, nullable=False),
    Column("movements", Integer, nullable=False),
    Column("earned_by", Uuid, comment="the movement that a later taking back is of"),
    PrimaryKeyConstraint("tenant", "subject", "name", "customer"),
    comment="what a subject has granted so far: effects are differences",
)

account = Table(
    "account",
    metadata,
    tenant_column(),
    Column("id", Uuid, nullable=False),
    Column("holder", Text, nullable=False),
    Column("customer", Uuid),
    Column(
        "balance",
        BigInteger,
        comment="null for the programme: a sum every movement would fight over",
    ),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint(
        "tenant",
        "holder",
        "customer",
        name="account_holder_key",
        postgresql_nulls_not_distinct=True,
    ),
    CheckConstraint("holder IN ('customer', 'debt', 'programme')", name="account_holder_check"),
    CheckConstraint(
        "(holder = 'programme') = (customer IS NULL) AND (customer IS NULL) = (balance IS NULL)",
        name="account_programme_check",
    ),
    CheckConstraint("holder <> 'customer' OR balance >= 0", name="account_customer_check"),
    CheckConstraint("holder <> 'debt' OR balance <= 0", name="account_debt_check"),
)

transfer = Table(
    "transfer",
    metadata,
    tenant_column(),
    Column("id", Uuid, nullable=False),
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("customer", Uuid, nullable=False),
    Column("movement", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reverses", Uuid),
    Column("purchase", Uuid),
    Column("actor", Text, nullable=False),
    _moment("moved_at"),
    _moment("recorded_at"),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "reverses", name="transfer_reverses_key"),
)
Index("transfer_customer", transfer.c.tenant, transfer.c.customer, transfer.c.seq)

entry = Table(
    "entry",
    metadata,
    tenant_column(),
    Column("transfer", Uuid, nullable=False),
    Column("account", Uuid, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "transfer", "account"),
    ForeignKeyConstraint(
        ["tenant", "transfer"],
        ["loyalty.transfer.tenant", "loyalty.transfer.id"],
        name="entry_transfer_fkey",
    ),
    CheckConstraint("amount <> 0", name="entry_amount_check"),
    # No key to account: its check would lock the programme's one row in every transaction.
)
Index("entry_account", entry.c.tenant, entry.c.account)

voided_movement = Table(
    "voided_movement",
    metadata,
    tenant_column(),
    Column("transfer", Uuid, nullable=False),
    _moment("recorded_at"),
    PrimaryKeyConstraint("tenant", "transfer"),
    comment="transfers whose facts count no more; the ledger itself never changes",
)

earning_rule = Table(
    "earning_rule",
    metadata,
    tenant_column(),
    _moment("starts_at"),
    Column("currency", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("per_minor", BigInteger, nullable=False),
    Column("set_by", Text, nullable=False),
    _moment("set_at"),
    PrimaryKeyConstraint("tenant", "starts_at"),
    CheckConstraint("points >= 0 AND per_minor > 0", name="earning_rule_amounts_check"),
)

setting = Table(
    "setting",
    metadata,
    tenant_column(),
    Column("published", JSONB, nullable=False, comment="names of attributes that facts carry"),
    PrimaryKeyConstraint("tenant"),
)

GRANTS = {
    **COMMON_GRANTS,
    "customer": Grant(api="SIU"),
    "identifier": Grant(api="SIUD"),
    "shared_identifier": Grant(api="SID"),
    "purchase": Grant(api="SIU"),
    "purchase_line": Grant(api="SID"),
    "purchase_return": Grant(api="SID"),
    "effect": Grant(api="SIU"),
    "account": Grant(api="SIU", worker="S"),
    "transfer": Grant(api="SI", worker="S"),
    "entry": Grant(api="SI", worker="S"),
    "voided_movement": Grant(api="SI"),
    "earning_rule": Grant(api="SI"),
    "setting": Grant(api="SIU"),
}
