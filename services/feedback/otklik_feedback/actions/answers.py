"""Keeping answers, one or thousands at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import NotFound, Refused, Unprocessable
from otklik_common.events.envelope import Event
from otklik_common.ids import subject_id
from otklik_common.paging import Part
from otklik_feedback.actions.means import NOBODY, Means, Person
from otklik_feedback.actions.opening import Unhappy, open_cases, place_cases, unhappy
from otklik_feedback.actions.surveys import SurveyNotFound
from otklik_feedback.actions.telling import forget
from otklik_feedback.actions.undisturbed import Raced, undisturbed
from otklik_feedback.domain.answer import (
    NOTHING_KNOWN,
    Answer,
    ContactKnown,
    NewAnswer,
    accept,
)
from otklik_feedback.domain.case import reason_to_open
from otklik_feedback.domain.enrichment import Known
from otklik_feedback.domain.facts import answer_event, next_moment
from otklik_feedback.domain.question import MICRO
from otklik_feedback.domain.survey import Survey
from otklik_feedback.store import answers, cases, contacts, readings, surveys
from otklik_feedback.store.answers import Filters, Sealed, Version
from otklik_feedback.store.contacts import Last

"""Of a batch that meets somebody who keeps the same answers at this moment."""


class OutOfReach(Unprocessable):
    """The branch is not among those that the caller may write to."""

    code = "branch_out_of_reach"


class UnknownVersion(Unprocessable):
    """The survey has no such version."""

    code = "unknown_survey_version"


class WeightNotYours(Unprocessable):
    """Who answers in public does not decide how much an answer weighs."""

    code = "weight_not_allowed"


class Fate(Enum):
    """What became of an answer that was not refused."""

    NEW = "new"
    CHANGED = "changed"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Sent:
    """An answer as it was sent, and whom it names in the clear."""

    answer: NewAnswer
    person: Person = NOBODY


@dataclass(frozen=True, slots=True)
class Sender:
    """
    Who sends answers.

    Attributes:
        confined: May correct only what they sent themselves: a key in a public page, a customer.
    """

    caller: Caller
    confined: bool = False


def answer_id(tenant: str, reference: str) -> UUID:
    """Subject id of an answer, from the sender's own id."""
    return subject_id(tenant, "answer", reference)


async def keep_answers(
    db: Database, means: Means, sender: Sender, sent: Sequence[Sent]
) -> list[Fate | Refused]:
    """
    Keep answers, open the cases they ask for and announce both, in one transaction.

    Good ones are kept where others are refused. A body that is known changes nothing; another
    body under a known id is a new revision, also within one batch.

    Returns:
        What became of each, in the order sent.
    Raises:
        Unavailable: Others kept writing the same answers.
    """
    if not sent:
        return []
    return await undisturbed(
        db,
        sender.caller.tenant,
        lambda tx: keep(tx, means, sender, sent),
        detail="others are writing the same answers",
        detail_ru="те же ответы сейчас записывают другие",
    )


@dataclass(slots=True)
class _Batch:
    """What is known and what was decided while a batch is being judged."""

    surveys: Mapping[UUID, Survey]
    versions: Mapping[tuple[UUID, int], Survey]
    contacts: Mapping[UUID, ContactKnown]
    gone: Mapping[UUID, Last]
    before: Mapping[UUID, Answer]
    now: dict[UUID, Answer]
    kept: list[tuple[Answer, Sealed]]
    unhappy: list[Unhappy]


async def keep(
    tx: AsyncConnection, means: Means, sender: Sender, sent: Sequence[Sent]
) -> list[Fate | Refused]:
    """The same in a transaction that does more. Raises Raced: then it must be begun anew."""
    tenant = sender.caller.tenant
    batch = await _known(tx, tenant, sent)
    recorder = await outbox.recorder(tx, tenant)
    fates: list[Fate | Refused] = []
    for each in sent:
        try:
            fates.append(_judge(batch, means, sender, each, recorder))
        except Refused as no:
            fates.append(no)
    if not batch.kept:
        return fates
    await _write(tx, tenant, batch)
    silent = await _have_read(tx, tenant, batch, recorder)
    moved = [
        (tenant, answer)
        for id_, answer in batch.now.items()
        if (old := batch.before.get(id_)) is not None and _moved(old, answer)
    ]
    placed = await place_cases(tx, moved, recorder=recorder)
    opened = await open_cases(
        tx, tenant, batch.unhappy, recorder=recorder, actor=sender.caller.principal
    )
    facts: list[Event[Any]] = [
        answer_event(tenant, answer, verb="kept" if answer.revision == 1 else "changed")
        for answer, _ in batch.kept
    ]
    await recorder.append([*facts, *silent, *placed, *opened])
    return fates


async def _known(tx: AsyncConnection, tenant: str, sent: Sequence[Sent]) -> _Batch:
    # Locks in this order everywhere: contacts, answers, cases.
    found = await surveys.get(tx, tenant, {each.answer.survey for each in sent})
    about = {each.answer.contact for each in sent if each.answer.contact is not None}
    held = await contacts.held(tx, tenant, about)
    ids = {each.answer.id for each in sent}
    before = await answers.locked(tx, tenant, ids)
    gone = await contacts.last_of(tx, tenant, ids - before.keys())
    by_id = {id_: kept.survey for id_, kept in found.items()}
    # An answer belongs to the version that it was begun with, whatever the survey asks today.
    older = await surveys.versions(tx, tenant, _older(by_id, sent))
    return _Batch(by_id, older, held, gone, before, dict(before), [], [])


def _older(newest: Mapping[UUID, Survey], sent: Sequence[Sent]) -> set[tuple[UUID, int]]:
    return {
        (id_, version)
        for each in sent
        if (version := each.answer.survey_version) is not None
        and (survey := newest.get(id_ := each.answer.survey)) is not None
        and 0 < version < survey.version
    }


def _version(batch: _Batch, new: NewAnswer) -> Survey:
    survey = batch.surveys.get(new.survey)
    if survey is None:
        raise SurveyNotFound("there is no such survey", detail_ru="такого опроса нет")
    if new.survey_version in {None, survey.version}:
        return survey
    begun = batch.versions.get((new.survey, new.survey_version or 0))
    if begun is None:
        raise UnknownVersion(
            f"the survey has no version {new.survey_version}; it has 1 to {survey.version}",
            detail_ru=f"у опроса нет версии {new.survey_version}; есть с 1 по {survey.version}",
        )
    # Whether answers are taken, in confidence or not, and how soon somebody must call are today's.
    return replace(
        begun, active=survey.active, anonymous=survey.anonymous, case_due=survey.case_due
    )


def _judge(
    batch: _Batch, means: Means, sender: Sender, each: Sent, recorder: outbox.Recorder
) -> Fate:
    new = each.answer
    survey = _version(batch, new)
    before = batch.now.get(new.id)
    _check_reach(sender, new, before)
    contact = NOTHING_KNOWN if new.contact is None else batch.contacts[new.contact]
    known = before is not None and before.contact == new.contact
    if sender.caller.customer is None and not known:
        check_contact(sender.caller, contact)
    accepted = accept(new, survey, before, contact)
    if accepted is None:
        return Fate.DUPLICATE
    last = before or batch.gone.get(new.id)
    revision, recorded_at = (0, None) if last is None else (last.revision, last.recorded_at)
    moment = next_moment(recorder.now, recorded_at)
    after = replace(
        accepted,
        revision=revision + 1,
        recorded_at=moment,
        body_revision=revision + 1,
        body_at=moment,
    )
    person = NOBODY if after.anonymous else each.person
    batch.now[new.id] = after
    batch.kept.append((after, means.seal(sender.caller.tenant, person, after.comment, after.texts)))
    reason = reason_to_open(before, after)
    if reason is not None:
        batch.unhappy.append(unhappy(sender.caller.tenant, after, reason, survey.case_due))
    return Fate.NEW if before is None else Fate.CHANGED


def _check_reach(sender: Sender, new: NewAnswer, before: Answer | None) -> None:
    caller = sender.caller
    if sender.confined and new.weight_micro != MICRO:
        raise WeightNotYours(
            "a key in a public page and a customer may not weigh answers",
            detail_ru="ключ на открытой странице и клиент не задают вес ответа",
        )
    if before is not None and (
        (sender.confined and before.sender != new.sender)
        or (caller.customer is None and not caller.may_see(before.dimensions.get("branch")))
    ):
        raise NotFound("there is no such answer", detail_ru="такого ответа нет")
    branch = new.said.get("branch")
    # A customer speaks for themselves, wherever they were served.
    if caller.customer is None and not caller.may_see(branch):
        raise OutOfReach(
            f"branch {branch!r} is out of your reach",
            detail_ru=f"филиал {branch!r} вам недоступен",
        )


def check_contact(caller: Caller, contact: ContactKnown) -> None:
    """Nobody learns or says anything of a contact of others. Raises OutOfReach."""
    branch = contact.dimensions.get("branch")
    # One that is of no branch may be one that nobody has heard of yet.
    if branch is not None and not caller.may_see(branch):
        raise OutOfReach("the contact is out of your reach", detail_ru="контакт вам недоступен")


async def _write(tx: AsyncConnection, tenant: str, batch: _Batch) -> None:
    # Twice in one batch: the rows hold the last of them, the versions those before.
    last = {answer.id: (answer, sealed) for answer, sealed in batch.kept}
    new = [pair for id_, pair in last.items() if id_ not in batch.before]
    changed = [pair for id_, pair in last.items() if id_ in batch.before]
    if new and len(await answers.add(tx, tenant, new)) != len(new):
        raise Raced
    if changed:
        await answers.supersede(tx, tenant, [answer.id for answer, _ in changed])
        await answers.put(tx, tenant, changed)
    passed = [pair for pair in batch.kept if pair[0] is not batch.now[pair[0].id]]
    await answers.add_versions(tx, tenant, passed)


async def _have_read(
    tx: AsyncConnection, tenant: str, batch: _Batch, recorder: outbox.Recorder
) -> list[Event[Any]]:
    written = {answer.id: batch.now[answer.id].content.has_text for answer, _ in batch.kept}
    with_words = [id_ for id_, has_text in written.items() if has_text]
    silent = {
        id_: batch.now[id_]
        for id_, has_text in written.items()
        if not has_text and id_ in batch.before and batch.before[id_].content.has_text
    }
    if with_words:
        await readings.mark(tx, [(tenant, id_) for id_ in with_words], recorder.now)
    return await forget(tx, tenant, silent, recorder) if silent else []


def _moved(old: Answer, now: Answer) -> bool:
    return (old.dimensions, old.identifiers, old.contact) != (
        now.dimensions,
        now.identifiers,
        now.contact,
    )


# --- Reading ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer with its history, in the clear."""

    answer: Answer
    comment: str | None
    known: Known | None
    texts: dict[str, str]
    versions: list[tuple[Version, str | None, dict[str, str]]]
    cases: list[UUID]


async def read_answer(db: Database, means: Means, caller: Caller, reference: str) -> Shown:
    """
    An answer with every body it came in.

    Raises:
        NotFound: Missing, out of reach, or given in confidence: then nobody reads it alone.
    """
    tenant, id_ = caller.tenant, answer_id(caller.tenant, reference)
    async with db.begin(tenant) as tx:
        found = await answers.get(tx, tenant, [id_])
        if not found or found[0][0].anonymous or not _sees(caller, found[0][0]):
            raise NotFound(
                f"there is no answer {reference[:100]!r}",
                detail_ru=f"ответа {reference[:100]!r} нет",
            )
        before = await answers.versions(tx, tenant, id_)
        opened = await cases.of_answer(tx, tenant, id_)
        known = await readings.of(tx, tenant, [id_])
    answer, sealed = found[0]
    return Shown(
        answer,
        means.opened(tenant, "comment", sealed.comment),
        known.get(id_),
        means.texts(tenant, sealed.words),
        [
            (
                version,
                means.opened(tenant, "comment", version.comment),
                means.texts(tenant, version.words),
            )
            for version in (*before, answers.present(answer, sealed))
        ],
        opened,
    )


async def list_answers(
    db: Database, caller: Caller, filters: Filters, wanted: Part
) -> tuple[list[Answer], dict[UUID, Known]]:
    """A part of the answers within reach, the newest first, and one more; what their words say."""
    tenant, within = caller.tenant, replace(filters, branches=caller.branches)
    async with db.begin(tenant) as tx:
        found = await answers.part(tx, tenant, within, wanted)
        return found, await readings.of(tx, tenant, [answer.id for answer in found])


def _sees(caller: Caller, answer: Answer) -> bool:
    return caller.may_see(answer.dimensions.get("branch"))
