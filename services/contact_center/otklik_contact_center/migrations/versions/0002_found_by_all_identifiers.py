"""Contacts are found by their e-mail and external id too, where a phone is known as well."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "contact_center"


def upgrade() -> None:
    """Columns for the pseudonyms besides `person`; few contacts have them, so the indexes are small."""
    for name in ("email", "external"):
        op.add_column(
            "contact", sa.Column(name, sa.Text(collation="C"), nullable=True), schema=SCHEMA
        )
        op.create_index(
            f"contact_{name}",
            "contact",
            ["tenant", name],
            unique=False,
            schema=SCHEMA,
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )
