"""A key says whether it is the demo's: its name, which anybody may give, does not."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "access"

# Only the launcher made keys of that name without asking the API.
MARK = """
UPDATE access.api_key AS key SET demo = true
FROM access.audit AS made
WHERE key.name = 'demo' AND made.tenant = key.tenant AND made.object_kind = 'key'
  AND made.object_id = key.key_id AND made.action = 'make' AND made.principal = 'console'
"""

SEEN = ("api_key", "audit")


def upgrade() -> None:
    """The launcher's keys are marked; for that their owner sees rows until this commits."""
    op.add_column(
        "api_key",
        sa.Column(
            "demo",
            sa.Boolean(),
            nullable=False,
            server_default=sa.text("false"),
            comment="made by the launcher for the simulation; its objects go with the demo",
        ),
        schema=SCHEMA,
    )
    for table in SEEN:
        op.execute(f"ALTER TABLE {SCHEMA}.{table} NO FORCE ROW LEVEL SECURITY")
    op.execute(MARK)
    for table in SEEN:
        op.execute(f"ALTER TABLE {SCHEMA}.{table} FORCE ROW LEVEL SECURITY")
