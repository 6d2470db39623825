"""Invitations: whom a programme asked, whom it did not, and what is told of them."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from otklik_common.callers import Caller, require_everywhere
from otklik_common.http import PROBLEMS, AwareTime, Now, Page, Pages, check_time
from otklik_feedback.actions import invitations as moves
from otklik_feedback.actions import programmes as actions
from otklik_feedback.api.context import PREFIX, Db, MayReadSurveys
from otklik_feedback.api.invitation_schemas import (
    BounceBody,
    InvitationOut,
    ProgressOut,
    State,
    StepBody,
)
from otklik_feedback.api.programmes import ProgrammePath
from otklik_feedback.domain.asking.invitation import Step
from otklik_feedback.domain.asking.quarantine import Rule
from otklik_feedback.store.invitations import Wanted

router = APIRouter(prefix=PREFIX, tags=["feedback: invitations"])

MaySend = Annotated[Caller, Depends(require_everywhere("invitations:write"))]
InvitationPath = Annotated[UUID, Path(alias="invitation")]


async def _wanted(
    programme: ProgrammePath,
    since: Annotated[
        AwareTime | None, Query(alias="from", description="first moment it was due")
    ] = None,
    before: Annotated[AwareTime | None, Query(alias="to", description="exclusive")] = None,
) -> Wanted:
    return Wanted(programme, since=since, before=before)


@router.get(
    "/programmes/{code}/invitations",
    operation_id="list_invitations",
    summary="List whom a programme asked, and whom it did not",
    responses=PROBLEMS(400, 401, 403, 404, 422),
)
async def list_invitations(
    wanted: Annotated[Wanted, Depends(_wanted)],
    caller: MayReadSurveys,
    db: Db,
    pages: Pages,
    state: State | None = None,
    rule: Rule | None = None,
) -> Page[InvitationOut]:
    """Within reach, the first due first; each that was stopped names its rule."""
    part = pages.part(caller.tenant)
    sought = replace(wanted, state=state, rule=None if rule is None else rule.value)
    found = await actions.list_invitations(db, caller, sought, part)
    return part.page(found, key=lambda one: (one.due_at, one.id), item=InvitationOut.of)


@router.get(
    "/programmes/{code}/progress",
    operation_id="get_programme_progress",
    summary="Count what became of a programme's invitations",
    responses=PROBLEMS(400, 401, 403, 404, 422),
)
async def get_programme_progress(
    wanted: Annotated[Wanted, Depends(_wanted)], caller: MayReadSurveys, db: Db
) -> ProgressOut:
    """
    By state and by the rule that stopped them, with the response, start and completion rate.

    An answer counts as done if it is complete and answers the survey's own question. Who opted
    out stays among those who were reached.
    """
    return ProgressOut.of(await actions.count_invitations(db, caller, wanted))


@router.get(
    "/invitations/{invitation}",
    operation_id="get_invitation",
    summary="Read an invitation",
    responses=PROBLEMS(401, 403, 404, 422),
)
async def get_invitation(
    invitation: InvitationPath, caller: MayReadSurveys, db: Db
) -> InvitationOut:
    """How far it has come; of one that was stopped, by which rule."""
    return InvitationOut.of(await moves.read_invitation(db, caller, invitation))


@router.post(
    "/invitations/{invitation}:delivered",
    operation_id="mark_delivered",
    summary="Say that an invitation has arrived",
    responses=PROBLEMS(400, 401, 403, 404, 413, 422),
)
async def mark_delivered(
    invitation: InvitationPath, body: StepBody, caller: MaySend, db: Db, now: Now
) -> InvitationOut:
    """
    Who opened or answered it has it, whether or not this is told.

    In any order, late and repeated; the earliest time that is told holds.
    """
    at = _checked(body, now)
    return InvitationOut.of(await moves.take_step(db, caller, invitation, Step.DELIVERED, at))


@router.post(
    "/invitations/{invitation}:opened",
    operation_id="mark_opened",
    summary="Say that somebody opened an invitation",
    responses=PROBLEMS(400, 401, 403, 404, 413, 422),
)
async def mark_opened(
    invitation: InvitationPath, body: StepBody, caller: MaySend, db: Db, now: Now
) -> InvitationOut:
    """
    By the person, not by a mail scanner: nothing is spent either way.

    In any order, late and repeated; the earliest time that is told holds.
    """
    at = _checked(body, now)
    return InvitationOut.of(await moves.take_step(db, caller, invitation, Step.OPENED, at))


@router.post(
    "/invitations/{invitation}:opted-out",
    operation_id="opt_out",
    summary="Say that somebody wants no more",
    responses=PROBLEMS(400, 401, 403, 404, 413, 422),
)
async def opt_out(
    invitation: InvitationPath, body: StepBody, caller: MaySend, db: Db, now: Now
) -> InvitationOut:
    """
    Whom it was for is asked nothing more, by any programme and under any of their
    pseudonyms that it names; reminders end.

    In any order, late and repeated; the earliest time that is told holds.
    """
    at = _checked(body, now)
    return InvitationOut.of(await moves.take_step(db, caller, invitation, Step.OPTED_OUT, at))


@router.post(
    "/invitations/{invitation}:bounced",
    operation_id="mark_bounced",
    summary="Say that a way led nowhere",
    responses=PROBLEMS(400, 401, 403, 404, 413, 422),
)
async def mark_bounced(
    invitation: InvitationPath, body: BounceBody, caller: MaySend, db: Db, now: Now
) -> InvitationOut:
    """The next of its ways is used then, which the fact says; it has bounced when none is left."""
    at = _checked(body, now)
    return InvitationOut.of(await moves.bounce(db, caller, invitation, at, body.channel))


def _checked(body: StepBody, now: datetime) -> datetime:
    if body.at is None:
        return now
    check_time(body.at, now)
    return body.at
