"""What a fold works on at once: contacts that are picked and locked, and how they are written."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import asyncpg

from otklik_common.clocks.policies import Policies
from otklik_contact_center.actions.outcome import Outcome, Sent
from otklik_contact_center.store import folding
from otklik_contact_center.store.folding import ContactKey, ContactRow, KnownContact, Raw


class Setting(NamedTuple):
    """What folding takes from a company's settings."""

    region: str
    allowed: frozenset[str]
    head: frozenset[str]


class Batch(NamedTuple):
    """
    Contacts picked and locked; lists of the same order.

    Attributes:
        bare: Those that stand though nothing is left in the inbox of what they were made of.
    """

    sents: Sequence[Sent]
    keys: Sequence[ContactKey]
    raws: Sequence[Sequence[Raw]]
    known: Mapping[ContactKey, KnownContact]
    settings: Mapping[str, Setting]
    bare: Mapping[ContactKey, ContactRow]
    policies: Mapping[str, Policies]


def named(batch: Batch, failed: Mapping[ContactKey, str]) -> dict[Sent, str]:
    """What failed, by how its sender names it; what was not sent here is folded again another time."""
    of = dict(zip(batch.keys, batch.sents, strict=True))
    return {of[key]: reason for key, reason in failed.items() if key in of}


async def write(
    on: asyncpg.Connection, outcomes: Mapping[ContactKey, Outcome]
) -> dict[ContactKey, Outcome]:
    """Write contacts; returns those that are ours to announce."""
    ordered = dict(sorted(outcomes.items()))
    new = [outcome.row for outcome in ordered.values() if outcome.known is None]
    known = [outcome.row for outcome in ordered.values() if outcome.known is not None]
    added = await folding.add_contacts(on, new) if new else set()
    if known:
        await folding.put_contacts(on, known)
    return {
        key: outcome
        for key, outcome in ordered.items()
        if outcome.known is not None or key in added
    }
