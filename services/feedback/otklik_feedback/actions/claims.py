"""Claims: how they are kept, and what is done about them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox, validation
from otklik_common.callers import Caller
from otklik_common.db import Database, raw
from otklik_common.directory import Directory, Known
from otklik_common.errors import NotFound, Unprocessable
from otklik_common.etags import Expected
from otklik_common.idempotency import Once
from otklik_common.idempotency import Reply as Answered
from otklik_common.ids import subject_id
from otklik_common.paging import Part
from otklik_feedback.actions.answers import OutOfReach, check_contact
from otklik_feedback.actions.cases import Done
from otklik_feedback.actions.claim_cases import follow
from otklik_feedback.actions.clocks import Book, settle
from otklik_feedback.actions.means import Means, Person
from otklik_feedback.actions.opening import Unhappy, open_cases
from otklik_feedback.actions.undisturbed import Raced, undisturbed
from otklik_feedback.domain.answer import NOTHING_KNOWN, ContactKnown
from otklik_feedback.domain.claim import (
    MOST_KINDS,
    SHIPPED,
    Claim,
    ClaimDiffers,
    NewClaim,
    check_words,
    digest_of,
    received,
    watched_of,
)
from otklik_feedback.domain.claim_case import case_of
from otklik_feedback.domain.claim_told import claim_event
from otklik_feedback.domain.clock import ClockFact, read
from otklik_feedback.domain.facts import next_moment
from otklik_feedback.domain.happened import check_happened
from otklik_feedback.store import cases, claims, clocks, contacts
from otklik_feedback.store.claims import Filters, Listed, StepRow

Show = Callable[[Listed], Answered]
T = TypeVar("T")

COPIED: Final = ("channel", "party", "branch", "team", "queue", "agent", "segment")
"""Dimensions that a claim takes from its contact, where it does not say them itself."""


class UnknownClaimKind(Unprocessable):
    """The company has no such kind of claim."""

    code = "unknown_claim_kind"


class TooManyKinds(Unprocessable):
    """More kinds of claims than one company has."""

    code = "too_many_kinds"


def claim_id(tenant: str, reference: str) -> UUID:
    """Subject id of a claim, from the sender's own id."""
    return subject_id(tenant, "claim", reference)


@dataclass(frozen=True, slots=True)
class Desk:
    """What claims are kept with, for one caller at one moment."""

    db: Database
    means: Means
    book: Book
    directory: Directory
    caller: Caller
    now: datetime


async def keep_claim(desk: Desk, new: NewClaim, person: Person) -> None:
    """
    Keep a claim, run its clocks, open its case and announce all, in one transaction; once by its id.

    Raises:
        OutOfReach, NotFound, EmptyClaim, ClaimDiffers, UnknownClaimKind, TimeInFuture, TimeTooOld,
            Unavailable.
    """
    check_words(new)
    check_happened(new.received_at, desk.now)
    validation.check_time(new.received_at, desk.now)
    if not desk.caller.may_see(new.said.get("branch")):
        raise OutOfReach("the branch is out of your reach", detail_ru="филиал вам недоступен")
    known = await desk.directory.known(desk.caller.tenant)
    await _undisturbed(desk, lambda tx: _keep(tx, desk, new, person, known))


async def _undisturbed(desk: Desk, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """Again in a new transaction where others got in the way. Raises Unavailable."""
    return await undisturbed(
        desk.db,
        desk.caller.tenant,
        work,
        detail="others are writing the same claim",
        detail_ru="ту же претензию сейчас записывают другие",
    )


async def _keep(
    tx: AsyncConnection, desk: Desk, new: NewClaim, person: Person, known: Known
) -> None:
    caller, tenant = desk.caller, desk.caller.tenant
    contact = NOTHING_KNOWN
    if new.contact is not None:
        contact = (await contacts.held(tx, tenant, [new.contact]))[new.contact]
    digest = digest_of(desk.means.digest_key(tenant), new)
    before = await claims.locked(tx, tenant, new.id)
    if before is not None:
        if not caller.may_see(before.branch):
            raise missing(new.id)
        if before.digest != digest:
            raise ClaimDiffers(
                "another claim came under this id", detail_ru="под этим id была другая претензия"
            )
        return
    check_contact(caller, contact)
    terms = {**SHIPPED, **await claims.kinds(tx, tenant)}
    if new.claim_kind not in terms:
        raise UnknownClaimKind(
            f"there is no kind of claims {new.claim_kind!r}; known: {', '.join(sorted(terms))}",
            detail_ru=f"вида претензий {new.claim_kind!r} нет; есть: {', '.join(sorted(terms))}",
        )
    dimensions = _dimensions(new, contact)
    recorder = await outbox.recorder(tx, tenant)
    made = received(
        new,
        digest=digest,
        sender=caller.principal,
        dimensions=dimensions,
        identifiers=new.identifiers or contact.identifiers,
        term_days=terms[new.claim_kind],
        zone=zone_of(known, dimensions.get("branch")),
    )
    last = (await contacts.last_of(tx, tenant, [new.id])).get(new.id)
    claim = replace(
        made,
        revision=1 if last is None else last.revision + 1,
        recorded_at=next_moment(recorder.now, None if last is None else last.recorded_at),
    )
    sealed = desk.means.seal(tenant, person, None)
    text = desk.means.sealed(tenant, "claim", new.text)
    if not await claims.add(tx, tenant, claim, text, sealed):
        raise Raced
    step = StepRow(1, "received", claim.received_at, recorder.now, caller.principal)
    await claims.add_step(tx, tenant, claim.id, step)
    told = [claim_event(tenant, claim, verb="received", at=claim.received_at)]
    told += await settle(tx, tenant, [watched_of(claim)], desk.book, recorder=recorder)
    case = case_of(subject_id(tenant, "case", str(claim.id), str(claim.revision)), claim)
    opened = await open_cases(
        tx,
        tenant,
        [Unhappy(case, claim.received_at)],
        recorder=recorder,
        actor=caller.principal,
    )
    await recorder.append([*told, *opened])


def _dimensions(new: NewClaim, contact: ContactKnown) -> dict[str, str]:
    known = {**contact.dimensions, **new.said}
    return {name: known[name] for name in COPIED if name in known}


def zone_of(known: Known, branch: str | None) -> str:
    """In whose days a legal term counts: the branch's, else the company's."""
    own = None if branch is None else known.branches.get(branch)
    if own is not None and own.timezone is not None:
        return own.timezone
    return "Europe/Moscow" if known.company is None else known.company.timezone


# --- Steps --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Work:
    """How something is done about one claim."""

    desk: Desk
    expected: Expected
    once: Once
    show: Show


async def step(
    work: Work, id_: UUID, done: Done, name: str, move: Callable[[Claim], Claim]
) -> Answered:
    """
    Do something about a claim, with its reason and a note.

    Args:
        move: The rule; it says what cannot be done.
    Raises:
        NotFound, OutOfReach, TimeInFuture, PreconditionFailed, Unavailable, and what `move` raises.
    """
    check_happened(done.at, work.desk.now)
    return await _undisturbed(work.desk, lambda tx: _step(tx, work, id_, done, name, move))


async def _step(
    tx: AsyncConnection,
    work: Work,
    id_: UUID,
    done: Done,
    name: str,
    move: Callable[[Claim], Claim],
) -> Answered:
    desk = work.desk
    caller, tenant = desk.caller, desk.caller.tenant
    replayed = await work.once.replay(tx, caller)
    if replayed is not None:
        return replayed
    before = await claims.locked(tx, tenant, id_)
    if before is None or not caller.may_see(before.branch):
        raise missing(id_)
    work.expected.check(before.revision)
    after = move(before)
    if not caller.may_see(after.branch):
        raise OutOfReach("the branch is out of your reach", detail_ru="филиал вам недоступен")
    recorder = await outbox.recorder(tx, tenant)
    after = replace(
        after,
        revision=before.revision + 1,
        recorded_at=next_moment(recorder.now, before.recorded_at),
    )
    await claims.put(tx, tenant, after)
    note = desk.means.sealed(tenant, "note", done.note)
    row = StepRow(after.steps, name, done.at, recorder.now, caller.principal, done.reason, note)
    await claims.add_step(tx, tenant, id_, row)
    told = await settle(tx, tenant, [watched_of(after)], desk.book, recorder=recorder)
    if after.dimensions != before.dimensions:
        told += await follow(
            tx, tenant, before, after, at=done.at, recorder=recorder, actor=caller.principal
        )
    await recorder.append([claim_event(tenant, after, verb=name, at=done.at), *told])
    found = await claims.get(tx, tenant, id_)
    assert found is not None
    return await work.once.keep(tx, work.show(found[0]))


# --- Reading ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """
    A claim with all that is known of it, in the clear.

    Attributes:
        case: The newest case that it opened.
    """

    listed: Listed
    text: str | None
    person: Person
    steps: list[tuple[StepRow, str | None]]
    clocks: list[tuple[UUID, ClockFact]]
    case: UUID | None


async def read_claim(db: Database, means: Means, caller: Caller, id_: UUID) -> Shown:
    """A claim with its words, whoever claims, its clocks and steps. Raises NotFound."""
    tenant = caller.tenant
    async with db.begin(tenant) as tx:
        found = await claims.get(tx, tenant, id_)
        if found is None or not caller.may_see(found[0].claim.branch):
            raise missing(id_)
        steps = await claims.steps(tx, tenant, id_)
        running = await clocks.standing(await raw(tx), tenant, [id_])
        case = await cases.opened_for(tx, tenant, "claim", id_)
    listed, text, person = found
    return Shown(
        listed,
        means.opened(tenant, "claim", text),
        means.person(tenant, person),
        [(one, means.opened(tenant, "note", one.note)) for one in steps],
        [(row.id, read(row.data)) for row in running],
        case,
    )


async def list_claims(db: Database, caller: Caller, filters: Filters, wanted: Part) -> list[Listed]:
    """A part of the claims within reach, and one more."""
    within = replace(filters, branches=caller.branches)
    async with db.begin(caller.tenant) as tx:
        return await claims.part(tx, caller.tenant, within, wanted)


def missing(id_: UUID) -> NotFound:
    """There is none, or none within reach."""
    return NotFound(f"there is no claim {id_}", detail_ru=f"претензии {id_} нет")


# --- Legal terms --------------------------------------------------------------------------------


async def list_kinds(db: Database, caller: Caller) -> dict[str, int | None]:
    """Calendar days by kind: those shipped, with what the company declares instead."""
    async with db.begin(caller.tenant) as tx:
        return {**SHIPPED, **await claims.kinds(tx, caller.tenant)}


async def declare_kind(
    db: Database, caller: Caller, code: str, days: int | None, now: datetime
) -> None:
    """Declare a kind of claims, or another term; of claims to come. Raises TooManyKinds."""
    async with db.begin(caller.tenant) as tx:
        declared = await claims.kinds(tx, caller.tenant)
        if code not in declared and len(declared) >= MOST_KINDS:
            raise TooManyKinds(
                f"a company has {MOST_KINDS} kinds of claims",
                detail_ru=f"видов претензий не больше {MOST_KINDS}",
            )
        await claims.put_kind(tx, caller.tenant, code, days, now)
