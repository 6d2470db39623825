"""Tables of clocks of claims and reviews, and of what companies promise about them."""

from typing import Final

from sqlalchemy import Boolean, Column, Computed, DateTime, Index, PrimaryKeyConstraint, Table, Text

from otklik_common.roles import Grant
from otklik_common.tables import tenant_column
from otklik_feedback.store.columns import code, id_, metadata, moment, number

watched = Table(
    "watched",
    metadata,
    tenant_column(),
    id_("matter"),
    code("branch"),
    moment("over_at", nullable=True),
    Column("data", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "matter"),
    comment="what clocks of each claim and review are made of; over_at is when the last of them ended",
)

clock = Table(
    "clock",
    metadata,
    tenant_column(),
    id_(),
    id_("matter"),
    code("target", nullable=False),
    number("revision"),
    Column("void", Boolean, nullable=False),
    moment("recorded_at"),
    Column("data", Text, nullable=False),
    code("state", nullable=False),
    moment("due_at", nullable=True),
    moment("warn_at", nullable=True),
    moment("breaches_at", nullable=True),
    Column(
        "next_at",
        DateTime(timezone=True),
        Computed("coalesce(warn_at, breaches_at)", persisted=True),
        nullable=True,
    ),
    PrimaryKeyConstraint("tenant", "id"),
    comment="clocks as published, and when each will show something else by itself",
)
Index("clock_matter", clock.c.tenant, clock.c.matter)
Index("clock_next", clock.c.next_at, postgresql_where=clock.c.next_at.is_not(None))

promises = Table(
    "promises",
    metadata,
    tenant_column(),
    number("version"),
    PrimaryKeyConstraint("tenant"),
    comment="how often what a company promises has changed: clocks are made by the newest version",
)

promises_redo = Table(
    "promises_redo",
    metadata,
    tenant_column(),
    code("branch", nullable=False),
    moment("since"),
    id_("place", nullable=True),
    PrimaryKeyConstraint("tenant", "branch"),
    comment="whose clocks are to be made anew, since when, and how far; branch is '' for all",
)

CLOCK_GRANTS: Final = {
    "watched": Grant(api="SIUD", worker="SU"),
    "clock": Grant(api="SIUD", worker="SIU"),
    "promises": Grant(api="S", worker="SIU"),
    "promises_redo": Grant(worker="SIUD"),
}
