"""The tables of what sources sent by the hour, and of when we were there to hear it."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Index, SmallInteger, Table

from otklik_common.roles import Grant
from otklik_contact_center.store.columns import CHURNING, key, metadata, moment, number, tenant

source_hour = Table(
    "source_hour",
    metadata,
    tenant(),
    key("source"),
    Column("hour", DateTime(timezone=True), primary_key=True, nullable=False),
    number("minutes"),
    number("accepted"),
    number("duplicates"),
    number("refused"),
    number("late"),
    moment("heard_at"),
    moment("newest_at"),
    moment("arrived_at", nullable=False),
    comment="What each source sent by the hour of its coming; minutes has a bit for each of the 60"
    " in which something new came",
    postgresql_with={"fillfactor": "70", **CHURNING},
)
Index("source_hour_oldest", source_hour.c.hour)

source_delay = Table(
    "source_delay",
    metadata,
    tenant(),
    key("source"),
    Column("hour", DateTime(timezone=True), primary_key=True, nullable=False),
    Column("bucket", SmallInteger, primary_key=True, nullable=False),
    number("events"),
    comment="How long new events were on their way, by buckets of domain/doctor/delay.py",
    postgresql_with={"fillfactor": "70", **CHURNING},
)
Index("source_delay_oldest", source_delay.c.hour)

intake_hour = Table(
    "intake_hour",
    metadata,
    Column("hour", DateTime(timezone=True), primary_key=True, nullable=False),
    Column("minutes", BigInteger, nullable=False),
    comment="Minutes in which some process was there to take in pushes, a bit each",
)

DOCTOR_GRANTS: Final = {
    "source_hour": Grant(api="S", worker="SD", pusher="SIU"),
    "source_delay": Grant(api="S", worker="SD", pusher="SIU"),
    "intake_hour": Grant(api="S", worker="SD", pusher="SIU", tenant=False),
}
