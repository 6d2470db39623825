"""Reading leads, for those who work on them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from otklik_common.callers import Caller
from otklik_common.db import Database, raw
from otklik_common.directory import Directory
from otklik_common.errors import NotFound
from otklik_common.paging import Part
from otklik_contact_center.actions.paces import Pace, pace_of
from otklik_contact_center.actions.touches_shown import Touched, read_touches
from otklik_contact_center.domain.facts import lead_id
from otklik_contact_center.store import leads_read
from otklik_contact_center.store.leads_read import Kept, KeptStep, Wanted


class LeadNotFound(NotFound):
    """No such contact opened a lead, or the lead is out of reach."""

    code = "lead_not_found"


class Detail(NamedTuple):
    """A lead with the latest of its steps, what brought it, and the pace it keeps."""

    kept: Kept
    steps: list[KeptStep]
    touched: Touched
    pace: Pace | None


async def list_leads(db: Database, caller: Caller, wanted: Wanted, part: Part) -> list[Kept]:
    """Leads within reach, the newest first."""
    async with db.begin(caller.tenant) as tx:
        return await leads_read.listed(tx, caller.tenant, wanted, caller.branches, part)


async def read_lead(
    db: Database, directory: Directory, caller: Caller, contact: UUID, now: datetime
) -> Detail:
    """The lead that a contact opened. Raises LeadNotFound, also when it is out of reach."""
    tenant = caller.tenant
    known = await directory.known(tenant)
    async with db.begin(tenant) as tx:
        kept = await leads_read.get(tx, tenant, contact, caller.branches)
        if kept is None:
            raise LeadNotFound(
                f"contact {contact} opened no lead",
                detail_ru=f"с обращения {contact} не началась ни одна заявка",
            )
        steps = await leads_read.steps_of(tx, tenant, lead_id(tenant, contact), caller.branches)
        touched = await read_touches(
            await raw(tx),
            tenant,
            contact,
            created_at=kept.created_at,
            steps=[one.told for one in steps],
            now=now,
        )
        pace = await pace_of(tx, tenant, contact, kept.data, known, now)
        return Detail(kept, steps, touched, pace)


async def list_waiting(db: Database, caller: Caller, part: Part) -> list[KeptStep]:
    """Steps within reach that belong to no lead that is known, the newest first."""
    async with db.begin(caller.tenant) as tx:
        return await leads_read.waiting(tx, caller.tenant, caller.branches, part)
