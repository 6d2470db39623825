"""Visits of mystery shoppers: assigned, reported with hashes of evidence, accepted or rejected."""

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field, StringConstraints, model_validator

from otklik_common.callers import Caller, require
from otklik_common.http import (
    PROBLEMS,
    AwareTime,
    IfMatch,
    Now,
    OnceIfKeyed,
    Page,
    Pages,
    Reply,
    StrictModel,
    bad_value,
    check_time,
    etag,
)
from otklik_contact_center.actions.mystery import MysteryVisits, Report
from otklik_contact_center.api.evaluations_schemas import Answers, Note
from otklik_contact_center.api.schemas import Code
from otklik_contact_center.domain.quality.mystery import (
    MOST_EVIDENCE,
    STEPS,
    Evidence,
    Fault,
    Proof,
    State,
    Step,
    Visit,
)
from otklik_contact_center.domain.quality.score import MICRO
from otklik_contact_center.store.mystery import Wanted

PREFIX: Final = "/contact-center/v1"

Reads = Annotated[Caller, Depends(require("evaluations:write"))]
Manages = Annotated[Caller, Depends(require("quality:write"))]
Id = Annotated[UUID, Path()]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

_STEP: Final = PROBLEMS(400, 401, 403, 404, 409, 412, 413, 422)


class VisitBody(StrictModel):
    """A visit to be."""

    form: Code
    branch: Code
    shopper: Code = Field(description="the company's own code of whoever goes there")
    agent: Code | None = None
    begins_at: AwareTime = Field(description="from when it may take place")
    due_at: AwareTime = Field(description="until when, included")
    least_evidence: int = Field(default=1, ge=0, le=MOST_EVIDENCE)
    scenario: Note | None = Field(default=None, description="stays in this service")

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.due_at <= self.begins_at:
            raise bad_value(
                "end_before_start", "due_at must be after begins_at", "due_at раньше begins_at"
            )
        return self


class EvidenceBody(StrictModel):
    """A file, by its hash; the file itself stays where it is."""

    sha256: Hash = Field(description="of its bytes, in hexadecimal")
    kind: Proof


class ReportBody(StrictModel):
    """What a shopper found: an answer to every question, and what proves it."""

    visited_at: AwareTime
    answers: Answers
    evidence: Annotated[tuple[EvidenceBody, ...], Field(max_length=MOST_EVIDENCE)] = ()
    comment: Note | None = None

    @model_validator(mode="after")
    def _shows_each_once(self) -> Self:
        if len({one.sha256 for one in self.evidence}) < len(self.evidence):
            raise bad_value("repeated", "evidence names a file twice", "файл указан дважды")
        return self

    def report(self) -> Report:
        """As it is kept."""
        evidence = [Evidence(one.sha256, one.kind) for one in self.evidence]
        return Report(self.visited_at, self.answers, evidence, self.comment)


class AcceptBody(StrictModel):
    """A word to go with it."""

    reason: Note | None = None


class RejectBody(StrictModel):
    """Why."""

    reason: Note


class VisitOut(BaseModel):
    """A visit of a mystery shopper."""

    id: UUID
    form: str
    form_version: int
    branch: str
    shopper: str
    agent: str | None
    begins_at: datetime
    due_at: datetime
    least_evidence: int
    state: State
    scenario: str | None
    visited_at: datetime | None
    score: float | None = Field(description="0 to 1, by the form; no metric of evaluations has it")
    failed: bool
    faults: list[Fault] = Field(description="what it cannot be accepted with")
    comment: str | None
    reason: str | None = Field(description="of the verdict")
    made_by: str
    made_at: datetime
    reported_by: str | None
    reported_at: datetime | None
    judged_by: str | None
    judged_at: datetime | None
    revision: int

    @classmethod
    def of(cls, visit: Visit) -> Self:
        """The answer for one."""
        return cls(**_short(visit))


class VisitDetail(VisitOut):
    """A visit with what was answered and shown."""

    answers: dict[str, str | int]
    evidence: list[EvidenceBody]
    possible: list[Step] = Field(description="what can be done with it in its state")

    @classmethod
    def of_detail(cls, visit: Visit) -> Self:
        """The answer for one with everything."""
        return cls(
            **_short(visit),
            answers=dict(visit.answers),
            evidence=[EvidenceBody(sha256=one.sha256, kind=one.kind) for one in visit.evidence],
            possible=list(STEPS[visit.state]),
        )


def _short(visit: Visit) -> dict[str, Any]:
    plain = {name: getattr(visit, name) for name in VisitOut.model_fields if name != "score"}
    score = None if visit.score_micro is None else visit.score_micro / MICRO
    return plain | {"score": score, "faults": list(visit.faults)}


async def _wanted(
    state: Annotated[State | None, Query()] = None,
    branch: Annotated[Code | None, Query()] = None,
    shopper: Annotated[Code | None, Query()] = None,
    form: Annotated[Code | None, Query()] = None,
    begins: Annotated[AwareTime | None, Query(alias="from", description="due from then on")] = None,
    ends: Annotated[AwareTime | None, Query(alias="to", description="begin before")] = None,
) -> Wanted:
    return Wanted(state, branch, shopper, form, begins, ends)


def router(visits: MysteryVisits) -> APIRouter:
    """The routes."""
    made = APIRouter(prefix=PREFIX, tags=["quality of talk"])

    @made.get(
        "/mystery-visits",
        operation_id="list_mystery_visits",
        summary="Visits of mystery shoppers",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_all(
        caller: Reads, wanted: Annotated[Wanted, Depends(_wanted)], paging: Pages
    ) -> Page[VisitOut]:
        """Of the branches within reach, those assigned last first."""
        part = paging.part(caller.tenant)
        found = await visits.listed(caller, wanted, part)
        return part.page(found, key=lambda one: (one.made_at, one.id), item=VisitOut.of)

    @made.get(
        "/mystery-visits/{visit_id}",
        operation_id="get_mystery_visit",
        summary="One visit",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def get(visit_id: Id, caller: Reads, response: Response) -> VisitDetail:
        """With what was answered and shown."""
        return _told(await visits.get(caller, visit_id), response)

    @made.post(
        "/mystery-visits",
        status_code=201,
        operation_id="assign_mystery_visit",
        summary="Assign a visit",
        response_model=VisitDetail,
        responses=PROBLEMS(400, 401, 403, 404, 409, 413, 422),
    )
    async def assign(body: VisitBody, caller: Manages, now: Now, once: OnceIfKeyed) -> Response:
        """To a shopper, within a time, by the version of the form that holds now."""
        visit = Visit(
            id=uuid4(),
            form_version=0,
            made_by=caller.principal,
            made_at=now,
            **body.model_dump(),
        )

        def show(one: Visit) -> Reply:
            return Reply.json(201, VisitDetail.of_detail(one), etag=etag(one.revision))

        return (await visits.assign(caller, visit, once=once, show=show)).response()

    @made.post(
        "/mystery-visits/{visit_id}/report",
        operation_id="report_mystery_visit",
        summary="Report a visit",
        responses=_STEP,
    )
    async def report(
        visit_id: Id,
        body: ReportBody,
        caller: Reads,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> VisitDetail:
        """
        What was found, with the hashes of what proves it. A visit at another time, without enough
        evidence or with a file that another visit has shown can only be rejected.
        """
        check_time(body.visited_at, now)
        done = await visits.report(caller, visit_id, body.report(), expected=expected, now=now)
        return _told(done, response)

    @made.post(
        "/mystery-visits/{visit_id}/accept",
        operation_id="accept_mystery_visit",
        summary="Accept a visit",
        responses=_STEP,
    )
    async def accept(
        visit_id: Id,
        body: AcceptBody,
        caller: Manages,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> VisitDetail:
        """By somebody else than who reported it."""
        done = await visits.judge(
            caller, visit_id, Step.ACCEPT, body.reason, expected=expected, now=now
        )
        return _told(done, response)

    @made.post(
        "/mystery-visits/{visit_id}/reject",
        operation_id="reject_mystery_visit",
        summary="Reject a visit",
        responses=_STEP,
    )
    async def reject(
        visit_id: Id,
        body: RejectBody,
        caller: Manages,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> VisitDetail:
        """By somebody else than who reported it, with the reason."""
        done = await visits.judge(
            caller, visit_id, Step.REJECT, body.reason, expected=expected, now=now
        )
        return _told(done, response)

    @made.post(
        "/mystery-visits/{visit_id}/cancel",
        operation_id="cancel_mystery_visit",
        summary="Cancel a visit",
        responses=_STEP,
    )
    async def cancel(
        visit_id: Id,
        body: RejectBody,
        caller: Manages,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> VisitDetail:
        """Before there is a verdict."""
        done = await visits.judge(
            caller, visit_id, Step.CANCEL, body.reason, expected=expected, now=now
        )
        return _told(done, response)

    return made


def _told(visit: Visit, response: Response) -> VisitDetail:
    response.headers["ETag"] = etag(visit.revision)
    return VisitDetail.of_detail(visit)
