"""Calibrations: opened on a contact, evaluated by several who do not see one another, closed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Conflict, NotFound
from otklik_common.etags import Expected
from otklik_common.idempotency import Once, Reply
from otklik_common.paging import Part
from otklik_common.pseudonym import Sealer
from otklik_contact_center.actions.evaluation_forms import found, found_for_use
from otklik_contact_center.actions.evaluations import WORDS, about_contact, actor_of
from otklik_contact_center.domain.quality.calibration import FEWEST, MOST, Result, compare
from otklik_contact_center.domain.quality.evaluation import Given, check_complete, check_not_own
from otklik_contact_center.domain.quality.form import Form
from otklik_contact_center.domain.quality.score import Answers, check_answers
from otklik_contact_center.store import calibrations
from otklik_contact_center.store.calibrations import Calibration
from otklik_contact_center.store.calibrations import Given as Kept


class CalibrationNotFound(NotFound):
    """No such calibration, or none within reach."""

    code = "calibration_not_found"


class CalibrationClosed(Conflict):
    """What was agreed on is agreed on."""

    code = "calibration_closed"


class TooFewEvaluators(Conflict):
    """Nothing can be compared yet."""

    code = "too_few_evaluators"


class TooManyEvaluators(Conflict):
    """Enough have evaluated it."""

    code = "too_many_evaluators"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What an evaluator gave."""

    evaluator: str
    given: Given
    at: datetime


@dataclass(frozen=True, slots=True)
class Detail:
    """
    A calibration as its reader may see it.

    Attributes:
        sheets: While it is open only the reader's own.
        result: Once it is closed.
    """

    value: Calibration
    sheets: Sequence[Sheet]
    result: Result | None


Show = Callable[[Detail], Reply]


class Calibrations:
    """Keeps calibrations."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def open(
        self, caller: Caller, contact: UUID, form: str, *, now: datetime, once: Once, show: Show
    ) -> Reply:
        """
        Let a contact be evaluated by several.

        Raises:
            ContactNotFound, UnknownForm: It is not there, or not within reach.
            FormRetired, NoAgent: Nothing was opened.
        """
        tenant = caller.tenant
        async with self._db.begin(tenant) as tx:
            kept = await once.replay(tx, caller)
            if kept is not None:
                return kept
            about = await about_contact(tx, tenant, contact, caller.branches)
            version = (await found_for_use(tx, tenant, form)).version
            whose = about.agent, about.branch
            one = Calibration(uuid4(), contact, form, version, *whose, caller.principal, now)
            await calibrations.add(tx, tenant, one)
            return await once.keep(tx, show(Detail(one, [], None)))

    async def answer(self, caller: Caller, id_: UUID, given: Given, now: datetime) -> Detail:
        """
        Write the caller's own answers, anew if they did before; nobody else sees them yet.

        Raises:
            CalibrationNotFound, CalibrationClosed, TooManyEvaluators: They are not kept.
            BadAnswers, Incomplete, NothingScored, OwnEvaluation: The same.
        """
        tenant = caller.tenant
        async with self._db.begin(tenant) as tx:
            one = await self._open(tx, caller, id_)
            check_not_own(one.agent, actor_of(caller))
            form = (await found(tx, tenant, one.form, one.form_version)).value
            check_answers(form, given.answers, given.comments)
            check_complete(form, given.answers)
            known = {sheet.evaluator for sheet in await calibrations.given(tx, tenant, id_)}
            if caller.principal not in known and len(known) >= MOST:
                raise TooManyEvaluators(
                    f"a calibration takes {MOST} evaluators at most",
                    detail_ru=f"в калибровке не больше {MOST} оценщиков",
                )
            sheet = Kept(caller.principal, given.answers, self._sealed(tenant, given), now)
            await calibrations.put_answers(tx, tenant, id_, sheet)
            one = replace(one, given=len(known | {caller.principal}))
            return await self._detail(tx, caller, one)

    async def close(
        self,
        caller: Caller,
        id_: UUID,
        agreed: Answers,
        *,
        expected: Expected,
        now: datetime,
    ) -> Detail:
        """
        Write down what was agreed on, and let everybody see everything.

        Raises:
            CalibrationNotFound, CalibrationClosed, PreconditionFailed: It stays as it was.
            TooFewEvaluators, BadAnswers, Incomplete, NothingScored, OwnEvaluation: The same.
        """
        tenant = caller.tenant
        async with self._db.begin(tenant) as tx:
            one = await self._open(tx, caller, id_)
            expected.check(one.revision)
            check_not_own(one.agent, actor_of(caller))
            form = (await found(tx, tenant, one.form, one.form_version)).value
            check_answers(form, agreed)
            check_complete(form, agreed)
            if one.given < FEWEST:
                raise TooFewEvaluators(
                    f"{one.given} have evaluated it, {FEWEST} are needed to compare",
                    detail_ru=f"оценили {one.given}, для сравнения нужно {FEWEST}",
                )
            one = replace(
                one,
                agreed=dict(agreed),
                closed_by=caller.principal,
                closed_at=now,
                revision=one.revision + 1,
            )
            await calibrations.close(tx, tenant, one)
            return await self._detail(tx, caller, one)

    async def get(self, caller: Caller, id_: UUID) -> Detail:
        """A calibration. Raises CalibrationNotFound."""
        async with self._db.begin(caller.tenant) as tx:
            return await self._detail(tx, caller, await self._found(tx, caller, id_))

    async def listed(self, caller: Caller, part: Part) -> list[Calibration]:
        """Calibrations within reach, those opened last first."""
        async with self._db.begin(caller.tenant) as tx:
            return await calibrations.listed(tx, caller.tenant, caller.branches, part)

    async def _found(
        self, tx: AsyncConnection, caller: Caller, id_: UUID, *, locked: bool = False
    ) -> Calibration:
        one = await calibrations.get(tx, caller.tenant, id_, locked=locked)
        if one is None or not caller.may_see(one.branch):
            raise CalibrationNotFound(
                f"there is no calibration {id_}", detail_ru=f"нет калибровки {id_}"
            )
        return one

    async def _open(self, tx: AsyncConnection, caller: Caller, id_: UUID) -> Calibration:
        one = await self._found(tx, caller, id_, locked=True)
        if one.closed_at is not None:
            raise CalibrationClosed("the calibration is closed", detail_ru="калибровка закрыта")
        return one

    async def _detail(self, tx: AsyncConnection, caller: Caller, one: Calibration) -> Detail:
        tenant = caller.tenant
        rows = await calibrations.given(tx, tenant, one.id)
        if one.agreed is None:
            mine = [self._sheet(tenant, row) for row in rows if row.evaluator == caller.principal]
            return Detail(one, mine, None)
        form: Form = (await found(tx, tenant, one.form, one.form_version)).value
        by_name: Mapping[str, Answers] = {row.evaluator: row.answers for row in rows}
        sheets = [self._sheet(tenant, row) for row in rows]
        return Detail(one, sheets, compare(form, by_name, one.agreed))

    def _sheet(self, tenant: str, row: Kept) -> Sheet:
        words = msgspec.json.decode(self._sealer.open(tenant, WORDS, row.comments))
        given = Given(row.answers, words["comment"], words["comments"])
        return Sheet(row.evaluator, given, row.at)

    def _sealed(self, tenant: str, given: Given) -> bytes:
        words: Mapping[str, Any] = {"comment": given.comment, "comments": dict(given.comments)}
        return self._sealer.seal(tenant, WORDS, msgspec.json.encode(words).decode())
