"""What a query must know of the company that asks."""

from otklik_common.directory import Directory
from otklik_metrics.domain.query import Company


async def company_of(directory: Directory, tenant: str) -> Company:
    """The company, as access says."""
    known = await directory.known(tenant)
    return Company(
        tenant=tenant,
        currency=known.company.currency if known.company else "RUB",
        timezone=known.company.timezone if known.company else "UTC",
        groups_of={code: branch.groups for code, branch in known.branches.items()},
    )
