"""Claims: how they come in, and what is done about them."""

from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from otklik_common.callers import Caller, require_everywhere
from otklik_common.events.claims import ClaimState, Severity
from otklik_common.http import (
    PROBLEMS,
    IfMatch,
    Now,
    OnceIfKeyed,
    Page,
    Pages,
    Reply,
    etag,
)
from otklik_feedback.actions import claims as actions
from otklik_feedback.actions.claims import Desk, Work
from otklik_feedback.api.cases import StepBody
from otklik_feedback.api.claims_schemas import (
    ChangeBody,
    ClaimBody,
    ClaimDetail,
    ClaimOut,
    KindBody,
    KindOut,
    KindsOut,
    WorkOffBody,
)
from otklik_feedback.api.context import (
    PREFIX,
    Code,
    Db,
    Keys,
    Lent,
    MayReadCases,
    MayWriteCases,
    Promised,
    Word,
    region_of,
)
from otklik_feedback.domain.claim import SHIPPED, Claim, changed, reacted, reopened, worked_off
from otklik_feedback.store.claims import Filters, place_of
from otklik_feedback.store.columns import SCHEMA

router = APIRouter(prefix=PREFIX, tags=["feedback: claims"])

ClaimPath = Annotated[UUID, Path(alias="claim", description="id of the claim")]
KindPath = Annotated[Word, Path(alias="claim_kind", description="code of the kind")]
MayDeclare = Annotated[Caller, Depends(require_everywhere("surveys:write"))]

STEP = PROBLEMS(400, 401, 403, 404, 409, 412, 413, 422)


async def _desk(
    caller: MayWriteCases, platform: Lent, db: Db, means: Keys, book: Promised, now: Now
) -> Desk:
    return Desk(db, means, book, platform.directory(SCHEMA), caller, now)


AtDesk = Annotated[Desk, Depends(_desk)]


async def _work(desk: AtDesk, expected: IfMatch, once: OnceIfKeyed) -> Work:
    return Work(
        desk,
        expected,
        once,
        lambda one: Reply.json(200, ClaimOut.of(one, desk.now), etag=etag(one.claim.revision)),
    )


Works = Annotated[Work, Depends(_work)]


@router.post(
    "/claims",
    operation_id="post_claim",
    summary="Keep a claim",
    responses=PROBLEMS(400, 401, 403, 404, 409, 413, 422),
)
async def post_claim(
    body: ClaimBody, desk: AtDesk, platform: Lent, response: Response
) -> ClaimDetail:
    """
    Keep a claim; its id makes it safe to send again, and another claim under it is refused.

    Three clocks begin: the first reaction and the answer, as policies promise them (without a
    promised answer the norm of 24 elapsed hours holds), and the legal term of its kind, which no
    policy changes. A case is opened in the same transaction.
    """
    tenant = desk.caller.tenant
    new = body.new(tenant, desk.means, await region_of(platform, tenant))
    await actions.keep_claim(desk, new, body.person())
    shown = await actions.read_claim(desk.db, desk.means, desk.caller, new.id)
    response.headers["ETag"] = etag(shown.listed.claim.revision)
    return ClaimDetail.shown(shown, desk.now)


@router.get(
    "/claims",
    operation_id="list_claims",
    summary="List claims",
    responses=PROBLEMS(400, 401, 403, 422),
)
async def list_claims(
    caller: MayReadCases,
    db: Db,
    pages: Pages,
    now: Now,
    *,
    order: Annotated[
        Literal["newest", "due"],
        Query(description="due: those that are not worked off, the longest overdue first"),
    ] = "newest",
    state: ClaimState | None = None,
    overdue: Annotated[
        bool | None, Query(description="true: only those past a moment that was promised")
    ] = None,
    severity: Severity | None = None,
    claim_kind: Annotated[Word | None, Query()] = None,
    topic: Annotated[Word | None, Query()] = None,
    branch: Annotated[Code | None, Query()] = None,
    agent: Annotated[Code | None, Query()] = None,
) -> Page[ClaimOut]:
    """Claims within reach."""
    part = pages.part(caller.tenant)
    filters = Filters(
        state=state,
        severity=severity,
        claim_kind=claim_kind,
        topic=topic,
        branch=branch,
        agent=agent,
        overdue_at=now if overdue else None,
        due_first=order == "due",
    )
    found = await actions.list_claims(db, caller, filters, part)
    return part.page(
        found,
        key=lambda one: place_of(one, due_first=filters.due_first),
        item=lambda one: ClaimOut.of(one, now),
    )


@router.get(
    "/claims/{claim}",
    operation_id="get_claim",
    summary="Read a claim",
    responses=PROBLEMS(401, 403, 404, 422),
)
async def get_claim(
    claim: ClaimPath, caller: MayReadCases, db: Db, means: Keys, now: Now, response: Response
) -> ClaimDetail:
    """A claim with its words, whoever claims, its clocks and every step taken."""
    shown = await actions.read_claim(db, means, caller, claim)
    response.headers["ETag"] = etag(shown.listed.claim.revision)
    return ClaimDetail.shown(shown, now)


async def _step(
    work: Work, claim: UUID, body: StepBody, name: str, move: Callable[[Claim], Claim]
) -> Response:
    return (await actions.step(work, claim, body.done(work.desk.now), name, move)).response()


@router.post(
    "/claims/{claim}/react",
    operation_id="react_to_claim",
    summary="Say that somebody has reacted to a claim",
    response_model=ClaimOut,
    responses=STEP,
)
async def react(claim: ClaimPath, body: StepBody, work: Works) -> Response:
    """The claim is in work; the clock of the reaction ends."""
    at = body.done(work.desk.now).at
    return await _step(work, claim, body, "reacted", lambda one: reacted(one, at))


@router.post(
    "/claims/{claim}/work-off",
    operation_id="work_off_claim",
    summary="Say that a claim is worked off",
    response_model=ClaimOut,
    responses=STEP,
)
async def work_off(claim: ClaimPath, body: WorkOffBody, work: Works) -> Response:
    """All its clocks end; the outcome and the note are compulsory. Its case is closed apart."""
    done = body.done(work.desk.now)
    return await _step(
        work,
        claim,
        body,
        "worked_off",
        lambda one: worked_off(one, done.at, outcome=done.reason),
    )


@router.post(
    "/claims/{claim}/reopen",
    operation_id="reopen_claim",
    summary="Reopen a claim",
    response_model=ClaimOut,
    responses=STEP,
)
async def reopen(claim: ClaimPath, body: StepBody, work: Works) -> Response:
    """The answer and the legal term begin anew; what was promised before stays judged."""
    at = body.done(work.desk.now).at
    return await _step(work, claim, body, "reopened", lambda one: reopened(one, at))


@router.post(
    "/claims/{claim}/change",
    operation_id="change_claim",
    summary="Change whose a claim is, or how bad",
    response_model=ClaimOut,
    responses=STEP,
)
async def change(claim: ClaimPath, body: ChangeBody, work: Works) -> Response:
    """Another severity, topic, branch or agent; its clocks are made anew by what holds there."""
    at = body.done(work.desk.now).at
    return await _step(work, claim, body, "changed", lambda one: changed(one, body.change(), at))


@router.get(
    "/claim-kinds",
    operation_id="list_claim_kinds",
    summary="List kinds of claims and their legal terms",
    responses=PROBLEMS(401, 403),
)
async def list_kinds(caller: MayReadCases, db: Db) -> KindsOut:
    """
    Kinds with the calendar days of their legal terms.

    Shipped for Russia: `consumer` ten days (article 31 of the law on the protection of consumers'
    rights), `letter` thirty, `other` none. Defaults, and no legal advice: ask a lawyer which hold.
    """
    found = await actions.list_kinds(db, caller)
    return KindsOut(
        items=[
            KindOut(code=code, days=found[code], shipped_days=SHIPPED.get(code))
            for code in sorted(found)
        ]
    )


@router.put(
    "/claim-kinds/{claim_kind}",
    status_code=204,
    operation_id="put_claim_kind",
    summary="Declare a kind of claims, or its legal term",
    responses=PROBLEMS(400, 401, 403, 413, 422),
)
async def put_kind(
    claim_kind: KindPath, body: KindBody, caller: MayDeclare, db: Db, now: Now
) -> None:
    """Of claims to come; those received before keep their term. At most 100 of a company's own."""
    await actions.declare_kind(db, caller, claim_kind, body.days, now)
