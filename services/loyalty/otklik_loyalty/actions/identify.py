"""Finding or making the customers that bodies speak of, many at a time and safe from races."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.events.envelope import Event
from otklik_common.pseudonym import Sealer
from otklik_loyalty.actions.announce import customer_event, next_moment
from otklik_loyalty.domain.identity import Assigned, Identities, Person, identities
from otklik_loyalty.store import customers
from otklik_loyalty.store.customers import Kept


@dataclass(frozen=True, slots=True)
class Said:
    """
    A person as a body names them.

    Attributes:
        person: Pseudonyms to find them by; the other values stand in the clear, to be sealed.
        at: Since when we know of them; None: now.
    """

    person: Person
    phone: str | None = None
    email: str | None = None
    external: str | None = None
    at: datetime | None = None


@dataclass(slots=True)
class Identified:
    """
    Customers of a batch.

    Attributes:
        assigned: In the order of the people given.
        kept: Rows of all customers concerned; numbered when saved.
        new: Customers who begin here.
        learned: Customers whose fact changes.
        edited: Customers whose row changes.
    """

    assigned: list[Assigned]
    kept: dict[UUID, Kept]
    new: set[UUID] = field(default_factory=set)
    learned: set[UUID] = field(default_factory=set)
    edited: set[UUID] = field(default_factory=set)


def seal(sealer: Sealer, tenant: str, column: str, text: str | None) -> bytes | None:
    """A personal value as its column holds it."""
    return None if text is None else sealer.seal(tenant, f"loyalty.customer.{column}", text)


def unseal(sealer: Sealer, tenant: str, column: str, sealed: bytes | None) -> str | None:
    """A personal value in the clear."""
    return None if sealed is None else sealer.open(tenant, f"loyalty.customer.{column}", sealed)


async def identify(
    tx: AsyncConnection, tenant: str, people: Sequence[Said], *, sealer: Sealer
) -> Identified:
    """
    The customer of each of `people`, made where nobody fits; rows are written, facts are not.

    Pseudonyms are claimed first, sorted; then the customers concerned are locked in the order
    of their ids: two batches that speak of the same people wait for each other, never both.
    """
    if not people:
        return Identified([], {})
    ids = [_tentative_id(tenant, said) for said in people]
    found = await _all_known(tx, tenant, people, ids)
    if found is not None:
        return found
    known, kept, claimed = await claim(tx, tenant, people, ids)
    assigned = [
        known.assign(said.person, otherwise=id_) for said, id_ in zip(people, ids, strict=True)
    ]
    found = Identified(assigned, kept)
    await settle(tx, tenant, claimed, assigned)
    recorder = await outbox.recorder(tx, tenant)
    for said, each in zip(people, assigned, strict=True):
        enter(found, said, each, seal_with=sealer, tenant=tenant, now=recorder.now)
    await save(tx, tenant, found, now=recorder.now)
    return found


async def _all_known(
    tx: AsyncConnection, tenant: str, people: Sequence[Said], ids: Sequence[UUID]
) -> Identified | None:
    """
    The customers, if everything said of them is known; None if anything would be written.

    What leads somewhere leads there for good, so nothing needs to be held still.
    """
    pseudonyms = {p for said in people for p in said.person.pseudonyms}
    owners = await customers.owners(tx, tenant, pseudonyms)
    if owners.keys() != pseudonyms:
        return None
    kept = await customers.get(tx, tenant, set(owners.values()))
    known = identities(owners, {})
    assigned = [
        known.assign(said.person, otherwise=id_) for said, id_ in zip(people, ids, strict=True)
    ]
    for said, each in zip(people, assigned, strict=True):
        row = kept.get(each.customer)
        if each.new or each.learned or row is None or row.void or _unknown(said, row):
            return None
    await settle(tx, tenant, {}, assigned)
    return Identified(assigned, kept)


def _unknown(said: Said, known: Kept) -> tuple[str, ...]:
    """Columns of what is said of a customer and not yet known."""
    return tuple(
        column
        for column in ("phone", "email", "external")
        if getattr(known, column) is None and getattr(said, column) is not None
    )


async def claim(
    tx: AsyncConnection,
    tenant: str,
    people: Sequence[Said],
    ids: Sequence[UUID],
    *,
    also: Collection[UUID] = (),
) -> tuple[Identities, dict[UUID, Kept], dict[str, UUID]]:
    """
    Everything needed to say who `people` are, held still until `tx` ends.

    Args:
        ids: The customers they become tentatively.
        also: Further customers to lock.
    Returns:
        What leads where, the rows of the customers concerned, and the tentative customer of
        each pseudonym that led to nobody.
    """
    tentative: dict[str, UUID] = {}
    for said, id_ in zip(people, ids, strict=True):
        for pseudonym in said.person.pseudonyms:
            tentative.setdefault(pseudonym, id_)
    free = await customers.claim(tx, tenant, tentative)
    owners = await customers.owners(tx, tenant, tentative.keys() - free)
    concerned = {*owners.values(), *also}
    kept = await customers.lock(tx, tenant, concerned)
    externals = await customers.externals_of(tx, tenant, concerned)
    return identities(owners, externals), kept, {p: tentative[p] for p in free}


async def settle(
    tx: AsyncConnection, tenant: str, claimed: Mapping[str, UUID], assigned: Sequence[Assigned]
) -> None:
    """Let claimed pseudonyms lead where they belong, and note those that lead elsewhere."""
    learned = {p: each.customer for each in assigned for p in each.learned}
    moved = {p: customer for p, customer in learned.items() if claimed[p] != customer}
    if moved:
        await customers.lead_to(tx, tenant, moved)
    shared = [(p, each.customer) for each in assigned for p in each.shared]
    if shared:
        await customers.share(tx, tenant, shared)


def enter(
    found: Identified,
    said: Said,
    assigned: Assigned,
    *,
    tenant: str,
    seal_with: Sealer,
    now: datetime,
) -> None:
    """Note in `found` what a person said of themselves; what is known already is not replaced."""
    id_ = assigned.customer
    if assigned.new:
        since = now if said.at is None else min(said.at, now)
        found.kept[id_] = beginning(id_, since=since, now=now)
        found.new.add(id_)
    known = found.kept[id_]
    if known.void:
        known = replace(known, void=False)
        found.learned.add(id_)
    fill: dict[str, Any] = {
        column: seal(seal_with, tenant, column, getattr(said, column))
        for column in _unknown(said, known)
    }
    found.kept[id_] = replace(known, **fill)
    if assigned.new or assigned.learned:
        found.learned.add(id_)
    if fill:
        found.edited.add(id_)


def beginning(id_: UUID, *, since: datetime, now: datetime) -> Kept:
    """A customer of whom nothing is known yet."""
    return Kept(
        id=id_,
        revision=0,
        version=0,
        branch=None,
        segment=None,
        name=None,
        phone=None,
        email=None,
        external=None,
        created_at=since,
        recorded_at=now,
    )


async def save(tx: AsyncConnection, tenant: str, found: Identified, *, now: datetime) -> None:
    """Number the changes and write the rows."""
    touched = sorted(found.new | found.learned | found.edited)
    for id_ in touched:
        kept = found.kept[id_]
        found.kept[id_] = replace(
            kept,
            version=kept.version + 1,
            revision=kept.revision + (id_ in found.learned),
            recorded_at=now if id_ in found.new else next_moment(now, kept.recorded_at),
        )
    new = [found.kept[id_] for id_ in touched if id_ in found.new]
    changed = [found.kept[id_] for id_ in touched if id_ not in found.new]
    if new:
        await customers.add(tx, tenant, new)
    if changed:
        await customers.put(tx, tenant, changed)


async def events_of(tx: AsyncConnection, tenant: str, found: Identified) -> list[Event[Any]]:
    """Facts of the customers that changed, in the order of their ids."""
    if not found.learned:
        return []
    pseudonyms = await customers.pseudonyms_of(tx, tenant, found.learned)
    return [
        customer_event(tenant, found.kept[id_], pseudonyms[id_]) for id_ in sorted(found.learned)
    ]


def _tentative_id(tenant: str, said: Said) -> UUID:
    # Of the external id where there is one: the same however often a history is loaded.
    if said.person.external is not None:
        return customers.external_subject(tenant, said.person.external)
    return uuid4()
