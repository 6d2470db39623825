"""Points: issued and spent by hand, reversed, counted, listed."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from otklik_common.http import PROBLEMS, Now, StrictModel
from otklik_common.idempotency import OnceOnly, Reply
from otklik_common.ids import subject_id
from otklik_common.paging import Page, Pages
from otklik_loyalty.actions import points as actions
from otklik_loyalty.actions.points import Done
from otklik_loyalty.api.context import (
    PREFIX,
    CustomerPath,
    Db,
    MayMovePoints,
    MayReadPoints,
    OnlySelf,
    Word,
    means_of,
)
from otklik_loyalty.domain.ledger import MOST_POINTS, Balance, Movement
from otklik_loyalty.store.ledger import Moved

router = APIRouter(prefix=PREFIX, tags=["loyalty: points"])

TransferPath = Annotated[UUID, Path(alias="transfer", description="id of the movement")]


class MovementBody(StrictModel):
    """Points to issue or to spend."""

    movement: Literal["issue", "spend"]
    points: int = Field(ge=1, le=MOST_POINTS)
    reason: Word = Field(description="a code, such as goodwill", examples=["goodwill"])
    id: UUID | None = Field(
        default=None, description="id of the movement, yours for ever; made if left out"
    )


class ReasonBody(StrictModel):
    """Why a movement is undone."""

    reason: Word = Field(examples=["mistake"])


class BalanceOut(BaseModel):
    """What a customer has."""

    customer: UUID
    balance: int = Field(ge=0)
    owed: int = Field(
        ge=0, description="taken back after it was spent; withheld from the next earnings"
    )

    @classmethod
    def of(cls, found: tuple[UUID, Balance]) -> "BalanceOut":
        """The balance for those who may read it."""
        return cls(customer=found[0], balance=found[1].points, owed=found[1].owed)


class MovementOut(BaseModel):
    """A movement and the balance after it."""

    id: UUID
    customer: UUID
    movement: Movement
    points: int = Field(description="got (+) or given (−)")
    reason: str
    moved_at: datetime
    reverses: UUID | None
    balance: int
    owed: int

    @classmethod
    def of(cls, done: Done) -> "MovementOut":
        """The movement for whoever made it."""
        moved = done.moved
        return cls(
            id=moved.id,
            customer=moved.customer,
            movement=moved.movement,
            points=moved.points,
            reason=moved.reason,
            moved_at=moved.moved_at,
            reverses=moved.reverses,
            balance=done.balance.points,
            owed=done.balance.owed,
        )


class OwnMoved(BaseModel):
    """One line of a journal, as its customer sees it."""

    id: UUID
    movement: Movement
    points: int = Field(description="got (+) or given (−)")
    owed: int = Field(description="the part that grew (−) or paid (+) what is owed")
    reason: str
    moved_at: datetime
    reverses: UUID | None
    purchase: UUID | None

    @classmethod
    def of(cls, moved: Moved) -> "OwnMoved":
        """The line without who wrote it."""
        return cls(**{name: getattr(moved, name) for name in OwnMoved.model_fields})


class MovedOut(OwnMoved):
    """One line of a journal."""

    actor: str = Field(description="who did it: a key, a member of staff, the earning rule")
    recorded_at: datetime

    @classmethod
    def of(cls, moved: Moved) -> "MovedOut":
        """The line for staff."""
        return cls(**{name: getattr(moved, name) for name in cls.model_fields})


@router.post(
    "/customers/{customer}/points",
    status_code=201,
    operation_id="move_points",
    summary="Issue or spend points",
    response_model=MovementOut,
    responses=PROBLEMS(400, 401, 403, 404, 409, 422),
)
async def move_points(
    customer: CustomerPath,
    body: MovementBody,
    request: Request,
    caller: MayMovePoints,
    db: Db,
    once: OnceOnly,
    now: Now,
) -> Response:
    """
    Move points by somebody's decision. Needs the header Idempotency-Key.

    Spending more than the balance is refused with 409 `not_enough_points`. The same key within
    seven days gets the same answer; the same `id` is one movement for ever.
    """
    means = await means_of(request, caller.tenant)
    transfer = body.id or subject_id(caller.tenant, "movement", caller.principal, once.key or "")
    async with db.begin(caller.tenant) as tx:
        kept = await once.replay(tx, caller)
        if kept is None:
            done = await actions.move_points(
                tx,
                means,
                caller,
                customer,
                points=body.points if body.movement == "issue" else -body.points,
                reason=body.reason,
                now=now,
                transfer=transfer,
            )
            kept = await once.keep(tx, Reply.json(201, MovementOut.of(done)))
    return kept.response()


@router.post(
    "/points/{transfer}/reverse",
    status_code=201,
    operation_id="reverse_points",
    summary="Undo a movement of points",
    response_model=MovementOut,
    responses=PROBLEMS(400, 401, 403, 404, 409, 422),
)
async def reverse_points(
    transfer: TransferPath,
    body: ReasonBody,
    caller: MayMovePoints,
    db: Db,
    once: OnceOnly,
    now: Now,
) -> Response:
    """
    Undo a movement made by hand, once, by a movement of its own. Needs Idempotency-Key.

    Points of a purchase follow its returns and are not undone by hand; issued points that were
    spent since cannot be undone (409 `not_enough_points`).
    """
    async with db.begin(caller.tenant) as tx:
        kept = await once.replay(tx, caller)
        if kept is None:
            done = await actions.reverse_points(tx, caller, transfer, reason=body.reason, now=now)
            kept = await once.keep(tx, Reply.json(201, MovementOut.of(done)))
    return kept.response()


@router.get(
    "/customers/{customer}/points",
    operation_id="get_points",
    summary="Read a customer's balance",
    responses=PROBLEMS(401, 403, 404),
)
async def get_points(
    customer: CustomerPath, request: Request, caller: MayReadPoints, db: Db
) -> BalanceOut:
    """What the customer has, and what is owed."""
    means = await means_of(request, caller.tenant)
    return BalanceOut.of(await actions.read_balance(db, means, caller, customer))


@router.get(
    "/customers/{customer}/points/journal",
    operation_id="list_points",
    summary="List a customer's movements of points",
    responses=PROBLEMS(400, 401, 403, 404, 422),
)
async def list_points(
    customer: CustomerPath, request: Request, caller: MayReadPoints, db: Db, pages: Pages
) -> Page[MovedOut]:
    """Movements, newest first."""
    means = await means_of(request, caller.tenant)
    part = pages.part(caller.tenant)
    rows = await actions.read_journal(db, means, caller, customer, part)
    return part.page(rows, key=lambda moved: (moved.seq,), item=MovedOut.of)


@router.get(
    "/me/points",
    operation_id="get_own_points",
    summary="Read one's own balance",
    responses=PROBLEMS(401, 403, 404),
)
async def get_own_points(caller: OnlySelf, db: Db) -> BalanceOut:
    """The balance of the customer whose token this is."""
    return BalanceOut.of(await actions.read_own_balance(db, caller))


@router.get(
    "/me/points/journal",
    operation_id="list_own_points",
    summary="List one's own movements of points",
    responses=PROBLEMS(400, 401, 403, 404, 422),
)
async def list_own_points(caller: OnlySelf, db: Db, pages: Pages) -> Page[OwnMoved]:
    """Movements of the customer whose token this is, newest first."""
    part = pages.part(caller.tenant)
    rows = await actions.read_own_journal(db, caller, part)
    return part.page(rows, key=lambda moved: (moved.seq,), item=OwnMoved.of)
