"""What companies promise, as folds need it: read once for each version of it."""

from collections.abc import Mapping

from otklik_common.clocks.policies import Policies
from otklik_common.clocks.told import policies_of
from otklik_common.directory import Directory, Known

MOST_COMPANIES = 1_000
"""Whose promises are kept ready; those not used for longest go first."""


def known_policies(known: Known) -> Policies:
    """What a company promises, as access told it."""
    return policies_of(known.sla_policies, known.calendars, known.branches)


class PolicyBook:
    """What companies promise, made ready once for each version."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._kept: dict[str, tuple[int, Policies]] = {}

    async def of(self, versions: Mapping[str, int]) -> dict[str, Policies]:
        """
        What companies promise by these versions, or newer ones.

        Args:
            versions: By company, read in the transaction that uses them: see `clocks.versions`.
        """
        return {tenant: await self._one(tenant, version) for tenant, version in versions.items()}

    async def _one(self, tenant: str, version: int) -> Policies:
        found = self._kept.pop(tenant, None)
        if found is None or found[0] != version:
            # What was read before this version was true may lie about for two seconds.
            self._directory.forget(tenant)
            found = version, known_policies(await self._directory.known(tenant))
        self._kept[tenant] = found
        while len(self._kept) > MOST_COMPANIES:
            del self._kept[next(iter(self._kept))]
        return found[1]
