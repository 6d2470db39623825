"""Evaluations of contacts: made, released, agreed with or disputed, resolved."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

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
    etag,
)
from otklik_contact_center.actions.evaluations import Detail, Evaluations, Show
from otklik_contact_center.api.evaluations_schemas import (
    EvaluationBody,
    EvaluationDetail,
    EvaluationOut,
    GivenBody,
    NoteBody,
    ReasonBody,
    ResolutionBody,
)
from otklik_contact_center.api.schemas import Code
from otklik_contact_center.domain.quality.evaluation import Evaluation, State, Step
from otklik_contact_center.store.evaluations import Wanted

PREFIX: Final = "/contact-center/v1"

Reads = Annotated[Caller, Depends(require("evaluations:read"))]
Answers = Annotated[Caller, Depends(require("evaluations:answer"))]
Evaluates = Annotated[Caller, Depends(require("evaluations:write"))]
Resolves = Annotated[Caller, Depends(require("quality:write"))]
Id = Annotated[UUID, Path()]

_STEP: Final = PROBLEMS(400, 401, 403, 404, 409, 412, 413, 422)


async def _wanted(
    contact: Annotated[UUID | None, Query()] = None,
    form: Annotated[Code | None, Query()] = None,
    state: Annotated[State | None, Query()] = None,
    agent: Annotated[Code | None, Query()] = None,
    branch: Annotated[Code | None, Query()] = None,
    begins: Annotated[
        AwareTime | None, Query(alias="from", description="made from then on")
    ] = None,
    ends: Annotated[AwareTime | None, Query(alias="to", description="made before")] = None,
) -> Wanted:
    return Wanted(contact, form, state, agent, branch, begins, ends)


def _shown(status: int) -> Show:
    def show(detail: Detail) -> Reply:
        body = EvaluationDetail.of_detail(detail)
        return Reply.json(status, body, etag=etag(detail.value.revision))

    return show


def _key(one: Evaluation) -> tuple[object, ...]:
    return one.made_at, one.id


def router(judged: Evaluations) -> APIRouter:
    """The routes."""
    made = APIRouter(prefix=PREFIX, tags=["quality of talk"])

    @made.get(
        "/evaluations",
        operation_id="list_evaluations",
        summary="Evaluations of contacts",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_all(
        caller: Reads, wanted: Annotated[Wanted, Depends(_wanted)], paging: Pages
    ) -> Page[EvaluationOut]:
        """
        Of the branches within reach, those made last first. An agent sees their own, from the
        release on.
        """
        part = paging.part(caller.tenant)
        found = await judged.listed(caller, wanted, part)
        return part.page(found, key=_key, item=EvaluationOut.of)

    @made.get(
        "/evaluations/{evaluation_id}",
        operation_id="get_evaluation",
        summary="One evaluation",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def get(evaluation_id: Id, caller: Reads, response: Response) -> EvaluationDetail:
        """With its answers, its score in parts, and everything that was done with it."""
        detail = await judged.get(caller, evaluation_id)
        response.headers["ETag"] = etag(detail.value.revision)
        return EvaluationDetail.of_detail(detail)

    @made.post(
        "/evaluations",
        status_code=201,
        operation_id="make_evaluation",
        summary="Evaluate a contact",
        response_model=EvaluationDetail,
        responses=PROBLEMS(400, 401, 403, 404, 409, 413, 422),
    )
    async def make(
        body: EvaluationBody, caller: Evaluates, now: Now, once: OnceIfKeyed
    ) -> Response:
        """
        A draft, by the version of the form that holds now. A contact has one evaluation by a form;
        nobody evaluates contacts of their own.
        """
        reply = await judged.make(
            caller, body.contact, body.form, body.given(), now=now, once=once, show=_shown(201)
        )
        return reply.response()

    @made.put(
        "/evaluations/{evaluation_id}",
        operation_id="edit_evaluation",
        summary="Write the answers of a draft",
        responses=_STEP,
    )
    async def edit(
        evaluation_id: Id,
        body: GivenBody,
        caller: Evaluates,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> EvaluationDetail:
        """All answers and comments anew; its maker may, or whoever has quality:write."""
        detail = await judged.edit(caller, evaluation_id, body.given(), expected=expected, now=now)
        response.headers["ETag"] = etag(detail.value.revision)
        return EvaluationDetail.of_detail(detail)

    @made.post(
        "/evaluations/{evaluation_id}/release",
        operation_id="release_evaluation",
        summary="Release an evaluation",
        response_model=EvaluationDetail,
        responses=_STEP,
    )
    async def release(
        evaluation_id: Id,
        body: NoteBody,
        caller: Evaluates,
        expected: IfMatch,
        now: Now,
        once: OnceIfKeyed,
    ) -> Response:
        """The agent sees it and metrics count it, as the contact's by what is known of it now."""
        reply = await judged.take(
            caller,
            evaluation_id,
            body.taken(Step.RELEASE),
            expected=expected,
            now=now,
            once=once,
            show=_shown(200),
        )
        return reply.response()

    @made.post(
        "/evaluations/{evaluation_id}/acknowledge",
        operation_id="acknowledge_evaluation",
        summary="Agree with an evaluation",
        response_model=EvaluationDetail,
        responses=_STEP,
    )
    async def acknowledge(
        evaluation_id: Id,
        body: NoteBody,
        caller: Answers,
        expected: IfMatch,
        now: Now,
        once: OnceIfKeyed,
    ) -> Response:
        """By the agent whose contact it was; a key speaks for agents who do not sign in here."""
        reply = await judged.take(
            caller,
            evaluation_id,
            body.taken(Step.ACKNOWLEDGE),
            expected=expected,
            now=now,
            once=once,
            show=_shown(200),
        )
        return reply.response()

    @made.post(
        "/evaluations/{evaluation_id}/dispute",
        operation_id="dispute_evaluation",
        summary="Dispute an evaluation",
        response_model=EvaluationDetail,
        responses=_STEP,
    )
    async def dispute(
        evaluation_id: Id,
        body: ReasonBody,
        caller: Answers,
        expected: IfMatch,
        now: Now,
        once: OnceIfKeyed,
    ) -> Response:
        """By the agent whose contact it was, who says why."""
        reply = await judged.take(
            caller,
            evaluation_id,
            body.taken(Step.DISPUTE),
            expected=expected,
            now=now,
            once=once,
            show=_shown(200),
        )
        return reply.response()

    @made.post(
        "/evaluations/{evaluation_id}/resolve",
        operation_id="resolve_evaluation",
        summary="Resolve a dispute",
        response_model=EvaluationDetail,
        responses=_STEP,
    )
    async def resolve(
        evaluation_id: Id,
        body: ResolutionBody,
        caller: Resolves,
        expected: IfMatch,
        now: Now,
        once: OnceIfKeyed,
    ) -> Response:
        """Upheld, or changed to other answers; for good, and with the reason."""
        reply = await judged.take(
            caller,
            evaluation_id,
            body.taken(),
            expected=expected,
            now=now,
            once=once,
            show=_shown(200),
        )
        return reply.response()

    @made.post(
        "/evaluations/{evaluation_id}/withdraw",
        operation_id="withdraw_evaluation",
        summary="Withdraw an evaluation",
        response_model=EvaluationDetail,
        responses=_STEP,
    )
    async def withdraw(
        evaluation_id: Id,
        body: ReasonBody,
        caller: Evaluates,
        expected: IfMatch,
        now: Now,
        once: OnceIfKeyed,
    ) -> Response:
        """
        It counts no more, and the contact may be evaluated anew. A draft by its maker; one that was
        released takes quality:write.
        """
        reply = await judged.take(
            caller,
            evaluation_id,
            body.taken(Step.WITHDRAW),
            expected=expected,
            now=now,
            once=once,
            show=_shown(200),
        )
        return reply.response()

    return made
