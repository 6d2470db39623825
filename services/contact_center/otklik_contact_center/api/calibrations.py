"""Calibrations: whether evaluators hear the same thing in the same contact."""

from datetime import datetime
from fractions import Fraction
from typing import Annotated, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, Field

from otklik_common.callers import Caller, require
from otklik_common.http import (
    PROBLEMS,
    IfMatch,
    Now,
    OnceIfKeyed,
    Page,
    Pages,
    Reply,
    StrictModel,
    etag,
)
from otklik_contact_center.actions.calibrations import Calibrations, Detail
from otklik_contact_center.api.evaluations_schemas import Answers, GivenBody
from otklik_contact_center.api.schemas import Code
from otklik_contact_center.domain.quality.calibration import Result
from otklik_contact_center.store.calibrations import Calibration

PREFIX: Final = "/contact-center/v1"

Evaluates = Annotated[Caller, Depends(require("evaluations:write"))]
Manages = Annotated[Caller, Depends(require("quality:write"))]
Id = Annotated[UUID, Path()]


class CalibrationBody(StrictModel):
    """What several are to evaluate."""

    contact: UUID
    form: Code


class AgreedBody(StrictModel):
    """What was agreed on: an answer to every question."""

    agreed: Answers


class CalibrationOut(BaseModel):
    """A contact that several evaluate, in short."""

    id: UUID
    contact: UUID
    form: str
    form_version: int
    agent: str
    branch: str | None
    closed: bool
    evaluators: int = Field(description="how many have evaluated it")
    opened_by: str
    opened_at: datetime
    closed_by: str | None
    closed_at: datetime | None
    revision: int

    @classmethod
    def of(cls, one: Calibration) -> Self:
        """The answer for one."""
        plain = {name: getattr(one, name) for name in cls.model_fields if hasattr(one, name)}
        return cls(**plain, closed=one.closed_at is not None, evaluators=one.given)


class SheetOut(BaseModel):
    """What an evaluator gave."""

    evaluator: str
    at: datetime
    answers: dict[str, str | int]
    comment: str | None
    comments: dict[str, str]


class QuestionOut(BaseModel):
    """How far evaluators are apart in one question."""

    code: str
    n: int = Field(description="to how many it applied")
    not_applicable: int
    mean: float | None = Field(description="of the answers, 0 to 1")
    variance: float | None = Field(description="of all who took part, 0 to 0.25")
    agreed: float | None
    differing: int = Field(description="whose answer is another than the agreed one")


class EvaluatorOut(BaseModel):
    """How far an evaluator is from what was agreed on."""

    evaluator: str
    score: float | None
    deviation: float | None = Field(description="of the score; above 0 they are milder")
    mean_distance: float | None = Field(description="of their answers from the agreed ones")
    differing: int


class ResultOut(BaseModel):
    """What a calibration has shown."""

    agreed_score: float | None
    mean: float | None
    variance: float | None
    questions: list[QuestionOut]
    evaluators: list[EvaluatorOut]

    @classmethod
    def of(cls, result: Result) -> Self:
        """The answer for one."""
        return cls(
            agreed_score=_float(result.agreed),
            mean=_float(result.mean),
            variance=_float(result.variance),
            questions=[
                QuestionOut(
                    code=one.code,
                    n=one.n,
                    not_applicable=one.not_applicable,
                    mean=_float(one.mean),
                    variance=_float(one.variance),
                    agreed=_float(one.agreed),
                    differing=one.differing,
                )
                for one in result.questions
            ],
            evaluators=[
                EvaluatorOut(
                    evaluator=one.evaluator,
                    score=_float(one.share),
                    deviation=_float(one.deviation),
                    mean_distance=_float(one.mean_distance),
                    differing=one.differing,
                )
                for one in result.evaluators
            ],
        )


class CalibrationDetail(CalibrationOut):
    """A calibration; while it is open everybody sees their own answers alone."""

    agreed: dict[str, str | int] | None
    sheets: list[SheetOut]
    result: ResultOut | None

    @classmethod
    def of_detail(cls, detail: Detail) -> Self:
        """The answer for one with everything that its reader may see."""
        one, result = detail.value, detail.result
        short = CalibrationOut.of(one).model_dump()
        sheets = [
            SheetOut(
                evaluator=sheet.evaluator,
                at=sheet.at,
                answers=dict(sheet.given.answers),
                comment=sheet.given.comment,
                comments=dict(sheet.given.comments),
            )
            for sheet in detail.sheets
        ]
        return cls(
            **short,
            agreed=None if one.agreed is None else dict(one.agreed),
            sheets=sheets,
            result=None if result is None else ResultOut.of(result),
        )


def router(calibrations: Calibrations) -> APIRouter:
    """The routes."""
    made = APIRouter(prefix=PREFIX, tags=["quality of talk"])

    @made.get(
        "/calibrations",
        operation_id="list_calibrations",
        summary="Calibrations",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_all(caller: Evaluates, paging: Pages) -> Page[CalibrationOut]:
        """Of contacts of the branches within reach, those opened last first."""
        part = paging.part(caller.tenant)
        found = await calibrations.listed(caller, part)
        return part.page(found, key=lambda one: (one.opened_at, one.id), item=CalibrationOut.of)

    @made.post(
        "/calibrations",
        status_code=201,
        operation_id="open_calibration",
        summary="Let several evaluate one contact",
        response_model=CalibrationDetail,
        responses=PROBLEMS(400, 401, 403, 404, 409, 413, 422),
    )
    async def open_one(
        body: CalibrationBody, caller: Manages, now: Now, once: OnceIfKeyed
    ) -> Response:
        """By the version of the form that holds now; no metric counts what comes of it."""

        def show(detail: Detail) -> Reply:
            shown = CalibrationDetail.of_detail(detail)
            return Reply.json(201, shown, etag=etag(detail.value.revision))

        reply = await calibrations.open(
            caller, body.contact, body.form, now=now, once=once, show=show
        )
        return reply.response()

    @made.get(
        "/calibrations/{calibration_id}",
        operation_id="get_calibration",
        summary="One calibration",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def get(calibration_id: Id, caller: Evaluates, response: Response) -> CalibrationDetail:
        """While it is open: one's own answers, and how many have evaluated it; then everything."""
        detail = await calibrations.get(caller, calibration_id)
        response.headers["ETag"] = etag(detail.value.revision)
        return CalibrationDetail.of_detail(detail)

    @made.put(
        "/calibrations/{calibration_id}/answers",
        operation_id="answer_calibration",
        summary="Evaluate the contact of a calibration",
        responses=PROBLEMS(401, 403, 404, 409, 413, 422),
    )
    async def answer(
        calibration_id: Id, body: GivenBody, caller: Evaluates, now: Now
    ) -> CalibrationDetail:
        """An answer to every question; nobody else sees them before it is closed."""
        detail = await calibrations.answer(caller, calibration_id, body.given(), now)
        return CalibrationDetail.of_detail(detail)

    @made.post(
        "/calibrations/{calibration_id}/close",
        operation_id="close_calibration",
        summary="Close a calibration",
        responses=PROBLEMS(400, 401, 403, 404, 409, 412, 413, 422),
    )
    async def close(
        calibration_id: Id,
        body: AgreedBody,
        caller: Manages,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> CalibrationDetail:
        """
        With the answers that were agreed on. What was given is compared: variance by question,
        deviation by evaluator.
        """
        detail = await calibrations.close(
            caller, calibration_id, body.agreed, expected=expected, now=now
        )
        response.headers["ETag"] = etag(detail.value.revision)
        return CalibrationDetail.of_detail(detail)

    return made


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
