"""
What brought visitors whenever they were shown a number, and how contacts are tied to them.

Bare asyncpg, as in folding.py: the folding worker reads them in the middle of its batch.
"""

from collections.abc import Collection, Mapping
from typing import Final

import asyncpg
import msgspec

from otklik_contact_center.domain.lead_touches import MOST_VISITS, Visited, Visitor
from otklik_contact_center.domain.tracking.touches import Link
from otklik_contact_center.domain.tracking.visit import Touch
from otklik_contact_center.domain.tracking.ways import allowed_way
from otklik_contact_center.store.columns import SCHEMA
from otklik_contact_center.store.folding import columns

_OF: Final = f"""
SELECT l.tenant, l.visitor, l.begins, l.touch FROM unnest($1::text[], $2::bytea[]) AS k(tenant, visitor)
CROSS JOIN LATERAL (
  SELECT tenant, visitor, begins, touch::text AS touch FROM {SCHEMA}.number_lease l
  WHERE l.tenant = k.tenant AND l.visitor = k.visitor
  ORDER BY l.begins DESC LIMIT {MOST_VISITS}) l
"""  # noqa: S608 - a name of our own

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Link)
_touch: Final = msgspec.json.Decoder(dict[str, str])


async def of(
    on: asyncpg.Connection,
    visitors: Collection[Visitor],
    allowed: Mapping[str, frozenset[str]],
) -> dict[Visitor, list[Visited]]:
    """
    The latest visits of visitors, in no order; those of which nothing may be said are left out.

    Args:
        allowed: Names of the attributes that each company lets out.
    """
    found: dict[Visitor, list[Visited]] = {}
    if not visitors:
        return found
    for row in await on.fetch(_OF, *columns(sorted(visitors), 2)):
        touch = Touch(**_touch.decode(row[3]))
        way = allowed_way(touch.source, touch.medium, touch.campaign, allowed[row[0]])
        if way.known:
            found.setdefault((row[0], row[1]), []).append(Visited(row[2], way))
    return found


def packed_link(link: Link | None) -> bytes | None:
    """By whom a contact is known, as `contact.brought` keeps it."""
    return None if link is None else _encoder.encode(link)


def unpacked_link(packed: bytes | None) -> Link | None:
    """The same as it was kept."""
    return None if packed is None else _decoder.decode(packed)
