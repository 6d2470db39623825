"""Visits of mystery shoppers: assigned, reported with hashes of evidence, accepted or rejected."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Forbidden, NotFound
from otklik_common.etags import Expected
from otklik_common.idempotency import Once, Reply
from otklik_common.paging import Part
from otklik_common.pseudonym import Sealer
from otklik_contact_center.actions.evaluation_forms import found, found_for_use
from otklik_contact_center.domain.quality.evaluation import check_complete
from otklik_contact_center.domain.quality.mystery import (
    Evidence,
    Step,
    Visit,
    check_acceptable,
    faults_of,
    follows,
)
from otklik_contact_center.domain.quality.score import Answers, check_answers
from otklik_contact_center.store import mystery
from otklik_contact_center.store.mystery import Row, Wanted

WORDS: Final = "mystery visit"
"""Purpose under which scenarios, comments and reasons are sealed."""

Show = Callable[[Visit], Reply]


class VisitNotFound(NotFound):
    """No such visit, or none within reach."""

    code = "visit_not_found"


class OwnReport(Forbidden):
    """Whoever reported a visit does not judge it."""

    code = "own_report"


class BranchOutOfReach(Forbidden):
    """The branch is not one of the caller's."""

    code = "branch_out_of_reach"


@dataclass(frozen=True, slots=True)
class Report:
    """What a shopper found."""

    visited_at: datetime
    answers: Answers
    evidence: Sequence[Evidence]
    comment: str | None = None


class MysteryVisits:
    """Keeps visits."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def assign(self, caller: Caller, visit: Visit, *, once: Once, show: Show) -> Reply:
        """
        Assign a visit; its form is asked in the version that holds now.

        Raises:
            UnknownForm, FormRetired, BranchOutOfReach: Nothing was assigned.
        """
        tenant = caller.tenant
        if not caller.may_see(visit.branch):
            raise BranchOutOfReach(
                f"the branch {visit.branch} is out of reach",
                detail_ru=f"филиал {visit.branch} вне доступа",
            )
        async with self._db.begin(tenant) as tx:
            kept = await once.replay(tx, caller)
            if kept is not None:
                return kept
            version = (await found_for_use(tx, tenant, visit.form)).version
            visit = replace(visit, form_version=version)
            await mystery.add(tx, tenant, self._row(tenant, visit))
            return await once.keep(tx, show(visit))

    async def report(
        self, caller: Caller, id_: UUID, report: Report, *, expected: Expected, now: datetime
    ) -> Visit:
        """
        Write down what was found; faults are told at once.

        Raises:
            VisitNotFound, PreconditionFailed, IllegalVisitStep: It stays as it was.
            BadAnswers, Incomplete, NothingScored: The same.
        """
        tenant = caller.tenant
        async with self._db.begin(tenant) as tx:
            visit = await self._found(tx, caller, id_, locked=True)
            expected.check(visit.revision)
            state = follows(visit.state, Step.REPORT)
            form = (await found(tx, tenant, visit.form, visit.form_version)).value
            check_answers(form, report.answers)
            score = check_complete(form, report.answers)
            # Two who show one file at the same moment: the second sees the first.
            await mystery.alone(tx, tenant)
            hashes = {one.sha256 for one in report.evidence}
            before = await mystery.shown_before(tx, tenant, hashes)
            visit = replace(
                visit,
                state=state,
                revision=visit.revision + 1,
                visited_at=report.visited_at,
                reported_by=caller.principal,
                reported_at=now,
                answers=report.answers,
                comment=report.comment,
                evidence=report.evidence,
                faults=faults_of(visit, report.visited_at, report.evidence, before),
                score_micro=score.micro,
                failed=score.failed,
            )
            await mystery.put(tx, tenant, self._row(tenant, visit))
            await mystery.add_evidence(tx, tenant, id_, report.evidence)
        return visit

    async def judge(
        self,
        caller: Caller,
        id_: UUID,
        step: Step,
        reason: str | None,
        *,
        expected: Expected,
        now: datetime,
    ) -> Visit:
        """
        Accept, reject or cancel a visit.

        Raises:
            VisitNotFound, PreconditionFailed, IllegalVisitStep: It stays as it was.
            VisitHasFaults, OwnReport: The same.
        """
        async with self._db.begin(caller.tenant) as tx:
            visit = await self._found(tx, caller, id_, locked=True)
            expected.check(visit.revision)
            state = follows(visit.state, step)
            if step is not Step.CANCEL and caller.principal == visit.reported_by:
                raise OwnReport(
                    "whoever reported a visit does not judge it",
                    detail_ru="свой отчёт о визите никто не принимает и не отклоняет",
                )
            if step is Step.ACCEPT:
                check_acceptable(visit)
            visit = replace(
                visit,
                state=state,
                revision=visit.revision + 1,
                judged_by=caller.principal,
                judged_at=now,
                reason=reason,
            )
            await mystery.put(tx, caller.tenant, self._row(caller.tenant, visit))
        return visit

    async def get(self, caller: Caller, id_: UUID) -> Visit:
        """A visit. Raises VisitNotFound."""
        async with self._db.begin(caller.tenant) as tx:
            return await self._found(tx, caller, id_)

    async def listed(self, caller: Caller, wanted: Wanted, part: Part) -> list[Visit]:
        """Visits within reach, those assigned last first."""
        async with self._db.begin(caller.tenant) as tx:
            rows = await mystery.listed(tx, caller.tenant, wanted, caller.branches, part)
        return [self._opened(caller.tenant, row) for row in rows]

    async def _found(
        self, tx: AsyncConnection, caller: Caller, id_: UUID, *, locked: bool = False
    ) -> Visit:
        row = await mystery.get(tx, caller.tenant, id_, locked=locked)
        if row is None or not caller.may_see(row.value.branch):
            raise VisitNotFound(f"there is no visit {id_}", detail_ru=f"нет визита {id_}")
        visit = self._opened(caller.tenant, row)
        return replace(visit, evidence=await mystery.evidence(tx, caller.tenant, id_))

    def _opened(self, tenant: str, row: Row) -> Visit:
        words = msgspec.json.decode(self._sealer.open(tenant, WORDS, row.words))
        return replace(row.value, **words)

    def _row(self, tenant: str, visit: Visit) -> Row:
        words = {name: getattr(visit, name) for name in ("scenario", "comment", "reason")}
        sealed = self._sealer.seal(tenant, WORDS, msgspec.json.encode(words).decode())
        return Row(visit, sealed)
