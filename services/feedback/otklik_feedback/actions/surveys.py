"""Making, editing and reading surveys."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Conflict, NotFound
from otklik_common.etags import Expected
from otklik_common.idempotency import Once, Reply
from otklik_common.ids import random_id, subject_id
from otklik_common.paging import Part
from otklik_feedback.domain.facts import next_moment, survey_event
from otklik_feedback.domain.survey import (
    CASE_DUE,
    Attribute,
    Survey,
    Template,
    Words,
    questions_of,
)
from otklik_feedback.store import contacts, surveys
from otklik_feedback.store.surveys import Kept

Show = Callable[[Survey], Reply]

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class SurveyNotFound(NotFound):
    """No such survey in the company."""

    code = "survey_not_found"


class SurveyExists(Conflict):
    """A survey of that id is there already, and another one."""

    code = "survey_exists"


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A survey as somebody wants it.

    Attributes:
        reference: The company's own id; None for one that we make up.
        nps_from_one: Scores run from 1 to 10.
    """

    template: Template
    title: Words
    reference: str | None = None
    attributes: tuple[Attribute, ...] = ()
    nps_from_one: bool = False
    anonymous: bool = False
    case_due: timedelta = CASE_DUE


@dataclass(frozen=True, slots=True)
class Edit:
    """What of a survey becomes different; None leaves it as it is."""

    title: Words | None = None
    attributes: tuple[Attribute, ...] | None = None
    active: bool | None = None
    case_due: timedelta | None = None


def survey_id(tenant: str, named: str) -> UUID:
    """The survey that a text names, by its id or by the company's own one."""
    return UUID(named) if _UUID.fullmatch(named) else subject_id(tenant, "survey", named)


async def create_survey(
    db: Database, caller: Caller, draft: Draft, *, now: datetime, once: Once, show: Show
) -> Reply:
    """
    Make a survey; the same draft under the same id again is the same survey.

    Raises:
        BadSurvey: Its attributes do not make one.
        SurveyExists: Another one has that id.
    """
    tenant = caller.tenant
    reference = draft.reference or random_id(10)
    made = Survey(
        id=survey_id(tenant, reference),
        reference=reference,
        template=draft.template,
        title=draft.title,
        questions=questions_of(
            draft.template, attributes=draft.attributes, nps_from_one=draft.nps_from_one
        ),
        created_at=now,
        anonymous=draft.anonymous,
        case_due=draft.case_due,
    )
    async with db.begin(tenant) as tx:
        replayed = await once.replay(tx, caller)
        if replayed is not None:
            return replayed
        kept = await _add(tx, caller, made)
        return await once.keep(tx, show(kept))


async def _add(tx: AsyncConnection, caller: Caller, made: Survey) -> Survey:
    tenant = caller.tenant
    gone = (await contacts.last_of(tx, tenant, [made.id])).get(made.id)
    recorder = await outbox.recorder(tx, tenant)
    new = replace(made, version=1 if gone is None else gone.revision + 1)
    recorded_at = next_moment(recorder.now, None if gone is None else gone.recorded_at)
    if await surveys.add(tx, tenant, Kept(new, recorded_at), sender=caller.principal):
        verb = "created"
        await recorder.append([survey_event(tenant, new, verb=verb, recorded_at=recorded_at)])
        return new
    known = (await surveys.get(tx, tenant, [made.id]))[made.id].survey
    if replace(known, created_at=new.created_at, version=new.version) != new:
        raise SurveyExists(
            f"survey {made.reference!r} is known and says something else",
            detail_ru=f"опрос {made.reference!r} уже есть, но другой",
        )
    return known


async def change_survey(
    db: Database, caller: Caller, named: str, edit: Edit, *, expected: Expected
) -> Survey:
    """
    Make a new version of a survey; an edit that changes nothing makes none.

    Raises:
        SurveyNotFound, BadSurvey.
        PreconditionFailed: Somebody else has changed it since.
    """
    tenant, id_ = caller.tenant, survey_id(caller.tenant, named)
    async with db.begin(tenant) as tx:
        kept = (await surveys.get(tx, tenant, [id_], lock=True)).get(id_)
        if kept is None:
            raise _missing(named)
        expected.check(kept.survey.version)
        changed = _edited(kept.survey, edit)
        if changed == kept.survey:
            return changed
        changed = replace(changed, version=kept.survey.version + 1)
        recorder = await outbox.recorder(tx, tenant)
        recorded_at = next_moment(recorder.now, kept.recorded_at)
        await surveys.put(tx, tenant, Kept(changed, recorded_at), sender=caller.principal)
        verb = "changed"
        await recorder.append([survey_event(tenant, changed, verb=verb, recorded_at=recorded_at)])
        return changed


def _edited(survey: Survey, edit: Edit) -> Survey:
    changed = replace(
        survey,
        title=edit.title or survey.title,
        active=survey.active if edit.active is None else edit.active,
        case_due=edit.case_due or survey.case_due,
    )
    if edit.attributes is None:
        return changed
    return replace(changed, questions=questions_of(survey.template, attributes=edit.attributes))


async def read_survey(db: Database, caller: Caller, named: str) -> Survey:
    """A survey in its newest version. Raises SurveyNotFound."""
    id_ = survey_id(caller.tenant, named)
    async with db.begin(caller.tenant) as tx:
        kept = (await surveys.get(tx, caller.tenant, [id_])).get(id_)
    if kept is None:
        raise _missing(named)
    return kept.survey


async def list_surveys(db: Database, caller: Caller, wanted: Part) -> list[Survey]:
    """A part of the company's surveys, the oldest first, and one more."""
    async with db.begin(caller.tenant) as tx:
        return [kept.survey for kept in await surveys.part(tx, caller.tenant, wanted)]


def _missing(named: str) -> SurveyNotFound:
    return SurveyNotFound(
        f"there is no survey {named[:100]!r}", detail_ru=f"опроса {named[:100]!r} нет"
    )
