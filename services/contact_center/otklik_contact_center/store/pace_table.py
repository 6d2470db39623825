"""The table of pace programmes."""

from typing import Final

from sqlalchemy import Column, Integer, Table
from sqlalchemy.dialects.postgresql import JSONB

from otklik_common.roles import Grant
from otklik_contact_center.store.columns import key, metadata, moment, tenant

pace_programme = Table(
    "pace_programme",
    metadata,
    tenant(),
    key("code"),
    Column("body", JSONB, nullable=False),
    Column("revision", Integer, nullable=False),
    moment("changed_at", nullable=False),
    comment="By when requests are to come from step to step, with all that was ever said of it",
)

PACE_GRANTS: Final = {"pace_programme": Grant(api="SIU", worker="SD")}
