"""Which contacts are to be evaluated, and how far that is."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Self, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AfterValidator, BaseModel, Field, model_validator

from otklik_common.callers import Caller, require, require_everywhere
from otklik_common.http import (
    PROBLEMS,
    IfMatch,
    Now,
    Page,
    Pages,
    StrictModel,
    bad_value,
    etag,
)
from otklik_common.paging import Part
from otklik_contact_center.actions.sampling import Sample, Sampling
from otklik_contact_center.api.evaluation_forms_schemas import Texts
from otklik_contact_center.api.schemas import Code
from otklik_contact_center.domain.events import MAX_SECONDS, Channel
from otklik_contact_center.domain.quality.evaluation import State
from otklik_contact_center.domain.quality.sampling import Rule
from otklik_contact_center.store.sampling import KeptRule, Seen

PREFIX: Final = "/contact-center/v1"

Evaluates = Annotated[Caller, Depends(require("evaluations:write"))]
Manages = Annotated[Caller, Depends(require_everywhere("quality:write"))]
RuleCode = Annotated[Code, Path()]
Named = Annotated[Code, Query(description="code of the rule")]


def _monday(text: str) -> date:
    try:
        return date.fromisocalendar(int(text[:4]), int(text[-2:]), 1)
    except ValueError:
        raise bad_value("bad_week", "is no week of that year", "такой недели в году нет") from None


Monday = Annotated[
    str | None,
    Query(
        pattern=r"^(19|20)[0-9]{2}-W(0[1-9]|[1-4][0-9]|5[0-3])$",
        description="of ISO 8601; without it the last week that is over",
        examples=["2026-W10"],
    ),
    AfterValidator(lambda text: None if text is None else _monday(text)),
]


class RuleBody(StrictModel):
    """A rule to be: a share of all contacts, or a number of each agent's."""

    form: Code = Field(description="by which they are evaluated")
    names: Texts = Field(default_factory=dict)
    percent: int | None = Field(default=None, ge=1, le=100, description="of all, on the average")
    per_agent: int | None = Field(default=None, ge=1, le=500, description="of each agent and week")
    channels: Annotated[tuple[Channel, ...], Field(max_length=9)] = Field(
        default=(), description="none: all"
    )
    queues: Annotated[tuple[Code, ...], Field(max_length=100)] = Field(
        default=(), description="none: all"
    )
    least_talked_seconds: int | None = Field(default=None, ge=1, le=MAX_SECONDS)

    @model_validator(mode="after")
    def _says_how_many(self) -> Self:
        if (self.percent is None) == (self.per_agent is None):
            raise bad_value(
                "one_of_two",
                "say either percent or per_agent",
                "укажите либо percent, либо per_agent",
            )
        return self

    def rule(self, code: str) -> Rule:
        """As it is kept."""
        return Rule(code=code, **self.model_dump())


class RuleOut(RuleBody):
    """A rule."""

    code: str

    @classmethod
    def of(cls, kept: KeptRule) -> Self:
        """The answer for one."""
        fields = Rule.__struct_fields__
        return cls(**{name: getattr(kept.value, name) for name in fields})


class WantedOut(BaseModel):
    """A contact that is to be evaluated."""

    contact: UUID
    at: datetime = Field(description="when it began")
    agent: str
    channel: str
    queue: str | None
    branch: str | None
    evaluation: UUID | None = Field(description="by the rule's form; null: not yet begun")
    state: State | None

    @classmethod
    def of(cls, one: Seen) -> Self:
        """The answer for one."""
        return cls(**one._asdict())


class SamplePage(Page[WantedOut]):
    """A part of a sample."""

    rule: str
    form: str
    week: date = Field(description="its Monday, where the company is")
    final: bool = Field(
        description="the week is over; until then a number per agent may pick others"
    )


class CoverageOut(BaseModel):
    """How far an agent's part of a sample is."""

    agent: str
    contacts: int = Field(description="that could have been picked")
    wanted: int = Field(description="that were")
    evaluated: int = Field(description="of these, with an evaluation that was released")
    drafted: int = Field(description="of these, with one that is a draft")
    besides: int = Field(description="evaluations of contacts that were not picked")


class CoverageOfWeek(BaseModel):
    """How far the sample of a week is, by agent."""

    rule: str
    form: str
    week: date = Field(description="its Monday, where the company is")
    final: bool
    wanted: int
    evaluated: int
    agents: list[CoverageOut]


def router(sampling: Sampling) -> APIRouter:
    """The routes."""
    made = APIRouter(prefix=PREFIX, tags=["quality of talk"])

    @made.get(
        "/evaluation-rules",
        operation_id="list_evaluation_rules",
        summary="Rules of samples",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_all(caller: Evaluates, paging: Pages) -> Page[RuleOut]:
        """By their codes."""
        part = paging.part(caller.tenant)
        found = await sampling.listed(caller.tenant, part)
        return part.page(found, key=lambda one: (one.value.code,), item=RuleOut.of)

    @made.get(
        "/evaluation-rules/{code}",
        operation_id="get_evaluation_rule",
        summary="One rule",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def get(code: RuleCode, caller: Evaluates, response: Response) -> RuleOut:
        """What is to be evaluated by it."""
        kept = await sampling.get(caller.tenant, code)
        response.headers["ETag"] = etag(kept.revision)
        return RuleOut.of(kept)

    @made.put(
        "/evaluation-rules/{code}",
        operation_id="put_evaluation_rule",
        summary="Make a rule, or change it",
        responses=PROBLEMS(400, 401, 403, 412, 422),
    )
    async def put(
        code: RuleCode,
        body: RuleBody,
        caller: Manages,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> RuleOut:
        """
        Contacts are picked by a hash under a key that nobody knows, and by their id alone: an edit
        draws no new lots, it only asks for more or less.
        """
        kept = await sampling.put(caller, body.rule(code), expected=expected, now=now)
        response.headers["ETag"] = etag(kept.revision)
        return RuleOut.of(kept)

    @made.delete(
        "/evaluation-rules/{code}",
        status_code=204,
        operation_id="remove_evaluation_rule",
        summary="Take a rule out",
        responses=PROBLEMS(400, 401, 403, 404, 412, 422),
    )
    async def remove(code: RuleCode, caller: Manages, expected: IfMatch) -> None:
        """What was evaluated by it stays."""
        await sampling.remove(caller, code, expected=expected)

    @made.get(
        "/evaluation-sample",
        operation_id="list_evaluation_sample",
        summary="Contacts that are to be evaluated",
        responses=PROBLEMS(400, 401, 403, 404, 422),
    )
    async def sample(
        caller: Evaluates, paging: Pages, now: Now, rule: Named, week: Monday = None
    ) -> SamplePage:
        """Of a week, within reach, in the order in which they began; evaluated ones say so."""
        part = paging.part(caller.tenant)
        found = await sampling.sample(caller, rule, cast("date | None", week), now)
        page = part.page(_behind(found.wanted, part), key=_key, item=WantedOut.of)
        return SamplePage(items=page.items, next_cursor=page.next_cursor, **_head(found))

    @made.get(
        "/evaluation-sample/coverage",
        operation_id="get_evaluation_coverage",
        summary="How far a sample is, by agent",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def covered(
        caller: Evaluates, now: Now, rule: Named, week: Monday = None
    ) -> CoverageOfWeek:
        """Evaluated of what was asked for; what was evaluated besides is told apart."""
        found = await sampling.sample(caller, rule, cast("date | None", week), now)
        return CoverageOfWeek(
            **_head(found),
            wanted=sum(one.wanted for one in found.coverage),
            evaluated=sum(one.evaluated for one in found.coverage),
            agents=[
                CoverageOut(**{name: getattr(one, name) for name in CoverageOut.model_fields})
                for one in found.coverage
            ],
        )

    return made


def _head(found: Sample) -> dict[str, Any]:
    return {
        "rule": found.rule.code,
        "form": found.rule.form,
        "week": found.week.monday,
        "final": found.final,
    }


def _key(one: Seen) -> tuple[datetime, UUID]:
    return one.at, one.contact


def _behind(wanted: Sequence[Seen], part: Part) -> list[Seen]:
    """One more than a page, behind the cursor."""
    after = part.after
    return [one for one in wanted if after is None or _key(one) > tuple(after)][: part.limit + 1]
