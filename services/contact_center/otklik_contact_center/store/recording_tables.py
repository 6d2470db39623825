"""The tables of recordings: hosts that may be asked, links that were made, and each play."""

from typing import Final

from sqlalchemy import BigInteger, Column, Identity, Index, Table, Uuid

from otklik_common.roles import Grant
from otklik_contact_center.store.columns import code, key, metadata, moment, tenant

recording_host = Table(
    "recording_host",
    metadata,
    tenant(),
    key("host"),
    comment="Hosts that recordings may be fetched from",
)

recording_link = Table(
    "recording_link",
    metadata,
    tenant(),
    Column("id", Uuid, primary_key=True, nullable=False),
    Column("contact", Uuid, nullable=False),
    code("branch"),
    code("agent"),
    code("source", nullable=False),
    code("event", nullable=False),
    code("made_by", nullable=False),
    moment("made_at", nullable=False),
    moment("expires_at", nullable=False),
    comment="Links by which recordings were heard, and who made them; the event says where it lies",
)
Index("recording_link_of", recording_link.c.tenant, recording_link.c.contact)

recording_play = Table(
    "recording_play",
    metadata,
    tenant(),
    Column("number", BigInteger, Identity(always=True), primary_key=True, nullable=False),
    Column("link", Uuid, nullable=False),
    moment("at", nullable=False),
    code("outcome", nullable=False),
    comment="Each time that a recording was asked for by a link, and what came of it",
)
Index("recording_play_link", recording_play.c.tenant, recording_play.c.link)

RECORDING_GRANTS: Final = {
    "recording_host": Grant(api="SID"),
    "recording_link": Grant(api="SI"),
    "recording_play": Grant(api="SI"),
}
