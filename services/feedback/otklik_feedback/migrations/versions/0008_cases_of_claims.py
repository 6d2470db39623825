"""Cases of claims: one for each customer and branch, and which claim each of their steps is of."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCHEMA = "feedback"


def upgrade() -> None:
    """Name what opened the cases there are; what joined them is not known any more."""
    for name in ("review", "claim"):
        op.add_column("case_events", sa.Column(name, sa.Uuid, nullable=True), schema=SCHEMA)
    op.execute(
        f"""
        UPDATE {SCHEMA}.case_events e SET review = c.review, claim = c.claim
        FROM {SCHEMA}.cases c
        WHERE c.tenant = e.tenant AND c.id = e."case" AND e.step = 'opened' AND c.answer IS NULL
        """  # noqa: S608 - a name of our own
    )
    for name in ("review", "claim"):
        op.create_index(
            f"case_events_{name}",
            "case_events",
            ["tenant", name],
            schema=SCHEMA,
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )
    op.execute(
        f"""
        UPDATE {SCHEMA}.cases SET place = coalesce(branch, ''),
          person = CASE WHEN starts_with(person, 'claim/') THEN person ELSE 'claim/' || person END
        WHERE claim IS NOT NULL
        """  # noqa: S608 - a name of our own
    )
    # What never runs is never made anew.
    op.execute(
        f"""
        UPDATE {SCHEMA}.watched SET over_at = '1899-12-31T00:00:00Z'
        WHERE position('"watches"' IN data) = 0
        """  # noqa: S608 - a name of our own
    )
    op.alter_column(
        "cases", "place", schema=SCHEMA, comment="touchpoint, or branch of a claim; blank for none"
    )
