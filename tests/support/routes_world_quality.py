"""Things of quality of talk that routes are about: calls, forms, evaluations, calibrations."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from otklik_common.ids import contact_subject
from tests.support.routes_table_quality import (
    A_REPORT,
    A_SCRIPT,
    ANSWERS,
    FOR_ALL,
    FORM,
    SCORING,
    SCRIPTED,
    TICKED,
    WHY,
    a_visit,
)

CALLED = "2026-01-12T09:00:00+03:00"
CALLS = 60
"""Of a branch that are pushed while workers run."""


@dataclass
class Company:
    """
    A company, and the ids of its things by kind and branch: `case own` → id.

    Attributes:
        word: Stands in its texts and nowhere else.
    """

    tenant: str
    key: str
    word: str
    survey: str = ""
    things: dict[str, str] = field(default_factory=dict)


OF_CALLS = frozenset(
    (
        "call",
        "recorded",
        "evaluation",
        "released",
        "disputed",
        "calibration",
        "calibrated",
        "ticked",
    )
)
"""Things that are made of a call each."""


@dataclass
class QualityThings(ABC):
    """
    What makes them.

    Attributes:
        calls: That nothing was done with yet, by company and branch: workers may have stopped.
        second: A key of another evaluator, by company.
    """

    calls: defaultdict[tuple[str, str], list[str]] = field(
        default_factory=lambda: defaultdict(list), kw_only=True
    )
    second: dict[str, list[str]] = field(default_factory=dict, kw_only=True)

    @abstractmethod
    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None, **more: Any
    ) -> httpx.Response:
        """A request, whatever it is answered."""

    @abstractmethod
    async def good(
        self, method: str, path: str, body: Any = None, *, of: Company | None = None, **more: Any
    ) -> Any:
        """The same by a company's own key; it must not be refused."""

    async def _call(self, company: Company, name: str, branch: str) -> str:
        stock = self.calls[company.tenant, branch]
        return stock.pop() if stock else (await self.push_calls(company, branch, [name]))[0]

    async def push_calls(self, company: Company, branch: str, names: Sequence[str]) -> list[str]:
        """Calls that an agent has answered, recorded at a private address, once they are folded."""
        events = [event for name in names for event in a_call(name, branch)]
        await self.good("POST", "/contact-center/v1/events", events, of=company)
        source = f"{company.tenant}.default"
        ids = [str(contact_subject(company.tenant, source, name)) for name in names]
        began = time.monotonic()
        for id_ in ids:
            path = f"/contact-center/v1/contacts/{id_}"
            while (await self.ask("GET", path, key=company.key)).status_code == 404:
                assert time.monotonic() - began < 30, f"{id_} is not folded"
                await asyncio.sleep(0.02)
        return ids

    async def _recorded(self, company: Company, name: str, branch: str) -> str:
        return await self._call(company, name, branch)

    async def _script(self, company: Company, name: str, _: str) -> str:
        await self.good("PUT", f"/contact-center/v1/scripts/{name}", dict(A_SCRIPT), of=company)
        return name

    async def _playbook(self, company: Company, name: str, branch: str) -> str:
        return await self._script(company, name, branch)

    async def _ticked(self, company: Company, name: str, branch: str) -> str:
        contact = await self._call(company, name, branch)
        script = f"/contact-center/v1/scripts/{SCRIPTED}"
        await self.good("PUT", script, dict(FOR_ALL), of=company)
        path = f"/contact-center/v1/contacts/{contact}/script"
        await self.good("PUT", path, dict(TICKED), of=company)
        return contact

    async def _visit(self, company: Company, _: str, branch: str) -> str:
        visits = "/contact-center/v1/mystery-visits"
        await self._scoring(company)
        return str((await self.good("POST", visits, a_visit(branch), of=company))["id"])

    async def _visited(self, company: Company, name: str, branch: str) -> str:
        id_ = await self._visit(company, name, branch)
        path = f"/contact-center/v1/mystery-visits/{id_}/report"
        # By another than who is to judge it, where there is one.
        key = self.second.get(company.tenant, [company.key])[0]
        answer = await self.ask("POST", path, dict(A_REPORT), key=key)
        assert answer.is_success, answer.text
        return id_

    async def _form(self, company: Company, name: str, _: str) -> str:
        await self._scoring(company)
        path = f"/contact-center/v1/evaluation-forms/{name}"
        await self.good("PUT", path, dict(FORM), of=company)
        return name

    async def _scoring(self, company: Company) -> None:
        path = f"/contact-center/v1/evaluation-forms/{SCORING}"
        await self.good("PUT", path, dict(FORM), of=company)

    async def _scorecard(self, company: Company, name: str, branch: str) -> str:
        return await self._form(company, name, branch)

    async def _rule(self, company: Company, name: str, _: str) -> str:
        await self._scoring(company)
        body = {"form": SCORING, "percent": 5}
        await self.good("PUT", f"/contact-center/v1/evaluation-rules/{name}", body, of=company)
        return name

    async def _lots(self, company: Company, name: str, branch: str) -> str:
        return await self._rule(company, name, branch)

    async def _evaluation(self, company: Company, name: str, branch: str) -> str:
        contact = await self._call(company, name, branch)
        body = {"contact": contact, "form": SCORING, "answers": ANSWERS}
        made = await self.good("POST", "/contact-center/v1/evaluations", body, of=company)
        return str(made["id"])

    async def _released(self, company: Company, name: str, branch: str) -> str:
        id_ = await self._evaluation(company, name, branch)
        path = f"/contact-center/v1/evaluations/{id_}"
        await self.good("POST", f"{path}/release", {}, of=company)
        return id_

    async def _disputed(self, company: Company, name: str, branch: str) -> str:
        id_ = await self._released(company, name, branch)
        path = f"/contact-center/v1/evaluations/{id_}"
        await self.good("POST", f"{path}/dispute", dict(WHY), of=company)
        return id_

    async def _calibration(self, company: Company, name: str, branch: str) -> str:
        contact = await self._call(company, name, branch)
        body = {"contact": contact, "form": SCORING}
        made = await self.good("POST", "/contact-center/v1/calibrations", body, of=company)
        return str(made["id"])

    async def _calibrated(self, company: Company, name: str, branch: str) -> str:
        id_ = await self._calibration(company, name, branch)
        path = f"/contact-center/v1/calibrations/{id_}/answers"
        for key in (company.key, *self.second.get(company.tenant, ())):
            answer = await self.ask("PUT", path, {"answers": dict(ANSWERS)}, key=key)
            assert answer.is_success, answer.text
        return id_


def a_call(name: str, branch: str) -> list[dict[str, Any]]:
    """The events of a call; not of the week of which metrics are asked."""
    common = {"contact": name, "at": CALLED}
    said = {**common, "channel": "call", "direction": "in", "branch": branch}
    heard = {"recording_url": "https://127.0.0.1/a.mp3"}
    return [
        {**said, "id": f"{name}-q", "type": "queued"},
        {**said, "id": f"{name}-a", "type": "answered", "agent": "petrova"},
        {**common, "id": f"{name}-r", "type": "recording", "attributes": heard},
    ]
