"""Checklists: which script is meant for a contact, and what of it was done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Conflict, Forbidden, NotFound
from otklik_common.etags import Expected
from otklik_common.events.access import Role
from otklik_common.events.contact_center import Contact
from otklik_common.events.scripts import ScriptRun
from otklik_common.outbox import Recorder
from otklik_common.paging import Part
from otklik_common.pseudonym import Sealer
from otklik_contact_center.actions.contacts import not_found
from otklik_contact_center.actions.evaluations import NoAgent
from otklik_contact_center.actions.outcome import TICK
from otklik_contact_center.actions.scripts import ScriptRetired, found
from otklik_contact_center.domain.script.checklist import (
    Answered,
    check_revisions,
    check_writable,
    kept,
    read,
    results,
)
from otklik_contact_center.domain.script.choosing import Chosen, choose
from otklik_contact_center.domain.script.run import Written, about_of, fact_of, told
from otklik_contact_center.domain.script.script import Script
from otklik_contact_center.store import checklists, contacts_read, scripts
from otklik_contact_center.store.checklists import RevisionRow, RunRow
from otklik_contact_center.store.versioned import Kept

WORDS: Final = "checklist"
"""Purpose under which notes are sealed."""


class NoScript(Conflict):
    """No script is meant for the contact, and none was named."""

    code = "no_script"


class NoChecklist(NotFound):
    """Nothing was ticked in the contact."""

    code = "no_checklist"


class NotYourContact(Forbidden):
    """Agents tell and read what was done in contacts of their own."""

    code = "not_your_contact"


@dataclass(frozen=True, slots=True)
class Sent:
    """
    A checklist as it was sent.

    Attributes:
        script: None: the one it was filled by, else the one that is meant for the contact.
        version: None: the one it was filled by, else the one that holds now.
        note: On the whole; free text, as are notes of answers.
    """

    answers: Sequence[Answered]
    script: str | None = None
    version: int | None = None
    note: str | None = None


class Words(msgspec.Struct, frozen=True):
    """What people wrote: on the whole, and by item."""

    note: str | None
    notes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Filled:
    """A checklist with the version of the script that it was made of, and its words."""

    row: RunRow
    script: Kept[Script]
    words: Words


@dataclass(frozen=True, slots=True)
class OfContact:
    """
    What is to be said in a contact, and what was.

    Attributes:
        meant: The script that is meant for it now, and why; None where none is.
        filled: None: nothing was ticked.
    """

    contact: UUID
    fact: Contact
    meant: tuple[Kept[Script], Chosen] | None
    filled: Filled | None


@dataclass(frozen=True, slots=True)
class Noted:
    """A checklist as it was written once, its words in the clear."""

    row: RevisionRow
    words: Words


class Key(NamedTuple):
    """Which checklist is written, what it was, and when that is."""

    tenant: str
    contact: UUID
    agent: str
    standing: RunRow | None
    at: datetime


class Checklists:
    """Keeps what was done in contacts and tells others of it."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def get(self, caller: Caller, contact: UUID) -> OfContact:
        """
        The script of a contact and what was ticked, to agents only in contacts of their own.

        Raises ContactNotFound.
        """
        async with self._db.begin(caller.tenant) as tx:
            fact = await _contact(tx, caller, contact)
            row = None
            if _is_shown(caller, fact):
                row = await checklists.get(tx, caller.tenant, contact)
            return await self._shown(tx, caller.tenant, contact, fact, _standing(row))

    async def put(
        self, caller: Caller, contact: UUID, sent: Sent, *, expected: Expected, now: datetime
    ) -> OfContact:
        """
        Say what was done in a contact, or put it right; the same again changes nothing.

        Raises:
            ContactNotFound, UnknownScript: It is not there, or not within reach.
            NotYourContact: It is a colleague's of the agent who says so.
            NoAgent, NoScript, ScriptRetired, ChecklistClosed, TooManyRevisions: It stays as it was.
            BadChecklist, PreconditionFailed: The same.
        """
        tenant = caller.tenant
        async with self._db.begin(tenant) as tx:
            fact = await _contact(tx, caller, contact)
            agent = _agent(caller, fact)
            known = await checklists.get(tx, tenant, contact, locked=True)
            standing = _standing(known)
            expected.check(0 if standing is None else standing.number)
            check_writable(fact, now)
            script = await _script(tx, tenant, fact, sent, standing)
            recorder = await outbox.recorder(tx, tenant)
            at = recorder.now if known is None else max(recorder.now, known.recorded_at + TICK)
            key = Key(tenant, contact, agent, standing, at)
            row = self._row(key, fact, script, sent, by=caller.principal)
            if standing is not None and self._same(standing, row):
                return await self._shown(tx, tenant, contact, fact, standing)
            check_revisions(0 if known is None else known.number)
            written = await _write(tx, recorder, known, row, caller.principal)
            if written is not None:
                return await self._shown(tx, tenant, contact, fact, written)
        # Somebody has filled it in this very moment: what they said is there now.
        return await self.put(caller, contact, sent, expected=expected, now=now)

    async def revisions(self, caller: Caller, contact: UUID, part: Part) -> list[Noted]:
        """
        What was written each time, the newest first.

        Raises:
            ContactNotFound, NoChecklist: There is none, or it is not within reach.
            NotYourContact: It is a colleague's of the agent who asks.
        """
        async with self._db.begin(caller.tenant) as tx:
            fact = await _contact(tx, caller, contact)
            if not _is_shown(caller, fact):
                raise _not_yours()
            rows = await checklists.revisions(tx, caller.tenant, contact, part)
            if not rows and part.after is None:
                raise NoChecklist(
                    f"nothing was ticked in contact {contact}",
                    detail_ru=f"в обращении {contact} ничего не отмечено",
                )
        return [Noted(row, self._words(caller.tenant, row.words)) for row in rows]

    # --- Parts ----------------------------------------------------------------------------------

    async def _shown(
        self,
        tx: AsyncConnection,
        tenant: str,
        contact: UUID,
        fact: Contact,
        row: RunRow | None,
    ) -> OfContact:
        filled = None
        if row is not None:
            script = await found(tx, tenant, row.script, row.script_version)
            filled = Filled(row, script, self._words(tenant, row.words))
        return OfContact(contact, fact, await _meant(tx, tenant, fact), filled)

    def _row(self, key: Key, fact: Contact, script: Kept[Script], sent: Sent, *, by: str) -> RunRow:
        """A checklist as it is to be kept; not yet as it was published."""
        tenant, contact, agent, standing, at = key
        answers = read(script.value, sent.answers)
        outcome = kept(script.value, answers)
        filled_at = at if standing is None else standing.filled_at
        corrected_at = None if standing is None else at
        written = Written(script.value.code, script.version, filled_at, corrected_at)
        words = Words(sent.note, {one.item: one.note for one in sent.answers if one.note})
        text = msgspec.json.encode(words).decode()
        return RunRow(
            tenant=tenant,
            contact=contact,
            revision=0,
            hash=b"",
            void=False,
            recorded_at=at,
            data=fact_of(contact, fact, agent, written, outcome).model_dump_json(),
            script=script.value.code,
            script_version=script.version,
            branch=fact.branch,
            agent=agent,
            asked=outcome.asked,
            done=outcome.done,
            results={code: str(one) for code, one in results(script.value, answers).items()},
            answers={code: str(one) for code, one in answers.items()},
            words=self._sealer.seal(tenant, WORDS, text),
            number=1,
            filled_at=filled_at,
            filled_by=by if standing is None else standing.filled_by,
            corrected_at=corrected_at,
        )

    def _same(self, one: RunRow, other: RunRow) -> bool:
        """Whether two say the same of the same contact."""

        def said(row: RunRow) -> tuple[object, ...]:
            words = self._words(row.tenant, row.words)
            return row.script, row.script_version, row.answers, row.branch, row.agent, words

        return said(one) == said(other)

    def _words(self, tenant: str, sealed: bytes) -> Words:
        return msgspec.json.decode(self._sealer.open(tenant, WORDS, sealed), type=Words)


async def _contact(tx: AsyncConnection, caller: Caller, contact: UUID) -> Contact:
    """A contact within reach, as last folded. Raises ContactNotFound."""
    row = await contacts_read.get(tx, caller.tenant, contact, caller.branches)
    if row is None:
        raise not_found(contact)
    return Contact.model_validate_json(row.data)


def _standing(row: RunRow | None) -> RunRow | None:
    """A checklist; one of a contact that was gone for a while is none."""
    return None if row is None or row.void else row


def _is_shown(caller: Caller, fact: Contact) -> bool:
    """Whether what was done in a contact is the caller's to know: an agent's, only their own."""
    return caller.role is not Role.AGENT or (fact.agent is not None and fact.agent == caller.agent)


def _not_yours() -> NotYourContact:
    return NotYourContact(
        "agents tell and read what was done in contacts of their own",
        detail_ru="сотрудник заполняет и читает чек-листы только своих обращений",
    )


def _agent(caller: Caller, fact: Contact) -> str:
    """Who is said to have done it: the agent of the contact. Raises NoAgent, NotYourContact."""
    if not _is_shown(caller, fact):
        raise _not_yours()
    if fact.agent is None:
        raise NoAgent(
            "no agent is known to have served the contact",
            detail_ru="неизвестно, кто из сотрудников вёл обращение",
        )
    return fact.agent


async def _meant(
    tx: AsyncConnection, tenant: str, fact: Contact
) -> tuple[Kept[Script], Chosen] | None:
    chosen = choose(await scripts.meant(tx, tenant), about_of(fact))
    return None if chosen is None else (await found(tx, tenant, chosen.code), chosen)


async def _script(
    tx: AsyncConnection, tenant: str, fact: Contact, sent: Sent, standing: RunRow | None
) -> Kept[Script]:
    """
    The version of a script that a checklist is made of.

    Raises:
        UnknownScript, ScriptRetired, NoScript.
    """
    code = sent.script or (None if standing is None else standing.script)
    if code is None:
        meant = await _meant(tx, tenant, fact)
        if meant is None:
            raise NoScript(
                "no script is meant for the contact: name one",
                detail_ru="для обращения нет скрипта: укажите его",
            )
        code = meant[1].code
    again = standing is not None and standing.script == code
    version = sent.version
    if version is None and standing is not None and again:
        version = standing.script_version
    script = await found(tx, tenant, code, version)
    if script.retired and not again:
        raise ScriptRetired(
            f"the script {code} is retired", detail_ru=f"скрипт {code} больше не в ходу"
        )
    return script


async def _write(
    tx: AsyncConnection, recorder: Recorder, known: RunRow | None, row: RunRow, by: str
) -> RunRow | None:
    """The row as it is kept now, told to others; None where another has just added it."""
    fact = ScriptRun.model_validate_json(row.data)
    before = None if known is None else known.emitted
    new = told(row.tenant, row.contact, before, fact, row.recorded_at)
    assert new is not None, "what was written anew says when"
    emitted = new.step.emitted
    row = row._replace(revision=emitted.revision, hash=emitted.hash)
    if known is None:
        if not await checklists.add(tx, row):
            return None
    else:
        row = row._replace(number=known.number + 1)
        await checklists.put(tx, row)
    await checklists.note(tx, row, row.recorded_at, by)
    message = new.announcement
    await recorder.append_encoded([row.tenant], [message.key], [message.payload])
    return row
