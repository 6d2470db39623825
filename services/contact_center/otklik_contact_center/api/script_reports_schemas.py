"""What all checklists of a script come to, as routes answer it."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from otklik_contact_center.actions.script_reports import EndingsReport, OfVersion, SkippedReport
from otklik_contact_center.domain.script.skipped import Skipped
from otklik_contact_center.store.checklists import Ending


class SkipperOut(BaseModel):
    """Who skips an item."""

    agent: str
    missed: int


class SkippedItemOut(BaseModel):
    """How often an item came to what."""

    item: str
    texts: dict[str, str]
    compulsory: bool
    done: int
    missed: int = Field(description="not done, or not ticked")
    not_applicable: int
    skipped: float | None = Field(
        description="missed of done and missed, 0 to 1; null: it was never asked"
    )
    by: list[SkipperOut] = Field(description="the five who missed it most often")


class SkippedVersionOut(BaseModel):
    """A version, its items the most skipped first."""

    version: int
    runs: int = Field(description="checklists")
    items: list[SkippedItemOut]

    @classmethod
    def of(cls, one: OfVersion) -> Self:
        """The answer for a version."""

        def item(each: Skipped) -> SkippedItemOut:
            by = [SkipperOut(**who._asdict()) for who in one.skippers[each.item.code]]
            return SkippedItemOut(
                item=each.item.code,
                texts=each.item.texts,
                compulsory=each.item.compulsory,
                skipped=each.share,
                by=by,
                **each.counts._asdict(),
            )

        return cls(version=one.version, runs=one.runs, items=[item(each) for each in one.items])


class SkippedOut(BaseModel):
    """What of a script is skipped."""

    begins: datetime = Field(serialization_alias="from")
    ends: datetime = Field(serialization_alias="to")
    versions: list[SkippedVersionOut]

    @classmethod
    def of(cls, report: SkippedReport) -> Self:
        """The answer for a period."""
        versions = [SkippedVersionOut.of(one) for one in report.versions]
        return cls(begins=report.begins, ends=report.ends, versions=versions)


class EndingOut(BaseModel):
    """What became of conversations."""

    runs: int = Field(description="checklists of contacts")
    requests: int = Field(description="of these contacts, those that opened a request")
    qualified: int = Field(description="of these requests")
    shown: int = Field(description="of these requests, with a showing")
    dealt: int = Field(description="of these requests, with a deal")
    qualified_share: float | None = Field(description="of the requests; null where there are none")
    shown_share: float | None
    dealt_share: float | None

    @classmethod
    def of(cls, one: Ending) -> Self:
        """The answer for one of both."""

        def share(count: int) -> float | None:
            return None if one.requests == 0 else count / one.requests

        return cls(
            runs=one.runs,
            requests=one.requests,
            qualified=one.qualified,
            shown=one.shown,
            dealt=one.dealt,
            qualified_share=share(one.qualified),
            shown_share=share(one.shown),
            dealt_share=share(one.dealt),
        )


class EndingsOut(BaseModel):
    """How conversations end that kept a script, and the others."""

    begins: datetime = Field(serialization_alias="from")
    ends: datetime = Field(serialization_alias="to")
    kept: EndingOut = Field(description="nothing compulsory was missed")
    missed: EndingOut = Field(description="something was")

    @classmethod
    def of(cls, report: EndingsReport) -> Self:
        """The answer for a period."""
        kept, missed = (EndingOut.of(one) for one in report.endings)
        return cls(begins=report.begins, ends=report.ends, kept=kept, missed=missed)
