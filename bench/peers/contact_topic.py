"""A topic full of the contact centre's own facts, and what a right count of it comes to."""

import asyncio
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from bench.metrics_write import contacts
from otklik_common.events.contact_center import Contact
from otklik_common.events.envelope import Event
from otklik_common.events.registry import encode
from otklik_common.log.port import Log, LogNotReadyError, Publisher
from otklik_metrics.domain.histogram import bucket_of

QUARTER_SECONDS = 900
SENT = 5_000
PATIENCE = 10


@dataclass(frozen=True)
class Filled:
    """
    What stands on a topic.

    Attributes:
        totals: As every consumer must count them in the end, by the names of `python/contact_cells.py`.
    """

    topic: str
    events: int
    bytes: int
    totals: dict[str, int]


def in_order(count: int) -> Iterator[Event[Contact]]:
    """All revisions of so many contacts in the order in which they happen."""
    waiting: list[tuple[datetime, int, int, Event[Contact]]] = []
    for number, (moment, event) in enumerate(contacts(count)):
        # A contact's first revision is its earliest: nothing comes before it any more.
        while event.revision == 1 and waiting and waiting[0][0] <= moment:
            yield heapq.heappop(waiting)[-1]
        heapq.heappush(waiting, (moment, event.revision, number, event))
    while waiting:
        yield heapq.heappop(waiting)[-1]


async def publisher_of(log: Log, topic: str) -> Publisher:
    """A writer of the topic; a broker that has just started may not answer at once."""
    for _ in range(PATIENCE):
        try:
            return await log.publisher(topic)
        except LogNotReadyError:
            await asyncio.sleep(1)
    return await log.publisher(topic)


async def fill(topic: str, publisher: Publisher, count: int) -> Filled:
    """Put the facts of so many contacts on the topic, as the relay does."""
    last: dict[UUID, Contact] = {}
    events = size = 0
    coming = in_order(count)
    while some := list(islice(coming, SENT)):
        last.update((event.subject, event.data) for event in some)
        values = [encode(event) for event in some]
        await publisher.send([event.key for event in some], values)
        events += len(values)
        size += sum(map(len, values))
    return Filled(topic, events, size, _totals(list(last.values())))


def _totals(contacts: list[Contact]) -> dict[str, int]:
    offered = [contact for contact in contacts if contact.offered_at is not None]
    answered = [contact for contact in offered if contact.answered_at is not None]
    waits = [contact.waited_ms for contact in answered if contact.waited_ms is not None]
    return {
        "cells": len({_cell(contact) for contact in offered}),
        "offered": len(offered),
        "answered": len(answered),
        "abandoned": sum(1 for contact in offered if contact.outcome == "abandoned"),
        "wait_ms": sum(waits),
        "in_20_s": sum(1 for wait in waits if wait <= 20_000),
        "buckets": sum(bucket_of(wait) for wait in waits),
    }


def _cell(contact: Contact) -> tuple[str | None, str | None, int]:
    assert contact.offered_at is not None
    return contact.channel, contact.branch, int(contact.offered_at.timestamp()) // QUARTER_SECONDS
