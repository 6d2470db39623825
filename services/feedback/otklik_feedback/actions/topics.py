"""A company's topics: read with how far they have been used, and put whole into a new version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import PreconditionFailed
from otklik_common.etags import Expected, etag
from otklik_feedback.domain.text.lexicon import version
from otklik_feedback.domain.text.topics import Topic, Tree, tree
from otklik_feedback.store import readings, sweeps, topics
from otklik_feedback.store.sweeps import Sweep
from otklik_feedback.store.topics import Kept


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far answers have been read by the present words and topics.

    Attributes:
        sweep: The last reading of all again; None if there was none yet.
        waiting: Answers still to be read, whyever.
    """

    sweep: Sweep | None
    waiting: int


async def read_topics(db: Database, caller: Caller) -> tuple[Kept, Progress]:
    """The topics that hold now."""
    async with db.begin(caller.tenant) as tx:
        return await _both(tx, caller.tenant)


async def put_topics(
    db: Database, caller: Caller, wanted: Sequence[Topic], *, expected: Expected
) -> tuple[Kept, Progress]:
    """
    Keep a new version of all topics, and have every answer read again; the same ones change nothing.

    Raises:
        BadTopics, BadPhrase.
        PreconditionFailed: Somebody else has changed them since.
    """
    tenant = caller.tenant
    async with db.begin(tenant) as tx:
        before = await topics.newest(tx, tenant)
        expected.check(before.version)
        now = (await outbox.recorder(tx, tenant)).now
        await keep(tx, caller, before, tree(wanted, before.tree), now)
        return await _both(tx, tenant)


async def learn(
    tx: AsyncConnection,
    caller: Caller,
    rules: Mapping[str, Mapping[str, Sequence[str]]],
    now: datetime,
) -> None:
    """
    Make phrases the company's own rules, in a new version of its topics.

    Args:
        rules: Phrases by language, by the code of a topic.
    Raises:
        BadTopics, BadPhrase.
    """
    before = await topics.newest(tx, caller.tenant)
    after = [_with(topic, rules.get(topic.code, {})) for topic in before.tree.topics]
    await keep(tx, caller, before, tree(after, before.tree), now)


async def keep(
    tx: AsyncConnection, caller: Caller, before: Kept, after: Tree, now: datetime
) -> None:
    """
    Put a tree in the place of another.

    Raises:
        PreconditionFailed: Somebody else has just done so.
    """
    if after.topics == before.tree.topics:
        return
    tenant = caller.tenant
    kept = Kept(after, before.version + 1, caller.principal, now)
    if not await topics.add(tx, tenant, kept):
        raise PreconditionFailed(
            "somebody else has just changed the topics",
            detail_ru="темы только что изменил кто-то другой",
            headers={"ETag": etag(kept.version)},
        )
    await sweeps.begin(tx, tenant, lexicon=version(), tree=kept.version, now=now)


async def _both(tx: AsyncConnection, tenant: str) -> tuple[Kept, Progress]:
    kept = await topics.newest(tx, tenant)
    progress = Progress(await sweeps.of(tx, tenant), await readings.waiting(tx, tenant))
    return kept, progress


def _with(topic: Topic, more: Mapping[str, Sequence[str]]) -> Topic:
    if not more:
        return topic
    phrases = {**topic.phrases}
    for language, added in more.items():
        phrases[language] = tuple(dict.fromkeys((*phrases.get(language, ()), *added)))
    return replace(topic, phrases=phrases)
