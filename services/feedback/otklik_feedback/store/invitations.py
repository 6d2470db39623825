"""Invitations: planned, stopped or sent; each is one row, and due at its moment."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_feedback.domain.asking.invitation import Invitation, Step
from otklik_feedback.domain.asking.programme import AskChannel, Trigger
from otklik_feedback.domain.asking.quarantine import Rule
from otklik_feedback.store.asking_tables import invitations
from otklik_feedback.store.sets import array, given

PLANNED: Final = "planned"
STOPPED: Final = "stopped"


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent: the invitation, and what it asks for in which language."""

    invitation: Invitation
    survey: UUID
    metric: str
    language: str


@dataclass(frozen=True, slots=True)
class Kept:
    """
    An invitation as it is kept, from its plan on.

    Attributes:
        next_at: When something is to be done about it; None: never more.
        revision: Of its fact; 0 until it is sent.
        sent: None until it is sent.
    """

    tenant: str
    id: UUID
    programme: str
    trigger: Trigger
    occasion: UUID
    due_at: datetime
    next_at: datetime | None
    planned_at: datetime
    contact: UUID | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)
    identifiers: tuple[str, ...] = ()
    rule: Rule | None = None
    because: UUID | None = None
    decided_at: datetime | None = None
    revision: int = 0
    recorded_at: datetime | None = None
    sent: Sent | None = None

    @property
    def person(self) -> str | None:
        """The strongest pseudonym of whom it is for."""
        return self.identifiers[0] if self.identifiers else None

    @property
    def state(self) -> str:
        """Planned, stopped, or how far it has come."""
        if self.sent is not None:
            return self.sent.invitation.state.value
        return PLANNED if self.rule is None else STOPPED


_NAMES: Final = tuple(column.name for column in invitations.c)
_CHANGING: Final = (
    "state",
    "rule",
    "because",
    "next_at",
    "decided_at",
    "revision",
    "recorded_at",
    "body",
)


async def plan(tx: AsyncConnection, plans: Sequence[Kept]) -> None:
    """Keep plans; one that is known and still undecided follows what is told of its occasion."""
    if not plans:
        return
    ordered = sorted(plans, key=lambda one: (one.tenant, one.id))
    source = given(invitations, _NAMES, map(_row, ordered))
    new = upsert(invitations).from_select(list(_NAMES), select(*source.c))
    followed = ("person", "branch", "state", "rule", "due_at", "next_at", "decided_at", "body")
    await tx.execute(
        new.on_conflict_do_update(
            index_elements=[invitations.c.tenant, invitations.c.id],
            set_={name: new.excluded[name] for name in followed},
            # One that waits for a quarantine keeps its turn.
            where=(invitations.c.state == PLANNED)
            & (
                tuple_(invitations.c.due_at, invitations.c.body)
                != tuple_(new.excluded.due_at, new.excluded.body)
            ),
        )
    )


async def unplan(tx: AsyncConnection, gone: Collection[tuple[str, UUID]]) -> None:
    """Forget plans (tenant, id) whose occasion has not happened after all."""
    if not gone:
        return
    rows = [{"tenant": tenant, "id": id_} for tenant, id_ in sorted(gone)]
    source = given(invitations, ("tenant", "id"), rows)
    await tx.execute(
        delete(invitations).where(
            invitations.c.tenant == source.c.tenant,
            invitations.c.id == source.c.id,
            invitations.c.state == PLANNED,
        )
    )


async def due(tx: AsyncConnection, now: datetime, most: int) -> list[Kept]:
    """Those whose moment has passed, the longest due first, locked; none that others have."""
    rows = (
        select(invitations)
        .where(invitations.c.next_at <= now)
        .order_by(invitations.c.next_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [_kept(row) for row in await tx.execute(rows)]


async def waiting(
    tx: AsyncConnection, people: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[Kept]]:
    """What is planned for people (tenant, pseudonym) and not yet decided."""
    rows = [{"tenant": tenant, "person": person} for tenant, person in sorted(people)]
    source = given(invitations, ("tenant", "person"), rows)
    found: dict[tuple[str, str], list[Kept]] = {}
    for row in await tx.execute(
        select(invitations).join(
            source,
            (invitations.c.tenant == source.c.tenant)
            & (invitations.c.person == source.c.person)
            & (invitations.c.state == PLANNED),
        )
    ):
        found.setdefault((row.tenant, row.person), []).append(_kept(row))
    return found


async def put(tx: AsyncConnection, changed: Iterable[Kept]) -> None:
    """Write locked rows of any companies."""
    source = given(invitations, ("tenant", "id", *_CHANGING), map(_row, changed))
    await tx.execute(
        update(invitations)
        .values({name: source.c[name] for name in _CHANGING})
        .where(invitations.c.tenant == source.c.tenant, invitations.c.id == source.c.id)
    )


async def get(tx: AsyncConnection, tenant: str, id_: UUID, *, lock: bool = False) -> Kept | None:
    """One; with `lock` ours until the end of `tx`."""
    rows = select(invitations).where(invitations.c.tenant == tenant, invitations.c.id == id_)
    row = (await tx.execute(rows.with_for_update() if lock else rows)).one_or_none()
    return None if row is None else _kept(row)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which invitations of a programme are wanted; None means any."""

    programme: str
    state: str | None = None
    rule: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    branches: frozenset[str] | None = None


async def part(tx: AsyncConnection, tenant: str, wanted: Wanted, page: Part) -> list[Kept]:
    """A part of the list, the first due first, and one more."""
    rows = _of(select(invitations), tenant, wanted)
    order = (invitations.c.due_at, invitations.c.id)
    return [_kept(row) for row in await tx.execute(keyset(rows, page, order=order))]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many invitations are in a state, or were stopped by a rule, and what they had come to."""

    state: str
    rule: str | None
    number: int
    delivered: int
    started: int
    done: int


async def tallies(tx: AsyncConnection, tenant: str, wanted: Wanted) -> list[Tally]:
    """Invitations of a programme counted by state and rule."""
    moments = invitations.c.body["sent"]["moments"]
    arrived = moments.op("<>")(text("'{}'::jsonb"))
    began = func.jsonb_exists_any(moments, text("ARRAY['started', 'partial', 'done']"))
    rows = _of(
        select(
            invitations.c.state,
            invitations.c.rule,
            func.count().label("number"),
            func.count().filter(arrived).label("delivered"),
            func.count().filter(began).label("started"),
            func.count().filter(func.jsonb_exists(moments, "done")).label("done"),
        ),
        tenant,
        wanted,
    ).group_by(invitations.c.state, invitations.c.rule)
    return [Tally(*row) for row in await tx.execute(rows.order_by("state", "rule"))]


def _of(rows: Select[Any], tenant: str, wanted: Wanted) -> Select[Any]:
    rows = rows.where(invitations.c.tenant == tenant, invitations.c.programme == wanted.programme)
    for name in ("state", "rule"):
        value = getattr(wanted, name)
        if value is not None:
            rows = rows.where(invitations.c[name] == value)
    if wanted.since is not None:
        rows = rows.where(invitations.c.due_at >= wanted.since)
    if wanted.before is not None:
        rows = rows.where(invitations.c.due_at < wanted.before)
    if wanted.branches is not None:
        rows = rows.where(invitations.c.branch == array(invitations, "branch", wanted.branches))
    return rows


# --- Rows ---------------------------------------------------------------------------------------


def _row(one: Kept) -> dict[str, Any]:
    return {
        "tenant": one.tenant,
        "id": one.id,
        "programme": one.programme,
        "trigger": one.trigger.value,
        "occasion": one.occasion,
        "person": one.person,
        "branch": one.dimensions.get("branch"),
        "state": one.state,
        "rule": None if one.rule is None else one.rule.value,
        "because": one.because,
        "due_at": one.due_at,
        "next_at": one.next_at,
        "planned_at": one.planned_at,
        "decided_at": one.decided_at,
        "revision": one.revision,
        "recorded_at": one.recorded_at,
        "body": {
            "contact": None if one.contact is None else str(one.contact),
            "dimensions": dict(one.dimensions),
            "identifiers": list(one.identifiers),
            "sent": None if one.sent is None else _written(one.sent),
        },
    }


def _written(sent: Sent) -> dict[str, Any]:
    one = sent.invitation
    return {
        "survey": str(sent.survey),
        "metric": sent.metric,
        "language": sent.language,
        "channels": [channel.value for channel in one.channels],
        "invited_at": one.invited_at.isoformat(),
        "expires_at": one.expires_at.isoformat(),
        "moments": {step.value: at.isoformat() for step, at in one.moments.items()},
        "bounces": {channel.value: at.isoformat() for channel, at in one.bounces.items()},
        "reminders": [int(after.total_seconds()) for after in one.reminders],
        "reminded": one.reminded,
        "reminded_at": None if one.reminded_at is None else one.reminded_at.isoformat(),
        "answer": None if one.answer is None else str(one.answer),
    }


def _kept(row: Any) -> Kept:
    body: Mapping[str, Any] = row.body
    return Kept(
        tenant=row.tenant,
        id=row.id,
        programme=row.programme,
        trigger=Trigger(row.trigger),
        occasion=row.occasion,
        due_at=row.due_at,
        next_at=row.next_at,
        planned_at=row.planned_at,
        contact=None if body["contact"] is None else UUID(body["contact"]),
        dimensions=body["dimensions"],
        identifiers=tuple(body["identifiers"]),
        rule=None if row.rule is None else Rule(row.rule),
        because=row.because,
        decided_at=row.decided_at,
        revision=row.revision,
        recorded_at=row.recorded_at,
        sent=None if body["sent"] is None else _sent(row.id, body["sent"]),
    )


def _sent(id_: UUID, said: Mapping[str, Any]) -> Sent:
    at = datetime.fromisoformat
    return Sent(
        Invitation(
            id_,
            tuple(map(AskChannel, said["channels"])),
            at(said["invited_at"]),
            at(said["expires_at"]),
            {Step(step): at(moment) for step, moment in said["moments"].items()},
            {AskChannel(channel): at(moment) for channel, moment in said["bounces"].items()},
            tuple(timedelta(seconds=after) for after in said["reminders"]),
            said["reminded"],
            None if said["reminded_at"] is None else at(said["reminded_at"]),
            None if said["answer"] is None else UUID(said["answer"]),
        ),
        UUID(said["survey"]),
        said["metric"],
        said["language"],
    )
