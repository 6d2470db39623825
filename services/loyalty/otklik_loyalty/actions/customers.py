"""Customers by their own name: created, edited, read, found."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common import outbox
from otklik_common.callers import Caller
from otklik_common.db import Database
from otklik_common.errors import Conflict, Forbidden, NotFound, Unprocessable
from otklik_common.etags import Expected
from otklik_common.pseudonym import Pseudonyms, Sealer
from otklik_loyalty.actions.identify import (
    Identified,
    Said,
    claim,
    enter,
    events_of,
    save,
    seal,
    settle,
    unseal,
)
from otklik_loyalty.domain.identity import Identities, Person
from otklik_loyalty.store import customers
from otklik_loyalty.store.customers import Kept

PERSONAL = ("name", "phone", "email")
PLAIN = ("branch", "segment")


class ExternalIdDiffers(Conflict):
    """The customer is known by another external id; strong ids that differ never merge."""

    code = "external_id_differs"


class ExternalIdTaken(Conflict):
    """The external id is another customer's."""

    code = "external_id_taken"


class BadPhone(Unprocessable):
    """The text is no phone number that identifies a person."""

    code = "bad_phone"


class BadEmail(Unprocessable):
    """The text is no e-mail address."""

    code = "bad_email"


@dataclass(frozen=True, slots=True)
class Means:
    """What customers' actions need besides the database: keys to find by and to seal with."""

    pseudonyms: Pseudonyms
    sealer: Sealer
    region: str = "RU"


@dataclass(frozen=True, slots=True)
class Profile:
    """A customer in the clear, for those who may read it."""

    id: UUID
    external_id: str | None
    name: str | None
    phone: str | None
    email: str | None
    branch: str | None
    segment: str | None
    created_at: datetime
    version: int


def said(
    means: Means,
    tenant: str,
    *,
    phone: str | None = None,
    email: str | None = None,
    external_id: str | None = None,
    at: datetime | None = None,
) -> Said | None:
    """
    The person that a body names; None if it names nobody.

    Raises:
        BadPhone, BadEmail: A value identifies nobody. The texts never repeat it.
    """
    person = Person(
        phone=means.pseudonyms.phone(tenant, phone, means.region),
        email=means.pseudonyms.email(tenant, email),
        external=means.pseudonyms.external(tenant, external_id),
    )
    if phone and person.phone is None:
        raise BadPhone(
            "the phone identifies nobody", detail_ru="по такому телефону не узнать человека"
        )
    if email and person.email is None:
        raise BadEmail("the e-mail is no address", detail_ru="это не адрес электронной почты")
    if not person.pseudonyms:
        return None
    external = external_id.strip() if external_id else None
    return Said(person, phone or None, email or None, external or None, at)


async def keep_customer(
    db: Database,
    means: Means,
    caller: Caller,
    reference: str,
    given: Mapping[str, str | None],
    *,
    expected: Expected,
) -> tuple[Profile, bool]:
    """
    Create a customer, or edit one; what is not in `given` stays as it is, None empties it.

    A changed phone or e-mail leads to the customer besides the former ones.

    Args:
        reference: The customer's id, else the company's own id of them.
        given: Of name, phone, email, external_id, branch, segment.
    Returns:
        The customer as they are now, and whether they are new.
    Raises:
        NotFound: They are out of the caller's reach.
        ExternalIdDiffers, ExternalIdTaken, PreconditionFailed, BadPhone, BadEmail
    """
    tenant = caller.tenant
    async with db.begin(tenant) as tx:
        target = await _by_id(tx, tenant, reference)
        external = given.get("external_id") if target else _one_external(reference, given)
        named = said(
            means,
            tenant,
            phone=given.get("phone"),
            email=given.get("email"),
            external_id=external,
        ) or Said(Person())
        found = await _locate(tx, tenant, named, target)
        _check_reach(caller, found, given)
        id_ = found.assigned[0].customer
        known = _standing(found, id_)
        if known is not None:
            expected.check(known.version)
        recorder = await outbox.recorder(tx, tenant)
        enter(
            found, named, found.assigned[0], tenant=tenant, seal_with=means.sealer, now=recorder.now
        )
        _edit(found, id_, given, means=means, tenant=tenant)
        await save(tx, tenant, found, now=recorder.now)
        await recorder.append(await events_of(tx, tenant, found))
        return profile(means, tenant, found.kept[id_]), known is None


async def _by_id(tx: AsyncConnection, tenant: str, reference: str) -> UUID | None:
    try:
        id_ = UUID(reference)
    except ValueError:
        return None
    kept = (await customers.get(tx, tenant, [id_])).get(id_)
    return None if kept is None or kept.void else id_


def _one_external(reference: str, given: Mapping[str, str | None]) -> str:
    if not reference.strip():
        raise Unprocessable(
            "the external id is blank", detail_ru="внешний номер пуст", code="blank_external_id"
        )
    also = given.get("external_id")
    if also is not None and also.strip() != reference.strip():
        raise ExternalIdDiffers(
            "the external id in the body is not the one in the address",
            detail_ru="внешний номер в теле запроса не тот, что в адресе",
        )
    return reference


async def _locate(tx: AsyncConnection, tenant: str, named: Said, target: UUID | None) -> Identified:
    # Without a target there is an external id: the one in the address.
    tentative = target or customers.external_subject(tenant, named.person.external or "")
    also = () if target is None else (target,)
    known, kept, claimed = await claim(tx, tenant, [named], [tentative], also=also)
    if target is None:
        assigned = known.assign(named.person, otherwise=tentative)
    else:
        _check_external(known, named.person, target)
        assigned = known.give(named.person, target)
    await settle(tx, tenant, claimed, [assigned])
    found = Identified([assigned], kept)
    if assigned.new:
        found.new.add(assigned.customer)
    return found


def _check_external(known: Identities, person: Person, target: UUID) -> None:
    if known.differs(target, person.external):
        raise ExternalIdDiffers(
            f"customer {target} is known by another external id",
            detail_ru=f"у клиента {target} другой внешний номер",
        )
    if person.external is not None and known.owners.get(person.external, target) != target:
        raise ExternalIdTaken(
            "the external id is another customer's",
            detail_ru="этот внешний номер у другого клиента",
        )


def _check_reach(caller: Caller, found: Identified, given: Mapping[str, str | None]) -> None:
    known = _standing(found, found.assigned[0].customer)
    if known is not None and not caller.may_see(known.branch):
        raise NotFound("there is no such customer", detail_ru="такого клиента нет")
    if (known is None or "branch" in given) and not caller.may_see(given.get("branch")):
        raise Forbidden(f"branch {given.get('branch')!r} is out of your reach")


def _standing(found: Identified, id_: UUID) -> Kept | None:
    """The customer as they stood before; None for one who is new, or was taken out."""
    known = found.kept.get(id_)
    return None if known is None or known.void else known


def _edit(
    found: Identified,
    id_: UUID,
    given: Mapping[str, str | None],
    *,
    means: Means,
    tenant: str,
) -> None:
    before = found.kept[id_]
    plain: dict[str, Any] = {
        n: given[n] for n in PLAIN if n in given and given[n] != getattr(before, n)
    }
    sealed: dict[str, Any] = {
        name: seal(means.sealer, tenant, name, given[name])
        for name in PERSONAL
        if name in given
        and given[name] != unseal(means.sealer, tenant, name, getattr(before, name))
    }
    if plain:
        found.learned.add(id_)
    if plain or sealed:
        found.edited.add(id_)
        found.kept[id_] = replace(before, **plain, **sealed)


async def read_customer(db: Database, means: Means, caller: Caller, reference: str) -> Profile:
    """A customer by id or external id. Raises NotFound."""
    async with db.begin(caller.tenant) as tx:
        kept = await find_customer(tx, means, caller, reference)
        return profile(means, caller.tenant, kept)


async def find_customer(tx: AsyncConnection, means: Means, caller: Caller, reference: str) -> Kept:
    """The row of a customer by id or external id. Raises NotFound, also when out of reach."""
    id_ = await _by_id(tx, caller.tenant, reference)
    if id_ is None:
        external = means.pseudonyms.external(caller.tenant, reference)
        known = await customers.owners(tx, caller.tenant, [external] if external else [])
        id_ = known.get(external or "")
    kept = None if id_ is None else (await customers.get(tx, caller.tenant, [id_])).get(id_)
    if kept is None or kept.void or not caller.may_see(kept.branch):
        raise NotFound("there is no such customer", detail_ru="такого клиента нет")
    return kept


async def search_customers(
    db: Database, means: Means, caller: Caller, named: Said | None
) -> list[Profile]:
    """
    Customers within reach who are known by any of the phone, e-mail and external id.

    One who was named by a phone that leads to somebody else is found as well.
    """
    if named is None:
        return []
    async with db.begin(caller.tenant) as tx:
        ids = await customers.holders(tx, caller.tenant, named.person.pseudonyms)
        kept = await customers.get(tx, caller.tenant, ids)
    return [
        profile(means, caller.tenant, kept[id_])
        for id_ in sorted(kept)
        if not kept[id_].void and caller.may_see(kept[id_].branch)
    ]


def profile(means: Means, tenant: str, kept: Kept) -> Profile:
    """The row in the clear."""

    def clear(column: str) -> str | None:
        return unseal(means.sealer, tenant, column, getattr(kept, column))

    return Profile(
        id=kept.id,
        external_id=clear("external"),
        name=clear("name"),
        phone=clear("phone"),
        email=clear("email"),
        branch=kept.branch,
        segment=kept.segment,
        created_at=kept.created_at,
        version=kept.version,
    )
