"""Surveys with their versions."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.paging import Part, keyset
from otklik_feedback.domain.question import Words
from otklik_feedback.domain.survey import Survey
from otklik_feedback.domain.templates import Moment, Template
from otklik_feedback.domain.theme import Theme
from otklik_feedback.store.questions import read_question, written_question
from otklik_feedback.store.sets import array, given
from otklik_feedback.store.tables import survey_versions, surveys


@dataclass(frozen=True, slots=True)
class Kept:
    """A survey and when its newest version was recorded."""

    survey: Survey
    recorded_at: datetime


class Version(NamedTuple):
    """One version of a survey, and who made it."""

    kept: Kept
    sender: str


_COLUMNS = (
    surveys.c.id,
    surveys.c.reference,
    surveys.c.version,
    surveys.c.definition,
    surveys.c.created_at,
    surveys.c.recorded_at,
)


_OF_VERSION = (
    surveys.c.id,
    surveys.c.reference,
    survey_versions.c.version,
    survey_versions.c.definition,
    surveys.c.created_at,
    survey_versions.c.recorded_at,
)
_OWN = (survey_versions.c.tenant == surveys.c.tenant) & (survey_versions.c.survey == surveys.c.id)


async def get(
    tx: AsyncConnection, tenant: str, ids: Collection[UUID], *, lock: bool = False
) -> dict[UUID, Kept]:
    """The surveys of those ids; with `lock` theirs until the end of `tx`."""
    wanted = (
        select(*_COLUMNS)
        .where(surveys.c.tenant == tenant, surveys.c.id == array(surveys, "id", set(ids)))
        .order_by(surveys.c.id)
    )
    found = await tx.execute(wanted.with_for_update() if lock else wanted)
    return {row.id: _kept(row) for row in found}


async def versions(
    tx: AsyncConnection, tenant: str, wanted: Collection[tuple[UUID, int]]
) -> dict[tuple[UUID, int], Survey]:
    """Those versions of surveys that are there, by survey and version."""
    if not wanted:
        return {}
    rows = [{"survey": survey, "version": version} for survey, version in wanted]
    these = given(survey_versions, ("survey", "version"), rows)
    found = await tx.execute(
        select(*_OF_VERSION)
        .join(surveys, _OWN)
        .join(
            these,
            (these.c.survey == survey_versions.c.survey)
            & (these.c.version == survey_versions.c.version),
        )
        .where(surveys.c.tenant == tenant)
    )
    return {(row.id, row.version): _kept(row).survey for row in found}


async def history(tx: AsyncConnection, tenant: str, id_: UUID) -> list[Version]:
    """Every version of a survey, the newest first."""
    found = await tx.execute(
        select(*_OF_VERSION, survey_versions.c.sender)
        .join(surveys, _OWN)
        .where(surveys.c.tenant == tenant, surveys.c.id == id_)
        .order_by(survey_versions.c.version.desc())
    )
    return [Version(_kept(row), row.sender) for row in found]


async def part(tx: AsyncConnection, tenant: str, wanted: Part) -> list[Kept]:
    """A part of the list, the oldest first, and one more."""
    rows = select(*_COLUMNS).where(surveys.c.tenant == tenant)
    order = (surveys.c.created_at, surveys.c.id)
    return [_kept(row) for row in await tx.execute(keyset(rows, wanted, order=order))]


async def add(tx: AsyncConnection, tenant: str, kept: Kept, *, sender: str) -> bool:
    """Insert a new survey; False if somebody else has just inserted it."""
    row = _row(tenant, kept)
    added = await tx.execute(
        upsert(surveys).values(row).on_conflict_do_nothing().returning(surveys.c.id)
    )
    if added.one_or_none() is None:
        return False
    await _add_version(tx, tenant, kept, sender=sender)
    return True


async def put(tx: AsyncConnection, tenant: str, kept: Kept, *, sender: str) -> None:
    """Write a survey that is locked, and keep the version."""
    row = _row(tenant, kept)
    await tx.execute(
        update(surveys)
        .values(row)
        .where(surveys.c.tenant == tenant, surveys.c.id == kept.survey.id)
    )
    await _add_version(tx, tenant, kept, sender=sender)


async def demo(tx: AsyncConnection, tenant: str, most: int) -> list[Kept]:
    """Surveys of the demo, locked."""
    found = await tx.execute(
        select(*_COLUMNS)
        .where(surveys.c.tenant == tenant, text("starts_with(reference, 'demo-')"))
        .order_by(surveys.c.id)
        .limit(most)
        .with_for_update()
    )
    return [_kept(row) for row in found]


async def remove(tx: AsyncConnection, tenant: str, ids: Collection[UUID]) -> None:
    """Delete surveys with all versions."""
    for table, column in ((survey_versions, "survey"), (surveys, "id")):
        await tx.execute(
            delete(table).where(
                table.c.tenant == tenant, table.c[column] == array(table, column, ids)
            )
        )


async def _add_version(tx: AsyncConnection, tenant: str, kept: Kept, *, sender: str) -> None:
    row = _row(tenant, kept)
    await tx.execute(
        insert(survey_versions).values(
            tenant=tenant,
            survey=kept.survey.id,
            version=kept.survey.version,
            definition=row["definition"],
            sender=sender,
            recorded_at=kept.recorded_at,
        )
    )


def _row(tenant: str, kept: Kept) -> dict[str, Any]:
    survey = kept.survey
    theme = survey.theme
    return {
        "tenant": tenant,
        "id": survey.id,
        "reference": survey.reference,
        "version": survey.version,
        "definition": {
            "template": survey.template.value,
            "title": survey.title._asdict(),
            "questions": [written_question(each) for each in survey.questions],
            "anonymous": survey.anonymous,
            "active": survey.active,
            "case_due_seconds": int(survey.case_due.total_seconds()),
            "own": survey.own,
            "after": survey.after and survey.after.value,
            "target_micro": survey.target_micro,
            "theme": theme and {"accent": theme.accent, "background": theme.background},
        },
        "created_at": survey.created_at,
        "recorded_at": kept.recorded_at,
    }


def _kept(row: Any) -> Kept:
    # Surveys of a build before lack what has come since: it is as it was then.
    said = row.definition
    after, theme = said.get("after"), said.get("theme")
    return Kept(
        Survey(
            id=row.id,
            reference=row.reference,
            template=Template(said["template"]),
            title=Words(**said["title"]),
            questions=tuple(read_question(each) for each in said["questions"]),
            created_at=row.created_at,
            version=row.version,
            anonymous=said["anonymous"],
            active=said["active"],
            case_due=timedelta(seconds=said["case_due_seconds"]),
            own=said.get("own", False),
            after=None if after is None else Moment(after),
            target_micro=said.get("target_micro"),
            theme=None if theme is None else Theme(**theme),
        ),
        row.recorded_at,
    )
