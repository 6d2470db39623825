"""Taking the demo out."""

from dataclasses import asdict

from fastapi import APIRouter
from pydantic import BaseModel

from otklik_common.http import PROBLEMS
from otklik_feedback.actions.demo import remove_demo
from otklik_feedback.api.context import PREFIX, Db, MayRemoveDemo

router = APIRouter(prefix=PREFIX, tags=["feedback: demo"])


class RemovedOut(BaseModel):
    """How many were taken out."""

    surveys: int
    answers: int
    cases: int
    reviews: int
    claims: int


@router.delete(
    "/demo",
    operation_id="remove_feedback_demo",
    summary="Take the demo out",
    responses=PROBLEMS(401, 403),
)
async def delete_demo(caller: MayRemoveDemo, db: Db) -> RemovedOut:
    """
    Take out every answer, survey, review and claim whose id begins with `demo-`, and the cases
    they opened.

    Their facts are voided, so the numbers follow. Safe to repeat.
    """
    removed = await remove_demo(db, caller)
    return RemovedOut.model_validate(asdict(removed))
