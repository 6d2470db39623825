"""What companies promise, ready to count by."""

from collections.abc import Awaitable, Callable
from typing import Final

from otklik_common.clocks.policies import Policies

MOST_COMPANIES: Final = 1_000
"""Whose promises are kept ready; those not used for longest go first."""


class ReadyPolicies:
    """What companies promise, made ready once for each version of it."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, Policies]] = {}

    async def of(
        self, tenant: str, version: int, read: Callable[[], Awaitable[Policies]]
    ) -> Policies:
        """
        What a company promises by a version.

        Args:
            read: Tells it by that version, or a newer one; asked where it is not ready.
        """
        found = self._kept.pop(tenant, None)
        if found is None or found[0] != version:
            found = version, await read()
        self._kept[tenant] = found
        while len(self._kept) > MOST_COMPANIES:
            del self._kept[next(iter(self._kept))]
        return found[1]
