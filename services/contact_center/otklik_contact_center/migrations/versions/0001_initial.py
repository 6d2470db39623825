"""Events as pushed, contacts as folded, sources, agents and imports."""

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

SCHEMA = "contact_center"

GRANTS = {
    **COMMON_GRANTS,
    "inbox": Grant(
        api="S", worker="SI", pusher="SI", pusher_columns=("tenant", "source", "id", "body_hash")
    ),
    "dirty": Grant(api="I", worker="SIUD", pusher="I"),
    "refused": Grant(api="SU", pusher="I"),
    "contact": Grant(api="S", worker="SIU"),
    "person": Grant(worker="SIU"),
    "lead": Grant(api="S", worker="SIU"),
    "parked": Grant(api="S", worker="SIUD"),
    "source": Grant(api="SIU", worker="S"),
    "attribute_allow": Grant(api="SID", worker="S"),
    "agent_state": Grant(api="SIU"),
    "agent": Grant(api="SIU"),
    "import_job": Grant(api="SIU", worker="SU"),
    "import_chunk": Grant(api="SI", worker="SD"),
    "import_refused": Grant(api="S", worker="SI"),
}


def upgrade() -> None:
    """Make everything."""
    create_common(Operations(op.get_context()), SCHEMA)
    _events()
    _contacts()
    _sources()
    _agents()
    _imports()
    for statement in secure(SCHEMA, GRANTS):
        op.execute(statement)


def _events() -> None:
    op.create_table(
        "inbox",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("contact", sa.Text(collation="C"), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "source", "id"),
        schema=SCHEMA,
        comment="Every event as it was pushed, sealed; only ever appended to",
    )
    op.create_index(
        "inbox_contact", "inbox", ["tenant", "source", "contact"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "dirty",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("contact", sa.Text(collation="C"), nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        schema=SCHEMA,
        comment="Contacts with new events; no unique key, so that a push never waits for a fold",
        postgresql_with={
            "autovacuum_vacuum_scale_factor": "0.01",
            "autovacuum_vacuum_threshold": "1000",
            "autovacuum_vacuum_cost_delay": "0",
        },
    )
    op.create_index("dirty_next", "dirty", ["lane", "tenant", "id"], unique=False, schema=SCHEMA)
    op.create_table(
        "refused",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replayed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "source", "body_hash"),
        schema=SCHEMA,
        comment="Events that were not let in, sealed, to be replayed; body is null above 64 KiB",
    )
    op.create_index("refused_newest", "refused", ["tenant", "number"], unique=False, schema=SCHEMA)


def _contacts() -> None:
    op.create_table(
        "contact",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("contact", sa.Text(collation="C"), nullable=False),
        sa.Column("person", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.Text(collation="C"), nullable=False),
        sa.Column("direction", sa.Text(collation="C"), nullable=False),
        sa.Column("outcome", sa.Text(collation="C"), nullable=False),
        sa.Column("party", sa.Text(collation="C"), nullable=True),
        sa.Column("branch", sa.Text(collation="C"), nullable=True),
        sa.Column("queue", sa.Text(collation="C"), nullable=True),
        sa.Column("agent", sa.Text(collation="C"), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("void", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("replies", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="Contacts as last folded, and what was published of them and of their replies",
        postgresql_with={
            "fillfactor": "80",
            "autovacuum_vacuum_scale_factor": "0.01",
            "autovacuum_vacuum_threshold": "1000",
            "autovacuum_vacuum_cost_delay": "0",
        },
    )
    op.create_index("contact_at", "contact", ["tenant", "at", "id"], unique=False, schema=SCHEMA)
    op.create_index(
        "contact_branch", "contact", ["tenant", "branch", "at", "id"], unique=False, schema=SCHEMA
    )
    op.create_index("contact_person", "contact", ["tenant", "person"], unique=False, schema=SCHEMA)
    op.create_table(
        "person",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("person", sa.Text(collation="C"), nullable=False),
        sa.Column("crowd", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "person"),
        schema=SCHEMA,
        comment="One row to lock for everybody whose leads are folded; a crowd is a switchboard",
    )
    op.create_table(
        "lead",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("contact", sa.Uuid(), nullable=False),
        sa.Column("person", sa.Text(collation="C"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("void", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "contact"),
        schema=SCHEMA,
        comment="What was published of leads, by the contact that opened them",
        postgresql_with={
            "fillfactor": "80",
            "autovacuum_vacuum_scale_factor": "0.01",
            "autovacuum_vacuum_threshold": "1000",
            "autovacuum_vacuum_cost_delay": "0",
        },
    )
    op.create_index("lead_person", "lead", ["tenant", "person"], unique=False, schema=SCHEMA)
    op.create_table(
        "parked",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("contact", sa.Text(collation="C"), nullable=False),
        sa.Column("reason", sa.Text(collation="C"), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "source", "contact"),
        schema=SCHEMA,
        comment="Contacts that could not be folded; a new event or a retry tries again",
    )


def _sources() -> None:
    op.create_table(
        "source",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("former_secret", sa.LargeBinary(), nullable=True),
        sa.Column("former_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("require_signature", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="What sends us events, each with a sealed secret of its own",
    )
    op.create_table(
        "attribute_allow",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name"),
        schema=SCHEMA,
        comment="Attributes that may leave in facts; the name campaign lets campaigns leave",
    )


def _agents() -> None:
    op.create_table(
        "agent",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("agent", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "agent"),
        schema=SCHEMA,
        comment="One row to lock for every agent whose states are pushed",
    )
    op.create_table(
        "agent_state",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("agent", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("branch", sa.Text(collation="C"), nullable=True),
        sa.Column("team", sa.Text(collation="C"), nullable=True),
        sa.Column("queue", sa.Text(collation="C"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("void", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="Changes of agents' states, each with the interval it began",
    )
    op.create_index(
        "agent_state_order", "agent_state", ["tenant", "agent", "at"], unique=False, schema=SCHEMA
    )


def _imports() -> None:
    op.create_table(
        "import_job",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("mapping", JSONB(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("principal", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("file_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("chunk_bytes", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("accepted", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("skipped", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refused", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("events", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('receiving', 'ready', 'running', 'done', 'failed')", name="import_job_state"
        ),
        sa.PrimaryKeyConstraint("tenant", "id"),
        schema=SCHEMA,
        comment="Files on their way in; rows counts those read, and is where reading goes on",
    )
    op.create_table(
        "import_chunk",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("job", sa.Text(collation="C"), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "job", "start"),
        schema=SCHEMA,
        comment="Parts of a file, sealed, by the offset of their first byte; gone when it is read",
    )
    op.create_table(
        "import_refused",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("job", sa.Text(collation="C"), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "job", "line"),
        schema=SCHEMA,
        comment="Rows of a file that were not taken in, by line; never with what they hold",
    )
