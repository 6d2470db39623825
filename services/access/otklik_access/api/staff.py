"""Members of staff, and the audit trail of what everybody did."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from otklik_access.actions import staff, trail
from otklik_access.actions.change import Actor
from otklik_access.actions.staff import StaffMember
from otklik_access.api.callers import Lent, actor, reader_of_staff
from otklik_access.api.schemas import AuditOut, MemberBody, MemberOut, ShownPasswordOut
from otklik_access.api.words import Code
from otklik_access.domain.staff import Member, member_id
from otklik_common.http import PROBLEMS, IfMatch, etag
from otklik_common.paging import Page, Pages

router = APIRouter(prefix="/access/v1", tags=["staff"])

Reader = Annotated[Actor, Depends(reader_of_staff)]
Writer = Annotated[Actor, Depends(actor("access:write"))]
CodeInPath = Annotated[Code, Path()]


@router.get(
    "/staff",
    operation_id="list_staff",
    summary="Members of staff whom the caller sees",
    response_model=Page[MemberOut],
    responses=PROBLEMS(400, 401, 403, 422),
)
async def list_staff(by: Reader, platform: Lent, paging: Pages) -> Page[MemberOut]:
    """In the order of their codes; who is limited to branches sees those who work there."""
    part = paging.part(by.tenant)
    found = await staff.page(platform, by, part)
    return part.page(found, key=lambda one: (one.kept.value.code,), item=lambda one: _out(one, by))


@router.get(
    "/staff/{code}",
    operation_id="get_member",
    summary="One member of staff",
    response_model=MemberOut,
    responses=PROBLEMS(401, 403, 404, 422),
)
async def get_member(code: CodeInPath, by: Reader, platform: Lent, response: Response) -> MemberOut:
    """By their code; one out of the caller's reach is not found."""
    found = await staff.member(platform, by, code)
    response.headers["ETag"] = etag(found.kept.revision)
    return _out(found, by)


@router.put(
    "/staff/{code}",
    operation_id="put_member",
    summary="Make or replace a member of staff",
    response_model=MemberOut,
    responses=PROBLEMS(401, 403, 404, 409, 412, 422),
)
async def put_member(
    code: CodeInPath,
    body: MemberBody,
    by: Writer,
    platform: Lent,
    expected: IfMatch,
    response: Response,
) -> MemberOut:
    """
    The code is the one by which contact-centre software knows them. The same body again changes
    nothing. Nobody gives a role or a reach beyond their own.
    """
    value = Member(
        code=code,
        role=body.role,
        branches=body.branches,
        groups=body.groups,
        starts_on=body.starts_on,
        ends_on=body.ends_on,
        active=body.active,
        name=body.name,
        email=body.email,
    )
    done = await staff.put_member(platform, by, value, login=body.login, expected=expected)
    response.headers["ETag"] = etag(done.kept.revision)
    return _out(done, by)


@router.post(
    "/staff/{code}/password",
    operation_id="reset_password",
    summary="Give a member of staff a new password",
    response_model=ShownPasswordOut,
    responses=PROBLEMS(401, 403, 404, 422),
)
async def reset_password(code: CodeInPath, by: Writer, platform: Lent) -> ShownPasswordOut:
    """It is random and shown this once; every session of the member ends."""
    shown = await staff.reset_password(platform, by, code)
    return ShownPasswordOut(login=shown.login, password=shown.password)


@router.get(
    "/audit",
    operation_id="list_audit",
    summary="Who did what, the newest first",
    response_model=Page[AuditOut],
    responses=PROBLEMS(400, 401, 403, 422),
)
async def list_audit(
    by: Annotated[Actor, Depends(actor("access:read"))],
    platform: Lent,
    paging: Pages,
    object_kind: Annotated[str | None, Query(max_length=100)] = None,
    object_id: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[AuditOut]:
    """For those who see the whole company. It is only ever appended to."""
    part = paging.part(by.tenant)
    found = await trail.page(platform, by, part, object_kind=object_kind, object_id=object_id)
    return part.page(found, key=lambda one: (one.number,), item=AuditOut.of)


def _out(found: StaffMember, by: Actor) -> MemberOut:
    return MemberOut.of(
        member_id(by.tenant, found.kept.value.code),
        found.kept,
        login=found.login,
        whole="access:read" in by.scopes,
    )
