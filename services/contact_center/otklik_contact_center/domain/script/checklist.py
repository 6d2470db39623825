"""A checklist: what of a script was done in a contact, and what that comes to."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from otklik_common.errors import Conflict, FieldError, Unprocessable
from otklik_common.events.contact_center import Contact
from otklik_common.ids import subject_id
from otklik_contact_center.domain.script.script import Item, Script

CORRECTED_WITHIN: Final = timedelta(hours=72)
"""After the contact was over: a checklist of Friday can be put right on Monday."""
MOST_REVISIONS: Final = 300
MOST_NOTE: Final = 1_000


class Answer(StrEnum):
    """What is said of an item."""

    DONE = "done"
    NOT_DONE = "not_done"
    NOT_APPLICABLE = "not_applicable"


Answers = Mapping[str, Answer]
"""By the code of the item; not all need be answered."""


class Result(StrEnum):
    """What an item that was asked comes to."""

    DONE = "done"
    MISSED = "missed"
    NOT_APPLICABLE = "not_applicable"


class Answered(NamedTuple):
    """An answer as it was sent, with a word to it."""

    item: str
    answer: Answer
    note: str | None = None


class Kept(NamedTuple):
    """
    What of the compulsory items was done.

    Attributes:
        asked: How many there were, without those that did not apply.
        done: Of these.
        missed: Codes of the others, in the order of the script.
        complete: Whether each compulsory item was answered.
    """

    asked: int
    done: int
    missed: tuple[str, ...]
    complete: bool


class BadChecklist(Unprocessable):
    """Answers that the script does not know, or not in one way only."""

    code = "bad_checklist"


class ChecklistClosed(Conflict):
    """The contact has been over for too long."""

    code = "checklist_closed"


class TooManyRevisions(Conflict):
    """It was corrected too often."""

    code = "too_many_revisions"


def run_subject(tenant: str, contact: UUID) -> UUID:
    """The subject of the checklist of a contact: there is one."""
    return subject_id(tenant, "script_run", str(contact))


def read(script: Script, sent: Sequence[Answered]) -> dict[str, Answer]:
    """
    The answers by item, in the order of the script.

    Raises:
        BadChecklist: One names no item, or one that another names, or it always applies; every
            fault is a field error.
    """
    faults = list(_faults(script, sent))
    if faults:
        raise BadChecklist(
            f"{len(faults)} answers do not fit, the first: {faults[0].field} {faults[0].detail}",
            detail_ru=f"не подходят ответы: {len(faults)}, первый: {faults[0].field}"
            f" {faults[0].detail_ru}",
            errors=faults[:50],
        )
    given = {one.item: one.answer for one in sent}
    return {code: given[code] for code in script.by_code if code in given}


def asked(script: Script, answers: Answers) -> list[Item]:
    """
    Items that are asked, in order: those whose condition holds.

    A condition on an item that is not asked itself, or not answered, or did not apply, does not
    hold. What was answered of an item that is not asked counts for nothing.
    """
    said: dict[str, Answer | None] = {}
    found: list[Item] = []
    for item in script.items:
        condition = item.only_if
        if condition is not None and said.get(condition.item) != condition.answer:
            continue
        said[item.code] = answers.get(item.code)
        found.append(item)
    return found


def results(script: Script, answers: Answers) -> dict[str, Result]:
    """What each item that is asked comes to: what is not answered was not done."""
    return {item.code: _result(answers.get(item.code)) for item in asked(script, answers)}


def kept(script: Script, answers: Answers) -> Kept:
    """What of the compulsory items was done; what did not apply is neither asked nor missed."""
    compulsory = [item.code for item in asked(script, answers) if item.compulsory]
    found = {code: _result(answers.get(code)) for code in compulsory}
    missed = tuple(code for code, one in found.items() if one is Result.MISSED)
    done = sum(one is Result.DONE for one in found.values())
    complete = all(code in answers for code in compulsory)
    return Kept(done + len(missed), done, missed, complete)


def over_at(contact: Contact) -> datetime | None:
    """When a contact was over; None while it goes on."""
    if contact.open_since is not None:
        return None
    ends = (contact.abandoned_at, contact.ended_at, contact.closed_at)
    return max((at for at in ends if at is not None), default=None)


def writable_until(contact: Contact) -> datetime | None:
    """Until when its checklist may be written; None: for as long as it goes on."""
    over = over_at(contact)
    return None if over is None else over + CORRECTED_WITHIN


class NobodyTalked(Conflict):
    """The contact is over, and nobody of ours has answered in it."""

    code = "nobody_talked"


def check_writable(contact: Contact, now: datetime) -> None:
    """Return if its checklist may be written. Raises NobodyTalked, ChecklistClosed."""
    if over_at(contact) is not None and contact.answered_at is None:
        raise NobodyTalked(
            "nobody answered in the contact, so no script was kept or missed in it",
            detail_ru="в обращении никто не ответил, скрипту в нём следовать было некому",
        )
    until = writable_until(contact)
    if until is not None and now > until:
        hours = CORRECTED_WITHIN // timedelta(hours=1)
        raise ChecklistClosed(
            f"it could be written until {until.isoformat()}: {hours} h after the contact was over",
            detail_ru=f"заполнить можно было до {until.isoformat()}: {hours} ч после окончания"
            " обращения",
            writable_until=until.isoformat(),
        )


def check_revisions(revision: int) -> None:
    """Return if something that was written so often may be written again."""
    if revision >= MOST_REVISIONS:
        raise TooManyRevisions(
            f"a checklist is written at most {MOST_REVISIONS} times",
            detail_ru=f"чек-лист записывают не больше {MOST_REVISIONS} раз",
        )


def _result(answer: Answer | None) -> Result:
    if answer is Answer.DONE:
        return Result.DONE
    return Result.NOT_APPLICABLE if answer is Answer.NOT_APPLICABLE else Result.MISSED


def _faults(script: Script, sent: Sequence[Answered]) -> Iterator[FieldError]:
    items = script.by_code
    before: set[str] = set()
    for place, one in enumerate(sent):
        field = f"answers.{place}"
        item = items.get(one.item)
        if item is None:
            yield FieldError(f"{field}.item", "unknown_item", "is no item", "такого пункта нет")
        elif one.item in before:
            yield FieldError(
                f"{field}.item", "repeated", "is answered above", "на этот пункт уже есть ответ"
            )
        elif one.answer is Answer.NOT_APPLICABLE and not item.not_applicable:
            yield FieldError(
                f"{field}.answer", "must_apply", "always applies", "пункт применим всегда"
            )
        before.add(one.item)
