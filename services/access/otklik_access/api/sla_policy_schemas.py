"""What the routes around policies of service take and give."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from otklik_access.api.words import Names
from otklik_access.domain.kept import Kept
from otklik_access.domain.sla_policies import Policy
from otklik_common.events.access import OtherTarget, SlaTarget, SlaTerms
from otklik_common.http import AwareTime
from otklik_common.terms_body import TermsBody


class PolicyBody(TermsBody):
    """A policy as it should be from a moment on; a condition left empty fits every contact."""

    names: Names = Field(default_factory=dict)
    valid_from: AwareTime | None = Field(
        default=None,
        description="since when; null: now. Clocks that began before keep what was promised then:"
        " a moment of the past changes past promises",
    )


class TermsOut(BaseModel):
    """What a policy promises from a moment on."""

    since: datetime | None
    active: bool = Field(description="false: from then on it promises nothing")
    priority: int
    channels: tuple[str, ...]
    parties: tuple[str, ...]
    branches: tuple[str, ...]
    groups: tuple[str, ...]
    queues: tuple[str, ...]
    segments: tuple[str, ...]
    service_levels: tuple[str, ...]
    calendar: str | None
    targets: tuple[SlaTarget | OtherTarget, ...]

    @classmethod
    def of(cls, terms: SlaTerms) -> Self:
        """The answer for one of a policy's terms: targets in one list, as they were written."""
        told = terms.model_dump(exclude={"targets", "other_targets"})
        return cls(**told, targets=(*terms.targets, *terms.other_targets))


class PolicyOut(BaseModel):
    """A policy, with all that it ever promised."""

    code: str
    names: dict[str, str]
    terms: list[TermsOut]

    @classmethod
    def of(cls, kept: Kept[Policy]) -> Self:
        """The answer for a policy."""
        value = kept.value
        return cls(
            code=value.code,
            names=value.names,
            terms=[TermsOut.of(terms) for terms in value.terms],
        )
