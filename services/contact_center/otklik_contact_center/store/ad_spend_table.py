"""The table of what is spent on advertising."""

from typing import Final

from sqlalchemy import BigInteger, Column, Date, Index, Table, Uuid

from otklik_common.roles import Grant
from otklik_contact_center.store.columns import code, metadata, published, tenant

ad_spend = Table(
    "ad_spend",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True, nullable=False),
    *published(),
    Column("day", Date, nullable=False),
    code("ad_source", nullable=False),
    code("medium"),
    code("campaign"),
    code("agency"),
    code("branch"),
    code("currency", nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    comment="What is spent on advertising, by what it is about; taken out where it is void",
)
Index("ad_spend_day", ad_spend.c.tenant, ad_spend.c.day, ad_spend.c.id)

AD_SPEND_GRANTS: Final = {"ad_spend": Grant(api="SIU")}
