"""Making, editing and reading surveys."""

import re
from collections.abc import Callable, Mapping, Sequence
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
from otklik_feedback.domain.designing import check_key, designed
from otklik_feedback.domain.facts import next_moment, survey_event
from otklik_feedback.domain.question import BadSurvey, Question, Words
from otklik_feedback.domain.showing import Names, showing
from otklik_feedback.domain.survey import (
    CASE_DUE,
    Attribute,
    Survey,
    questions_of,
    target_of,
)
from otklik_feedback.domain.templates import Moment, Template
from otklik_feedback.domain.theme import Theme, check_theme
from otklik_feedback.store import contacts, surveys
from otklik_feedback.store.surveys import Kept, Version

Show = Callable[[Survey], Reply]

MOST_VERSIONS = 500
"""Of one survey; each edit reads them all."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class SurveyNotFound(NotFound):
    """No such survey in the company."""

    code = "survey_not_found"


class VersionNotFound(NotFound):
    """The survey has no such version."""

    code = "survey_version_not_found"


class TooManyVersions(Conflict):
    """The survey was edited as often as one may be."""

    code = "too_many_versions"


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
        questions: The company's own; empty for those of the template.
        after: What it is asked after, where its template is told.
        target_micro: What the mean of its scores shall reach, times 1 000 000; None for the
            template's own.
    """

    template: Template
    title: Words
    reference: str | None = None
    attributes: tuple[Attribute, ...] = ()
    nps_from_one: bool = False
    anonymous: bool = False
    case_due: timedelta = CASE_DUE
    questions: tuple[Question, ...] = ()
    after: Moment | None = None
    target_micro: int | None = None
    theme: Theme | None = None

    def drawn(self) -> tuple[Question, ...]:
        """
        The questions that it asks.

        Raises:
            BadSurvey: They make no survey.
        """
        if self.theme is not None:
            check_theme(self.theme)
        if not self.questions:
            return questions_of(
                self.template,
                attributes=self.attributes,
                nps_from_one=self.nps_from_one,
                after=self.after,
            )
        if self.attributes or self.nps_from_one or self.after is not None:
            raise BadSurvey(
                "questions of your own take no attributes, scale and after: say it in them",
                detail_ru="с вашими вопросами не указывают attributes, scale и after: скажите это"
                " в самих вопросах",
            )
        check_key(self.template, self.questions)
        return tuple(designed(self.questions))


@dataclass(frozen=True, slots=True)
class Edit:
    """What of a survey becomes different; None leaves it as it is."""

    title: Words | None = None
    attributes: tuple[Attribute, ...] | None = None
    active: bool | None = None
    case_due: timedelta | None = None
    questions: tuple[Question, ...] | None = None
    target_micro: int | None = None
    theme: Theme | None = None


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
        questions=draft.drawn(),
        created_at=now,
        anonymous=draft.anonymous,
        case_due=draft.case_due,
        own=bool(draft.questions),
        after=draft.after,
        target_micro=draft.target_micro or target_of(draft.template, draft.after),
        theme=draft.theme,
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
    if not known.is_drawn_like(new):
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
        TooManyVersions: It has 500 of them.
        PreconditionFailed: Somebody else has changed it since.
    """
    tenant, id_ = caller.tenant, survey_id(caller.tenant, named)
    async with db.begin(tenant) as tx:
        kept = (await surveys.get(tx, tenant, [id_], lock=True)).get(id_)
        if kept is None:
            raise _missing(named)
        expected.check(kept.survey.version)
        past = await surveys.history(tx, tenant, id_) if edit.questions is not None else []
        changed = _edited(kept.survey, edit, past)
        if changed == kept.survey:
            return changed
        if kept.survey.version >= MOST_VERSIONS:
            raise TooManyVersions(
                f"the survey has {MOST_VERSIONS} versions; make a new survey",
                detail_ru=f"у опроса уже {MOST_VERSIONS} версий; сделайте новый опрос",
            )
        changed = replace(changed, version=kept.survey.version + 1)
        recorder = await outbox.recorder(tx, tenant)
        recorded_at = next_moment(recorder.now, kept.recorded_at)
        await surveys.put(tx, tenant, Kept(changed, recorded_at), sender=caller.principal)
        verb = "changed"
        await recorder.append([survey_event(tenant, changed, verb=verb, recorded_at=recorded_at)])
        return changed


def _edited(survey: Survey, edit: Edit, past: Sequence[Version]) -> Survey:
    if edit.theme is not None:
        check_theme(edit.theme)
    changed = replace(
        survey,
        title=edit.title or survey.title,
        active=survey.active if edit.active is None else edit.active,
        case_due=edit.case_due or survey.case_due,
        target_micro=edit.target_micro or survey.target_micro,
        theme=edit.theme or survey.theme,
    )
    if edit.questions is not None and edit.attributes is None:
        check_key(survey.template, edit.questions)
        earlier = [question for each in past for question in each.kept.survey.questions]
        return replace(changed, questions=tuple(designed(edit.questions, earlier)), own=True)
    if edit.attributes is None:
        return changed
    if survey.own or edit.questions is not None:
        raise BadSurvey(
            "a survey with questions of its own has no attributes apart from them",
            detail_ru="у опроса со своими вопросами нет отдельных атрибутов: правьте questions",
        )
    asked = questions_of(survey.template, attributes=edit.attributes, after=survey.after)
    return replace(changed, questions=asked)


async def read_survey(db: Database, caller: Caller, named: str) -> Survey:
    """A survey in its newest version. Raises SurveyNotFound."""
    id_ = survey_id(caller.tenant, named)
    async with db.begin(caller.tenant) as tx:
        kept = (await surveys.get(tx, caller.tenant, [id_])).get(id_)
    if kept is None:
        raise _missing(named)
    return kept.survey


async def read_versions(db: Database, caller: Caller, named: str) -> list[Version]:
    """Every version of a survey, the newest first, at most 500. Raises SurveyNotFound."""
    async with db.begin(caller.tenant) as tx:
        found = await surveys.history(tx, caller.tenant, survey_id(caller.tenant, named))
    if not found:
        raise _missing(named)
    return found


async def read_version(
    db: Database, caller: Caller, named: str, version: int | None = None
) -> Survey:
    """One version of a survey, or the newest. Raises SurveyNotFound, VersionNotFound."""
    tenant, id_ = caller.tenant, survey_id(caller.tenant, named)
    newest = await read_survey(db, caller, named)
    if version in {None, newest.version}:
        return newest
    wanted = (id_, version or 0)
    async with db.begin(tenant) as tx:
        found = await surveys.versions(tx, tenant, [wanted] if wanted[1] < newest.version else [])
    if wanted not in found:
        raise VersionNotFound(
            f"survey {named[:100]!r} has versions 1 to {newest.version}",
            detail_ru=f"у опроса {named[:100]!r} версии с 1 по {newest.version}",
        )
    return found[wanted]


async def show_survey(
    db: Database,
    caller: Caller,
    named: str,
    version: int | None,
    values: Mapping[str, object],
    contact: Names,
) -> tuple[Survey, list[Question]]:
    """
    A version of a survey, and which of its questions are asked after what was said so far.

    Raises:
        SurveyNotFound, VersionNotFound, UnknownQuestion, and what `read_value` raises.
    """
    survey = await read_version(db, caller, named, version)
    return survey, showing(survey, values, contact)


async def list_surveys(db: Database, caller: Caller, wanted: Part) -> list[Survey]:
    """A part of the company's surveys, the oldest first, and one more."""
    async with db.begin(caller.tenant) as tx:
        return [kept.survey for kept in await surveys.part(tx, caller.tenant, wanted)]


def _missing(named: str) -> SurveyNotFound:
    return SurveyNotFound(
        f"there is no survey {named[:100]!r}", detail_ru=f"опроса {named[:100]!r} нет"
    )
