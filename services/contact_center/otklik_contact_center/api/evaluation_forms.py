"""Forms by which contacts are evaluated."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from otklik_common.callers import Caller, require, require_everywhere
from otklik_common.http import PROBLEMS, IfMatch, Now, Page, Pages, etag
from otklik_contact_center.actions.evaluation_forms import EvaluationForms
from otklik_contact_center.api.evaluation_forms_schemas import FormBody, FormOut
from otklik_contact_center.api.schemas import Code

PREFIX: Final = "/contact-center/v1"

Reads = Annotated[Caller, Depends(require("evaluations:read"))]
Manages = Annotated[Caller, Depends(require_everywhere("quality:write"))]
FormCode = Annotated[Code, Path()]
Version = Annotated[
    int | None, Query(ge=1, le=1_000_000, description="without it the one that holds now")
]


def router(forms: EvaluationForms) -> APIRouter:
    """The routes."""
    made = APIRouter(prefix=PREFIX, tags=["quality of talk"])

    @made.get(
        "/evaluation-forms",
        operation_id="list_evaluation_forms",
        summary="Forms by which contacts are evaluated",
        responses=PROBLEMS(400, 401, 403, 422),
    )
    async def list_all(caller: Reads, paging: Pages) -> Page[FormOut]:
        """Those that are not retired, by code, each in the version that holds now."""
        part = paging.part(caller.tenant)
        found = await forms.listed(caller.tenant, part)
        return part.page(found, key=lambda one: (one.value.code,), item=FormOut.of)

    @made.get(
        "/evaluation-forms/{code}",
        operation_id="get_evaluation_form",
        summary="One form",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def get(
        code: FormCode, caller: Reads, response: Response, version: Version = None
    ) -> FormOut:
        """Any version of it, also when it is retired."""
        kept = await forms.get(caller.tenant, code, version)
        response.headers["ETag"] = etag(kept.revision)
        return FormOut.of(kept)

    @made.put(
        "/evaluation-forms/{code}",
        operation_id="put_evaluation_form",
        summary="Make a form, or a new version of it",
        responses=PROBLEMS(400, 401, 403, 412, 422),
    )
    async def put(
        code: FormCode,
        body: FormBody,
        caller: Manages,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> FormOut:
        """
        The score is the mean of the sections by their weights, a section that of its questions; what
        is not applicable leaves both. Evaluations keep the version that they were made with.
        """
        kept = await forms.put(caller, body.form(code), expected=expected, now=now)
        response.headers["ETag"] = etag(kept.revision)
        return FormOut.of(kept)

    @made.delete(
        "/evaluation-forms/{code}",
        status_code=204,
        operation_id="retire_evaluation_form",
        summary="Retire a form",
        responses=PROBLEMS(400, 401, 403, 404, 412, 422),
    )
    async def retire(code: FormCode, caller: Manages, expected: IfMatch, now: Now) -> None:
        """Nothing is evaluated by it any more; what was, stays. Putting it revives it."""
        await forms.retire(caller, code, expected=expected, now=now)

    return made
