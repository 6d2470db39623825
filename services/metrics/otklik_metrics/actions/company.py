"""What a query must know of the company that asks."""

from dataclasses import replace
from datetime import datetime

from otklik_common.db import Database
from otklik_common.directory import Directory
from otklik_metrics.domain.company import Company
from otklik_metrics.store import query_state


async def company_of(directory: Directory, tenant: str) -> Company:
    """The company, as access says."""
    known = await directory.known(tenant)
    own = {code: known.calendars.get(one.calendar or "") for code, one in known.branches.items()}
    return Company(
        tenant=tenant,
        currency=known.company.currency if known.company else "RUB",
        timezone=known.company.timezone if known.company else "UTC",
        groups_of={code: branch.groups for code, branch in known.branches.items()},
        calendar=known.default_calendar,
        branch_calendars={code: one for code, one in own.items() if one is not None},
    )


async def company_then(db: Database, company: Company, moment: datetime) -> Company:
    """The company with the zone that its numbers were counted by at a moment, if they were."""
    async with db.begin(company.tenant) as tx:
        timezone = await query_state.zone_as_of(tx, company.tenant, moment)
    return company if timezone is None else replace(company, timezone=timezone)
