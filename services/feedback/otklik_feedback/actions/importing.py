"""Taking surveys of SurveyJS over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Unprocessable
from otklik_common.idempotency import Once, Reply
from otklik_feedback.actions.surveys import Draft, create_survey
from otklik_feedback.domain.question import Words
from otklik_feedback.domain.survey import Survey
from otklik_feedback.domain.surveyjs.reading import Imported, read_surveyjs
from otklik_feedback.domain.templates import Template


class QuestionsLeftOut(Unprocessable):
    """Some questions cannot be taken over, and nobody has said that this is fine."""

    code = "questions_left_out"


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    A survey of SurveyJS as somebody wants it taken over.

    Attributes:
        said: Its JSON.
        title: From what was read to the title of the survey.
        dry_run: Make nothing.
        accept_losses: Make it without the questions that cannot be taken over.
    """

    said: dict[str, Any]
    title: Callable[[Imported], Words]
    reference: str | None = None
    anonymous: bool = False
    dry_run: bool = False
    accept_losses: bool = False


async def import_survey(
    db: Database,
    caller: Caller,
    wanted: Wanted,
    *,
    now: datetime,
    once: Once,
    show: Callable[[Imported, Survey | None], Reply],
) -> Reply:
    """
    Make a survey of what another product has written.

    Raises:
        BadSurvey: Nothing of it can be taken over.
        QuestionsLeftOut: Something cannot, and that was not accepted.
        SurveyExists: Another survey has that id.
    """
    read = read_surveyjs(wanted.said)
    if wanted.dry_run:
        return show(read, None)
    if read.left_out and not wanted.accept_losses:
        first = read.left_out[0]
        raise QuestionsLeftOut(
            f"{len(read.left_out)} cannot be taken over, the first: {first.field} {first.detail};"
            " send accept_losses to leave them out",
            detail_ru=f"не переносится: {len(read.left_out)}, первое: {first.field}"
            f" {first.detail_ru}; чтобы перенести остальное, укажите accept_losses",
            errors=read.left_out,
        )
    draft = Draft(
        template=Template.OWN,
        title=wanted.title(read),
        reference=wanted.reference,
        anonymous=wanted.anonymous,
        questions=tuple(read.questions),
    )
    return await create_survey(
        db, caller, draft, now=now, once=once, show=lambda survey: show(read, survey)
    )
