"""The table of what agents are to learn."""

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, Table, Uuid

from otklik_common.roles import Grant
from otklik_contact_center.store.columns import code, metadata, moment, published, tenant

coaching_item = Table(
    "coaching_item",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True, nullable=False),
    code("name", nullable=False),
    *published(),
    code("agent", nullable=False),
    code("skill", nullable=False),
    code("branch"),
    moment("created_at", nullable=False),
    moment("done_at"),
    Column("task", LargeBinary, nullable=False),
    comment="What agents are to learn, as published, and the task, sealed; name is the sender's"
    " own id",
)
Index(
    "coaching_item_created",
    coaching_item.c.tenant,
    coaching_item.c.created_at,
    coaching_item.c.id,
)

COACHING_GRANTS: Final = {"coaching_item": Grant(api="SIU")}
