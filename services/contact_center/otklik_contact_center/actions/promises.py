"""What agents promise: made, put off, kept, cancelled, and read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Forbidden, NotFound, Unprocessable
from otklik_common.etags import Expected
from otklik_common.events.access import Role
from otklik_common.events.contact_center import channel_of
from otklik_common.events.staff import Promise
from otklik_common.ids import contact_subject
from otklik_common.paging import Part
from otklik_common.pseudonym import Sealer
from otklik_common.validation import TimeInFuture, check_time
from otklik_contact_center.actions.outcome import TICK
from otklik_contact_center.actions.reach import check_reach
from otklik_contact_center.domain import promise as rules
from otklik_contact_center.domain.clock import about_of
from otklik_contact_center.domain.promise import Terms, promise_subject
from otklik_contact_center.domain.promise_told import read, told
from otklik_contact_center.domain.source import default_id
from otklik_contact_center.store import contacts_read, promise_kinds, promises
from otklik_contact_center.store.promises import PromiseRow, Wanted

TEXT: Final = "promise"
"""What sealed texts are for."""


class PromiseNotFound(NotFound):
    """There is no such promise, or none within reach."""

    code = "promise_not_found"


class UnknownPromiseKind(Unprocessable):
    """The company's list has no such kind."""

    code = "unknown_promise_kind"


@dataclass(frozen=True, slots=True)
class Given:
    """
    A promise as it was sent.

    Attributes:
        made_at, warning: None: as they are known, else now, and as its kind says.
        contact: The sender's own id of the contact in which it was made.
        source: Of the contact; None: the company's default one.
    """

    kind: str
    agent: str
    due_at: datetime
    branch: str | None = None
    made_at: datetime | None = None
    warning: timedelta | None = None
    contact: str | None = None
    source: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A promise as people read it."""

    row: PromiseRow
    fact: Promise
    text: str | None


class About(NamedTuple):
    """What a promise takes from its contact."""

    channel: str | None = None
    party: str | None = None
    branch: str | None = None


class Promises:
    """Promises of a company's agents."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def put(
        self, caller: Caller, name: str, given: Given, *, expected: Expected, now: datetime
    ) -> Shown:
        """
        Make a promise, or put other terms to it; the same again changes nothing.

        Raises:
            UnknownPromiseKind, OutOfReach, BadDueTime, TimeInFuture, TimeTooOld: It stays as it was.
            PromiseNotFound: It is another branch's.
            Forbidden: It is, or would be, a colleague's of the agent who says so.
            PromiseSettled: It is too late for other times.
            PreconditionFailed: It is not as the caller read it.
        """
        if given.made_at is not None:
            check_time(given.made_at, now)
        async with self._db.begin(caller.tenant) as tx:
            known = await self._claimed(tx, caller, name)
            expected.check(0 if known is None else known.revision)
            recorder = await outbox.recorder(tx, caller.tenant)
            before = None if known is None else read(known.data)
            _own(caller, given.agent, *([] if before is None else [before.agent]))
            terms = await _terms(tx, caller, given, before, recorder.now)
            check_reach(caller, terms.branch)
            at = recorder.now if known is None else max(recorder.now, known.recorded_at + TICK)
            fact = rules.made(terms, at) if before is None else rules.edited(before, terms, at)
            kept = await self._write(tx, caller.tenant, name, known, fact, at, given.text)
            if kept is not None:
                return self._shown(kept)
        # Somebody has made it in this very moment: what they made is there now.
        return await self.put(caller, name, given, expected=expected, now=now)

    async def keep(
        self,
        caller: Caller,
        name: str,
        at: datetime | None,
        *,
        expected: Expected,
        now: datetime,
    ) -> Shown:
        """
        Say that a promise was kept; None: now, or as was said before.

        Raises:
            PromiseNotFound, Forbidden, PromiseSettled, KeptBeforeMade, TimeInFuture,
            PreconditionFailed.
        """
        if at is not None and check_time(at, now):
            raise TimeInFuture(
                f"kept at {at.isoformat()}: that is still to come",
                detail_ru=f"выполнено в {at.isoformat()}: это ещё впереди",
            )

        def kept(known: Promise, moment: datetime) -> Promise:
            return rules.kept(known, at or known.kept_at or moment, moment)

        return await self._change(caller, name, kept, expected)

    async def cancel(self, caller: Caller, name: str, *, expected: Expected) -> Shown:
        """
        Say that a promise is not waited for any more.

        Raises:
            PromiseNotFound, PromiseSettled, PreconditionFailed.
        """
        return await self._change(caller, name, rules.cancelled, expected)

    async def get(self, caller: Caller, name: str) -> Shown:
        """A promise. Raises PromiseNotFound."""
        async with self._db.begin(caller.tenant) as tx:
            return self._shown(_seen(caller, name, await _row(tx, caller, name)))

    async def listed(self, caller: Caller, wanted: Wanted, part: Part) -> list[Shown]:
        """Promises of branches within reach, whatever is due first before the others."""
        async with self._db.begin(caller.tenant) as tx:
            rows = await promises.listed(tx, caller.tenant, wanted, caller.branches, part)
        return [self._shown(row) for row in rows]

    async def _claimed(self, tx: AsyncConnection, caller: Caller, name: str) -> PromiseRow | None:
        row = await _row(tx, caller, name, locked=True)
        return None if row is None else _seen(caller, name, row)

    async def _change(
        self,
        caller: Caller,
        name: str,
        change: Callable[[Promise, datetime], Promise],
        expected: Expected,
    ) -> Shown:
        async with self._db.begin(caller.tenant) as tx:
            row = _seen(caller, name, await _row(tx, caller, name, locked=True))
            _own(caller, read(row.data).agent)
            expected.check(row.revision)
            recorder = await outbox.recorder(tx, caller.tenant)
            at = max(recorder.now, row.recorded_at + TICK)
            fact = change(read(row.data), at)
            kept = await self._write(tx, caller.tenant, name, row, fact, at, self._text(row))
            assert kept is not None, "it is locked"
        return self._shown(kept)

    async def _write(
        self,
        tx: AsyncConnection,
        tenant: str,
        name: str,
        known: PromiseRow | None,
        fact: Promise,
        at: datetime,
        text: str | None,
    ) -> PromiseRow | None:
        """The row as it is kept now; None where another has just made it."""
        id_ = promise_subject(tenant, name)
        new = told(tenant, id_, None if known is None else known.emitted, fact, at)
        said = None if text is None else self._sealer.seal(tenant, TEXT, text)
        if new is None:
            assert known is not None, "what is new is told"
            if self._text(known) == text:
                return known
            row = known._replace(text=said)
        else:
            key = tenant, id_, name
            row = PromiseRow.of(key, fact, new.step.emitted, at, said)
        if known is None:
            if not await promises.add(tx, row):
                return None
        else:
            await promises.put(tx, row)
        if new is not None:
            recorder = await outbox.recorder(tx, tenant)
            message = new.announcement
            await recorder.append_encoded([tenant], [message.key], [message.payload])
        return row

    def _text(self, row: PromiseRow) -> str | None:
        return None if row.text is None else self._sealer.open(row.tenant, TEXT, row.text)

    def _shown(self, row: PromiseRow) -> Shown:
        return Shown(row, read(row.data), self._text(row))


async def _row(
    tx: AsyncConnection, caller: Caller, name: str, *, locked: bool = False
) -> PromiseRow | None:
    id_ = promise_subject(caller.tenant, name)
    return await promises.get(tx, caller.tenant, id_, locked=locked)


def _seen(caller: Caller, name: str, row: PromiseRow | None) -> PromiseRow:
    if row is None or not caller.may_see(row.branch):
        raise PromiseNotFound(f"there is no promise {name}", detail_ru=f"нет обещания {name}")
    return row


def _own(caller: Caller, *agents: str) -> None:
    """
    Return if the caller may tell of promises of these agents: an agent only of their own.

    Raises:
        Forbidden.
    """
    if caller.role is Role.AGENT and any(agent != caller.agent for agent in agents):
        raise Forbidden(
            "agents tell of their own promises: a manager gives them to others",
            detail_ru="сотрудник сообщает только о своих обещаниях, передаёт их руководитель",
        )


async def _terms(
    tx: AsyncConnection, caller: Caller, given: Given, known: Promise | None, now: datetime
) -> Terms:
    contact, about = await _contact(tx, caller, given)
    if about is None and known is not None and contact is not None and contact == known.contact:
        about = About(
            None if known.channel is None else channel_of(known), known.party, known.branch
        )
    about = about or About()
    again = known is not None and known.promise_kind == given.kind
    kind = await promise_kinds.get(tx, caller.tenant, given.kind)
    if kind is None and not again:
        raise UnknownPromiseKind(
            f"there is no kind of promises {given.kind}",
            detail_ru=f"нет вида обещаний {given.kind}",
        )
    warning = given.warning
    if warning is None and again and known is not None:
        warning = rules.warning_of(known)
    if warning is None:
        warning = rules.WARNING if kind is None else kind.value.warning
    return Terms(
        kind=given.kind,
        agent=given.agent,
        branch=given.branch or about.branch,
        made_at=given.made_at or (now if known is None else known.made_at),
        due_at=given.due_at,
        warning=warning,
        contact=contact,
        channel=about.channel,
        party=about.party,
    )


async def _contact(
    tx: AsyncConnection, caller: Caller, given: Given
) -> tuple[UUID | None, About | None]:
    """The contact of a promise, and what is known of it; of one that is out of reach, nothing."""
    if given.contact is None:
        return None, None
    source = given.source or default_id(caller.tenant)
    subject = contact_subject(caller.tenant, source, given.contact)
    found = await contacts_read.get(tx, caller.tenant, subject, caller.branches)
    if found is None:
        return subject, None
    about = about_of(found.data)
    return subject, About(about.told_channel, about.party, about.branch)
