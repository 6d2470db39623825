"""The script of a contact, and what of it was done."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, Field, StringConstraints

from otklik_common.callers import Caller, require
from otklik_common.http import PROBLEMS, IfMatch, Now, Page, Pages, StrictModel, etag
from otklik_common.module import Platform
from otklik_contact_center.actions.checklists import Checklists, Filled, Noted, OfContact, Sent
from otklik_contact_center.api.schemas import Code
from otklik_contact_center.api.scripts_schemas import ItemCode, ScriptOut
from otklik_contact_center.domain.script.checklist import (
    MOST_NOTE,
    Answer,
    Answered,
    Result,
    kept,
    writable_until,
)
from otklik_contact_center.domain.script.script import MOST_ITEMS
from otklik_contact_center.store.columns import SCHEMA

PREFIX: Final = "/contact-center/v1"

Reads = Annotated[Caller, Depends(require("contacts:read"))]
Fills = Annotated[Caller, Depends(require("checklists:write"))]
ContactId = Annotated[UUID, Path()]
Note = Annotated[str, StringConstraints(min_length=1, max_length=MOST_NOTE)]


class AnsweredBody(StrictModel):
    """What is said of an item."""

    item: ItemCode
    answer: Answer = Field(
        description="not_applicable leaves both what was asked and what was done"
    )
    note: Note | None = Field(default=None, description="it never leaves this service")


class ChecklistBody(StrictModel):
    """What was done in a contact; what is not named was not done."""

    answers: Annotated[tuple[AnsweredBody, ...], Field(min_length=1, max_length=MOST_ITEMS)]
    script: Code | None = Field(
        default=None, description="left out: as before, else the one that is meant for the contact"
    )
    version: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="left out: as before, else the one that holds now",
    )
    note: Note | None = Field(default=None, description="it never leaves this service")

    def sent(self) -> Sent:
        """As it was sent."""
        answers = [Answered(one.item, one.answer, one.note) for one in self.answers]
        return Sent(answers, self.script, self.version, self.note)


class MeantOut(BaseModel):
    """The script that is meant for a contact, and why."""

    script: ScriptOut
    matched: list[str] = Field(
        description="conditions by which it is limited, all of which fit; none: it is meant for all"
    )
    others: list[str] = Field(description="codes of scripts that fit as well, the likeliest first")


class ItemOut(BaseModel):
    """An item of a checklist."""

    item: str
    texts: dict[str, str] = Field(description="by language")
    compulsory: bool
    answer: Answer | None = Field(description="null: nobody said")
    result: Result | None = Field(
        description="null: it was not asked, since its condition does not hold"
    )
    note: str | None


class ChecklistOut(BaseModel):
    """What was done in a contact."""

    script: ScriptOut = Field(description="the version that it was made with")
    agent: str
    branch: str | None
    asked: int = Field(description="compulsory items that were asked and applied")
    done: int = Field(description="of these")
    missed: list[str] = Field(description="the others; what is not ticked was not done")
    complete: bool = Field(description="each of them was answered")
    items: list[ItemOut]
    note: str | None
    filled_at: datetime
    filled_by: str
    corrected_at: datetime | None
    revision: int = Field(description="how often it was written")

    @classmethod
    def of(cls, filled: Filled) -> Self:
        """The answer for one."""
        row, script = filled.row, filled.script.value
        answers = {code: Answer(said) for code, said in row.answers.items()}
        found = kept(script, answers)
        items = [
            ItemOut(
                item=one.code,
                texts=one.texts,
                compulsory=one.compulsory,
                answer=answers.get(one.code),
                result=None if one.code not in row.results else Result(row.results[one.code]),
                note=filled.words.notes.get(one.code),
            )
            for one in script.items
        ]
        return cls(
            script=ScriptOut.of(filled.script),
            agent=row.agent,
            branch=row.branch,
            asked=found.asked,
            done=found.done,
            missed=list(found.missed),
            complete=found.complete,
            items=items,
            note=filled.words.note,
            filled_at=row.filled_at,
            filled_by=row.filled_by,
            corrected_at=row.corrected_at,
            revision=row.number,
        )


class ContactScriptOut(BaseModel):
    """What is to be said in a contact, and what was."""

    contact: UUID
    meant: MeantOut | None = Field(description="null: no script is meant for it")
    checklist: ChecklistOut | None = Field(
        description="null: nothing was ticked, or it is a colleague's of the agent who asks"
    )
    writable_until: datetime | None = Field(
        description="72 h after the contact was over; null: it goes on"
    )

    @classmethod
    def of(cls, shown: OfContact) -> Self:
        """The answer for a contact."""
        meant = None
        if shown.meant is not None:
            script, chosen = shown.meant
            meant = MeantOut(
                script=ScriptOut.of(script),
                matched=list(chosen.matched),
                others=list(chosen.others),
            )
        return cls(
            contact=shown.contact,
            meant=meant,
            checklist=None if shown.filled is None else ChecklistOut.of(shown.filled),
            writable_until=writable_until(shown.fact),
        )


class RevisionOut(BaseModel):
    """A checklist as it was written once."""

    revision: int
    at: datetime
    by: str = Field(description="member or key that wrote it")
    script: str
    version: int
    answers: dict[str, Answer]
    notes: dict[str, str]
    note: str | None

    @classmethod
    def of(cls, noted: Noted) -> Self:
        """The answer for one."""
        row, words = noted.row, noted.words
        return cls(
            revision=row.number,
            at=row.at,
            by=row.by,
            script=row.script,
            version=row.script_version,
            answers={code: Answer(said) for code, said in row.answers.items()},
            notes=words.notes,
            note=words.note,
        )


def router(platform: Platform) -> APIRouter:
    """The routes."""
    checklists = Checklists(platform.database(SCHEMA, "api"), platform.sealer)
    made = APIRouter(prefix=PREFIX, tags=["scripts"])

    @made.get(
        "/contacts/{contact_id}/script",
        operation_id="get_contact_script",
        summary="The script of a contact, and what was ticked",
        responses=PROBLEMS(401, 403, 404, 422),
    )
    async def get(contact_id: ContactId, caller: Reads, response: Response) -> ContactScriptOut:
        """
        The script with most conditions among those that fit the contact, the first by code among
        equals; and the checklist, with the version that it was made with. Agents are shown the
        checklists of their own contacts only.
        """
        return _answer(await checklists.get(caller, contact_id), response)

    @made.put(
        "/contacts/{contact_id}/script",
        operation_id="put_contact_script",
        summary="Tick what was done in a contact",
        responses=PROBLEMS(400, 401, 403, 404, 409, 412, 413, 422),
    )
    async def put(
        contact_id: ContactId,
        body: ChecklistBody,
        caller: Fills,
        expected: IfMatch,
        now: Now,
        response: Response,
    ) -> ContactScriptOut:
        """
        All answers anew; the same again changes nothing. Until 72 h after the contact was over, 300
        times at most. Agents tick their own contacts, a key speaks for all.
        """
        sent = body.sent()
        found = await checklists.put(caller, contact_id, sent, expected=expected, now=now)
        return _answer(found, response)

    @made.get(
        "/contacts/{contact_id}/script/revisions",
        operation_id="list_contact_script_revisions",
        summary="What was ticked each time",
        responses=PROBLEMS(400, 401, 403, 404, 422),
    )
    async def revisions(contact_id: ContactId, caller: Reads, paging: Pages) -> Page[RevisionOut]:
        """
        The checklist as it was written, the newest first, and by whom. Agents read those of their
        own contacts.
        """
        part = paging.part(caller.tenant)
        rows: Sequence[Noted] = await checklists.revisions(caller, contact_id, part)
        return part.page(rows, key=lambda one: (one.row.number,), item=RevisionOut.of)

    return made


def _answer(shown: OfContact, response: Response) -> ContactScriptOut:
    if shown.filled is not None:
        response.headers["ETag"] = etag(shown.filled.row.number)
    return ContactScriptOut.of(shown)
