"""The company, its branch groups and its branches."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from otklik_access.actions import companies, demo
from otklik_access.actions.change import Actor
from otklik_access.api.callers import Lent, actor
from otklik_access.api.schemas import (
    BranchBody,
    BranchGroupBody,
    BranchGroupOut,
    BranchOut,
    CompanyEdit,
    CompanyOut,
    DemoRemovedOut,
)
from otklik_access.api.words import Code
from otklik_access.domain.places import Branch, BranchGroup
from otklik_common.http import PROBLEMS, IfMatch, MustMatch, etag
from otklik_common.paging import Page, Pages

router = APIRouter(prefix="/access/v1", tags=["companies"])

# Display names are needed by everybody who sees numbers by branch.
Reader = Annotated[Actor, Depends(actor("access:read", "metrics:read"))]
Writer = Annotated[Actor, Depends(actor("access:write"))]
CodeInPath = Annotated[Code, Path()]


@router.get(
    "/companies/current",
    operation_id="get_company",
    summary="The company of the caller",
    response_model=CompanyOut,
    responses=PROBLEMS(401, 403),
)
async def get_company(by: Reader, platform: Lent, response: Response) -> CompanyOut:
    """Zone, languages, currency, and where apps may call from."""
    kept = await companies.company(platform, by.tenant)
    response.headers["ETag"] = etag(kept.revision)
    return CompanyOut.of(kept)


@router.patch(
    "/companies/current",
    operation_id="edit_company",
    summary="Change fields of the company",
    response_model=CompanyOut,
    responses=PROBLEMS(401, 403, 412, 422, 428),
)
async def edit_company(
    body: CompanyEdit, by: Writer, platform: Lent, expected: MustMatch, response: Response
) -> CompanyOut:
    """
    Send the ETag that you read as If-Match. Another zone makes new days of every number: it is
    put into force by a rebuild.
    """
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    kept = await companies.edit_company(platform, by, changes, expected=expected)
    response.headers["ETag"] = etag(kept.revision)
    return CompanyOut.of(kept)


@router.delete(
    "/demo",
    operation_id="remove_access_demo",
    summary="Take the demo out",
    response_model=DemoRemovedOut,
    responses=PROBLEMS(401, 403),
)
async def delete_demo(
    by: Annotated[Actor, Depends(actor("demo:write"))], platform: Lent
) -> DemoRemovedOut:
    """
    Remove the branch groups, branches and staff that only the demo's own key has put; the
    company is no demo any more. Safe to repeat.
    """
    gone = await demo.remove_demo(platform, by)
    return DemoRemovedOut(
        branch_groups=gone.branch_groups, branches=gone.branches, staff=gone.staff
    )


@router.get(
    "/branch-groups",
    operation_id="list_branch_groups",
    summary="Branch groups",
    response_model=Page[BranchGroupOut],
    responses=PROBLEMS(400, 401, 403, 422),
)
async def list_groups(by: Reader, platform: Lent, paging: Pages) -> Page[BranchGroupOut]:
    """In the order of their codes."""
    part = paging.part(by.tenant)
    found = await companies.groups(platform, by.tenant, part)
    return part.page(found, key=lambda one: (one.value.code,), item=BranchGroupOut.of)


@router.get(
    "/branch-groups/{code}",
    operation_id="get_branch_group",
    summary="One branch group",
    response_model=BranchGroupOut,
    responses=PROBLEMS(401, 403, 404, 422),
)
async def get_group(
    code: CodeInPath, by: Reader, platform: Lent, response: Response
) -> BranchGroupOut:
    """By its code."""
    kept = await companies.group(platform, by.tenant, code)
    response.headers["ETag"] = etag(kept.revision)
    return BranchGroupOut.of(kept)


@router.put(
    "/branch-groups/{code}",
    operation_id="put_branch_group",
    summary="Make or replace a branch group",
    response_model=BranchGroupOut,
    responses=PROBLEMS(401, 403, 412, 422),
)
async def put_group(
    code: CodeInPath,
    body: BranchGroupBody,
    by: Writer,
    platform: Lent,
    expected: IfMatch,
    response: Response,
) -> BranchGroupOut:
    """The same body again changes nothing."""
    value = BranchGroup(code=code, grouping=body.grouping, names=body.names, active=body.active)
    kept = await companies.put_group(platform, by, value, expected=expected)
    response.headers["ETag"] = etag(kept.revision)
    return BranchGroupOut.of(kept)


@router.get(
    "/branches",
    operation_id="list_branches",
    summary="Branches that the caller sees",
    response_model=Page[BranchOut],
    responses=PROBLEMS(400, 401, 403, 422),
)
async def list_branches(by: Reader, platform: Lent, paging: Pages) -> Page[BranchOut]:
    """In the order of their codes."""
    part = paging.part(by.tenant)
    found = await companies.branches(platform, by, part)
    return part.page(found, key=lambda one: (one.value.code,), item=BranchOut.of)


@router.get(
    "/branches/{code}",
    operation_id="get_branch",
    summary="One branch",
    response_model=BranchOut,
    responses=PROBLEMS(401, 403, 404, 422),
)
async def get_branch(code: CodeInPath, by: Reader, platform: Lent, response: Response) -> BranchOut:
    """By its code; one out of the caller's reach is not found."""
    kept = await companies.branch(platform, by, code)
    response.headers["ETag"] = etag(kept.revision)
    return BranchOut.of(kept)


@router.put(
    "/branches/{code}",
    operation_id="put_branch",
    summary="Make or replace a branch",
    response_model=BranchOut,
    responses=PROBLEMS(401, 403, 412, 422),
)
async def put_branch(
    code: CodeInPath,
    body: BranchBody,
    by: Writer,
    platform: Lent,
    expected: IfMatch,
    response: Response,
) -> BranchOut:
    """The code is the one that senders of events use. The same body again changes nothing."""
    value = Branch(
        code=code,
        names=body.names,
        groups=body.groups,
        timezone=body.timezone,
        calendar=body.calendar,
        opened_on=body.opened_on,
        closed_on=body.closed_on,
        active=body.active,
    )
    kept = await companies.put_branch(platform, by, value, expected=expected)
    response.headers["ETag"] = etag(kept.revision)
    return BranchOut.of(kept)
