"""What companies promise, as folds need it: read once for each version of it."""

from collections.abc import Mapping
from functools import partial

from otklik_common.clocks.policies import Policies
from otklik_common.clocks.ready import ReadyPolicies
from otklik_common.clocks.told import policies_of
from otklik_common.directory import Directory, Known


def known_policies(known: Known) -> Policies:
    """What a company promises, as access told it."""
    return policies_of(known.sla_policies, known.calendars, known.branches)


class PolicyBook:
    """What companies promise, made ready once for each version."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._ready = ReadyPolicies()

    async def of(self, versions: Mapping[str, int]) -> dict[str, Policies]:
        """
        What companies promise by these versions, or newer ones.

        Args:
            versions: By company, read in the transaction that uses them: see `clocks.versions`.
        """
        return {
            tenant: await self._ready.of(tenant, version, partial(self._read, tenant))
            for tenant, version in versions.items()
        }

    async def _read(self, tenant: str) -> Policies:
        # What was read before this version was true may lie about for two seconds.
        self._directory.forget(tenant)
        return known_policies(await self._directory.known(tenant))
