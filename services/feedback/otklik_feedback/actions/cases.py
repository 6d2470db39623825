"""What staff do about unhappy customers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import NotFound
from otklik_common.etags import Expected
from otklik_common.idempotency import Once, Reply
from otklik_common.paging import Part
from otklik_feedback.actions.means import NOBODY, Means, Person
from otklik_feedback.actions.opening import recorded
from otklik_feedback.domain.answer import Answer
from otklik_feedback.domain.case import Case, Step, closed, contacted
from otklik_feedback.domain.enrichment import Known
from otklik_feedback.domain.facts import case_event
from otklik_feedback.domain.happened import check_happened
from otklik_feedback.store import answers, cases, claims, readings
from otklik_feedback.store.cases import CaseEvent, Filters

Show = Callable[[Case], Reply]


@dataclass(frozen=True, slots=True)
class Done:
    """
    What somebody did about a case.

    Attributes:
        reason: Reason code.
        note: What was said and agreed, in free words; never blank.
    """

    reason: str
    note: str
    at: datetime


async def mark_contacted(
    db: Database,
    means: Means,
    caller: Caller,
    id_: UUID,
    done: Done,
    *,
    now: datetime,
    expected: Expected,
    once: Once,
    show: Show,
) -> Reply:
    """
    Somebody spoke to the customer.

    Raises:
        NotFound, CaseClosed, AlreadyContacted, BadStep, TimeInFuture, PreconditionFailed.
    """
    check_happened(done.at, now)
    return await _step(
        db,
        means,
        caller,
        id_,
        done,
        step=Step.CONTACTED,
        move=lambda case: contacted(case, done.at),
        expected=expected,
        once=once,
        show=show,
    )


async def close_case(
    db: Database,
    means: Means,
    caller: Caller,
    id_: UUID,
    done: Done,
    *,
    now: datetime,
    expected: Expected,
    once: Once,
    show: Show,
) -> Reply:
    """
    Nothing more is to be done.

    Raises:
        NotFound, CaseClosed, BadStep, TimeInFuture, PreconditionFailed.
    """
    check_happened(done.at, now)
    return await _step(
        db,
        means,
        caller,
        id_,
        done,
        step=Step.CLOSED,
        move=lambda case: closed(case, done.at, resolution=done.reason),
        expected=expected,
        once=once,
        show=show,
    )


async def _step(
    db: Database,
    means: Means,
    caller: Caller,
    id_: UUID,
    done: Done,
    *,
    step: Step,
    move: Callable[[Case], Case],
    expected: Expected,
    once: Once,
    show: Show,
) -> Reply:
    tenant = caller.tenant
    async with db.begin(tenant) as tx:
        replayed = await once.replay(tx, caller)
        if replayed is not None:
            return replayed
        case = await cases.get(tx, tenant, id_, lock=True)
        if case is None or not _sees(caller, case):
            raise _missing(id_)
        expected.check(case.revision)
        recorder = await outbox.recorder(tx, tenant)
        after = recorded(move(case), recorder)
        await cases.put(tx, [(tenant, after)])
        taken = CaseEvent(
            case=id_,
            number=after.steps,
            step=step,
            at=done.at,
            recorded_at=recorder.now,
            actor=caller.principal,
            reason=done.reason,
            note=means.sealed(tenant, "note", done.note),
        )
        await cases.add_events(tx, tenant, [taken])
        await recorder.append([case_event(tenant, after, verb=step.value, at=done.at)])
        return await once.keep(tx, show(after))


# --- Reading ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShownCase:
    """
    A case with all that is needed to call the customer.

    Attributes:
        answers: Answers that opened and joined it, with their comments.
        known: What is known of their words, by answer.
        steps: With their notes.
        person: The customer, as the newest of these answers names them, else the newest of the
            claims within reach that opened and joined it.
    """

    case: Case
    answers: list[tuple[Answer, str | None]]
    known: dict[UUID, Known]
    steps: list[tuple[CaseEvent, str | None]]
    person: Person


async def read_case(db: Database, means: Means, caller: Caller, id_: UUID) -> ShownCase:
    """A case in the clear. Raises NotFound."""
    tenant = caller.tenant
    async with db.begin(tenant) as tx:
        case = await cases.get(tx, tenant, id_)
        if case is None or not _sees(caller, case):
            raise _missing(id_)
        steps = await cases.events_of(tx, tenant, id_)
        # The order in which they opened and joined; one may have come in twice.
        ids = list(dict.fromkeys(step.answer for step in steps if step.answer is not None))
        found = await answers.get(tx, tenant, ids)
        known = await readings.of(tx, tenant, ids)
        claimed = list(dict.fromkeys(step.claim for step in steps if step.claim is not None))
        claimants = await claims.people(tx, tenant, claimed)
    found.sort(key=lambda pair: ids.index(pair[0].id))
    within = [claimants[id_] for id_ in claimed if id_ in claimants]
    sealed_people = [one.person for one in within if caller.may_see(one.branch)]
    sealed_people += [sealed for _, sealed in found]
    named = [person for one in sealed_people if (person := means.person(tenant, one)) != NOBODY]
    return ShownCase(
        case,
        [(answer, means.opened(tenant, "comment", sealed.comment)) for answer, sealed in found],
        known,
        [(step, means.opened(tenant, "note", step.note)) for step in steps],
        named[-1] if named else NOBODY,
    )


async def list_cases(db: Database, caller: Caller, filters: Filters, wanted: Part) -> list[Case]:
    """A part of the cases within reach, the newest first, and one more."""
    within = replace(filters, branches=caller.branches)
    async with db.begin(caller.tenant) as tx:
        return await cases.part(tx, caller.tenant, within, wanted)


def _sees(caller: Caller, case: Case) -> bool:
    return caller.may_see(case.dimensions.get("branch"))


def _missing(id_: UUID) -> NotFound:
    return NotFound(f"there is no case {id_}", detail_ru=f"обращения {id_} нет")
