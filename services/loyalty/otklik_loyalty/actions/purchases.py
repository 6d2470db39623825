"""Keeping purchases and what comes back of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Conflict, NotFound, Refused, Unavailable, Unprocessable
from otklik_common.events.envelope import Event
from otklik_common.ids import subject_id
from otklik_common.pseudonym import Sealer
from otklik_loyalty.actions.announce import next_moment, purchase_event
from otklik_loyalty.actions.effects import Change, reconcile
from otklik_loyalty.actions.identify import Identified, Said, events_of, identify
from otklik_loyalty.domain.identity import Assigned
from otklik_loyalty.domain.purchase import NewReturn, Purchase, Return, with_returns
from otklik_loyalty.store import programme, purchases
from otklik_loyalty.store.purchases import Kept

ATTEMPTS = 5
"""Of a batch that meets somebody who inserts the same purchases at this moment."""


class TwiceInBatch(Unprocessable):
    """A batch names one purchase twice, with different bodies: which one is true?"""

    code = "id_twice_in_batch"


class ReturnIdReused(Conflict):
    """A return of that id is known, and says something else."""

    code = "return_id_reused"


class OutOfReach(Unprocessable):
    """The branch is not among those that the caller may write to."""

    code = "branch_out_of_reach"


class Fate(Enum):
    """What became of a purchase that was not refused."""

    NEW = "new"
    CHANGED = "changed"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class NewPurchase:
    """
    A purchase as it was sent.

    Attributes:
        said: Whom it names; None where it names nobody.
        hash: Digest of the body.
    """

    purchase: Purchase
    said: Said | None
    hash: bytes


class _Raced(Exception):
    """Somebody inserted one of our purchases while we were deciding."""


def purchase_id(tenant: str, reference: str) -> UUID:
    """Subject id of a purchase, from the seller's own id."""
    return subject_id(tenant, "purchase", reference)


async def keep_purchases(
    db: Database, sealer: Sealer, caller: Caller, sent: Sequence[NewPurchase]
) -> list[Fate | Refused]:
    """
    Keep purchases, find or make their customers, and move the points they are due.

    One transaction for all: good ones are kept where others are refused. A body that is known
    changes nothing; another body is a new revision, its returns still standing.

    Returns:
        What became of each, in the order sent.
    Raises:
        Unavailable: Others kept inserting the same purchases.
    """
    fates: list[Fate | Refused | None] = [None] * len(sent)
    first: dict[UUID, int] = {}
    for index, each in enumerate(sent):
        fates[index] = _at_first_sight(each, sent, first, caller)
        if fates[index] is None:
            first[each.purchase.id] = index
    wanted = {sent[index].purchase.id: sent[index] for index in first.values()}
    decided = await _keep(db, sealer, caller, wanted)
    for id_, index in first.items():
        fates[index] = decided[id_]
    return [fate for fate in fates if fate is not None]


def check_reach(caller: Caller, branch: str | None) -> None:
    """Raises OutOfReach where the caller may not write to the branch."""
    if not caller.may_see(branch):
        raise OutOfReach(
            f"branch {branch!r} is out of your reach", detail_ru=f"филиал {branch!r} вам недоступен"
        )


def _at_first_sight(
    each: NewPurchase, sent: Sequence[NewPurchase], first: Mapping[UUID, int], caller: Caller
) -> Fate | Refused | None:
    try:
        check_reach(caller, each.purchase.branch)
    except OutOfReach as no:
        return no
    before = first.get(each.purchase.id)
    if before is None:
        return None
    if sent[before].hash == each.hash:
        return Fate.DUPLICATE
    return TwiceInBatch(
        f"purchase {each.purchase.reference!r} stands at index {before} with another body",
        detail_ru=f"покупка {each.purchase.reference!r} уже стоит под номером {before}, но другая",
    )


async def _keep(
    db: Database, sealer: Sealer, caller: Caller, wanted: Mapping[UUID, NewPurchase]
) -> dict[UUID, Fate | Refused]:
    if not wanted:
        return {}
    for _ in range(ATTEMPTS):
        try:
            async with db.begin(caller.tenant) as tx:
                return await _keep_in(tx, sealer, caller, wanted)
        except _Raced:
            continue
    raise Unavailable(
        "others are writing the same purchases",
        detail_ru="те же покупки сейчас записывают другие",
        retry_after=1,
    )


async def _keep_in(
    tx: AsyncConnection, sealer: Sealer, caller: Caller, wanted: Mapping[UUID, NewPurchase]
) -> dict[UUID, Fate | Refused]:
    tenant = caller.tenant
    # Locks in this order everywhere: rules, purchases, pseudonyms, customers, accounts.
    rules = await programme.rules_held(tx, tenant)
    known = await purchases.hashes(tx, tenant, wanted.keys())
    fates: dict[UUID, Fate | Refused] = {
        id_: Fate.DUPLICATE for id_, hash_ in known.items() if hash_ == wanted[id_].hash
    }
    changed = {id_: wanted[id_] for id_ in known if id_ not in fates}
    bodies, before = await _revised(tx, caller, changed, fates)
    bodies |= {id_: each.purchase for id_, each in wanted.items() if id_ not in known}
    if not bodies:
        return fates
    said = {id_: named for id_ in bodies if (named := wanted[id_].said) is not None}
    found = await identify(tx, tenant, list(said.values()), sealer=sealer)
    whose = dict(zip(said, found.assigned, strict=True))
    recorder = await outbox.recorder(tx, tenant)
    kept = []
    for id_, body in bodies.items():
        old = before.get(id_)
        fates[id_] = Fate.NEW if old is None or old.void else Fate.CHANGED
        kept.append(
            Kept(
                _named(body, whose.get(id_), old, found),
                revision=1 if old is None else old.revision + 1,
                hash=wanted[id_].hash,
                recorded_at=next_moment(recorder.now, None if old is None else old.recorded_at),
            )
        )
    await _write(tx, tenant, kept)
    changes = [Change(each.purchase, each.purchase.sold_at) for each in kept]
    moved = await reconcile(tx, tenant, changes, rules=rules, reason="purchase", recorder=recorder)
    published = await programme.published(tx, tenant)
    facts: list[Event[Any]] = [
        purchase_event(
            tenant, each, verb="sold" if each.revision == 1 else "changed", published=published
        )
        for each in kept
    ]
    await recorder.append([*await events_of(tx, tenant, found), *facts, *moved])
    return fates


async def _revised(
    tx: AsyncConnection,
    caller: Caller,
    changed: Mapping[UUID, NewPurchase],
    fates: dict[UUID, Fate | Refused],
) -> tuple[dict[UUID, Purchase], dict[UUID, Kept]]:
    """New bodies of known purchases with their returns, and what stood before."""
    if not changed:
        return {}, {}
    before = await purchases.get(tx, caller.tenant, changed.keys())
    returns = await purchases.returns_of(tx, caller.tenant, changed.keys())
    bodies: dict[UUID, Purchase] = {}
    for id_, each in changed.items():
        try:
            if not before[id_].void:
                check_reach(caller, before[id_].purchase.branch)
            bodies[id_] = with_returns(each.purchase, returns.get(id_, ()))
        except Refused as no:
            fates[id_] = no
    return bodies, before


def _named(body: Purchase, named: Assigned | None, old: Kept | None, found: Identified) -> Purchase:
    """The body with its customer, and the segment they were in when it was first theirs."""
    if named is None:
        return body
    if old is not None and old.purchase.customer == named.customer:
        segment = old.purchase.segment
    else:
        segment = found.kept[named.customer].segment
    return replace(body, customer=named.customer, identifiers=named.identifiers, segment=segment)


async def _write(tx: AsyncConnection, tenant: str, kept: Sequence[Kept]) -> None:
    new = [each for each in kept if each.revision == 1]
    changed = [each for each in kept if each.revision > 1]
    if new and await purchases.add(tx, tenant, new) != {each.purchase.id for each in new}:
        raise _Raced
    if changed:
        await purchases.put(tx, tenant, changed)


async def keep_return(
    db: Database, caller: Caller, reference: str, back: NewReturn
) -> tuple[Purchase, bool]:
    """
    Keep what came back of a purchase, and take back the points it had earned.

    Returns:
        The purchase as it now is, and whether the return was known already.
    Raises:
        NotFound: No such purchase within the caller's reach.
        ReturnIdReused: The return is known and says something else.
        UnknownLine, ReturnedMoreThanSold, ReturnedBeforeSold: It contradicts the purchase.
    """
    tenant, id_ = caller.tenant, purchase_id(caller.tenant, reference)
    async with db.begin(tenant) as tx:
        rules = await programme.rules_held(tx, tenant)
        known = (await purchases.get(tx, tenant, [id_], lock=True)).get(id_)
        if known is None or known.void or not caller.may_see(known.purchase.branch):
            raise _missing(reference)
        returns = (await purchases.returns_of(tx, tenant, [id_])).get(id_, [])
        same = next((each for each in returns if each.id == back.id), None)
        if same is not None and back.repeats(same):
            return known.purchase, True
        if same is not None:
            raise ReturnIdReused(
                f"return {back.id!r} is known and says something else",
                detail_ru=f"возврат {back.id!r} уже известен, но другой",
            )
        new = back.of(known.purchase)
        after = with_returns(known.purchase, [*returns, new])
        recorder = await outbox.recorder(tx, tenant)
        kept = replace(
            known,
            purchase=after,
            revision=known.revision + 1,
            recorded_at=next_moment(recorder.now, known.recorded_at),
        )
        await purchases.put(tx, tenant, [kept])
        await purchases.add_return(tx, tenant, id_, new, recorder.now)
        moved = await reconcile(
            tx,
            tenant,
            [Change(kept.purchase, back.at)],
            rules=rules,
            reason="return",
            recorder=recorder,
        )
        published = await programme.published(tx, tenant)
        fact = purchase_event(tenant, kept, verb="returned", published=published)
        await recorder.append([fact, *moved])
        return kept.purchase, False


async def read_purchase(db: Database, caller: Caller, reference: str) -> tuple[Kept, list[Return]]:
    """A purchase with its returns. Raises NotFound."""
    id_ = purchase_id(caller.tenant, reference)
    async with db.begin(caller.tenant) as tx:
        known = (await purchases.get(tx, caller.tenant, [id_])).get(id_)
        if known is None or known.void or not caller.may_see(known.purchase.branch):
            raise _missing(reference)
        return known, (await purchases.returns_of(tx, caller.tenant, [id_])).get(id_, [])


def _missing(reference: str) -> NotFound:
    return NotFound(f"there is no purchase {reference!r}", detail_ru=f"нет покупки {reference!r}")
