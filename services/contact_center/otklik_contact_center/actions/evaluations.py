"""Evaluations of contacts: made, released, agreed with or disputed, resolved; each step is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Conflict, NotFound
from otklik_common.etags import Expected
from otklik_common.events.access import Role
from otklik_common.events.contact_center import Contact as ContactFact
from otklik_common.events.contact_center import channel_of
from otklik_common.events.envelope import Event
from otklik_common.idempotency import Once, Reply
from otklik_common.paging import Part
from otklik_common.pseudonym import Sealer
from otklik_contact_center.actions.contacts import not_found
from otklik_contact_center.actions.evaluation_forms import found, found_for_use
from otklik_contact_center.actions.outcome import TICK
from otklik_contact_center.domain.quality.evaluation import (
    About,
    Actor,
    Evaluation,
    Given,
    State,
    Step,
    Verdict,
    answered,
    check_complete,
    check_may,
    check_not_own,
    fact_of,
    follows,
)
from otklik_contact_center.domain.quality.form import Form
from otklik_contact_center.domain.quality.score import Score, score
from otklik_contact_center.store import contacts_read, evaluations
from otklik_contact_center.store.evaluations import Row, StepRow, Wanted

WORDS: Final = "evaluation"
"""Purpose under which comments and notes are sealed."""


class EvaluationNotFound(NotFound):
    """No such evaluation, none within reach, or a draft of others' work."""

    code = "evaluation_not_found"


class AlreadyEvaluated(Conflict):
    """The contact has an evaluation by that form; it may be withdrawn."""

    code = "already_evaluated"


class NoAgent(Conflict):
    """No person of ours is known to have served the contact."""

    code = "no_agent"


@dataclass(frozen=True, slots=True)
class Taken:
    """
    A step as it is asked for.

    Attributes:
        note: Why; sealed.
        verdict: Of a dispute that is resolved.
        given: What it is changed to, where it is.
    """

    step: Step
    note: str | None = None
    verdict: Verdict | None = None
    given: Given | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that was done with an evaluation, its note in the clear."""

    row: StepRow
    note: str | None


@dataclass(frozen=True, slots=True)
class Detail:
    """An evaluation with the form by which it was made, its score in parts, and its history."""

    value: Evaluation
    form: Form
    score: Score
    history: Sequence[Noted]


Show = Callable[[Detail], Reply]


class Evaluations:
    """Keeps evaluations and tells others of them."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def make(
        self,
        caller: Caller,
        contact: UUID,
        form: str,
        given: Given,
        *,
        now: datetime,
        once: Once,
        show: Show,
    ) -> Reply:
        """
        Begin to evaluate a contact.

        Raises:
            ContactNotFound, UnknownForm: It is not there, or not within reach.
            AlreadyEvaluated, FormRetired, NoAgent, OwnEvaluation, BadAnswers: Nothing was made.
        """
        tenant = caller.tenant
        async with self._db.begin(tenant) as tx:
            kept = await once.replay(tx, caller)
            if kept is not None:
                return kept
            about = await about_contact(tx, tenant, contact, caller.branches)
            check_not_own(about.agent, actor_of(caller))
            version = await found_for_use(tx, tenant, form)
            blank = Evaluation(
                uuid4(), contact, form, version.version, about, caller.principal, now, now
            )
            one = answered(blank, version.value, given, now)
            if not await evaluations.add(tx, tenant, self._row(tenant, one)):
                raise AlreadyEvaluated(
                    "the contact has an evaluation by the form",
                    detail_ru="обращение уже оценено по этой форме",
                    evaluation=str(await evaluations.standing(tx, tenant, contact, form)),
                )
            await self._note(tx, tenant, one, "made", caller, now)
            shown = await self._detail(tx, tenant, one, version.value)
            return await once.keep(tx, show(shown))

    async def edit(
        self, caller: Caller, id_: UUID, given: Given, *, expected: Expected, now: datetime
    ) -> Detail:
        """
        Write the answers of a draft.

        Raises:
            EvaluationNotFound, PreconditionFailed: It stays as it was.
            IllegalStep, NotTheEvaluator, OwnEvaluation, BadAnswers: The same.
        """
        tenant = caller.tenant
        async with self._db.begin(tenant) as tx:
            one = await self._found(tx, caller, id_, locked=True)
            expected.check(one.revision)
            follows(one.state, Step.EDIT)
            check_may(one, Step.EDIT, actor_of(caller))
            form = (await found(tx, tenant, one.form, one.form_version)).value
            one = replace(answered(one, form, given, now), revision=one.revision + 1)
            await evaluations.put(tx, tenant, self._row(tenant, one))
            return await self._detail(tx, tenant, one, form)

    async def take(
        self,
        caller: Caller,
        id_: UUID,
        taken: Taken,
        *,
        expected: Expected,
        now: datetime,
        once: Once,
        show: Show,
    ) -> Reply:
        """
        Do something with an evaluation; from its release on others are told.

        Raises:
            EvaluationNotFound, PreconditionFailed, IllegalStep: It stays as it was.
            NotTheEvaluator, NotTheEvaluated, OwnEvaluation: It is for others to do.
            Incomplete, NothingScored, NoAgent, BadAnswers: It cannot be released so.
        """
        tenant = caller.tenant
        async with self._db.begin(tenant) as tx:
            kept = await once.replay(tx, caller)
            if kept is not None:
                return kept
            one = await self._found(tx, caller, id_, locked=True)
            expected.check(one.revision)
            state = follows(one.state, taken.step)
            check_may(one, taken.step, actor_of(caller))
            form = (await found(tx, tenant, one.form, one.form_version)).value
            recorder = await outbox.recorder(tx, tenant)
            one = await self._stepped(tx, caller, one, form, taken, now)
            one = replace(one, state=state, revision=one.revision + 1)
            told = told_of(tenant, one, now, recorder.now)
            if told is not None:
                one = replace(one, told=told.revision, told_at=told.recorded_at)
            await evaluations.put(tx, tenant, self._row(tenant, one))
            await self._note(tx, tenant, one, str(state), caller, now, taken.note)
            await recorder.append([] if told is None else [told])
            return await once.keep(tx, show(await self._detail(tx, tenant, one, form)))

    async def get(self, caller: Caller, id_: UUID) -> Detail:
        """An evaluation with its history. Raises EvaluationNotFound."""
        async with self._db.begin(caller.tenant) as tx:
            one = await self._found(tx, caller, id_)
            form = (await found(tx, caller.tenant, one.form, one.form_version)).value
            return await self._detail(tx, caller.tenant, one, form)

    async def listed(self, caller: Caller, wanted: Wanted, part: Part) -> list[Evaluation]:
        """Evaluations within reach, the newest first; of an agent their own, once released."""
        own = (caller.agent or "") if caller.role is Role.AGENT else None
        reach = caller.branches if own is None else None
        wanted = replace(wanted, shown_to=own, reach=reach)
        async with self._db.begin(caller.tenant) as tx:
            rows = await evaluations.listed(tx, caller.tenant, wanted, part)
        return [row.value for row in rows]

    # --- Parts ----------------------------------------------------------------------------------

    async def _found(
        self, tx: AsyncConnection, caller: Caller, id_: UUID, *, locked: bool = False
    ) -> Evaluation:
        row = await evaluations.get(tx, caller.tenant, id_, locked=locked)
        if row is None or not _sees(caller, row.value):
            raise EvaluationNotFound(f"there is no evaluation {id_}", detail_ru=f"нет оценки {id_}")
        words = msgspec.json.decode(self._sealer.open(caller.tenant, WORDS, row.comments))
        return replace(row.value, comment=words["comment"], comments=words["comments"])

    async def _stepped(
        self,
        tx: AsyncConnection,
        caller: Caller,
        one: Evaluation,
        form: Form,
        taken: Taken,
        now: datetime,
    ) -> Evaluation:
        match taken.step:
            case Step.RELEASE:
                check_complete(form, one.answers)
                about = await about_contact(tx, caller.tenant, one.contact, None)
                check_not_own(about.agent, actor_of(caller))
                return replace(one, about=about, released_at=now)
            case Step.ACKNOWLEDGE:
                return replace(one, acknowledged_at=now)
            case Step.DISPUTE:
                return replace(one, disputed_at=now)
            case Step.RESOLVE:
                if taken.given is not None:
                    one = answered(one, form, taken.given, now)
                    check_complete(form, one.answers)
                return replace(one, verdict=taken.verdict, resolved_at=now)
        return one

    async def _note(
        self,
        tx: AsyncConnection,
        tenant: str,
        one: Evaluation,
        step: str,
        caller: Caller,
        now: datetime,
        note: str | None = None,
    ) -> None:
        # Every step but an edit is one of the history, and every one is a revision: no two collide.
        row = StepRow(
            number=one.revision,
            step=step,
            at=now,
            by=caller.principal,
            verdict=str(one.verdict) if one.state is State.RESOLVED and one.verdict else None,
            score_micro=one.score_micro,
            note=None if note is None else self._sealer.seal(tenant, WORDS, note),
        )
        await evaluations.add_step(tx, tenant, one.id, row)

    async def _detail(
        self, tx: AsyncConnection, tenant: str, one: Evaluation, form: Form
    ) -> Detail:
        history = [
            Noted(row, None if row.note is None else self._sealer.open(tenant, WORDS, row.note))
            for row in await evaluations.steps(tx, tenant, one.id)
        ]
        return Detail(one, form, score(form, one.answers), history)

    def _row(self, tenant: str, one: Evaluation) -> Row:
        words: Mapping[str, Any] = {"comment": one.comment, "comments": dict(one.comments)}
        text = msgspec.json.encode(words).decode()
        return Row(one, self._sealer.seal(tenant, WORDS, text))


def actor_of(caller: Caller) -> Actor:
    """Who a caller is among those who evaluate."""
    return Actor(
        caller.principal, caller.agent, caller.member is not None, caller.may("quality:write")
    )


async def about_contact(
    tx: AsyncConnection, tenant: str, contact: UUID, reach: contacts_read.Reach
) -> About:
    """Whose contact it is now. Raises ContactNotFound, NoAgent."""
    kept = await contacts_read.get(tx, tenant, contact, reach)
    if kept is None:
        raise not_found(contact)
    fact = ContactFact.model_validate_json(kept.data)
    if fact.agent is None:
        raise NoAgent(
            "no agent is known to have served the contact",
            detail_ru="неизвестно, кто из сотрудников вёл обращение",
        )
    return About(
        source=fact.source,
        channel=channel_of(fact),
        agent=fact.agent,
        branch=fact.branch,
        team=fact.team,
        queue=fact.queue,
        party=fact.party,
    )


def _sees(caller: Caller, one: Evaluation) -> bool:
    if caller.role is not Role.AGENT:
        return caller.may_see(one.about.branch)
    shown = one.state not in {State.DRAFT, State.WITHDRAWN}
    return shown and caller.agent == one.about.agent


def told_of(
    tenant: str, one: Evaluation, now: datetime, recorded_at: datetime
) -> Event[Any] | None:
    """What others are told of an evaluation that has just changed; None of drafts."""
    if one.released_at is None:
        return None
    if one.told_at is not None:
        recorded_at = max(recorded_at, one.told_at + TICK)
    return Event(
        tenant=tenant,
        subject=one.id,
        revision=one.told + 1,
        verb=str(one.state),
        time=now,
        recorded_at=recorded_at,
        data=fact_of(one),
        void=one.state is State.WITHDRAWN,
    )
