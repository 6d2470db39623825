"""Links to surveys: made, taken back, looked at, and answered by."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Conflict, NotFound, Refused, Unprocessable
from otklik_common.ids import subject_id
from otklik_common.links import link_digest, link_token, linked_name
from otklik_common.paging import Part
from otklik_feedback.actions.answers import Sender, Sent, answer_id, keep
from otklik_feedback.actions.invitations import moved
from otklik_feedback.actions.means import Means
from otklik_feedback.actions.surveys import SurveyNotFound, survey_id
from otklik_feedback.actions.undisturbed import undisturbed
from otklik_feedback.domain.answer import NOTHING_KNOWN, SAID, Content, NewAnswer, accept
from otklik_feedback.domain.asking.invitation import Step, month_of, told
from otklik_feedback.domain.asking.link import Link, LinkKind, not_valid, usable
from otklik_feedback.domain.asking.programme import Counted
from otklik_feedback.domain.body import digest_of
from otklik_feedback.domain.question import MICRO
from otklik_feedback.domain.survey import Survey
from otklik_feedback.store import asked, invitations, links, programmes, surveys
from otklik_feedback.store.asked import Counter
from otklik_feedback.store.invitations import Kept as KeptInvitation
from otklik_feedback.store.links import Kept

BY_LINK: Final = "link"
"""Who sent an answer by a link: never which one, as some are given in confidence."""


class LinkNotFound(NotFound):
    """The company has made no such link."""

    code = "link_not_found"


class LinkDiffers(Conflict):
    """A link of that name asks something else, or is for somebody else."""

    code = "link_exists"


class QuotaFull(Conflict):
    """Enough have answered."""

    code = "quota_full"


class NoAnswerId(Unprocessable):
    """Answers by a link for anybody name themselves, so that one that is sent again is the same."""

    code = "answer_id_missing"


@dataclass(frozen=True, slots=True)
class Made:
    """A link and its token."""

    kept: Kept
    token: str


# --- Making -------------------------------------------------------------------------------------


async def put_link(
    db: Database,
    means: Means,
    caller: Caller,
    reference: str,
    wanted: Link,
    survey: str,
    now: datetime,
) -> Made:
    """
    Make a link, or change how long and how often it may be used; its token stays.

    Args:
        wanted: With any id and survey; they are made of `reference` and `survey`.
    Raises:
        SurveyNotFound.
        LinkDiffers: Kind, survey or person of a known one would change.
    """
    tenant = caller.tenant
    link = replace(
        wanted,
        id=subject_id(tenant, "link", reference),
        survey=survey_id(tenant, survey),
    )
    token = link_token(means.master, tenant, link.id)
    async with db.begin(tenant) as tx:
        if not await surveys.get(tx, tenant, [link.survey]):
            raise SurveyNotFound(
                f"there is no survey {survey[:100]!r}", detail_ru=f"опроса {survey[:100]!r} нет"
            )
        known = await links.get(tx, tenant, link.id, lock=True)
        if known is not None:
            link = _changed(known.link, link)
        kept = Kept(link, now if known is None else known.made_at, reference)
        await links.put(tx, tenant, kept, link_digest(token))
    return Made(kept, token)


def _changed(known: Link, wanted: Link) -> Link:
    same = (known.kind, known.survey, known.identifiers)
    if same != (wanted.kind, wanted.survey, wanted.identifiers):
        raise LinkDiffers(
            "a link of that name is of another kind, survey or person; take another name",
            detail_ru="ссылка с таким именем другого вида, опроса или человека;"
            " возьмите другое имя",
        )
    most = wanted.most
    if most is not None and most < known.used:
        raise LinkDiffers(
            f"it has brought {known.used} answers already, more than {most}",
            detail_ru=f"по ней уже {known.used} ответов, больше чем {most}",
        )
    return replace(wanted, used=known.used, withdrawn=False)


async def withdraw_link(db: Database, means: Means, caller: Caller, reference: str) -> None:
    """Take a link back; put again it is as before. Raises LinkNotFound."""
    tenant, id_ = caller.tenant, subject_id(caller.tenant, "link", reference)
    async with db.begin(tenant) as tx:
        known = await links.get(tx, tenant, id_, lock=True)
        if known is None:
            raise LinkNotFound(
                f"there is no link {reference[:100]!r}",
                detail_ru=f"ссылки {reference[:100]!r} нет",
            )
        digest = link_digest(link_token(means.master, tenant, id_))
        gone = replace(known, link=replace(known.link, withdrawn=True))
        await links.put(tx, tenant, gone, digest)


async def list_links(db: Database, caller: Caller, wanted: Part) -> list[Kept]:
    """A part of the links that were made by hand, the oldest first, and one more."""
    async with db.begin(caller.tenant) as tx:
        return await links.part(tx, caller.tenant, wanted)


# --- For who answers ----------------------------------------------------------------------------


async def read_link(db: Database, tenant: str, token: str, now: datetime) -> tuple[Link, Survey]:
    """
    What a link asks; looking changes nothing, so that nobody spends it by previewing it.

    Raises:
        LinkNotValid: It is wrong, has ended, was used or was taken back.
    """
    async with db.begin(tenant) as tx:
        link = usable(await links.of_token(tx, tenant, link_digest(token)), now)
        if link.kind is LinkKind.SINGLE and link.used:
            raise not_valid()
        survey = await _asked(tx, tenant, link)
    if not survey.active:
        raise not_valid()
    return link, survey


async def _asked(tx: AsyncConnection, tenant: str, link: Link) -> Survey:
    found = (await surveys.get(tx, tenant, [link.survey])).get(link.survey)
    if found is None:  # it was the demo's
        raise not_valid()
    return found.survey


async def follow_link(db: Database, tenant: str, token: str, step: Step, now: datetime) -> None:
    """Keep that somebody opened a link, or began; nothing is spent. Raises LinkNotValid."""
    async with db.begin(tenant) as tx:
        link = usable(await links.of_token(tx, tenant, link_digest(token)), now)
        if not link.invited:
            return
        kept = await invitations.get(tx, tenant, link.id, lock=True)
        assert kept is not None, "a link that was sent is of an invitation"
        assert kept.sent is not None
        one = told(kept.sent.invitation, step, now)
        if one == kept.sent.invitation:
            return
        recorder = await outbox.recorder(tx, tenant)
        changed, fact = moved(kept, one, now=recorder.now, verb=step.value)
        await invitations.put(tx, [changed])
        await recorder.append([fact])


@dataclass(frozen=True, slots=True)
class Submitted:
    """
    What was sent by a link.

    Attributes:
        reference: The sender's own id of the answer; links for anybody need it.
        complete: Whoever answers has come to the end.
    """

    token: str
    at: datetime
    values: Mapping[str, object]
    reference: str | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an answer by a link: whether it counts as complete, and its subject."""

    answer: UUID
    done: bool
    test: bool = False


async def answer_by_link(
    db: Database, means: Means, caller: Caller, sent: Submitted, zone: str, now: datetime
) -> Taken:
    """
    Keep an answer that came by a link, and spend the link if it is complete, in one transaction.

    Complete is an answer whose sender says so and which answers the survey's own question (the
    first that a metric is made of). Until then a link is not spent, and what is sent again takes
    the place of what was sent before. The same body sent once more is the same answer, also after
    the link is spent.

    Raises:
        LinkNotValid: It is wrong, has ended, was used or was taken back.
        QuotaFull: As many as were wanted have answered.
        Refused: As for any answer.
    """
    return await undisturbed(
        db,
        caller.tenant,
        lambda tx: _Answering(tx, means, caller, sent, zone, now).keep(),
        detail="others are writing the same answers",
        detail_ru="те же ответы сейчас записывают другие",
    )


@dataclass(frozen=True, slots=True)
class _Answering:
    tx: AsyncConnection
    means: Means
    caller: Caller
    sent: Submitted
    zone: str
    now: datetime

    async def keep(self) -> Taken:
        tx, tenant = self.tx, self.caller.tenant
        # Locks: link, invitation, quotas, and then what every answer locks.
        link = usable(
            await links.of_token(tx, tenant, link_digest(self.sent.token), lock=True), self.now
        )
        survey = await _asked(tx, tenant, link)
        invited = await self._invited(link)
        new = self._new(link, invited)
        if link.test:
            accepted = accept(new, survey, None, NOTHING_KNOWN)
            assert accepted is not None
            return Taken(new.id, self._done(survey, accepted.content), test=True)
        confidential = survey.anonymous and link.kind is not LinkKind.ANONYMOUS
        use = link.id if confidential else new.id
        spent = await links.spent_by(tx, tenant, link.id, use)
        if spent and link.kind is not LinkKind.PERSONAL:
            # A retry of what was answered is answered alike; anything else comes too late.
            if await links.digest_of_answer(tx, tenant, new.id) != new.digest:
                raise not_valid()
            return Taken(new.id, True)
        if not survey.active:
            raise not_valid()
        accepted = accept(new, survey, None, NOTHING_KNOWN)
        assert accepted is not None
        done = spent or self._done(survey, accepted.content)
        if done and not spent:
            await self._spend(link, use, invited)
        await self._keep_answer(new)
        if invited is not None:
            await self._tell(invited, None if confidential else new.id, done=done)
        return Taken(new.id, done)

    async def _invited(self, link: Link) -> KeptInvitation | None:
        if not link.invited:
            return None
        kept = await invitations.get(self.tx, self.caller.tenant, link.id, lock=True)
        assert kept is not None, "a link that was sent is of an invitation"
        return kept

    def _new(self, link: Link, invited: KeptInvitation | None) -> NewAnswer:
        tenant, sent = self.caller.tenant, self.sent
        own = ""
        if link.kind is LinkKind.ANONYMOUS:
            if sent.reference is None:
                raise NoAnswerId(
                    "an answer by a link for anybody needs an `id` of its own",
                    detail_ru="ответу по общей ссылке нужен собственный `id`",
                )
            own = sent.reference
        # Keyed: whoever knows an invitation must not find the answer that was given in confidence.
        reference = f"link-{linked_name(self.means.master, tenant, link.id, own)}"
        told_of = {} if invited is None else invited.dimensions
        codes = {"branch": link.branch, "touchpoint": link.touchpoint} | dict(told_of)
        said = {name: code for name in SAID if (code := codes.get(name)) is not None}
        identifiers = link.identifiers if invited is None else invited.identifiers
        contact = None if invited is None else invited.contact
        digest = digest_of(
            self.means.digest_key(tenant),
            link.survey,
            sent.at,
            identifiers,
            contact,
            said,
            MICRO,
            sent.values,
        )
        return NewAnswer(
            id=answer_id(tenant, reference),
            reference=reference,
            survey=link.survey,
            answered_at=sent.at,
            values=sent.values,
            digest=digest,
            sender=BY_LINK,
            said=said,
            contact=contact,
            identifiers=identifiers,
        )

    def _done(self, survey: Survey, content: Content) -> bool:
        key = next((each.id for each in survey.questions if each.measure is not None), None)
        answered = key is None or key in content.scores or key in content.not_applicable
        return self.sent.complete and answered

    async def _spend(self, link: Link, use: UUID, invited: KeptInvitation | None) -> None:
        tenant = self.caller.tenant
        if invited is not None:
            await self._count(invited)
        if not await links.spend(self.tx, tenant, link, use, self.now):
            raise not_valid()

    async def _count(self, invited: KeptInvitation) -> None:
        """Towards the quotas of answers; the last place goes to whoever locks its counter first."""
        kept = await programmes.get(self.tx, invited.tenant, invited.programme)
        assert kept is not None, "programmes are never deleted"
        month = month_of(self.now, self.zone)
        branch = invited.dimensions.get("branch")
        wanted = {
            Counter(invited.tenant, invited.programme, quota.key(branch, month)): quota.most
            for quota in kept.programme.quotas
            if quota.counted is Counted.ANSWERS
        }
        used = await asked.counters(self.tx, wanted.keys())
        if any(used[counter] >= most for counter, most in wanted.items()):
            raise QuotaFull(
                "enough people have answered already; thank you",
                detail_ru="ответов уже достаточно, спасибо",
            )
        await asked.count(self.tx, ((counter, number + 1) for counter, number in used.items()))

    async def _keep_answer(self, new: NewAnswer) -> None:
        # The link says what is answered and where: who shows it needs no right to the branch.
        sender = Sender(
            replace(self.caller, branches=None, customer=None, principal=BY_LINK),
            confined=True,
        )
        [fate] = await keep(self.tx, self.means, sender, [Sent(new)])
        if isinstance(fate, Refused):
            raise fate

    async def _tell(self, kept: KeptInvitation, answer: UUID | None, *, done: bool) -> None:
        assert kept.sent is not None
        step = Step.DONE if done else Step.PARTIAL
        one = told(told(kept.sent.invitation, Step.STARTED, self.now), step, self.now)
        one = replace(one, answer=answer)
        if one == kept.sent.invitation:
            return
        recorder = await outbox.recorder(self.tx, kept.tenant)
        changed, fact = moved(kept, one, now=recorder.now, verb=step.value)
        await invitations.put(self.tx, [changed])
        await recorder.append([fact])
