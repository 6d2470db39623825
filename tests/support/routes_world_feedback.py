"""Things of feedback that routes are about: reviews and claims."""

from dataclasses import dataclass

from tests.support.routes_table_feedback import a_claim, a_review
from tests.support.routes_world_quality import Company, QualityThings


@dataclass
class FeedbackThings(QualityThings):
    """What makes them."""

    async def _review(self, company: Company, name: str, branch: str) -> str:
        body = a_review(name, branch, text=f"{company.word} {branch}")
        return str((await self.good("POST", "/feedback/v1/reviews", body, of=company))["id"])

    async def _claim(self, company: Company, name: str, branch: str) -> str:
        body = a_claim(name, branch, text=f"{company.word} {branch}")
        return str((await self.good("POST", "/feedback/v1/claims", body, of=company))["id"])

    async def _worked(self, company: Company, name: str, branch: str) -> str:
        claim = await self._claim(company, name, branch)
        path = f"/feedback/v1/claims/{claim}/work-off"
        await self.good("POST", path, {"reason": "refunded", "note": "paid"}, of=company)
        return claim
