"""Things of asking that routes are about: programmes, whom they invited, and links."""

import asyncio
import time
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from itertools import count
from typing import Any

from otklik_common.ids import contact_subject
from tests.support.routes_table_asking import ASKS_AFTER_CALLS
from tests.support.routes_world_quality import Company

_PHONES = count(1)


class AskingThings(ABC):
    """Makes them, by a company's own key."""

    @abstractmethod
    async def good(
        self, method: str, path: str, body: Any = None, *, of: Company | None = None, **more: Any
    ) -> Any:
        """A request that must not be refused."""

    async def _poll(self, company: Company, name: str, _: str) -> str:
        body: dict[str, Any] = {**ASKS_AFTER_CALLS, "survey": company.survey}
        # Nobody is invited by all of them at once.
        body |= {"filters": {"touchpoint": [name]}}
        await self.good("PUT", f"/feedback/v1/programmes/{name}", body, of=company)
        return name

    async def _asking(self, company: Company, name: str, branch: str) -> str:
        # Programmes that are put may be put by the other company as well; nobody puts these.
        return await self._poll(company, name, branch)

    async def _link(self, company: Company, name: str, _: str) -> str:
        body = {"survey": company.survey, "kind": "anonymous"}
        await self.good("PUT", f"/feedback/v1/links/{name}", body, of=company)
        return name

    async def _unlinked(self, company: Company, name: str, branch: str) -> str:
        return await self._link(company, name, branch)

    async def _token(self, company: Company, name: str, _: str) -> str:
        body = {"survey": company.survey, "kind": "anonymous"}
        made = await self.good("PUT", f"/feedback/v1/links/{name}", body, of=company)
        return str(made["link"])

    async def _invitation(self, company: Company, name: str, branch: str) -> str:
        """Somebody who called, and was asked by workers that run."""
        path = f"/feedback/v1/programmes/asks-{branch}"
        body = ASKS_AFTER_CALLS | {"survey": company.survey, "filters": {"branch": [branch]}}
        await self.good("PUT", path, body, of=company)
        call = {
            "contact": name,
            "channel": "call",
            "direction": "in",
            "from": f"+7999100{next(_PHONES):04}",
            "branch": branch,
            "at": datetime.now(UTC).isoformat(),
        }
        events = [call | {"id": f"{name}-{kind}", "type": kind} for kind in ("queued", "ended")]
        await self.good("POST", "/contact-center/v1/events", events, of=company)
        contact = str(contact_subject(company.tenant, f"{company.tenant}.default", name))
        began = time.monotonic()
        while True:
            found = await self.good("GET", f"{path}/invitations", of=company, params={"limit": 200})
            for one in found["items"]:
                if one["contact"] == contact and one["state"] == "invited":
                    return str(one["id"])
            assert time.monotonic() - began < 30, f"{name} is not invited: {found['items']}"
            await asyncio.sleep(0.05)
