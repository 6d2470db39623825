"""Use cases around API keys and customer tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_access.actions import signing
from otklik_access.actions.change import Actor, Change, change, database
from otklik_access.domain.kept import Kept, renewed
from otklik_access.domain.keys import (
    ApiKey,
    check_key,
    key_subject,
    revoked,
    rotated,
)
from otklik_access.domain.places import check_known
from otklik_access.domain.staff import by_group, check_gift, reach_of
from otklik_access.store import audit, keys, places
from otklik_access.store.keys import SeenKey
from otklik_common.callers import ALL_SCOPES
from otklik_common.errors import Forbidden, NotFound, Unprocessable
from otklik_common.events.access import KeyPurpose
from otklik_common.idempotency import Once, Reply
from otklik_common.ids import subject_id
from otklik_common.keys import TOKEN_LIFE, new_key
from otklik_common.module import Platform
from otklik_common.paging import Part

Told = Callable[[Kept[ApiKey]], Reply]

SEEN_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key and its text: the only time that the text is known."""

    kept: Kept[ApiKey]
    text: str


@dataclass(frozen=True, slots=True)
class WantedKey:
    """
    What a new key should be.

    Attributes:
        branches, groups: Both empty means the whole company.
        origins: Where browsers may use it from; empty means anywhere.
        demo: For the simulation.
    """

    name: str
    scopes: frozenset[str]
    purpose: KeyPurpose = KeyPurpose.API
    branches: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    expires_at: datetime | None = None
    demo: bool = False


@dataclass(frozen=True, slots=True)
class CustomerToken:
    """A token with which one customer's app sees that customer, and nobody else."""

    token: str
    expires_at: datetime
    customer: UUID


async def create_demo_key(platform: Platform, tenant: str) -> ShownKey:
    """
    Make the key with which the launcher lets the simulation in.

    No other way makes one: what it alone puts is taken out with the demo. Raises NotFound.
    """
    async with change(platform, Actor.console(tenant)) as this:
        return await make_key(this, WantedKey("demo", ALL_SCOPES, demo=True))


async def add_key(
    platform: Platform, actor: Actor, wanted: WantedKey, *, once: Once, told: Told
) -> ShownKey | Reply:
    """
    Make a key.

    Args:
        told: What is answered to a repetition of the request: a key is shown once.
    Raises:
        Unprocessable: A scope, branch or group is unknown, or the parts contradict each other.
        Forbidden: The actor would give more than they have.
    """
    async with change(platform, actor) as this:
        replayed = await once.replay(this.tx, actor)
        if replayed is not None:
            return replayed
        shown = await make_key(this, wanted)
        await once.keep(this.tx, told(shown.kept))
        return shown


async def make_key(this: Change, wanted: WantedKey) -> ShownKey:
    """The same within a change under way."""
    scopes = wanted.scopes
    await _check_gift(this, scopes, wanted.branches, wanted.groups)
    this.company.value.check_origins(wanted.origins)
    text, key_id, digest = new_key(this.actor.tenant)
    made = ApiKey(
        key_id=key_id,
        name=wanted.name,
        purpose=wanted.purpose,
        digest=digest,
        scopes=tuple(sorted(scopes)),
        branches=wanted.branches,
        groups=wanted.groups,
        origins=wanted.origins,
        created_at=this.now,
        expires_at=wanted.expires_at,
        demo=wanted.demo,
    )
    check_key(made)
    kept = await _put(this, None, made)
    this.note("make", "key", key_id)
    return ShownKey(kept, text)


async def _check_gift(
    this: Change, scopes: frozenset[str], branches: tuple[str, ...], groups: tuple[str, ...]
) -> None:
    unknown = sorted(scopes - ALL_SCOPES)
    if unknown:
        raise Unprocessable(f"no scope is called {', '.join(unknown)}", code="unknown_scope")
    tenant = this.actor.tenant
    known = await places.branch_codes(this.tx, tenant)
    check_known("branch", branches, known)
    check_known("branch_group", groups, await places.group_codes(this.tx, tenant))
    check_gift(
        scopes=scopes,
        own_scopes=this.actor.scopes,
        reach=reach_of(frozenset(branches), frozenset(groups), by_group(known)),
        own_reach=this.actor.reach,
    )


async def _put(this: Change, known: Kept[ApiKey] | None, value: ApiKey) -> Kept[ApiKey]:
    kept = renewed(known, value, this.now)
    if kept is None:
        assert known is not None
        return known
    await keys.put_key(this.tx, this.actor.tenant, kept)
    subject = key_subject(this.actor.tenant, value.key_id)
    this.publish(subject, kept, value.fact(), verb="revoked" if value.revoked_at else "made")
    return kept


async def page(platform: Platform, actor: Actor, part: Part) -> list[SeenKey]:
    """Keys that reach no further than the actor, the newest first."""
    async with database(platform).begin(actor.tenant) as tx:
        if actor.reach is None:
            return await keys.keys(tx, actor.tenant, part)
        reach = actor.reach
        groups = by_group(await places.branch_codes(tx, actor.tenant))
        within = frozenset(group for group, branches in groups.items() if branches <= reach)
        return await keys.keys_within(tx, actor.tenant, part, branches=reach, groups=within)


async def key(platform: Platform, actor: Actor, key_id: str) -> SeenKey:
    """One key. Raises NotFound, also where it reaches further than the actor."""
    async with database(platform).begin(actor.tenant) as tx:
        return await _seen(tx, actor, key_id)


async def _seen(tx: AsyncConnection, actor: Actor, key_id: str) -> SeenKey:
    seen = await keys.key(tx, actor.tenant, key_id)
    if seen is not None and actor.reach is not None:
        value = seen.kept.value
        groups = by_group(await places.branch_codes(tx, actor.tenant))
        reach = reach_of(frozenset(value.branches), frozenset(value.groups), groups)
        seen = seen if reach is not None and reach <= actor.reach else None
    if seen is None:
        raise NotFound(f"no key has the id {key_id}", detail_ru=f"нет ключа с номером {key_id}")
    return seen


async def rotate(
    platform: Platform,
    actor: Actor,
    key_id: str,
    *,
    overlap: timedelta,
    once: Once,
    told: Told,
) -> ShownKey | Reply:
    """
    Make the successor of a key; both live for `overlap`.

    Raises:
        NotFound, Conflict, Unprocessable, Forbidden: As the key's rules say.
    """
    async with change(platform, actor) as this:
        replayed = await once.replay(this.tx, actor)
        if replayed is not None:
            return replayed
        known = (await _seen(this.tx, actor, key_id)).kept
        text, next_id, digest = new_key(actor.tenant)
        old, new = rotated(
            known.value, key_id=next_id, digest=digest, now=this.now, overlap=overlap
        )
        await _check_gift(this, frozenset(new.scopes), new.branches, new.groups)
        await _put(this, known, old)
        kept = await _put(this, None, new)
        this.note("rotate", "key", key_id, ("rotated_to",))
        await once.keep(this.tx, told(kept))
        return ShownKey(kept, text)


async def revoke(platform: Platform, actor: Actor, key_id: str) -> Kept[ApiKey]:
    """End a key now; once more changes nothing. Raises NotFound."""
    async with change(platform, actor) as this:
        known = (await _seen(this.tx, actor, key_id)).kept
        value = revoked(known.value, this.now)
        if value == known.value:
            return known
        kept = await _put(this, known, value)
        this.note("revoke", "key", key_id)
        return kept


async def note_seen(platform: Platform, tenant: str, key_id: str, now: datetime) -> None:
    """Note that a key was used here, to the minute."""
    async with database(platform).begin(tenant) as tx:
        await keys.note_seen(tx, tenant, key_id, now=now, every=SEEN_EVERY)


async def customer_token(
    platform: Platform,
    actor: Actor,
    *,
    external_id: str,
    origins: tuple[str, ...],
    life: timedelta,
    now: datetime,
) -> CustomerToken:
    """
    A token for the app of the customer whom the company knows as `external_id`.

    Raises:
        Forbidden: The caller is no key, or one that does not reach the whole company.
        Unprocessable: An origin is outside those that the company allows.
    """
    if actor.reach is not None or not actor.principal.startswith("key:"):
        raise Forbidden(
            "this needs an API key with reach over the whole company",
            detail_ru="нужен ключ API с доступом ко всей компании",
        )
    async with database(platform).begin(actor.tenant) as tx:
        company = await places.company(tx, actor.tenant)
        if company is None:
            raise NotFound("no such company", detail_ru="такой компании нет")
        company.value.check_origins(origins)
        # Loyalty names a customer of that external id by the same pseudonym.
        pseudonym = platform.pseudonyms.external(actor.tenant, external_id)
        if pseudonym is None:
            raise Unprocessable(
                "the external id is blank", detail_ru="внешний номер пуст", code="no_customer"
            )
        subject = subject_id(actor.tenant, "customer", pseudonym)
        token = await signing.token(
            tx,
            platform,
            actor.tenant,
            purpose=KeyPurpose.CUSTOMER,
            subject=subject,
            now=now,
            life=min(life, TOKEN_LIFE),
            origins=origins or company.value.origins,
        )
        entry = audit.Entry(
            at=now,
            principal=actor.principal,
            action="make_customer_token",
            object_kind="customer",
            object_id=str(subject),
            request_id=actor.request_id,
        )
        await audit.append(tx, actor.tenant, [entry])
    return CustomerToken(token, now.replace(microsecond=0) + min(life, TOKEN_LIFE), subject)
