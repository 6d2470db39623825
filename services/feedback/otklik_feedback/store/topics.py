"""Versions of the companies' topics."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_feedback.domain.question import Words
from otklik_feedback.domain.text.topics import Topic, Tree, default_tree
from otklik_feedback.store.sets import array
from otklik_feedback.store.tables import topic_trees


@dataclass(frozen=True, slots=True)
class Kept:
    """
    A company's topics.

    Attributes:
        version: 0 for those that are shipped.
    """

    tree: Tree
    version: int
    sender: str | None = None
    recorded_at: datetime | None = None


async def newest(tx: AsyncConnection, tenant: str) -> Kept:
    """The topics that hold now."""
    found = await tx.execute(
        select(topic_trees)
        .where(topic_trees.c.tenant == tenant)
        .order_by(topic_trees.c.version.desc())
        .limit(1)
    )
    row = found.one_or_none()
    if row is None:
        return Kept(default_tree(), 0)
    return Kept(_read(row.definition), row.version, row.sender, row.recorded_at)


async def versions(tx: AsyncConnection, tenants: Collection[str]) -> dict[str, int]:
    """The newest version of each company that has topics of its own."""
    found = await tx.execute(
        select(topic_trees.c.tenant, func.max(topic_trees.c.version).label("version"))
        .where(topic_trees.c.tenant == array(topic_trees, "tenant", tenants))
        .group_by(topic_trees.c.tenant)
    )
    return {row.tenant: row.version for row in found}


async def version(tx: AsyncConnection, tenant: str, number: int) -> Tree:
    """The topics of one version, which there is."""
    found = await tx.execute(
        select(topic_trees.c.definition).where(
            topic_trees.c.tenant == tenant, topic_trees.c.version == number
        )
    )
    return _read(found.scalar_one())


async def add(tx: AsyncConnection, tenant: str, kept: Kept) -> bool:
    """Keep a new version; False if somebody else has just kept one of that number."""
    added = await tx.execute(
        upsert(topic_trees)
        .values(
            tenant=tenant,
            version=kept.version,
            definition=_written(kept.tree),
            sender=kept.sender,
            recorded_at=kept.recorded_at,
        )
        .on_conflict_do_nothing()
        .returning(topic_trees.c.version)
    )
    return added.one_or_none() is not None


def _written(tree: Tree) -> list[dict[str, Any]]:
    return [
        {
            "code": topic.code,
            "name": topic.name._asdict(),
            "parent": topic.parent,
            "tone": topic.tone,
            "opposite": topic.opposite,
            "phrases": {name: list(phrases) for name, phrases in topic.phrases.items()},
            "active": topic.active,
        }
        for topic in tree.topics
    ]


def _read(definition: list[dict[str, Any]]) -> Tree:
    # They were judged when they came; rules may have changed since.
    return Tree(
        tuple(
            Topic(
                code=said["code"],
                name=Words(**said["name"]),
                parent=said["parent"],
                tone=said["tone"],
                opposite=said["opposite"],
                phrases={name: tuple(phrases) for name, phrases in said["phrases"].items()},
                active=said["active"],
            )
            for said in definition
        )
    )
