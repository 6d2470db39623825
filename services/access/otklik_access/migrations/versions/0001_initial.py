"""The first tables of access: companies, staff, keys, sessions, audit."""

import sqlalchemy as sa
from alembic import op
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant, secure
from otklik_common.tables import COMMON_GRANTS, create_common

revision = "0001"
down_revision = None

SCHEMA = "access"

# As of this revision: what later ones grant stands in them.
GRANTS = {
    "installation": Grant(api="SI", tenant=False),
    "company": Grant(api="SIU", worker="S"),
    "branch_group": Grant(api="SIU"),
    "branch": Grant(api="SIU"),
    "member": Grant(api="SIU"),
    "credential": Grant(api="SIU"),
    "refresh_token": Grant(api="SIU", worker="SD"),
    "api_key": Grant(api="SIU"),
    "signer": Grant(api="SI", worker="SID"),
    "audit": Grant(api="SI", worker="I"),
    **COMMON_GRANTS,
}

# Rights alone would let the tables' owner rewrite what was done.
REFUSE_CHANGE = """
CREATE FUNCTION access.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail only grows: % is refused', lower(TG_OP)
    USING ERRCODE = 'restrict_violation';
END $$
"""

AUDIT_ONLY_GROWS = (
    "CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON access.audit"
    " FOR EACH STATEMENT EXECUTE FUNCTION access.refuse_change()"
)


def upgrade() -> None:
    """Make the tables of this service."""
    op.create_table(
        "api_key",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("key_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("branches", sa.ARRAY(sa.Text), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("groups", sa.ARRAY(sa.Text), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("origins", sa.ARRAY(sa.Text), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("rotated_to", sa.Text),
        sa.Column("last_seen_at", sa.DateTime(timezone=True)),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key_id"),
        schema=SCHEMA,
    )
    op.create_table(
        "audit",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("object_kind", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text),
        sa.Column("fields", sa.ARRAY(sa.Text), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
    )
    op.create_index(
        "audit_object", "audit", ["tenant", "object_kind", "object_id", "id"], schema=SCHEMA
    )
    op.create_table(
        "branch",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("names", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("groups", sa.ARRAY(sa.Text), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("timezone", sa.Text),
        sa.Column("opened_on", sa.Date),
        sa.Column("closed_on", sa.Date),
        sa.Column("active", sa.Boolean, server_default=sa.text("true"), nullable=False),
        sa.Column("void", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "code"),
        schema=SCHEMA,
    )
    op.create_table(
        "branch_group",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("grouping", sa.Text, nullable=False),
        sa.Column("names", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("active", sa.Boolean, server_default=sa.text("true"), nullable=False),
        sa.Column("void", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "code"),
        schema=SCHEMA,
    )
    op.create_table(
        "company",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("names", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("timezone", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("demo", sa.Boolean, nullable=False),
        sa.Column("active", sa.Boolean, server_default=sa.text("true"), nullable=False),
        sa.Column(
            "thresholds_seconds",
            sa.ARRAY(sa.Integer),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("origins", sa.ARRAY(sa.Text), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
        schema=SCHEMA,
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("company", sa.Text(collation="C"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name="installation_once"),
        sa.PrimaryKeyConstraint("id"),
        schema=SCHEMA,
    )
    op.create_table(
        "member",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("branches", sa.ARRAY(sa.Text), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("groups", sa.ARRAY(sa.Text), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("starts_on", sa.Date),
        sa.Column("ends_on", sa.Date),
        sa.Column("active", sa.Boolean, server_default=sa.text("true"), nullable=False),
        sa.Column("signed_out_before", sa.DateTime(timezone=True)),
        sa.Column("name_sealed", sa.LargeBinary),
        sa.Column("email_sealed", sa.LargeBinary),
        sa.Column("void", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "code"),
        schema=SCHEMA,
    )
    op.create_index("member_id", "member", ["tenant", "id"], unique=True, schema=SCHEMA)
    op.create_table(
        "signer",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("key_id", sa.Text(collation="C"), nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("public_key", sa.Text, nullable=False),
        sa.Column("private_sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key_id"),
        schema=SCHEMA,
    )
    op.create_table(
        "credential",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("member", sa.Uuid, nullable=False),
        sa.Column("login", sa.Text(collation="C"), nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "member"],
            ["access.member.tenant", "access.member.id"],
        ),
        sa.PrimaryKeyConstraint("tenant", "member"),
        schema=SCHEMA,
    )
    op.create_index(
        "credential_login", "credential", ["tenant", "login"], unique=True, schema=SCHEMA
    )
    op.create_table(
        "refresh_token",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("session", sa.Uuid, nullable=False),
        sa.Column("member", sa.Uuid, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["tenant", "member"],
            ["access.member.tenant", "access.member.id"],
        ),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
    )
    op.create_index("refresh_token_member", "refresh_token", ["tenant", "member"], schema=SCHEMA)
    op.create_index("refresh_token_session", "refresh_token", ["tenant", "session"], schema=SCHEMA)
    op.execute(REFUSE_CHANGE)
    op.execute(AUDIT_ONLY_GROWS)
    create_common(Operations(op.get_context()), SCHEMA)
    for statement in secure(SCHEMA, GRANTS):
        op.execute(statement)
