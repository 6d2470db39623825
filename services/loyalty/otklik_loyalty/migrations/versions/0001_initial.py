"""Customers, purchases and the ledger of points."""

import sqlalchemy as sa
from alembic import op
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant, secure
from otklik_common.tables import COMMON_GRANTS, create_common

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "loyalty"

GRANTS = {
    **COMMON_GRANTS,
    "customer": Grant(api="SIU"),
    "identifier": Grant(api="SIU"),
    "shared_identifier": Grant(api="SI"),
    "purchase": Grant(api="SIU"),
    "purchase_line": Grant(api="SID"),
    "purchase_return": Grant(api="SI"),
    "effect": Grant(api="SIU"),
    "account": Grant(api="SIU", worker="S"),
    "transfer": Grant(api="SI", worker="S"),
    "entry": Grant(api="SI", worker="S"),
    "earning_rule": Grant(api="SI"),
    "setting": Grant(api="SIU"),
}

REFUSE_CHANGE = """
CREATE FUNCTION loyalty.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  RAISE EXCEPTION 'the ledger only grows: % of % is refused', lower(TG_OP), TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$
"""

CHECK_TRANSFER = """
CREATE FUNCTION loyalty.check_transfer() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  moved uuid;
  total numeric;
  parts bigint;
BEGIN
  IF TG_TABLE_NAME = 'entry' THEN moved := NEW.transfer; ELSE moved := NEW.id; END IF;
  SELECT coalesce(sum(entry.amount), 0), count(*) INTO total, parts
    FROM loyalty.entry WHERE entry.tenant = NEW.tenant AND entry.transfer = moved;
  IF total <> 0 OR parts < 2 THEN
    RAISE EXCEPTION 'transfer % has % entries that add up to %', moved, parts, total
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$
"""
"""Deferred to COMMIT: a transfer is written before its entries."""


def upgrade() -> None:
    """Make everything."""
    create_common(Operations(op.get_context()), SCHEMA)
    _customers()
    _purchases()
    _ledger()
    _settings()
    _keep_the_ledger_whole()
    for statement in secure(SCHEMA, GRANTS):
        op.execute(statement)


def _customers() -> None:
    op.create_table(
        "customer",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column(
            "version",
            sa.BigInteger(),
            nullable=False,
            comment="of the row; revision is of the fact",
        ),
        sa.Column("branch", sa.Text(), nullable=True),
        sa.Column("segment", sa.Text(), nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("external", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
    )
    op.create_table(
        "identifier",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("pseudonym", sa.Text(collation="C"), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "subject",
            sa.Uuid(),
            nullable=True,
            comment="what a customer's token names: made of the external id",
        ),
        sa.CheckConstraint("kind IN ('ph', 'em', 'x')", name="identifier_kind_check"),
        sa.ForeignKeyConstraint(
            ["tenant", "customer"],
            ["loyalty.customer.tenant", "loyalty.customer.id"],
            name="identifier_customer_fkey",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant", "pseudonym"),
        sa.UniqueConstraint("tenant", "subject", name="identifier_subject_key"),
        schema=SCHEMA,
        comment="leads from a pseudonym to its one customer",
    )
    op.create_index(
        "identifier_customer", "identifier", ["tenant", "customer"], unique=False, schema=SCHEMA
    )
    op.create_index(
        "identifier_external",
        "identifier",
        ["tenant", "customer"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("kind = 'x'"),
    )
    op.create_table(
        "shared_identifier",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("pseudonym", sa.Text(collation="C"), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "pseudonym", "customer"),
        schema=SCHEMA,
        comment="said of a customer, though it leads to another: found, never followed",
    )


def _purchases() -> None:
    op.create_table(
        "purchase",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False, comment="the seller's own id"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column(
            "hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the normalised body"
        ),
        sa.Column("customer", sa.Uuid(), nullable=True),
        sa.Column("identifiers", JSONB(), nullable=False),
        sa.Column("sold_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("returned_minor", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("party", sa.Text(), nullable=True),
        sa.Column("campaign", sa.Text(), nullable=True),
        sa.Column("segment", sa.Text(), nullable=True),
        sa.Column("attributes", JSONB(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "0 <= returned_minor AND returned_minor <= amount_minor", name="purchase_returned_check"
        ),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
    )
    op.create_index(
        "purchase_customer",
        "purchase",
        ["tenant", "customer", "sold_at"],
        unique=False,
        schema=SCHEMA,
    )
    op.create_index(
        "purchase_sold_at", "purchase", ["tenant", "sold_at"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "purchase_line",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("purchase", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False, comment="thousandths"),
        sa.Column("returned", sa.BigInteger(), nullable=False, comment="thousandths"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name="purchase_line_amount_check"),
        sa.CheckConstraint(
            "quantity > 0 AND returned BETWEEN 0 AND quantity", name="purchase_line_quantity_check"
        ),
        sa.PrimaryKeyConstraint("tenant", "purchase", "id"),
        schema=SCHEMA,
    )
    op.create_table(
        "purchase_return",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("purchase", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lines", JSONB(), nullable=False, comment="thousandths by line"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "purchase", "id"),
        schema=SCHEMA,
    )
    op.create_table(
        "effect",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("movements", sa.Integer(), nullable=False),
        sa.Column(
            "earned_by",
            sa.Uuid(),
            nullable=True,
            comment="the movement that a later taking back is of",
        ),
        sa.PrimaryKeyConstraint("tenant", "subject", "name", "customer"),
        schema=SCHEMA,
        comment="what a subject has granted so far: effects are differences",
    )


def _ledger() -> None:
    op.create_table(
        "account",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=True),
        sa.Column(
            "balance",
            sa.BigInteger(),
            nullable=True,
            comment="null for the programme: a sum every movement would fight over",
        ),
        sa.CheckConstraint(
            "(holder = 'programme') = (customer IS NULL) AND (customer IS NULL) = (balance IS NULL)",
            name="account_programme_check",
        ),
        sa.CheckConstraint("holder <> 'customer' OR balance >= 0", name="account_customer_check"),
        sa.CheckConstraint("holder <> 'debt' OR balance <= 0", name="account_debt_check"),
        sa.CheckConstraint(
            "holder IN ('customer', 'debt', 'programme')", name="account_holder_check"
        ),
        sa.PrimaryKeyConstraint("tenant", "id"),
        sa.UniqueConstraint(
            "tenant",
            "holder",
            "customer",
            name="account_holder_key",
            postgresql_nulls_not_distinct=True,
        ),
        schema=SCHEMA,
    )
    op.create_table(
        "transfer",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reverses", sa.Uuid(), nullable=True),
        sa.Column("purchase", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        sa.UniqueConstraint("tenant", "reverses", name="transfer_reverses_key"),
        schema=SCHEMA,
    )
    op.create_index(
        "transfer_customer", "transfer", ["tenant", "customer", "seq"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "entry",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("transfer", sa.Uuid(), nullable=False),
        sa.Column("account", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name="entry_amount_check"),
        sa.ForeignKeyConstraint(
            ["tenant", "transfer"],
            ["loyalty.transfer.tenant", "loyalty.transfer.id"],
            name="entry_transfer_fkey",
        ),
        sa.PrimaryKeyConstraint("tenant", "transfer", "account"),
        schema=SCHEMA,
    )
    op.create_index("entry_account", "entry", ["tenant", "account"], unique=False, schema=SCHEMA)


def _settings() -> None:
    op.create_table(
        "earning_rule",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("per_minor", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("points >= 0 AND per_minor > 0", name="earning_rule_amounts_check"),
        sa.PrimaryKeyConstraint("tenant", "starts_at"),
        schema=SCHEMA,
    )
    op.create_table(
        "setting",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "published", JSONB(), nullable=False, comment="names of attributes that facts carry"
        ),
        sa.PrimaryKeyConstraint("tenant"),
        schema=SCHEMA,
    )


def _keep_the_ledger_whole() -> None:
    op.execute(REFUSE_CHANGE)
    op.execute(CHECK_TRANSFER)
    for table in ("transfer", "entry"):
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE ON {SCHEMA}.{table} "
            f"FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_is_not_emptied BEFORE TRUNCATE ON {SCHEMA}.{table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse_change()"
        )
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {table}_adds_up AFTER INSERT ON {SCHEMA}.{table} "
            "DEFERRABLE INITIALLY DEFERRED "
            f"FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.check_transfer()"
        )
