"""Cases: who must be called, and what was done about it."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field, field_validator

from otklik_common.events.feedback import CaseState
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
    etag,
)
from otklik_feedback.actions import cases as actions
from otklik_feedback.actions.cases import Done, ShownCase
from otklik_feedback.api.cases_schemas import (
    AnswerOfCase,
    CaseDetail,
    CaseOut,
    StepOut,
    shown_case,
)
from otklik_feedback.api.context import PREFIX, Db, Keys, MayReadCases, MayWriteCases, Word
from otklik_feedback.api.schemas import CustomerOut, shown_answer
from otklik_feedback.api.schemas_readings import ReadingOut
from otklik_feedback.domain.case import MOST_NOTE, Case
from otklik_feedback.store.cases import Filters

router = APIRouter(prefix=f"{PREFIX}/cases", tags=["feedback: cases"])

CasePath = Annotated[UUID, Path(alias="case", description="id of the case")]
Filter = Annotated[str | None, Query(min_length=1, max_length=100)]


class StepBody(StrictModel):
    """What was done about a case."""

    reason: Word = Field(description="reason code", examples=["reached", "apologised"])
    note: str = Field(
        min_length=1, max_length=MOST_NOTE, description="what was said and agreed; never blank"
    )
    at: AwareTime | None = Field(default=None, description="when it was done; left out: now")

    @field_validator("note")
    @classmethod
    def _says_something(cls, note: str) -> str:
        if not note.strip():
            raise bad_value("blank", "must not be blank", "не должно быть пустым")
        return note.strip()

    def done(self, now: datetime) -> Done:
        """The same for the action."""
        return Done(self.reason, self.note, self.at or now)


@router.get(
    "",
    operation_id="list_cases",
    summary="List cases",
    responses=PROBLEMS(400, 401, 403, 422),
)
async def list_cases(
    caller: MayReadCases,
    db: Db,
    pages: Pages,
    now: Now,
    *,
    state: CaseState | None = None,
    overdue: Annotated[
        bool | None, Query(description="true: only those past their time and not closed")
    ] = None,
    branch: Filter = None,
    agent: Filter = None,
    review: Annotated[UUID | None, Query(description="the review that opened it")] = None,
    claim: Annotated[UUID | None, Query(description="the claim that opened it")] = None,
) -> Page[CaseOut]:
    """Cases within reach, the newest first."""
    wanted = pages.part(caller.tenant)
    filters = Filters(
        state=state,
        overdue_at=now if overdue else None,
        branch=branch,
        agent=agent,
        review=review,
        claim=claim,
    )
    found = await actions.list_cases(db, caller, filters, wanted)
    return wanted.page(
        found,
        key=lambda case: (case.opened_at, case.id),
        item=lambda case: CaseOut.of(case, now),
    )


@router.get(
    "/{case}",
    operation_id="get_case",
    summary="Read a case",
    responses=PROBLEMS(401, 403, 404, 422),
)
async def get_case(
    case: CasePath, caller: MayReadCases, db: Db, means: Keys, now: Now, response: Response
) -> CaseDetail:
    """A case with the customer, what they answered, and every step taken."""
    shown = await actions.read_case(db, means, caller, case)
    response.headers["ETag"] = etag(shown.case.revision)
    return _detail(shown, now)


@router.post(
    "/{case}/contacted",
    operation_id="contact_case",
    summary="Say that somebody spoke to the customer",
    response_model=CaseOut,
    responses=PROBLEMS(400, 401, 403, 404, 409, 412, 413, 422),
)
async def contact_case(
    case: CasePath,
    body: StepBody,
    caller: MayWriteCases,
    db: Db,
    means: Keys,
    now: Now,
    expected: IfMatch,
    once: OnceIfKeyed,
) -> Response:
    """The case becomes `contacted`; the note is compulsory."""
    reply = await actions.mark_contacted(
        db,
        means,
        caller,
        case,
        body.done(now),
        now=now,
        expected=expected,
        once=once,
        show=_show(now),
    )
    return reply.response()


@router.post(
    "/{case}/close",
    operation_id="close_case",
    summary="Close a case",
    response_model=CaseOut,
    responses=PROBLEMS(400, 401, 403, 404, 409, 412, 413, 422),
)
async def close_case(
    case: CasePath,
    body: StepBody,
    caller: MayWriteCases,
    db: Db,
    means: Keys,
    now: Now,
    expected: IfMatch,
    once: OnceIfKeyed,
) -> Response:
    """
    The case becomes `closed`, for good; the reason code says how it ended.

    A customer whom nobody could reach may be given up without having been contacted.
    """
    reply = await actions.close_case(
        db,
        means,
        caller,
        case,
        body.done(now),
        now=now,
        expected=expected,
        once=once,
        show=_show(now),
    )
    return reply.response()


def _show(now: datetime) -> Callable[[Case], Reply]:
    return lambda case: Reply.json(200, CaseOut.of(case, now), etag=etag(case.revision))


def _detail(shown: ShownCase, now: datetime) -> CaseDetail:
    return CaseDetail(
        **shown_case(shown.case, now),
        customer=CustomerOut(
            phone=shown.person.phone,
            email=shown.person.email,
            external_id=shown.person.external_id,
        ),
        answers=[
            AnswerOfCase(
                **shown_answer(answer),
                reading=ReadingOut.of(answer, shown.known.get(answer.id)),
                comment=comment,
            )
            for answer, comment in shown.answers
        ],
        history=[
            StepOut(
                number=step.number,
                step=step.step,
                at=step.at,
                recorded_at=step.recorded_at,
                actor=step.actor,
                answer=step.answer,
                review=step.review,
                claim=step.claim,
                reason=step.reason,
                note=note,
            )
            for step, note in shown.steps
        ],
    )
