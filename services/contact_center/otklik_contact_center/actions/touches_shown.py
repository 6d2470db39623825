"""What brought a request, for those who look at it: its touches, and what each model gives to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from otklik_contact_center.domain.lead_step import Told
from otklik_contact_center.domain.lead_touches import MOST_DEALS, arrivals_of, visitors_of
from otklik_contact_center.domain.tracking.touches import Arrivals, Path
from otklik_contact_center.store import folding, people, visits


class Split(NamedTuple):
    """The touches of something that was reached: a deal, or (None) the request itself."""

    deal: Told | None
    at: datetime
    path: Path


class Touched(NamedTuple):
    """
    What brought a request.

    Attributes:
        path: Its touches until now.
        splits: Of the request, and of its first deals.
    """

    path: Path
    splits: list[Split]


async def read_touches(
    on: asyncpg.Connection,
    tenant: str,
    contact: UUID,
    *,
    created_at: datetime,
    steps: Sequence[Told],
    now: datetime,
) -> Touched:
    """
    What brought the request that a contact opened.

    Args:
        steps: Its steps, in the order of time.
    """
    mine = await people.around(on, (tenant, contact))
    declared = await folding.declared(on, [tenant])
    allowed = {tenant: declared[tenant].allowed}
    visitors = {(tenant, visitor) for visitor in visitors_of(mine)}
    arrivals = arrivals_of(tenant, mine, await visits.of(on, visitors, allowed))
    deals = [step for step in steps if step.step == "deal"][:MOST_DEALS]
    splits = [_split(arrivals, contact, created_at, deal) for deal in (None, *deals)]
    until = max([now, *(one.at for one in splits)])
    return Touched(arrivals.path(contact, created_at, until), splits)


def _split(arrivals: Arrivals, opener: UUID, begun: datetime, deal: Told | None) -> Split:
    at = begun if deal is None else deal.at
    return Split(deal, at, arrivals.path(opener, begun, at))
