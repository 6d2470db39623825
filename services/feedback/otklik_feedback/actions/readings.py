"""What people say that an answer's words say."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Forbidden, NotFound, Unprocessable
from otklik_common.events.feedback import Sentiment
from otklik_feedback.actions import topics as topics_actions
from otklik_feedback.actions.answers import answer_id
from otklik_feedback.actions.means import Means
from otklik_feedback.actions.telling import Change, tell
from otklik_feedback.domain.answer import Answer
from otklik_feedback.domain.enrichment import Correction, Known, NoWords, check_topics, digest_of
from otklik_feedback.domain.text.lemmas import is_cyrillic
from otklik_feedback.domain.text.phrases import Phrases
from otklik_feedback.domain.text.tokens import form_of, split
from otklik_feedback.store import answers, readings, topics


class NotCompanyWide(Forbidden):
    """Rules hold in the whole company; who is limited to branches makes none."""

    code = "rules_are_company_wide"


class PhraseNotThere(Unprocessable):
    """The words of the answer have no such phrase."""

    code = "phrase_not_there"


@dataclass(frozen=True, slots=True)
class Rule:
    """A phrase of the answer that from now on means a topic, in every answer."""

    phrase: str
    topic: str


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says that the words say; None leaves our own reading."""

    topics: tuple[str, ...] | None = None
    sentiment: Sentiment | None = None
    rules: tuple[Rule, ...] = ()


async def correct(
    db: Database, means: Means, caller: Caller, reference: str, said: Said
) -> tuple[Answer, Known]:
    """
    Keep somebody's word beside our reading, and their rules among the company's topics.

    Raises:
        NotFound, NoWords, UnknownTopic, BadPhrase, PhraseNotThere, NotCompanyWide, BadTopics.
    """
    tenant = caller.tenant
    if said.rules and caller.branches is not None:
        raise NotCompanyWide(
            "rules hold in the whole company, and you are limited to branches",
            detail_ru="правила действуют во всей компании, а вам доступны только филиалы",
        )
    async with db.begin(tenant) as tx:
        answer, words = await _locked(tx, means, caller, reference)
        kept = await topics.newest(tx, tenant)
        check_topics([*(said.topics or ()), *(rule.topic for rule in said.rules)], kept.tree)
        await asyncio.to_thread(_check_rules, said.rules, words)
        recorder = await outbox.recorder(tx, tenant)
        digest = digest_of(means.digest_key(tenant), words)
        before, known = await _known(tx, tenant, answer, digest)
        correction = Correction(said.topics, said.sentiment, caller.principal, recorder.now, digest)
        change = Change(tenant, answer, before, replace(known, correction=correction))
        [after] = await tell(tx, [change], recorder=recorder, verb="corrected")
        if said.rules:
            await topics_actions.learn(tx, caller, _by_topic(said.rules), recorder.now)
    return answer, after


async def withdraw(
    db: Database, means: Means, caller: Caller, reference: str
) -> tuple[Answer, Known]:
    """
    Take a correction back; our own reading holds again. Without one nothing changes.

    Raises:
        NotFound, NoWords.
    """
    tenant = caller.tenant
    async with db.begin(tenant) as tx:
        answer, words = await _locked(tx, means, caller, reference)
        before, known = await _known(tx, tenant, answer, digest_of(means.digest_key(tenant), words))
        if known.correction is None:
            return answer, known
        recorder = await outbox.recorder(tx, tenant)
        change = Change(tenant, answer, before, replace(known, correction=None))
        [after] = await tell(tx, [change], recorder=recorder, verb="withdrawn")
    return answer, after


async def _locked(
    tx: AsyncConnection, means: Means, caller: Caller, reference: str
) -> tuple[Answer, str]:
    tenant, id_ = caller.tenant, answer_id(caller.tenant, reference)
    answer = (await answers.locked(tx, tenant, [id_])).get(id_)
    if answer is None or answer.anonymous or not caller.may_see(answer.dimensions.get("branch")):
        raise NotFound(
            f"there is no answer {reference[:100]!r}",
            detail_ru=f"ответа {reference[:100]!r} нет",
        )
    [(_, sealed)] = await answers.get(tx, tenant, [id_])
    words = means.opened(tenant, "comment", sealed.comment)
    if words is None:
        raise NoWords(
            "the answer has no words, so they say nothing",
            detail_ru="в ответе нет слов, им нечего сказать",
        )
    return answer, words


async def _known(
    tx: AsyncConnection, tenant: str, answer: Answer, digest: bytes
) -> tuple[Known | None, Known]:
    """What was known, and what of it is about the words that stand now."""
    found = (await readings.of(tx, tenant, [answer.id], lock=True)).get(answer.id)
    if found is None:
        return None, Known(0, answer.body_revision, digest)
    now = replace(found, body_revision=answer.body_revision, digest=digest)
    return found, now if found.digest == digest else replace(now, machine=None)


def _check_rules(rules: Sequence[Rule], words: str) -> None:
    if not rules:
        return
    tokens = split(words).tokens
    for rule in rules:
        if next(Phrases([(rule.phrase, None)]).find(tokens), None) is None:
            raise PhraseNotThere(
                f"{rule.phrase!r} is not among the words of this answer",
                detail_ru=f"фразы {rule.phrase!r} нет в этом ответе",
            )


def _by_topic(rules: Sequence[Rule]) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for rule in rules:
        phrase = " ".join(form_of(rule.phrase).split())
        found[rule.topic]["ru" if is_cyrillic(phrase) else "en"].append(phrase)
    return found
