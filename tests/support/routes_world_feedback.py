"""Things of feedback that routes are about: reviews."""

from dataclasses import dataclass

from tests.support.routes_table_feedback import a_review
from tests.support.routes_world_quality import Company, QualityThings


@dataclass
class FeedbackThings(QualityThings):
    """What makes them."""

    async def _review(self, company: Company, name: str, branch: str) -> str:
        body = a_review(name, branch, text=f"{company.word} {branch}")
        return str((await self.good("POST", "/feedback/v1/reviews", body, of=company))["id"])
