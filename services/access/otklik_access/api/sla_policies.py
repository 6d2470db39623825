"""Policies of service: what is promised to whom."""

from fastapi import APIRouter, Response

from otklik_access.actions import sla_policies
from otklik_access.api.callers import Lent
from otklik_access.api.companies import CodeInPath, Reader, Writer
from otklik_access.api.sla_policy_schemas import PolicyBody, PolicyOut
from otklik_common.http import PROBLEMS, IfMatch, etag
from otklik_common.paging import Page, Pages

router = APIRouter(prefix="/access/v1", tags=["sla-policies"])


@router.get(
    "/sla-policies",
    operation_id="list_sla_policies",
    summary="Policies of service",
    response_model=Page[PolicyOut],
    responses=PROBLEMS(400, 401, 403, 422),
)
async def list_policies(by: Reader, platform: Lent, paging: Pages) -> Page[PolicyOut]:
    """In the order of their codes, those that have ended included."""
    part = paging.part(by.tenant)
    found = await sla_policies.policies(platform, by.tenant, part)
    return part.page(found, key=lambda one: (one.value.code,), item=PolicyOut.of)


@router.get(
    "/sla-policies/{code}",
    operation_id="get_sla_policy",
    summary="One policy",
    response_model=PolicyOut,
    responses=PROBLEMS(401, 403, 404, 422),
)
async def get_policy(code: CodeInPath, by: Reader, platform: Lent, response: Response) -> PolicyOut:
    """All that it ever promised, by the moment since when."""
    kept = await sla_policies.policy(platform, by.tenant, code)
    response.headers["ETag"] = etag(kept.revision)
    return PolicyOut.of(kept)


@router.put(
    "/sla-policies/{code}",
    operation_id="put_sla_policy",
    summary="Make a policy, or change it from a moment on",
    response_model=PolicyOut,
    responses=PROBLEMS(401, 403, 409, 412, 422),
)
async def put_policy(
    code: CodeInPath,
    body: PolicyBody,
    by: Writer,
    platform: Lent,
    expected: IfMatch,
    response: Response,
) -> PolicyOut:
    """
    Each target that a contact has gets a clock: pending, imminent, breaching, and in the end
    achieved, breached or cancelled. Try a policy on contacts of the past before you make it:
    `POST /contact-center/v1/sla-policies:backtest`. The same body again changes nothing.
    """
    edit = sla_policies.Edit(body.terms(), body.names, body.valid_from)
    kept = await sla_policies.put_policy(platform, by, code, edit, expected=expected)
    response.headers["ETag"] = etag(kept.revision)
    return PolicyOut.of(kept)


@router.delete(
    "/sla-policies/{code}",
    operation_id="end_sla_policy",
    summary="End a policy",
    status_code=204,
    responses=PROBLEMS(401, 403, 404, 412, 422),
)
async def end_policy(code: CodeInPath, by: Writer, platform: Lent, expected: IfMatch) -> None:
    """
    From now on it promises nothing; clocks that began before keep their promise. Its priority is
    free again, and a PUT makes it hold anew.
    """
    await sla_policies.end_policy(platform, by, code, expected=expected)
